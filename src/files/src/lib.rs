//! The box's file cloud.
//!
//! | module | subject |
//! |---|---|
//! | [`app`] | what answers |
//! | [`serve`] | connections |
//! | [`access`] | who asks |
//! | [`pages`] | what people see in a browser |
//! | [`shares`] | links that open a file or folder to who has them |
//! | [`pictures`] | small pictures of pictures |
//! | [`nextcloud`] | what the official Nextcloud clients need to sync |
//! | [`storage`] | files and folders: real ones on the disk, and what the database knows of them |
//! | [`serve`], [`rest`] | connections; what a client still sends when its answer is known |
//! | [`snapshots`] | the data as it was: taken and thinned by root |
//! | [`client`], [`notify`] | asking the running program; telling systemd that it runs |
//! | [`dav`] | WebDAV (RFC 4918) over a person's view |
//! | `testing` | a box of its own for tests (feature `testing`) |
//! | [`uploads`] | uploads in pieces, which go on where they stopped |

pub mod access;
pub mod app;
pub mod client;
pub mod dav;
pub mod nextcloud;
pub mod notify;
pub mod pages;
pub mod pictures;
pub mod rest;
pub mod serve;
pub mod shares;
pub mod snapshots;
pub mod storage;
#[cfg(feature = "testing")]
pub mod testing;
pub mod uploads;
