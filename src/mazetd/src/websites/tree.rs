//! Folders that somebody else fills: read and put in place by root, without following a link of theirs.

use std::fs::{self, File};
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

use anyhow::{Context as _, Result};
use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, openat2};
use rustix::io::Errno;

use crate::system::below;

/// Opens a folder of the box at `root`. No part of its path is a link.
///
/// # Errors
/// When it is not there, or no folder.
pub fn open(root: &Path, path: &str) -> Result<OwnedFd> {
    let root = openat2(
        CWD,
        root,
        OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC,
        Mode::empty(),
        ResolveFlags::empty(),
    )
    .context("opening the root")?;
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    openat2(root, path.trim_start_matches('/'), flags, Mode::empty(), inside())
        .with_context(|| format!("opening the folder {path}"))
}

/// Is it that the folder, or one above it, is not there? A link is there, wherever it leads.
pub fn is_missing(error: &anyhow::Error) -> bool {
    error.downcast_ref::<Errno>() == Some(&Errno::NOENT)
}

/// Below the folder that one begins at, and through no link.
fn inside() -> ResolveFlags {
    ResolveFlags::BENEATH | ResolveFlags::NO_SYMLINKS | ResolveFlags::NO_MAGICLINKS
}

/// Opens a file or folder below an open one, to read it.
///
/// # Errors
/// When it is not there, is a link, or lies behind one.
pub fn open_below(folder: &OwnedFd, path: &Path) -> Result<File> {
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::NONBLOCK;
    let file = openat2(folder, path, flags, Mode::empty(), inside());
    Ok(file.with_context(|| format!("opening {}", path.display()))?.into())
}

/// Numbers of sites, from the owners of their folders: those of the range that begins with `first`.
pub fn numbers(folder: &Path, first: u32) -> Vec<u16> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let owner = |entry: fs::DirEntry| entry.metadata().ok().map(|metadata| metadata.uid());
    let number = |id: u32| id.checked_sub(first).and_then(|number| u16::try_from(number).ok());
    entries
        .filter_map(owner)
        .filter_map(number)
        .filter(|number| (1..=mazet_model::sites::LAST_NUMBER).contains(number))
        .collect()
}

/// Removes the folder of that name, with all that is in it.
///
/// # Errors
/// When it cannot be.
pub fn remove(folder: &Path, name: &str) -> Result<()> {
    let path = below(folder, name);
    // It follows no link.
    match fs::remove_dir_all(&path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("removing {}", path.display()))
        }
        _ => Ok(()),
    }
}
