//! The official client of Nextcloud against the box's files, and what it is answered.

mod answers;
mod client;
mod desktop;
mod large;
mod links;
mod login;
mod many;
mod previews;
mod server;
mod sync;
