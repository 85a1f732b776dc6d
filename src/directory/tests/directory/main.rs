//! The directory on a real PostgreSQL.

mod audit;
mod exchange;
mod permission;
mod records;
mod signing_in;
mod test_box;
