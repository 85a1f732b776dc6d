//! WebDAV, asked by clients.

mod cadaver;
mod fronts;
mod litmus;
mod protocol;
mod server;
