//! Files and folders on a real disk and a real PostgreSQL.

mod earlier;
mod publish;
mod tree;
mod writing;
