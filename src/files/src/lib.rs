//! The box's file cloud.
//!
//! | module | subject |
//! |---|---|
//! | [`app`] | what answers |
//! | [`serve`] | connections |
//! | [`access`] | who asks |
//! | [`storage`] | files and folders: real ones on the disk, and what the database knows of them |
//! | [`client`], [`notify`] | asking the running program; telling systemd that it runs |
//! | [`dav`] | WebDAV (RFC 4918) over a person's view |
//! | `testing` | a box of its own for tests (feature `testing`) |

pub mod access;
pub mod app;
pub mod client;
pub mod dav;
pub mod notify;
pub mod serve;
pub mod storage;
#[cfg(feature = "testing")]
pub mod testing;
