//! The serial line: cleaned text to wait on, the raw log on disk.

use std::fs::File;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread;
use std::time::Duration;

use crate::error::BootError;
use crate::feed::{Feed, Nothing};

/// What a guest says on its first serial port.
#[derive(Debug)]
pub struct Serial {
    text: Arc<Feed<String>>,
    log: PathBuf,
}

impl Serial {
    /// Reads `socket` to its end, into the file `log` as it comes and into a text without
    /// control sequences; with `echo` on standard error too.
    ///
    /// # Errors
    /// When the log cannot be made.
    pub fn new(socket: UnixStream, log: &Path, echo: bool) -> Result<Self, BootError> {
        let mut file = File::create(log).map_err(BootError::file("creating", log))?;
        let text = Arc::new(Feed::<String>::default());
        let written = Arc::clone(&text);
        thread::spawn(move || {
            let mut cleaner = Cleaner::default();
            let mut socket = socket;
            let mut bytes = [0; 4096];
            while let Ok(count @ 1..) = socket.read(&mut bytes) {
                // A full disk must not stop the guest; the text in memory goes on.
                let _ = file.write_all(&bytes[..count]);
                let clean = cleaner.clean(&bytes[..count]);
                if echo {
                    let _ = std::io::stderr().write_all(clean.as_bytes());
                }
                written.change(|text| text.push_str(&clean));
            }
            written.end();
        });
        Ok(Self { text, log: log.to_owned() })
    }

    /// The raw log.
    pub fn log(&self) -> &Path {
        &self.log
    }

    /// All text so far.
    pub fn text(&self) -> String {
        self.text.look(Clone::clone)
    }

    /// Looks at the text without copying it.
    pub fn look<R>(&self, look: impl FnOnce(&str) -> R) -> R {
        self.text.look(|text| look(text))
    }

    /// Waits until `find` finds something in the text.
    ///
    /// # Errors
    /// When the time is up or the guest's line is closed.
    pub fn wait<R>(&self, patience: Duration, mut find: impl FnMut(&str) -> Option<R>) -> Result<R, Nothing> {
        self.text.wait(patience, |text| find(text))
    }
}

/// Takes terminal control sequences out of a stream that comes in arbitrary pieces.
#[derive(Debug, Default)]
pub struct Cleaner {
    state: State,
    /// Bytes of a UTF-8 character not complete yet.
    pending: Vec<u8>,
}

#[derive(Debug, Default, Clone, Copy)]
enum State {
    #[default]
    Text,
    /// After ESC.
    Escape,
    /// Within `ESC [ …`, up to its final letter.
    Control,
    /// Within `ESC ] …`, up to BEL or `ESC \`.
    Command,
}

impl Cleaner {
    /// The plain text of the next piece; line ends are `\n`.
    pub fn clean(&mut self, piece: &[u8]) -> String {
        for &byte in piece {
            self.byte(byte);
        }
        let whole = match std::str::from_utf8(&self.pending) {
            Ok(_) => self.pending.len(),
            Err(error) if error.error_len().is_none() => error.valid_up_to(),
            Err(_) => self.pending.len(),
        };
        let rest = self.pending.split_off(whole);
        let bytes = std::mem::replace(&mut self.pending, rest);
        String::from_utf8_lossy(&bytes).into_owned()
    }

    fn byte(&mut self, byte: u8) {
        self.state = match (self.state, byte) {
            (State::Text | State::Command, 0x1B) => State::Escape,
            (State::Text, b'\n' | b'\t' | b' '..) if byte != 0x7F => {
                self.pending.push(byte);
                State::Text
            }
            (State::Text, _) => State::Text,
            (State::Escape, b'[') => State::Control,
            (State::Escape, b']') => State::Command,
            (State::Control, 0x40..=0x7E) => self.moved(byte),
            (State::Control, _) => State::Control,
            (State::Command, 0x07) | (State::Escape, _) => State::Text,
            (State::Command, _) => State::Command,
        };
    }

    /// Firmware and GRUB place text by cursor movements where others write a line end.
    fn moved(&mut self, last: u8) -> State {
        if matches!(last, b'H' | b'f' | b'J') && self.pending.last().is_some_and(|byte| *byte != b'\n') {
            self.pending.push(b'\n');
        }
        State::Text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cleaned(pieces: &[&[u8]]) -> String {
        let mut cleaner = Cleaner::default();
        pieces.iter().map(|piece| cleaner.clean(piece)).collect()
    }

    #[test]
    fn colours_and_titles_vanish() {
        let text = b"[\x1b[0;32m  OK  \x1b[0m] Started\x1b]0;title\x07 x\r\n";
        assert_eq!(cleaned(&[text]), "[  OK  ] Started x\n");
    }

    #[test]
    fn pieces_may_split_anywhere() {
        assert_eq!(cleaned(&[b"a\x1b", b"[3", b"1mb\xc3", b"\xa9"]), "ab\u{e9}");
    }

    #[test]
    fn a_cursor_movement_ends_a_line() {
        assert_eq!(cleaned(&[b"BdsDxe\x1b[02;01Hnext\x1b[03;01H"]), "BdsDxe\nnext\n");
    }

    #[test]
    fn the_log_is_raw_and_the_text_is_clean() {
        let folder = tempfile::tempdir().expect("folder");
        let log = folder.path().join("serial.log");
        let (ours, mut theirs) = UnixStream::pair().expect("sockets");
        let serial = Serial::new(ours, &log, false).expect("log");
        theirs.write_all(b"\x1b[1mLinux version 6\x1b[0m\n").expect("write");
        let found = serial.wait(Duration::from_secs(10), |text| text.contains("6\n").then_some(()));
        assert_eq!(found, Ok(()));
        drop(theirs);
        assert_eq!(serial.wait(Duration::from_secs(10), |_| None::<()>), Err(Nothing::Ended));
        assert_eq!(serial.text(), "Linux version 6\n");
        assert_eq!(std::fs::read(&log).expect("log"), b"\x1b[1mLinux version 6\x1b[0m\n");
    }
}
