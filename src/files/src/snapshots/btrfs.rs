//! Snapshots of btrfs, by its own program: what it asks of the kernel has no safe way from here.

use std::ffi::OsStr;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use anyhow::{Context as _, Result, bail};
use rustix::fs::{statfs, statvfs};

use super::keep::{Room, Snapshots};
use super::{FILES, Moment};

/// statfs(2).
const MAGIC: u64 = 0x9123_683E;
/// Inode of a subvolume's root (`BTRFS_FIRST_FREE_OBJECTID`).
const ROOT: u64 = 256;
/// One that has no name yet.
const NEW: &str = ".new";
/// Seconds until nobody waits any more for room that somebody's download of an old file may keep.
const LONGEST: &str = "600";
/// timeout(1).
const TIMED_OUT: i32 = 124;

/// A subvolume and its snapshots.
pub struct Btrfs {
    /// The subvolume.
    pub data: PathBuf,
    /// Where its snapshots lie; on the same file system.
    pub folder: PathBuf,
}

/// Can this folder have snapshots? Not where it is no btrfs, nor only a part of a subvolume.
///
/// # Errors
/// When it cannot be looked at.
pub fn is_subvolume(data: &Path) -> Result<bool> {
    let what = || format!("looking at {}", data.display());
    let kind = u64::try_from(statfs(data).with_context(what)?.f_type).unwrap_or_default();
    Ok(kind == MAGIC && fs::metadata(data).with_context(what)?.ino() == ROOT)
}

impl Btrfs {
    fn path(&self, moment: Moment) -> PathBuf {
        self.folder.join(moment.name())
    }

    /// Removes what a run that was cut short left.
    fn clear(&self) -> Result<()> {
        let new = self.folder.join(NEW);
        if fs::symlink_metadata(&new).is_ok() { delete(&[new]) } else { Ok(()) }
    }

    /// Leaves the files alone in the new one; then nothing of it changes any more. Mail, databases and secrets are gone
    /// when they are deleted, and whoever reads snapshots finds none.
    fn closed(&self, new: &Path) -> Result<()> {
        let what = || format!("leaving out all but the files of {}", new.display());
        for entry in fs::read_dir(new).with_context(what)? {
            let entry = entry.with_context(what)?;
            if entry.file_name() == FILES {
                continue;
            }
            let is_folder = entry.file_type().with_context(what)?.is_dir();
            let path = entry.path();
            if is_folder { fs::remove_dir_all(path) } else { fs::remove_file(path) }.with_context(what)?;
        }
        let words = ["property", "set", "-t", "subvol"].map(OsStr::new);
        btrfs(words.into_iter().chain([new.as_os_str(), OsStr::new("ro"), OsStr::new("true")]))
    }
}

impl Snapshots for Btrfs {
    fn all(&self) -> Result<Vec<Moment>> {
        let what = || format!("reading {}", self.folder.display());
        let mut all = Vec::new();
        for entry in fs::read_dir(&self.folder).with_context(what)? {
            all.extend(entry.with_context(what)?.file_name().to_str().and_then(Moment::parse));
        }
        Ok(all)
    }

    fn take(&self, moment: Moment) -> Result<()> {
        self.clear()?;
        let (new, path) = (self.folder.join(NEW), self.path(moment));
        btrfs([OsStr::new("subvolume"), OsStr::new("snapshot"), self.data.as_os_str(), new.as_os_str()])?;
        // It has its name when it is whole.
        let closed = self
            .closed(&new)
            .and_then(|()| fs::rename(&new, &path).with_context(|| format!("naming {}", path.display())));
        if closed.is_err() {
            self.clear()?;
        }
        closed
    }

    fn remove(&self, moments: &[Moment]) -> Result<()> {
        let paths: Vec<PathBuf> = moments.iter().map(|moment| self.path(*moment)).collect();
        delete(&paths)
    }

    fn is_freed(&self) -> Result<bool> {
        let folder = self.folder.as_os_str();
        let words = [LONGEST, "btrfs", "subvolume", "sync"].map(OsStr::new);
        let (command, output) = ended("timeout", words.into_iter().chain([folder]))?;
        if output.status.code() == Some(TIMED_OUT) {
            return Ok(false);
        }
        well(&command, &output)?;
        // It tells of the room when that is written.
        btrfs([OsStr::new("filesystem"), OsStr::new("sync"), folder]).map(|()| true)
    }

    fn room(&self) -> Result<Room> {
        let figures =
            statvfs(&self.folder).with_context(|| format!("looking at {}", self.folder.display()))?;
        let bytes = |blocks: u64| blocks.saturating_mul(figures.f_frsize);
        Ok(Room { free: bytes(figures.f_bavail), size: bytes(figures.f_blocks) })
    }
}

fn delete(paths: &[PathBuf]) -> Result<()> {
    let words = ["subvolume", "delete", "--commit-after"].map(OsStr::new);
    btrfs(words.into_iter().chain(paths.iter().map(|path| path.as_os_str())))
}

/// Runs the program of btrfs, which must end well.
fn btrfs<'a>(words: impl IntoIterator<Item = &'a OsStr>) -> Result<()> {
    let (command, output) = ended("btrfs", words)?;
    well(&command, &output)
}

/// Runs a program: the command, and how it ended.
fn ended<'a>(program: &str, words: impl IntoIterator<Item = &'a OsStr>) -> Result<(Command, Output)> {
    let mut command = Command::new(program);
    let output = command.args(words).env("LC_ALL", "C.UTF-8").stdin(Stdio::null()).output();
    let output = output.with_context(|| format!("starting {program}"))?;
    Ok((command, output))
}

fn well(command: &Command, output: &Output) -> Result<()> {
    if output.status.success() {
        return Ok(());
    }
    let told = String::from_utf8_lossy(&output.stderr);
    let told: Vec<&str> = told.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    bail!("{command:?}: {}: {}", output.status, told.join("; "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_plain_folder_has_no_snapshots() {
        let folder = tempfile::tempdir().expect("a folder");
        assert!(!is_subvolume(folder.path()).expect("looked at"));
        assert!(is_subvolume(&folder.path().join("gone")).is_err());
    }

    #[test]
    fn only_moments_are_snapshots() {
        let folder = tempfile::tempdir().expect("a folder");
        for name in [NEW, "20261129T160512Z", "lost+found", "20261129T160512Z.old"] {
            fs::create_dir(folder.path().join(name)).expect("made");
        }
        let btrfs = Btrfs { data: PathBuf::new(), folder: folder.path().to_owned() };
        assert_eq!(btrfs.all().expect("read"), Moment::parse("20261129T160512Z").as_slice());
    }
}
