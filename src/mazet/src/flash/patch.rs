//! Files added to an image's FAT without touching the image: blocks that replace its own.
//!
//! The image is read where the FAT library wants to read; what it writes is kept in memory, and
//! goes to the stick in place of the image's blocks, verified like them.

use std::collections::BTreeMap;
use std::io::{self, Read, Seek, SeekFrom, Write};

use anyhow::{Context as _, Result};
use fatfs::{FileSystem, FsOptions};

use super::ranges::BLOCK;
use super::source::{Patches, Source};
use super::used::fat_partition;

/// An image that can be written to, in memory alone.
struct Overlay<'a> {
    source: &'a dyn Source,
    /// The part of the image that is shown, in bytes.
    start: u64,
    end: u64,
    position: u64,
    /// Where the image was read last, and the reader that stands there.
    reader: Option<(u64, Box<dyn Read + 'a>)>,
    read: BTreeMap<u64, Vec<u8>>,
    written: Patches,
}

impl<'a> Overlay<'a> {
    fn new(source: &'a dyn Source, size: u64) -> Self {
        let (read, written) = (BTreeMap::new(), Patches::new());
        Self { source, start: 0, end: size, position: 0, reader: None, read, written }
    }

    /// The bytes of a block, as they are now.
    fn block(&mut self, number: u64) -> io::Result<&Vec<u8>> {
        if !self.written.contains_key(&number) && !self.read.contains_key(&number) {
            let bytes = self.fetch(number)?;
            self.read.insert(number, bytes);
        }
        let found = self.written.get(&number).or_else(|| self.read.get(&number));
        found.ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn fetch(&mut self, number: u64) -> io::Result<Vec<u8>> {
        let at = number * BLOCK;
        let mut reader = match self.reader.take() {
            Some((position, reader)) if position == at => reader,
            _ => self.source.open_at(at)?,
        };
        let mut bytes = Vec::new();
        (&mut reader).take(BLOCK).read_to_end(&mut bytes)?;
        self.reader = Some((at + bytes.len() as u64, reader));
        Ok(bytes)
    }

    /// Block, place in it, and how many of `wanted` bytes lie in it, at the position.
    fn place(&self, wanted: usize) -> (u64, usize, usize) {
        let at = self.start + self.position;
        let inside = usize::try_from(at % BLOCK).unwrap_or_default();
        let left = (BLOCK - at % BLOCK).min(self.end.saturating_sub(at));
        (at / BLOCK, inside, usize::try_from(left).unwrap_or_default().min(wanted))
    }
}

impl Read for Overlay<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let (number, inside, count) = self.place(buffer.len());
        if count == 0 {
            return Ok(0);
        }
        let block = self.block(number)?;
        let bytes = block.get(inside..inside + count).ok_or(io::ErrorKind::UnexpectedEof)?;
        buffer[..count].copy_from_slice(bytes);
        self.position += count as u64;
        Ok(count)
    }
}

impl Write for Overlay<'_> {
    fn write(&mut self, buffer: &[u8]) -> io::Result<usize> {
        let (number, inside, count) = self.place(buffer.len());
        if count == 0 {
            return Ok(0);
        }
        let mut block = self.block(number)?.clone();
        let place = block.get_mut(inside..inside + count).ok_or(io::ErrorKind::UnexpectedEof)?;
        place.copy_from_slice(&buffer[..count]);
        self.written.insert(number, block);
        self.position += count as u64;
        Ok(count)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Seek for Overlay<'_> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let target = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::End(offset) => (self.end - self.start).checked_add_signed(offset),
            SeekFrom::Current(offset) => self.position.checked_add_signed(offset),
        };
        self.position = target.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}

/// The blocks that change when the file `name`, holding `text`, is put at the root of the FAT of
/// an image of `size` bytes. A file of that name is replaced.
///
/// # Errors
/// When the image cannot be read, has no FAT, or no room on it.
pub fn add_file(source: &dyn Source, size: u64, name: &str, text: &str) -> Result<Patches> {
    let mut overlay = Overlay::new(source, size);
    let start = fat_partition(&mut overlay).context("reading the image's partitions")?;
    overlay.start = start.context("the image has no FAT file system: it is none of Mazet's")?;
    overlay.position = 0;
    let doing = || format!("adding {name} to the image's FAT");
    let options = FsOptions::new().update_accessed_date(false);
    let files = FileSystem::new(&mut overlay, options).with_context(doing)?;
    {
        let mut file = files.root_dir().create_file(name).with_context(doing)?;
        file.truncate().with_context(doing)?;
        file.write_all(text.as_bytes()).with_context(doing)?;
        file.flush().with_context(doing)?;
    }
    files.unmount().with_context(doing)?;
    let mut written = overlay.written;
    // What was written as it was before needs no patch.
    written.retain(|number, block| overlay.read.get(number) != Some(block));
    Ok(written)
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;
    use crate::flash::simulated::Memory;
    use crate::flash::source::Patched;
    use crate::flash::used::{self, build};

    fn patched(image: &Memory, patches: &Patches) -> Vec<u8> {
        let mut bytes = Vec::new();
        Patched::new(&image.0[..], patches).read_to_end(&mut bytes).expect("read");
        bytes
    }

    fn read(image: &[u8], name: &str) -> String {
        let fat = image[build::START..build::START + build::BYTES].to_vec();
        let files = FileSystem::new(Cursor::new(fat), FsOptions::new()).expect("a FAT");
        let mut text = String::new();
        files.root_dir().open_file(name).expect("there").read_to_string(&mut text).expect("read");
        text
    }

    #[test]
    fn a_file_is_added_and_the_others_stay() {
        let image = Memory(build::image());
        let size = image.0.len() as u64;
        let patches = add_file(&image, size, "mazet.toml", "version = 1\n").expect("added");
        assert!(patches.len() < 10, "{} blocks", patches.len());
        let bytes = patched(&image, &patches);
        assert_eq!(read(&bytes, "mazet.toml"), "version = 1\n");
        let files = bytes.iter().filter(|byte| **byte == 0xEE).count();
        assert!(files >= 100_000);
        // All that changed is among the used blocks of the image with the file.
        let used = used::used(&mut Cursor::new(&bytes), size).expect("read");
        let with = used.with(patches.keys().map(|number| number * BLOCK..(number + 1) * BLOCK), size);
        assert_eq!(used.bytes(), with.bytes());
    }

    #[test]
    fn a_file_that_is_there_is_replaced() {
        let image = Memory(build::image());
        let size = image.0.len() as u64;
        let patches = add_file(&image, size, "mazet.toml", &"long ".repeat(1000)).expect("added");
        let image = Memory(patched(&image, &patches));
        let patches = add_file(&image, size, "mazet.toml", "short").expect("replaced");
        assert_eq!(read(&patched(&image, &patches), "mazet.toml"), "short");
    }

    #[test]
    fn an_image_without_a_fat_takes_no_file() {
        let image = Memory(vec![0; 1 << 20]);
        let error = add_file(&image, 1 << 20, "mazet.toml", "").expect_err("no FAT").to_string();
        assert_eq!(error, "the image has no FAT file system: it is none of Mazet's");
    }
}
