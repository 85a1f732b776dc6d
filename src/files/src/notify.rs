//! Telling systemd that the program is ready (sd_notify(3), without its library).

use std::env;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::{SocketAddr, UnixDatagram};

use anyhow::{Context as _, Result};

/// Says `READY=1` to the service manager; nothing where none listens.
///
/// # Errors
/// When the manager's socket cannot be reached.
pub fn ready() -> Result<()> {
    let Some(path) = env::var_os("NOTIFY_SOCKET") else { return Ok(()) };
    let path = path.to_string_lossy();
    let address = match path.strip_prefix('@') {
        Some(name) => SocketAddr::from_abstract_name(name),
        None => SocketAddr::from_pathname(path.as_ref()),
    };
    let send = || UnixDatagram::unbound()?.send_to_addr(b"READY=1", &address?);
    send().context("telling systemd that the program is ready")?;
    Ok(())
}
