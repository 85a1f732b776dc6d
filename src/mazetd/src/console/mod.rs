//! `mazetd console`: what stands on the box's screen.
//!
//! In the live system: how to reach the wizard, and the claim code. On an installed box: its
//! address. Redrawn when the kernel reports that a link or an address changed; it sleeps else.

mod network;
mod screen;

use std::fs;
use std::io::{IsTerminal as _, Write as _};

use anyhow::{Context, Result};

use crate::broker::CODE_FILE;
use crate::protocol::Mode;
use crate::run::Runner;
use crate::system;

/// Shows the screen on standard output until stopped.
///
/// # Errors
/// When the terminal cannot be written, or the kernel not be listened to.
pub fn run(runner: &Runner) -> Result<()> {
    // Listening begins before the first look: no change falls between them.
    let changes = network::Changes::listen()?;
    let mut shown = String::new();
    loop {
        let text = screen::text(&content(runner)?);
        if text != shown {
            draw(&text)?;
            shown = text;
        }
        changes.wait()?;
    }
}

fn content(runner: &Runner) -> Result<screen::Content> {
    let live = system::mode() == Mode::Live;
    let name = match fs::read_to_string("/etc/hostname") {
        Ok(name) => name.trim().to_owned(),
        Err(_) => "mazet".to_owned(),
    };
    let code =
        if live { Some(fs::read_to_string(CODE_FILE).context("reading the claim code")?) } else { None };
    Ok(screen::Content { name, code, network: network::look(runner)? })
}

/// A screen is cleared; a serial line's log keeps what was there.
fn draw(text: &str) -> Result<()> {
    let mut out = std::io::stdout().lock();
    let is_screen = out.is_terminal() && std::env::var("TERM").is_ok_and(|term| term == "linux");
    let clear = if is_screen { "\x1b[2J\x1b[H" } else { "\n" };
    let text = text.replace('\n', "\r\n");
    write!(out, "{clear}{text}").and_then(|()| out.flush()).context("writing to the terminal")
}
