//! Files and folders on a real disk and a real PostgreSQL.

mod publish;
mod tree;
mod writing;
