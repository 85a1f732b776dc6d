//! The sockets that systemd hands over (`LISTEN_FDS`, `LISTEN_FDNAMES`; sd_listen_fds(3)).
//!
//! | name | socket | served as |
//! |---|---|---|
//! | `https` | TCP | TLS, the wizard in the live system |
//! | `http` | TCP | plain HTTP that only sends visitors to HTTPS |
//! | `web` | Unix | plain HTTP behind the installed box's front web server |
//! | `access` | TCP, loopback | what that server asks before it answers |
//!
//! A TCP socket with another name is told by its port: 80 is `http`, everything else `https`.

use std::net::TcpListener;
use std::os::unix::net::UnixListener;

use anyhow::{Context, bail};
use listenfd::ListenFd;

use crate::protocol::Mode;

/// A socket that connections come in at, not yet with the runtime.
pub enum Socket {
    /// TLS.
    Https(TcpListener),
    /// Plain, redirected.
    Http(TcpListener),
    /// Behind the front web server.
    Web(UnixListener),
    /// Asked by the front web server.
    Access(TcpListener),
}

/// All sockets that were handed over.
///
/// # Errors
/// None was, or one is of the wrong kind.
pub fn from_systemd() -> anyhow::Result<Vec<Socket>> {
    let names = std::env::var("LISTEN_FDNAMES").unwrap_or_default();
    let names: Vec<&str> = names.split(':').collect();
    let mut passed = ListenFd::from_env();
    let sockets: Vec<Socket> = (0..passed.len())
        .map(|index| take(&mut passed, index, names.get(index).copied().unwrap_or_default()))
        .collect::<anyhow::Result<_>>()?;
    if sockets.is_empty() {
        bail!("no socket was handed over: start mazetd web from its systemd socket unit");
    }
    Ok(sockets)
}

fn take(passed: &mut ListenFd, index: usize, name: &str) -> anyhow::Result<Socket> {
    let what = || format!("taking the socket {index} ({name}) from systemd");
    if name == "web" {
        let listener = passed.take_unix_listener(index).with_context(what)?.with_context(what)?;
        return Ok(Socket::Web(listener));
    }
    let listener = passed.take_tcp_listener(index).with_context(what)?.with_context(what)?;
    let port = listener.local_addr().with_context(what)?.port();
    if name == "access" {
        return Ok(Socket::Access(listener));
    }
    Ok(if name == "http" || (name != "https" && port == 80) {
        Socket::Http(listener)
    } else {
        Socket::Https(listener)
    })
}

/// A box that answers browsers itself is live; one behind a front web server is installed.
pub fn mode(sockets: &[Socket]) -> Mode {
    if sockets.iter().any(|socket| matches!(socket, Socket::Web(_))) { Mode::Installed } else { Mode::Live }
}
