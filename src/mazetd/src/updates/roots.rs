//! The system as it was before an update: snapshots beside it, on the same btrfs.
//!
//! | subvolume | what |
//! |---|---|
//! | `root` | the system that starts |
//! | `root.before` | as it was before the last update; can be started |
//! | `data.before` | all data at that moment, read-only, for whoever must look, until the box is well with the update |
//! | `root.failed` | what was gone back from, until the next update |

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::install::further::Own;
use crate::install::mounts::{Mounted, mount_top};
use crate::run::{Program, Runner};

/// The system.
const ROOT: &str = "root";
/// As it was before the last update.
const BEFORE: &str = "root.before";
/// What was gone back from.
const FAILED: &str = "root.failed";
/// The data.
const DATA: &str = "data";
/// As it was before the last update.
const DATA_BEFORE: &str = "data.before";

/// The whole btrfs, mounted.
pub struct Roots<'r> {
    top: Mounted,
    runner: &'r Runner,
}

impl<'r> Roots<'r> {
    /// That of the running box.
    ///
    /// # Errors
    /// When this is none, or the kernel refuses.
    pub fn open(runner: &'r Runner) -> Result<Self> {
        Ok(Self { top: mount_top(&Own::of_root()?.target()?)?, runner })
    }

    fn path(&self, name: &str) -> PathBuf {
        self.top.path().join(name)
    }

    /// Keeps system and data as they are now, instead of what was kept before.
    ///
    /// # Errors
    /// When there is no room.
    pub fn keep(&self) -> Result<()> {
        self.forget()?;
        let snapshot = |words: &[&str], from: &str, to: &str| -> Result<()> {
            let (from, to) = (self.path(from), self.path(to));
            let paths = [from.to_string_lossy(), to.to_string_lossy()];
            let all: Vec<&str> = [&["subvolume", "snapshot"], words, &[&*paths[0], &*paths[1]]].concat();
            self.runner.run(Program::Btrfs, &all).map(drop)
        };
        snapshot(&["-r"], DATA, DATA_BEFORE)?;
        snapshot(&[], ROOT, BEFORE)
    }

    /// Is the system kept as it was?
    pub fn is_kept(&self) -> bool {
        self.path(BEFORE).exists()
    }

    /// Removes what was kept.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub fn forget(&self) -> Result<()> {
        [BEFORE, FAILED, DATA_BEFORE].iter().try_for_each(|name| self.remove(name))
    }

    /// Removes the data as it was; the system as it was stays.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub fn forget_data(&self) -> Result<()> {
        self.remove(DATA_BEFORE)
    }

    /// The system as it was is the one that starts next time, and from now on.
    ///
    /// # Errors
    /// When nothing was kept.
    pub fn go_back(&self) -> Result<()> {
        self.remove(FAILED)?;
        let rename = |from: &str, to: &str| {
            fs::rename(self.path(from), self.path(to)).with_context(|| format!("calling {from} {to}"))
        };
        // Cut off between the two, `root.before` is the one that starts, and there is no `root`.
        if self.path(ROOT).exists() {
            rename(ROOT, FAILED)?;
        }
        rename(BEFORE, ROOT)?;
        self.runner.run(Program::Btrfs, &["filesystem", "sync", &self.top.path().to_string_lossy()]).map(drop)
    }

    /// Ends after all was written.
    ///
    /// # Errors
    /// When the disk failed.
    pub fn close(self) -> Result<()> {
        self.top.unmount()
    }

    fn remove(&self, name: &str) -> Result<()> {
        let path = self.path(name);
        if fs::symlink_metadata(&path).is_err() {
            return Ok(());
        }
        let words = ["subvolume", "delete", "--commit-after", "--recursive", &path.to_string_lossy()];
        self.runner.run(Program::Btrfs, &words).map(drop)
    }
}

/// Was the system started as it was before the update?
///
/// # Errors
/// When the kernel does not tell what is mounted.
pub fn started_before() -> Result<bool> {
    let mounts = fs::read_to_string("/proc/self/mountinfo").context("reading what is mounted")?;
    Ok(subvolume(&mounts) == Some(BEFORE))
}

/// The subvolume of `/`: fourth and fifth field of proc_pid_mountinfo(5).
fn subvolume(mountinfo: &str) -> Option<&str> {
    mountinfo.lines().rev().find_map(|line| {
        let mut fields = line.split(' ').skip(3);
        let (root, point) = (fields.next()?, fields.next()?);
        (point == "/").then(|| root.trim_start_matches('/'))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_subvolume_that_was_started_is_told_by_the_kernel() {
        let mounts = "22 1 0:5 / /dev rw - devtmpfs udev rw\n\
                      24 1 0:31 /root.before / rw,noatime shared:1 - btrfs /dev/sda3 rw,subvol=/root.before\n\
                      25 24 0:31 /data /srv rw - btrfs /dev/sda3 rw\n";
        assert_eq!(subvolume(mounts), Some(BEFORE));
        assert_eq!(subvolume(&mounts.replace("/root.before", "/root")), Some(ROOT));
    }
}
