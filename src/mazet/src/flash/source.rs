//! Where an image's bytes come from: small readers, one on the other.
//!
//! file → [`Unpacked`] → [`Checked`] → [`Patched`]

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufReader, Read, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};

use sha2::{Digest as _, Sha256};

use super::ranges::BLOCK;
use crate::digest::Digest;
use crate::release::bmap::Mapped;

/// Blocks that replace the image's own, by number: the answers in advance.
pub type Patches = BTreeMap<u64, Vec<u8>>;

/// Something that an image can be read from, again and again, from its beginning.
pub trait Source: Sync {
    /// Opens it at its first byte.
    ///
    /// # Errors
    /// When it cannot be opened.
    fn open(&self) -> io::Result<Box<dyn Read + '_>>;

    /// Opens it at byte `offset`.
    ///
    /// # Errors
    /// When it cannot be opened, or read so far.
    fn open_at(&self, offset: u64) -> io::Result<Box<dyn Read + '_>> {
        let mut reader = self.open()?;
        io::copy(&mut (&mut reader).take(offset), &mut io::sink())?;
        Ok(reader)
    }
}

/// An image file: `.img`, or `.img.zst` (RFC 8878, any number of frames).
#[derive(Debug, Clone)]
pub struct ImageFile {
    /// Where it is.
    pub path: PathBuf,
}

impl ImageFile {
    /// Is it compressed? By its name: an image may begin with any bytes.
    pub fn is_packed(&self) -> bool {
        self.path.extension().is_some_and(|end| end == "zst")
    }
}

impl Source for ImageFile {
    fn open(&self) -> io::Result<Box<dyn Read + '_>> {
        let file = File::open(&self.path)?;
        if self.is_packed() { Ok(Box::new(unpacked(file)?)) } else { Ok(Box::new(file)) }
    }

    fn open_at(&self, offset: u64) -> io::Result<Box<dyn Read + '_>> {
        let mut file = File::open(&self.path)?;
        if !self.is_packed() {
            file.seek(SeekFrom::Start(offset))?;
            return Ok(Box::new(file));
        }
        // With a table of frames, only the frame that holds the byte is unpacked up to it.
        if let Ok(decoder) = zeekstd::DecodeOptions::new(file).offset(offset).into_decoder() {
            return Ok(Box::new(decoder));
        }
        let mut reader = self.open()?;
        io::copy(&mut (&mut reader).take(offset), &mut io::sink())?;
        Ok(reader)
    }
}

/// The bytes that a zstd file holds.
pub type Unpacked<R> = zstd::stream::read::Decoder<'static, BufReader<R>>;

/// Decompresses while reading.
///
/// # Errors
/// When there is no memory for it.
pub fn unpacked<R: Read>(inner: R) -> io::Result<Unpacked<R>> {
    Unpacked::new(inner)
}

/// Bytes in a file, unpacked. Reads a compressed one to its end.
///
/// # Errors
/// When it cannot be read.
pub fn unpacked_size(path: &Path) -> io::Result<u64> {
    let image = ImageFile { path: path.to_owned() };
    if !image.is_packed() {
        return Ok(path.metadata()?.len());
    }
    io::copy(&mut image.open()?, &mut io::sink())
}

/// Passes bytes on and compares each range of a block map with its sum as it ends.
pub struct Checked<'a, R> {
    inner: R,
    ranges: std::iter::Peekable<std::slice::Iter<'a, Mapped>>,
    position: u64,
    hasher: Sha256,
}

impl<'a, R: Read> Checked<'a, R> {
    /// Ranges without a sum pass unseen.
    pub fn new(inner: R, ranges: &'a [Mapped]) -> Self {
        Self { inner, ranges: ranges.iter().peekable(), position: 0, hasher: Sha256::new() }
    }

    fn see(&mut self, mut bytes: &[u8]) -> io::Result<()> {
        while let Some(next) = self.ranges.peek() {
            let skipped = next.bytes.start.saturating_sub(self.position).min(bytes.len() as u64);
            self.position += skipped;
            bytes = bytes.split_at(usize::try_from(skipped).unwrap_or(bytes.len())).1;
            let seen = (next.bytes.end - self.position).min(bytes.len() as u64);
            let (inside, rest) = bytes.split_at(usize::try_from(seen).unwrap_or(bytes.len()));
            self.hasher.update(inside);
            self.position += seen;
            bytes = rest;
            if self.position < next.bytes.end {
                return Ok(());
            }
            let sum = Digest::from_bytes(std::mem::take(&mut self.hasher).finalize().into());
            if next.sha256.is_some_and(|expected| expected != sum) {
                let Mapped { bytes, .. } = next;
                let what = format!("bytes {} to {} differ from the block map", bytes.start, bytes.end - 1);
                return Err(io::Error::new(io::ErrorKind::InvalidData, what));
            }
            self.ranges.next();
        }
        self.position += bytes.len() as u64;
        Ok(())
    }
}

