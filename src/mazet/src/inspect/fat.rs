//! Reading the FAT file system inside an image, without a mount.

use std::io::{self, Read, Seek, SeekFrom, Write};

use fatfs::{Dir, FileSystem, FsOptions};
use serde::Serialize;

/// A file on the FAT.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FatFile {
    /// Path from the root of the file system, without a leading `/`.
    pub path: String,
    /// Size in bytes.
    pub bytes: u64,
}

/// A part of a file, as a file of its own. Reading only: writing is refused.
pub struct Slice<F> {
    inner: F,
    start: u64,
    length: u64,
    position: u64,
}

impl<F: Read + Seek> Slice<F> {
    /// The `length` bytes of `inner` that begin at `start`.
    pub fn new(inner: F, start: u64, length: u64) -> Self {
        Self { inner, start, length, position: 0 }
    }
}

impl<F: Read + Seek> Read for Slice<F> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.length.saturating_sub(self.position)).unwrap_or(usize::MAX);
        let want = buffer.len().min(left);
        self.inner.seek(SeekFrom::Start(self.start + self.position))?;
        let got = self.inner.read(&mut buffer[..want])?;
        self.position += got as u64;
        Ok(got)
    }
}

impl<F> Seek for Slice<F> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        let target = match to {
            SeekFrom::Start(position) => Some(position),
            SeekFrom::End(offset) => self.length.checked_add_signed(offset),
            SeekFrom::Current(offset) => self.position.checked_add_signed(offset),
        };
        self.position = target.ok_or(io::ErrorKind::InvalidInput)?;
        Ok(self.position)
    }
}

/// The library asks for a writer and writes only when told to.
impl<F> Write for Slice<F> {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::PermissionDenied.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A FAT file system opened for reading.
pub struct Fat<F: Read + Seek> {
    inner: FileSystem<Slice<F>>,
}

impl<F: Read + Seek> Fat<F> {
    /// Opens the file system in `slice`.
    ///
    /// # Errors
    /// When it is no FAT.
    pub fn open(slice: Slice<F>) -> io::Result<Self> {
        let options = FsOptions::new().update_accessed_date(false);
        Ok(Self { inner: FileSystem::new(slice, options)? })
    }

    /// Label of the volume.
    pub fn label(&self) -> String {
        self.inner.volume_label()
    }

    /// Volume id: eight hexadecimal digits.
    pub fn volume_id(&self) -> String {
        format!("{:08x}", self.inner.volume_id())
    }

    /// Every file, sorted by path.
    ///
    /// # Errors
    /// When a folder cannot be read.
    pub fn files(&self) -> io::Result<Vec<FatFile>> {
        let mut files = Vec::new();
        list(&self.inner.root_dir(), "", &mut files)?;
        files.sort_by(|one, two| one.path.cmp(&two.path));
        Ok(files)
    }

    /// The first `most` bytes of a file; fewer when it is shorter.
    ///
    /// # Errors
    /// When there is no such file or it cannot be read.
    pub fn head(&self, path: &str, most: u64) -> io::Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.inner.root_dir().open_file(path)?.take(most).read_to_end(&mut bytes)?;
        Ok(bytes)
    }
}

fn list<F: Read + Seek>(
    folder: &Dir<'_, Slice<F>>,
    prefix: &str,
    files: &mut Vec<FatFile>,
) -> io::Result<()> {
    for entry in folder.iter() {
        let entry = entry?;
        let name = entry.file_name();
        if name == "." || name == ".." {
            continue;
        }
        let path = format!("{prefix}{name}");
        if entry.is_dir() {
            list(&entry.to_dir(), &format!("{path}/"), files)?;
        } else {
            files.push(FatFile { path, bytes: entry.len() });
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;

    use super::*;

    #[test]
    fn a_slice_ends_where_its_part_ends() {
        let mut slice = Slice::new(Cursor::new(b"abcdefgh".to_vec()), 2, 4);
        let mut text = String::new();
        slice.read_to_string(&mut text).expect("read");
        assert_eq!(text, "cdef");
        assert_eq!(slice.seek(SeekFrom::End(-1)).expect("inside"), 3);
        assert!(slice.seek(SeekFrom::Current(-9)).is_err());
        assert!(slice.write(b"x").is_err());
    }
}
