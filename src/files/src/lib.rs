//! The box's file cloud.
//!
//! | module | subject |
//! |---|---|
//! | [`storage`] | files and folders: real ones on the disk, and what the database knows of them |
//! | `testing` | a box of its own for tests (feature `testing`) |

pub mod storage;
#[cfg(feature = "testing")]
pub mod testing;