impl<R: Read> Read for Checked<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let got = self.inner.read(buffer)?;
        self.see(&buffer[..got])?;
        Ok(got)
    }
}

/// Passes bytes on with some blocks replaced.
pub struct Patched<'a, R> {
    inner: R,
    patches: &'a Patches,
    position: u64,
}

impl<'a, R: Read> Patched<'a, R> {
    /// Replaces the blocks in `patches`.
    pub fn new(inner: R, patches: &'a Patches) -> Self {
        Self { inner, patches, position: 0 }
    }
}

impl<R: Read> Read for Patched<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let got = self.inner.read(buffer)?;
        let (start, end) = (self.position, self.position + got as u64);
        self.position = end;
        for (number, patch) in self.patches.range(start / BLOCK..end.div_ceil(BLOCK)) {
            let at = number * BLOCK;
            let (from, to) = (at.max(start), (at + patch.len() as u64).min(end));
            if from < to {
                let index = |position: u64, base: u64| usize::try_from(position - base).unwrap_or_default();
                buffer[index(from, start)..index(to, start)]
                    .copy_from_slice(&patch[index(from, at)..index(to, at)]);
            }
        }
        Ok(got)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A reader that gives a few bytes at a time.
    struct Drops<'a>(&'a [u8], usize);

    impl Read for Drops<'_> {
        fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
            let most = self.1.min(buffer.len());
            self.0.read(&mut buffer[..most])
        }
    }

    fn bytes() -> Vec<u8> {
        (0..20_000_u32).map(|n| (n * 7 % 251) as u8).collect()
    }

    fn mapped(range: std::ops::Range<u64>) -> Mapped {
        let sum = Digest::of(&bytes()[range.start as usize..range.end as usize]);
        Mapped { bytes: range, sha256: Some(sum) }
    }

    #[test]
    fn ranges_are_checked_however_the_bytes_come() {
        let ranges = [mapped(0..4096), mapped(8192..20_000)];
        for most in [1, 7, 4096, 5000, 20_000] {
            let bytes = bytes();
            let mut read = Vec::new();
            Checked::new(Drops(&bytes, most), &ranges).read_to_end(&mut read).expect("good sums");
            assert_eq!(read, bytes);
        }
    }

    #[test]
    fn a_changed_byte_in_a_range_is_told_and_one_outside_is_not() {
        let ranges = [mapped(0..4096), mapped(8192..20_000)];
        let mut changed = bytes();
        changed[5000] ^= 1;
        Checked::new(&changed[..], &ranges).read_to_end(&mut Vec::new()).expect("not in the map");
        changed[9000] ^= 1;
        let error = Checked::new(&changed[..], &ranges).read_to_end(&mut Vec::new()).expect_err("changed");
        assert_eq!(error.to_string(), "bytes 8192 to 19999 differ from the block map");
    }

    #[test]
    fn patches_replace_their_blocks_however_the_bytes_come() {
        let patches = Patches::from([(1, vec![0xAA; 4096]), (4, vec![0xBB; 3616])]);
        let mut expected = bytes();
        expected[4096..8192].fill(0xAA);
        expected[16_384..].fill(0xBB);
        for most in [1, 1000, 4096, 20_000] {
            let mut read = Vec::new();
            let original = bytes();
            Patched::new(Drops(&original, most), &patches).read_to_end(&mut read).expect("read");
            assert!(read == expected, "{most} bytes at a time");
        }
    }

    #[test]
    fn the_middle_is_reached_in_every_kind_of_file() {
        let folder = tempfile::tempdir().expect("folder");
        let plain = ImageFile { path: folder.path().join("a.img") };
        let (seekable, stream) =
            (folder.path().join("seekable.img.zst"), folder.path().join("stream.img.zst"));
        std::fs::write(&plain.path, bytes()).expect("written");
        crate::release::pack::pack(&plain.path, &seekable).expect("packed");
        std::fs::write(&stream, zstd::encode_all(&bytes()[..], 1).expect("packed")).expect("written");
        for image in [plain, ImageFile { path: seekable }, ImageFile { path: stream }] {
            let mut read = Vec::new();
            image.open_at(12_345).expect("opened").read_to_end(&mut read).expect("read");
            assert!(read == bytes()[12_345..], "{}", image.path.display());
            assert_eq!(unpacked_size(&image.path).expect("read"), 20_000);
        }
    }

    #[test]
    fn several_frames_and_a_skippable_one_are_one_stream() {
        let mut packed = zstd::encode_all(&b"first "[..], 1).expect("packed");
        // A skippable frame (RFC 8878, section 3.1.2) of three bytes.
        packed.extend([0x5E, 0x2A, 0x4D, 0x18, 3, 0, 0, 0, 1, 2, 3]);
        packed.extend(zstd::encode_all(&b"second"[..], 1).expect("packed"));
        let mut text = String::new();
        unpacked(&packed[..]).expect("decoder").read_to_string(&mut text).expect("read");
        assert_eq!(text, "first second");
    }
}
