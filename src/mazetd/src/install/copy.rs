//! Copying files and knowing afterwards what was written.

use std::fs::{self, File};
use std::io::{Read as _, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use sha2::{Digest as _, Sha256};

/// SHA-256 of a file.
pub type FileDigest = [u8; 32];

/// Bytes moved at a time.
const CHUNK: usize = 1 << 20;

/// Copies `from` to `to`, synchronised, calling `moved` with the bytes of each step.
///
/// # Errors
/// When either cannot be read or written: a full disk, a broken stick.
pub fn copy(from: &Path, to: &Path, moved: &mut dyn FnMut(u64)) -> Result<FileDigest> {
    let context = || format!("copying {} to {}", from.display(), to.display());
    if let Some(folder) = to.parent() {
        fs::create_dir_all(folder).with_context(context)?;
    }
    let mut target = File::create(to).with_context(context)?;
    let digest = each_chunk(from, |chunk| {
        target.write_all(chunk)?;
        moved(chunk.len() as u64);
        Ok(())
    })
    .with_context(context)?;
    target.sync_all().with_context(context)?;
    Ok(digest)
}

/// The digest of the file at `path`, calling `moved` with the bytes of each step.
///
/// # Errors
/// When it cannot be read.
pub fn digest(path: &Path, moved: &mut dyn FnMut(u64)) -> Result<FileDigest> {
    each_chunk(path, |chunk| {
        moved(chunk.len() as u64);
        Ok(())
    })
    .with_context(|| format!("reading {}", path.display()))
}

fn each_chunk(
    path: &Path,
    mut take: impl FnMut(&[u8]) -> std::io::Result<()>,
) -> std::io::Result<FileDigest> {
    let mut source = File::open(path)?;
    let mut chunk = vec![0; CHUNK];
    let mut hasher = Sha256::new();
    loop {
        let length = source.read(&mut chunk)?;
        if length == 0 {
            return Ok(hasher.finalize().into());
        }
        hasher.update(&chunk[..length]);
        take(&chunk[..length])?;
    }
}

/// Every plain file below `folder` with its size, by relative path, sorted.
///
/// # Errors
/// When a folder cannot be read.
pub fn files_below(folder: &Path) -> Result<Vec<(PathBuf, u64)>> {
    let mut files = Vec::new();
    let mut open = vec![PathBuf::new()];
    while let Some(relative) = open.pop() {
        let path = folder.join(&relative);
        let entries = fs::read_dir(&path).with_context(|| format!("reading {}", path.display()))?;
        for entry in entries {
            let entry = entry.with_context(|| format!("reading {}", path.display()))?;
            let metadata = entry.metadata().with_context(|| format!("reading {}", path.display()))?;
            let name = relative.join(entry.file_name());
            if metadata.is_dir() {
                open.push(name);
            } else if metadata.is_file() {
                files.push((name, metadata.len()));
            }
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_copy_has_the_digest_of_what_was_read() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let (from, to) = (folder.path().join("from"), folder.path().join("deep/to"));
        fs::write(&from, vec![7; CHUNK + 1]).expect("written");
        let mut moved = 0;
        let written = copy(&from, &to, &mut |bytes| moved += bytes).expect("copied");
        assert_eq!(moved, CHUNK as u64 + 1);
        assert_eq!(written, digest(&to, &mut |_| ()).expect("read"));
        let listed = files_below(folder.path()).expect("listed");
        let names: Vec<_> = listed.iter().map(|(path, _)| path.to_string_lossy().into_owned()).collect();
        assert_eq!(names, ["deep/to", "from"]);
    }
}
