//! Secrets, from standard input: they stand on no command line, and no terminal shows them while they are
//! typed.

use std::future::poll_fn;
use std::io::{self, BufRead, IsTerminal as _, Read as _};
use std::os::fd::{AsFd as _, OwnedFd};
use std::task::Poll;
use std::thread;

use anyhow::{Context as _, Result};
use rustix::termios::{self, LocalModes, OptionalActions, SpecialCodeIndex, Termios};
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Exit code of who was interrupted.
const INTERRUPTED: i32 = 130;

/// How much of what is typed is the secret. What comes through a pipe is all of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Much {
    /// One line.
    Line,
    /// Every line until the end, which Ctrl-D tells.
    Lines,
}

/// The secret, without its last line break. `asked` is what a person at a terminal is asked for.
///
/// # Errors
/// When standard input cannot be read, or the terminal be told to show nothing.
pub fn read(asked: &str, much: Much) -> Result<String> {
    let mut input = io::stdin().lock();
    if !input.is_terminal() {
        let mut secret = String::new();
        input.read_to_string(&mut secret).context("reading standard input")?;
        return Ok(without_break(&secret));
    }
    let end = if much == Much::Lines { ", then Ctrl-D on a line of its own" } else { "" };
    let terminal = input.as_fd().try_clone_to_owned().context("holding the terminal")?;
    let ends = Ends::catch()?;
    let quiet = Quiet::begin(terminal)?;
    ends.restore(quiet.again()?);
    eprint!("{asked}{end} (nothing is shown): ");
    let secret = typed(&mut input, much);
    drop(quiet);
    eprintln!();
    secret
}

fn typed(input: &mut impl BufRead, much: Much) -> Result<String> {
    let mut secret = String::new();
    match much {
        Much::Line => input.read_line(&mut secret),
        Much::Lines => input.read_to_string(&mut secret),
    }
    .context("reading from the terminal")?;
    Ok(without_break(&secret))
}

fn without_break(text: &str) -> String {
    text.trim_end_matches(['\r', '\n']).to_owned()
}

/// A terminal that does not show what is typed, until this is dropped.
struct Quiet {
    terminal: OwnedFd,
    before: Termios,
}

impl Quiet {
    fn begin(terminal: OwnedFd) -> Result<Self> {
        let before = termios::tcgetattr(&terminal).context("asking how the terminal is set")?;
        let mut quiet = before.clone();
        quiet.local_modes.remove(LocalModes::ECHO | LocalModes::ECHONL);
        // Nobody is left in a shell that shows nothing.
        quiet.special_codes[SpecialCodeIndex::VSUSP] = 0;
        // What was typed ahead was shown.
        termios::tcsetattr(&terminal, OptionalActions::Flush, &quiet)
            .context("having the terminal show nothing")?;
        Ok(Self { terminal, before })
    }

    fn again(&self) -> Result<Self> {
        let terminal = self.terminal.try_clone().context("holding the terminal")?;
        Ok(Self { terminal, before: self.before.clone() })
    }
}

/// What ends this program, caught from when this is made.
struct Ends {
    runtime: Runtime,
    signals: Vec<Signal>,
}

impl Ends {
    fn catch() -> Result<Self> {
        let runtime = Builder::new_current_thread().enable_all().build().context("listening for signals")?;
        let signals = {
            let _context = runtime.enter();
            let kinds =
                [SignalKind::interrupt(), SignalKind::terminate(), SignalKind::hangup(), SignalKind::quit()];
            kinds.into_iter().map(signal).collect::<io::Result<_>>().context("listening for signals")?
        };
        Ok(Self { runtime, signals })
    }

    /// Restores the terminal when one comes, and ends the program.
    fn restore(mut self, quiet: Quiet) {
        thread::spawn(move || {
            self.runtime.block_on(poll_fn(|context| {
                // All are asked, so that each wakes us.
                let came: Vec<bool> =
                    self.signals.iter_mut().map(|one| one.poll_recv(context).is_ready()).collect();
                if came.contains(&true) { Poll::Ready(()) } else { Poll::Pending }
            }));
            drop(quiet);
            eprintln!();
            std::process::exit(INTERRUPTED);
        });
    }
}

impl Drop for Quiet {
    fn drop(&mut self) {
        // What was pasted behind the secret does not reach the shell. A terminal that is gone shows nothing.
        let _ = termios::tcsetattr(&self.terminal, OptionalActions::Flush, &self.before);
    }
}

#[cfg(test)]
mod tests {
    use std::fs::{File, OpenOptions};
    use std::io::{BufReader, Write as _};
    use std::os::fd::AsFd;
    use std::os::unix::fs::OpenOptionsExt as _;

    use rustix::fs::OFlags;
    use rustix::pty::{self, OpenptFlags};

    use super::*;

    /// A terminal: the side of the person, and that of the program.
    fn terminal() -> (File, File) {
        let person = pty::openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("a terminal");
        pty::grantpt(&person).expect("granted");
        pty::unlockpt(&person).expect("unlocked");
        let path = pty::ptsname(&person, Vec::new()).expect("named").into_string().expect("UTF-8");
        let flags = i32::try_from(OFlags::NOCTTY.bits()).expect("a flag");
        let program =
            OpenOptions::new().read(true).write(true).custom_flags(flags).open(path).expect("opened");
        (person.into(), program)
    }

    fn shows(terminal: &impl AsFd) -> bool {
        termios::tcgetattr(terminal).expect("asked").local_modes.contains(LocalModes::ECHO)
    }

    #[test]
    fn what_is_typed_is_read_and_not_shown() {
        for (much, given, secret) in [
            (Much::Line, "tramontane 71\n", "tramontane 71"),
            (Much::Lines, "TOKEN=s3cret\nZONE=x\n\u{4}", "TOKEN=s3cret\nZONE=x"),
        ] {
            let (mut person, mut program) = terminal();
            assert!(shows(&program));
            let quiet = Quiet::begin(program.try_clone().expect("cloned").into()).expect("quiet");
            assert!(!shows(&program));
            person.write_all(given.as_bytes()).expect("typed");
            let mut input = BufReader::new(program.try_clone().expect("cloned"));
            assert_eq!(typed(&mut input, much).expect("read"), secret);
            drop(quiet);
            assert!(shows(&program), "it shows again what is typed");
            program.write_all(b"end").expect("written");
            let mut shown = [0; 64];
            let count = std::io::Read::read(&mut person, &mut shown).expect("shown");
            assert_eq!(std::str::from_utf8(&shown[..count]), Ok("end"));
        }
    }
}
