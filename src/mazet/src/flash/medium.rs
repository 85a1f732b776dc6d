//! What is written to: a stick, a card, a file that stands for one.

use std::fs::{File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use rustix::fs::{Advice, OFlags};

/// A device. Everything beyond reading and writing is to reach the device itself and not a cache.
pub trait Medium: Read + Write + Seek {
    /// Returns when all that was written has reached the device.
    ///
    /// # Errors
    /// When the device refuses.
    fn sync(&mut self) -> io::Result<()>;

    /// Its size in bytes.
    ///
    /// # Errors
    /// When the end cannot be found.
    fn size(&mut self) -> io::Result<u64> {
        self.seek(SeekFrom::End(0))
    }
}

/// A block device, or a file, past the page cache where that is possible.
#[derive(Debug)]
pub struct Disk {
    file: File,
}

/// Flags that a device is opened with: direct I/O, and nobody else (a mount, a swap area, an
/// array, a volume group) may hold it (open(2), `O_EXCL` on block devices).
pub fn device_flags() -> OFlags {
    OFlags::DIRECT | OFlags::EXCL | OFlags::NOFOLLOW
}

impl Disk {
    /// An opened device: [`device_flags`] were used.
    pub fn new(file: File) -> Self {
        Self { file }
    }

    /// A regular file that stands for a device. Not every file system has direct I/O: the cache
    /// is emptied instead ([`Medium::sync`]).
    ///
    /// # Errors
    /// When it cannot be opened for reading and writing.
    pub fn of_file(path: &Path) -> io::Result<Self> {
        let open = |flags: OFlags| {
            let flags = i32::try_from(flags.bits()).unwrap_or_default();
            OpenOptions::new().read(true).write(true).custom_flags(flags).open(path)
        };
        let direct = open(OFlags::DIRECT);
        Ok(Self { file: direct.or_else(|_| open(OFlags::empty()))? })
    }
}

impl Read for Disk {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.file.read(buffer)
    }
}

impl Write for Disk {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        self.file.write(buffer)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.sync()
    }
}

impl Seek for Disk {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.file.seek(to)
    }
}

impl Medium for Disk {
    fn sync(&mut self) -> io::Result<()> {
        self.file.sync_data()?;
        // Advice only: direct I/O has nothing in the cache anyway.
        let _ = rustix::fs::fadvise(&self.file, 0, None, Advice::DontNeed);
        Ok(())
    }
}
