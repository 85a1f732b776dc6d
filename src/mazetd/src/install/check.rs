//! Reading back what was written, from the disks themselves.

use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};

use super::copy::{FileDigest, digest};
use super::layout::Target;
use super::mounts::mount_read_only;
use super::progress::StageReporter;
use crate::run::{Program, Runner};

/// Which of the new file systems a file is on.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The box's root, data included.
    Box,
    /// The FAT of the disk with this number.
    Fat(usize),
}

/// A file as it must be found again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Written {
    /// Its file system.
    pub place: Place,
    /// Its path there.
    pub path: PathBuf,
    /// SHA-256 of its content.
    pub digest: FileDigest,
}

/// Checks the btrfs's structure, and every file of `written` by its digest. The file systems are
/// mounted anew for it: nothing comes from memory.
///
/// # Errors
/// The first file that differs or cannot be read.
pub fn check(target: &Target, written: &[Written], runner: &Runner, stage: &StageReporter<'_>) -> Result<()> {
    let device = target.disks.first().context("an installation needs a disk")?.data.to_string_lossy();
    runner.run(Program::Btrfs, &["check", "--readonly", &device])?;
    compare(target, written, stage)
}

/// Checks every file of `written` by its digest, as [`check`] does.
///
/// # Errors
/// The first file that differs or cannot be read.
pub fn compare(target: &Target, written: &[Written], stage: &StageReporter<'_>) -> Result<()> {
    let mounts = mount_read_only(target)?;
    let place = |file: &Written| -> Option<PathBuf> {
        match file.place {
            Place::Box => Some(mounts.root().join(&file.path)),
            Place::Fat(number) => Some(mounts.fats().nth(number)?.join(&file.path)),
        }
    };
    for (number, file) in written.iter().enumerate() {
        let path = place(file).context("a file has a place")?;
        forget(&path)?;
        if digest(&path, &mut |_| ())? != file.digest {
            bail!("{} on the disk is not what was written: the disk may be broken", file.path.display());
        }
        stage.at(number as u64, written.len() as u64);
    }
    mounts.close()
}

/// Has the kernel forget what it remembers of the file: it shall be read from the disk. The live
/// medium stays mounted, so that nothing else would make it.
fn forget(path: &Path) -> Result<()> {
    let drop = || -> std::io::Result<()> {
        Ok(rustix::fs::fadvise(File::open(path)?, 0, None, rustix::fs::Advice::DontNeed)?)
    };
    drop().with_context(|| format!("reading {} anew", path.display()))
}
