//! WebDAV, asked by clients.

mod fronts;
mod litmus;
mod protocol;
mod server;
