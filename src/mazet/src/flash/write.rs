//! Writing one stick so that it boots only when every byte on it has been read back.
//!
//! 1. The first mebibyte is overwritten with a note that says *unfinished*, the last one with
//!    zeros (an older partition table's copy): from here on nothing boots from the stick.
//! 2. Every used block but those of the first mebibyte is written.
//! 3. All of these are read back and compared with the image.
//! 4. The first mebibyte is written, read back and compared. If it differs, the note comes back.

use std::io::{self, Read, SeekFrom};
use std::ops::Range;
use std::sync::atomic::{AtomicBool, Ordering};

use super::buffer::Buffer;
use super::fault::Fault;
use super::medium::Medium;
use super::progress::{Phase, Progress};
use super::ranges::Ranges;
use super::source::{Checked, Patched, Patches, Source};
use crate::release::bmap::Mapped;

/// What is written last: without partition table and boot sector, nothing boots.
pub const HEAD: u64 = 1 << 20;
/// Bytes written at once.
const CHUNK: u64 = 4 << 20;
/// Direct I/O wants whole sectors.
const SECTOR: u64 = 512;
/// Where the note stands: away from where boot sector and partition tables are looked for.
const NOTE_AT: usize = 64 << 10;
/// What stands on a stick that was not finished.
pub const NOTE: &[u8] = b"mazet flash: this stick is unfinished and does not boot. Flash it again.\n";

/// What is written.
#[derive(Clone, Copy)]
pub struct Content<'a> {
    /// The image.
    pub source: &'a dyn Source,
    /// Its size in bytes.
    pub size: u64,
    /// What of it is used, patches included.
    pub used: &'a Ranges,
    /// Sums to compare it with on the way.
    pub sums: &'a [Mapped],
    /// Blocks that replace its own.
    pub patches: &'a Patches,
}

impl<'a> Content<'a> {
    fn open(&self) -> Result<Stream<'a>, Fault> {
        let inner = self.source.open().map_err(|source| Fault::Image { offset: 0, source })?;
        let inner = Patched::new(Checked::new(inner, self.sums), self.patches);
        Ok(Stream { inner: Box::new(inner), used: self.used, position: 0 })
    }
}

/// The used pieces of an image, in order.
struct Stream<'a> {
    inner: Box<dyn Read + 'a>,
    used: &'a Ranges,
    position: u64,
}

impl Stream<'_> {
    /// Fills the beginning of `buffer` with the next piece and gives its place; none at the end.
    /// Pieces do not cross a multiple of [`HEAD`].
    fn next(&mut self, buffer: &mut [u8]) -> Result<Option<Range<u64>>, Fault> {
        let most = if self.position < HEAD { HEAD } else { CHUNK };
        let piece = self.used.piece_after(self.position, most);
        let Some(piece) = piece else {
            // To the end, so that the last sums are compared too.
            self.skip(u64::MAX)?;
            return Ok(None);
        };
        self.skip(piece.start - self.position)?;
        let length = usize::try_from(piece.end - piece.start).unwrap_or(buffer.len());
        let offset = self.position;
        let read = self.inner.read_exact(&mut buffer[..length]);
        read.map_err(|source| Fault::Image { offset, source })?;
        self.position = piece.end;
        Ok(Some(piece))
    }

    fn skip(&mut self, bytes: u64) -> Result<(), Fault> {
        let offset = self.position;
        let skipped = io::copy(&mut (&mut self.inner).take(bytes), &mut io::sink());
        self.position += skipped.map_err(|source| Fault::Image { offset, source })?;
        Ok(())
    }
}

/// A stick being written.
pub struct Writer<'a, M> {
    medium: &'a mut M,
    stop: &'a AtomicBool,
    watch: &'a mut dyn FnMut(Progress),
}

impl<'a, M: Medium> Writer<'a, M> {
    /// Writes to `medium` until done, or until `stop` is set; `watch` hears of every piece.
    pub fn new(medium: &'a mut M, stop: &'a AtomicBool, watch: &'a mut dyn FnMut(Progress)) -> Self {
        Self { medium, stop, watch }
    }

    /// Writes `content`: the steps at the head of this module.
    ///
    /// # Errors
    /// A [`Fault`]; the stick does not boot then.
    pub fn run(&mut self, content: Content<'_>) -> Result<(), Fault> {
        let has = self.medium.size().map_err(|source| Fault::ReadBack { offset: 0, source })?;
        if has < content.size {
            return Err(Fault::TooSmall { has, needs: content.size });
        }
        self.unboot(has)?;
        let head = self.body(content)?;
        self.sync(content.size)?;
        self.read_back(content)?;
        self.finish(&head, has)
    }

    /// Step 1. Also finds out sticks that keep nothing.
    fn unboot(&mut self, size: u64) -> Result<(), Fault> {
        let tail = size.saturating_sub(HEAD).max(HEAD.min(size)) / SECTOR * SECTOR;
        let end = size / SECTOR * SECTOR;
        self.write(tail..end, &Buffer::new(length(&(tail..end))))?;
        let head = 0..HEAD.min(end);
        let note = unfinished(length(&head));
        self.write(head.clone(), &note)?;
        self.sync(0)?;
        let mut back = Buffer::new(note.len());
        self.compare(head, &note, &mut back)
    }

