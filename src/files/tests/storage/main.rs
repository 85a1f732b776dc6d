//! Files and folders on a real disk and a real PostgreSQL.

mod tree;
mod writing;
