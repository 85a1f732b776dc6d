//! A picture of the box's data: everything as it was at one moment, while the services go on.
//!
//! A snapshot of the subvolume is made at once, with the databases' files in it. A PostgreSQL of our own recovers
//! on those, as it would after a power cut, and gives the dumps: so files and all databases are of the same moment,
//! and nobody waits. Then the snapshot can no longer be written to, and is backed up.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use mazet_host::files;
use mazet_host::run::said;
use rustix::fs::statfs;

use crate::tools::{Program, Tools};

/// statfs(2).
const BTRFS: u64 = 0x9123_683E;
/// What the backup says of itself, in the picture.
pub const RECORD: &str = ".mazet-backup";

/// How pictures are made; tests have another way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Way {
    /// Snapshots of btrfs.
    Snapshot,
    /// Copies, of data that nobody writes to.
    #[cfg(test)]
    Copy,
}

/// A picture; gone when dropped.
pub struct Picture<'t> {
    tools: &'t Tools,
    path: PathBuf,
    way: Way,
}

impl<'t> Picture<'t> {
    /// Takes one of `data` at `path`, on the same file system. What an interrupted backup left there goes first.
    ///
    /// # Errors
    /// When `data` is no btrfs, or the kernel refuses.
    pub fn take(tools: &'t Tools, data: &Path, path: &Path, way: Way) -> Result<Self> {
        let picture = Self { tools, path: path.to_owned(), way };
        picture.check(data)?;
        picture.remove()?;
        match way {
            Way::Snapshot => picture.btrfs(&["subvolume", "snapshot"], &[data, path])?,
            #[cfg(test)]
            Way::Copy => said(tools.words(&["cp", "--archive"]).args([data, path]), "copying").map(drop)?,
        }
        Ok(picture)
    }

    fn check(&self, data: &Path) -> Result<()> {
        let kind = statfs(data).with_context(|| format!("looking at {}", data.display()))?.f_type;
        if self.way == Way::Snapshot && u64::try_from(kind).ok() != Some(BTRFS) {
            bail!(
                "{} is no btrfs: only there can everything be kept as it was at one moment; install the box anew, or \
                 move its data",
                data.display()
            );
        }
        Ok(())
    }

    /// Where it is.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Nothing in it changes any more.
    ///
    /// # Errors
    /// When the kernel refuses.
    pub fn close(&self) -> Result<()> {
        match self.way {
            Way::Snapshot => {
                let path = self.path.to_string_lossy();
                let arguments = ["property", "set", "-t", "subvol", &path, "ro", "true"];
                said(self.tools.command(Program::Btrfs).args(arguments), "closing the picture").map(drop)
            }
            #[cfg(test)]
            Way::Copy => Ok(()),
        }
    }

    fn remove(&self) -> Result<()> {
        if fs::symlink_metadata(&self.path).is_err() {
            return Ok(());
        }
        match self.way {
            Way::Snapshot => self.btrfs(&["subvolume", "delete", "--commit-after"], &[&self.path]),
            #[cfg(test)]
            Way::Copy => self.tools.remove(&self.path),
        }
    }

    fn btrfs(&self, words: &[&str], paths: &[&Path]) -> Result<()> {
        let mut command = self.tools.command(Program::Btrfs);
        command.args(words).args(paths);
        let doing = format!("{} {}", words.join(" "), self.path.display());
        said(&mut command, &doing).map(drop)
    }
}

impl Drop for Picture<'_> {
    fn drop(&mut self) {
        if let Err(error) = self.remove() {
            eprintln!("<4>{error:#}: the next backup removes it");
        }
    }
}

/// The folder of the record in a picture, made anew.
///
/// # Errors
/// When it cannot be made.
pub fn record_folder(picture: &Path) -> Result<PathBuf> {
    let folder = picture.join(RECORD);
    files::remove(&folder)?;
    files::make_folder(&folder.join("databases"), 0o700)?;
    files::make_folder(&folder, 0o700)?;
    Ok(folder)
}