    /// Step 2; gives the first mebibyte, to be written last.
    fn body(&mut self, content: Content<'_>) -> Result<Buffer, Fault> {
        let mut stream = content.open()?;
        let mut buffer = Buffer::new(length(&(0..CHUNK)));
        // What is not used of it becomes zero: it holds the note now.
        let mut head = Buffer::new(length(&(0..HEAD.min(content.size.next_multiple_of(SECTOR)))));
        let total = content.used.bytes();
        let mut done = 0;
        while let Some(piece) = stream.next(&mut buffer)? {
            self.go_on()?;
            let bytes = &buffer[..length(&piece)];
            if piece.start < HEAD {
                let at = length(&(0..piece.start));
                head[at..at + bytes.len()].copy_from_slice(bytes);
            } else {
                self.write(piece.clone(), &buffer)?;
            }
            done += piece.end - piece.start;
            (self.watch)(Progress { phase: Phase::Writing, done, total });
        }
        Ok(head)
    }

    /// Step 3.
    fn read_back(&mut self, content: Content<'_>) -> Result<(), Fault> {
        let mut stream = content.open()?;
        let (mut buffer, mut back) = (Buffer::new(length(&(0..CHUNK))), Buffer::new(length(&(0..CHUNK))));
        let total = content.used.bytes();
        let mut done = 0;
        while let Some(piece) = stream.next(&mut buffer)? {
            self.go_on()?;
            if piece.start >= HEAD {
                self.compare(piece.clone(), &buffer, &mut back)?;
            }
            done += piece.end - piece.start;
            (self.watch)(Progress { phase: Phase::Verifying, done, total });
        }
        Ok(())
    }

    /// Step 4.
    fn finish(&mut self, head: &Buffer, size: u64) -> Result<(), Fault> {
        self.go_on()?;
        let place = 0..head.len() as u64;
        let mut back = Buffer::new(head.len());
        let written = self
            .write(place.clone(), head)
            .and_then(|()| self.sync(0))
            .and_then(|()| self.compare(place, head, &mut back));
        if written.is_err() {
            // The fault to tell is the one that brought us here.
            let _ = self.unboot(size);
        }
        written
    }

    fn go_on(&self) -> Result<(), Fault> {
        if self.stop.load(Ordering::Relaxed) { Err(Fault::Interrupted) } else { Ok(()) }
    }

    /// Writes the beginning of `buffer` to `place`.
    fn write(&mut self, place: Range<u64>, buffer: &Buffer) -> Result<(), Fault> {
        let start = place.start;
        let seek = self.medium.seek(SeekFrom::Start(start));
        seek.map_err(|source| Fault::Write { offset: start, source })?;
        let mut done = 0;
        let bytes = &buffer[..length(&place)];
        while done < bytes.len() {
            let offset = start + done as u64;
            match self.medium.write(&bytes[done..]) {
                Ok(0) => {
                    let source = io::Error::from(rustix::io::Errno::NOSPC);
                    return Err(Fault::Write { offset, source });
                }
                Ok(count) => done += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(source) => return Err(Fault::Write { offset, source }),
            }
        }
        Ok(())
    }

    /// A fault here may be of anything written before `end`.
    fn sync(&mut self, end: u64) -> Result<(), Fault> {
        self.medium.sync().map_err(|source| Fault::Write { offset: end, source })
    }

    fn compare(&mut self, place: Range<u64>, written: &[u8], back: &mut Buffer) -> Result<(), Fault> {
        let start = place.start;
        let seek = self.medium.seek(SeekFrom::Start(start));
        seek.map_err(|source| Fault::ReadBack { offset: start, source })?;
        let mut done = 0;
        let all = length(&place);
        while done < all {
            let offset = start + done as u64;
            match self.medium.read(&mut back[done..all]) {
                Ok(0) => {
                    let source = io::ErrorKind::UnexpectedEof.into();
                    return Err(Fault::ReadBack { offset, source });
                }
                Ok(count) => done += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(source) => return Err(Fault::ReadBack { offset, source }),
            }
        }
        if written[..all] == back[..all] {
            return Ok(());
        }
        match (start..).zip(written[..all].iter().zip(&back[..all])).find(|(_, (one, two))| one != two) {
            Some((offset, (written, read))) => Err(Fault::Differs { offset, written: *written, read: *read }),
            None => Ok(()),
        }
    }
}

/// A first mebibyte that says what became of the stick.
fn unfinished(length: usize) -> Buffer {
    let mut head = Buffer::new(length);
    if let Some(place) = head.get_mut(NOTE_AT..NOTE_AT + NOTE.len()) {
        place.copy_from_slice(NOTE);
    }
    head
}

/// A range's length in memory.
fn length(range: &Range<u64>) -> usize {
    usize::try_from(range.end - range.start).unwrap_or(usize::MAX)
}

#[cfg(test)]
#[path = "write_tests.rs"]
mod tests;
