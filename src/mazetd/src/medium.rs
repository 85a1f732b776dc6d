//! The FAT file system that the live system runs from: a stick, a card, a rescue copy.
//!
//! live-boot mounts it read-only; it is made writable for the moment of a change.

use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use rustix::fs::{FlockOperation, flock};
use rustix::mount::{MountFlags, mount_remount};

/// Where live-boot mounts it.
pub const PATH: &str = "/run/live/medium";

/// Held while it can be written: two programs would make it read-only under each other's hands.
const LOCK: &str = "/run/mazet/medium.lock";

/// The medium while it can be written; read-only again when dropped.
#[derive(Debug)]
pub struct Writable {
    path: PathBuf,
    open: bool,
    _lock: File,
}

impl Writable {
    /// Makes the file system mounted on `path` writable.
    ///
    /// # Errors
    /// When the kernel refuses: the stick's switch says "lock", the card is worn out.
    pub fn open(path: &Path) -> Result<Self> {
        let lock = File::create(LOCK).with_context(|| format!("opening {LOCK}"))?;
        flock(&lock, FlockOperation::LockExclusive).context("waiting for who writes to the medium")?;
        mount_remount(path, MountFlags::NOATIME, "")
            .with_context(|| format!("making {} writable", path.display()))?;
        Ok(Self { path: path.to_owned(), open: true, _lock: lock })
    }

    /// Makes it read-only again; all that was written is on it then.
    ///
    /// # Errors
    /// When a file is open for writing, or the medium failed.
    pub fn close(mut self) -> Result<()> {
        self.open = false;
        self.read_only()
    }

    fn read_only(&self) -> Result<()> {
        mount_remount(&self.path, MountFlags::RDONLY | MountFlags::NOATIME, "")
            .with_context(|| format!("making {} read-only again", self.path.display()))
    }
}

impl Drop for Writable {
    fn drop(&mut self) {
        if self.open {
            // After a failure: what failed is told already.
            let _ = self.read_only();
        }
    }
}

/// Runs `change` while the medium at `path` can be written.
///
/// # Errors
/// When it cannot be, or what `change` says.
pub fn change<T>(path: &Path, change: impl FnOnce() -> Result<T>) -> Result<T> {
    let writable = Writable::open(path)?;
    let changed = change();
    writable.close()?;
    changed
}
