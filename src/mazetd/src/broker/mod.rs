//! `mazetd broker`: the half with privileges and without network.
//!
//! | module | subject |
//! |---|---|
//! | [`claim`] | the claim code and its limits |
//! | [`answers`] | the wizard's answers, kept over a power cut |
//! | [`offers`] | what the installed box offers to its members |
//! | [`order`] | answers checked and turned into an order to install |
//! | [`password`] | hashing the operator's password |
//! | [`sites`] | web sites: orders written down, archives opened |
//! | [`profiles`] | files with which programs set themselves up |
//! | [`source`] | where a backup is that is put back, and what opens it |
//! | [`server`] | the socket: who may ask, one request a line |
//! | [`state`] | what each request does |

pub mod answers;
mod claim;
pub mod offers;
mod order;
mod password;
mod profiles;
mod server;
mod sites;
pub mod source;
mod state;

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};

pub use claim::CODE_FILE;
pub use order::wifi;
#[cfg(test)]
pub use server::beside;

use crate::advance::Advance;
use crate::protocol::{Mode, SOCKET};
use crate::{files, notify, system, tls};

/// Group that may ask the broker.
const GROUP: &str = "mazetd";

/// Serves requests until stopped.
///
/// # Errors
/// When the claim code or the certificate cannot be made or the socket not be bound.
pub fn run() -> Result<()> {
    let root = Path::new("/");
    let group = files::group_id(root, GROUP)?;
    let user = files::user_id(root, GROUP)?;
    files::make_folder(Path::new("/run/mazet"), 0o700)?;
    let mode = system::mode();
    if mode == Mode::Live {
        // The web half is not root: it must pass to its certificate and to nothing else.
        files::make_folder(Path::new("/run/mazet"), 0o711)?;
    }
    let advance = Advance::kept();
    if mode == Mode::Live {
        let name = advance.live_settings().machine.name;
        tls::ensure(Path::new(tls::LIVE_FOLDER), &name, Some(group))?;
    }
    let state = state::State::new(mode, advance)?;
    let socket = Path::new(SOCKET);
    let listener = server::bind(socket, group)?;
    notify::ready()?;
    server::serve(&listener, user, &state)
}

/// Removes a socket that a stopped broker left.
fn remove_stale(socket: &Path) -> Result<()> {
    match fs::remove_file(socket) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("removing {}", socket.display()))
        }
        _ => Ok(()),
    }
}
