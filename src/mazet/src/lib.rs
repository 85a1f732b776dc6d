//! The build tool's parts, as a library, so that integration tests reach them.
//!
//! | module | subject |
//! |---|---|
//! | [`cache`] | how large the cache is; cleaning it |
//! | [`doctor`] | what this host lacks, and the command that mends it |
//! | [`generate`] | man pages, completions, JSON Schemas |
//! | [`inspect`] | what is in a finished image |
//! | [`sbom`] | the software bill of materials |
//! | [`timings`] | where a build's time goes |

pub mod cache;
pub mod doctor;
pub mod generate;
pub mod inspect;
pub mod sbom;
pub mod timings;
