//! WebDAV, asked by clients.

mod litmus;
mod protocol;
mod server;
