//! Sticks that do what sticks do, for tests.

use std::io::{self, Read, Seek, SeekFrom};

use rustix::io::Errno;

use super::medium::Medium;
use super::ranges::Ranges;
use super::source::Source;

/// Bytes of a mebibyte.
pub const MIB: usize = 1 << 20;
/// The image: six MiB, the fourth of which is not used.
pub const SIZE: usize = 6 * MIB;

/// An image in memory.
pub struct Memory(pub Vec<u8>);

impl Source for Memory {
    fn open(&self) -> io::Result<Box<dyn Read + '_>> {
        Ok(Box::new(&self.0[..]))
    }
}

/// An image of noise.
pub fn image() -> Memory {
    let mut state = 1_u32;
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    Memory((0..SIZE).map(|_| next()).collect())
}

/// What of it is used.
pub fn used() -> Ranges {
    Ranges::of(vec![0..3 * MIB as u64, 4 * MIB as u64..SIZE as u64], SIZE as u64)
}

/// How a stick misbehaves.
#[derive(Clone, Copy, Default)]
pub struct Ills {
    /// Reports an error when this byte is written.
    pub write: Option<(u64, Errno)>,
    /// Reports an error when this byte is read.
    pub read: Option<(u64, Errno)>,
    /// Gives another byte back here.
    pub misread: Option<u64>,
    /// Takes and gives no more than so many bytes at once.
    pub most: Option<usize>,
    /// Keeps nothing.
    pub forgets: bool,
}

/// A stick of memory, full of what was on it before.
pub struct Stick {
    /// What is on it.
    pub bytes: Vec<u8>,
    position: usize,
    /// How it misbehaves.
    pub ills: Ills,
    /// Pieces written: (first byte, bytes).
    pub log: Vec<(usize, usize)>,
}

/// What was on the stick before, byte for byte.
pub const OLD: u8 = 0x55;

impl Stick {
    /// As large as `size` bytes.
    pub fn new(size: usize, ills: Ills) -> Self {
        Self { bytes: vec![OLD; size], position: 0, ills, log: Vec::new() }
    }

    fn turn(&self, wanted: usize, trouble: Option<(u64, Errno)>) -> io::Result<usize> {
        let mut count = wanted.min(self.ills.most.unwrap_or(wanted)).min(self.bytes.len() - self.position);
        if let Some((at, errno)) = trouble {
            let at = at as usize;
            if self.position == at {
                return Err(errno.into());
            }
            if self.position < at {
                count = count.min(at - self.position);
            }
        }
        Ok(count)
    }
}

impl Read for Stick {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let count = self.turn(buffer.len(), self.ills.read)?;
        let range = self.position..self.position + count;
        buffer[..count].copy_from_slice(&self.bytes[range.clone()]);
        if let Some(at) = self.ills.misread.map(|at| at as usize).filter(|at| range.contains(at)) {
            buffer[at - self.position] ^= 0x10;
        }
        self.position += count;
        Ok(count)
    }
}

impl io::Write for Stick {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let count = self.turn(buffer.len(), self.ills.write)?;
        if !self.ills.forgets {
            self.bytes[self.position..self.position + count].copy_from_slice(&buffer[..count]);
        }
        self.log.push((self.position, count));
        self.position += count;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for Stick {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.position = match to {
            SeekFrom::Start(at) => at as usize,
            SeekFrom::End(by) => (self.bytes.len() as i64 + by) as usize,
            SeekFrom::Current(by) => (self.position as i64 + by) as usize,
        };
        Ok(self.position as u64)
    }
}

impl Medium for Stick {
    fn sync(&mut self) -> io::Result<()> {
        Ok(())
    }
}
