//! `mazetd console`: what stands on the box's screen.
//!
//! In the live system: how to reach the wizard, and the claim code. On an installed box: its
//! address, and the fingerprint of its authority. Redrawn when the kernel reports that a link or an
//! address changed; it sleeps else.

mod network;
mod screen;

use std::fs;
use std::io::{IsTerminal as _, Write as _};
use std::path::Path;

use anyhow::{Context, Result};
use mazet_model::fault::Fault;
use rustix::io::Errno;

use self::screen::Code;
use crate::advance::Advance;
use crate::broker::CODE_FILE;
use crate::protocol::Mode;
use crate::run::Runner;
use crate::{alarm, clock, system, tls};

/// Mistakes in `mazet.toml` that a screen shows; the wizard shows all.
const MISTAKES: usize = 5;
/// Characters of a notice: a text screen has 80, two are the margin.
const WIDTH: usize = 77;

/// Said when no time server answered a machine without a clock.
const CLOCK: [&str; 2] = [
    "Heure non réglée : aucun serveur de temps n'a répondu.",
    "The clock is not set: no time server answered.",
];

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
            match draw(&text) {
                // The kernel names serial ports that the machine has not: nothing to show there.
                Err(error) if error.raw_os_error() == Some(Errno::IO.raw_os_error()) => return Ok(()),
                drawn => drawn.context("writing to the terminal")?,
            }
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
    let advance = if live { Advance::kept() } else { Advance::default() };
    let code = match advance.answers.machine.claim_code_hash {
        _ if !live => None,
        Some(_) => Some(Code::Given),
        None => Some(Code::Shown(fs::read_to_string(CODE_FILE).context("reading the claim code")?)),
    };
    let mut notices = mistakes(&advance.faults);
    if live && clock::could_not_be_set() {
        notices.extend(CLOCK.map(str::to_owned));
    }
    if !live {
        // Of a console's characters alone, on lines that fit.
        notices.extend(alarm::shown(Path::new("/")).iter().map(|line| fitting(line)));
    }
    let authority = Path::new(tls::FOLDER).join(tls::AUTHORITY);
    // A box of an earlier version has none before it is applied for the first time.
    let authority = (!live).then(|| tls::Certificate::read(&authority).ok()).flatten();
    let fingerprint = authority.map(|certificate| certificate.fingerprint());
    Ok(screen::Content { name, code, fingerprint, notices, network: network::look(runner)? })
}

/// Mistakes in the answers given in advance: the first few, each on a line that fits.
fn mistakes(faults: &[Fault]) -> Vec<String> {
    if faults.is_empty() {
        return Vec::new();
    }
    let count = faults.len();
    let mut lines =
        vec![format!("mazet.toml : {count} erreur(s), laissée(s) de côté / {count} mistake(s), left out")];
    let place = |fault: &Fault| format!("{}:{}:{}: {}", fault.file, fault.line, fault.column, fault.message);
    lines.extend(faults.iter().take(MISTAKES).map(|fault| fitting(&place(fault))));
    lines
}

/// In characters that the kernel's own console font has, as many as fit.
fn fitting(line: &str) -> String {
    let plain = |c| match c {
        '’' => '\'',
        '“' | '”' => '"',
        other => other,
    };
    line.chars().filter(|c| !c.is_control()).map(plain).take(WIDTH).collect()
}

/// A screen is cleared; a serial line's log keeps what was there.
fn draw(text: &str) -> std::io::Result<()> {
    let mut out = std::io::stdout().lock();
    let is_screen = out.is_terminal() && std::env::var("TERM").is_ok_and(|term| term == "linux");
    let clear = if is_screen { "\x1b[2J\x1b[H" } else { "\n" };
    let text = text.replace('\n', "\r\n");
    write!(out, "{clear}{text}").and_then(|()| out.flush())
}
