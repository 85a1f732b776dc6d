//! The build tool's parts, as a library, so that integration tests reach them.
//!
//! | module | subject |
//! |---|---|
//! | [`recipe`] | recipes from the disk: loaded, checked, shown |
//! | [`doctor`] | what this host lacks, and the command that mends it |

pub mod doctor;
pub mod recipe;
