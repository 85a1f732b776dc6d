//! The build tool's parts, as a library, so that integration tests reach them.
//!
//! | module | subject |
//! |---|---|
//! | [`doctor`] | what this host lacks, and the command that mends it |

pub mod doctor;
