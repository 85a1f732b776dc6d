//! What differs between the rendering and the disk; writing it, and going back.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use anyhow::{Context, Result};

use super::good::Good;
use super::render::Rendered;
use crate::files;
use crate::system::below;

/// A file as it is or shall be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Version {
    /// Content; not always text.
    pub content: Vec<u8>,
    /// Permission bits.
    pub mode: u32,
    /// Group's number; the owner is root.
    pub group: u32,
}

/// A file that must change.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// Absolute path on the box.
    pub target: String,
    /// As it is; none: not there.
    pub old: Option<Version>,
    /// As it shall be; none: removed.
    pub new: Option<Version>,
    /// Units to reload.
    pub reload: Vec<String>,
    /// Units to restart.
    pub restart: Vec<String>,
}

/// Every file that differs from `rendering`, and every file of the last good rendering that is
/// no longer rendered.
///
/// # Errors
/// When a file cannot be read, or a group is not known.
pub fn changes(root: &Path, rendering: &[Rendered], kept: &Good) -> Result<Vec<Change>> {
    let mut changes = of_rendering(root, rendering)?;
    for target in kept.targets()? {
        let old = read(&below(root, &target))?;
        if old.is_some() && rendering.iter().all(|rendered| rendered.target != target) {
            changes.push(Change { target, old, new: None, reload: Vec::new(), restart: Vec::new() });
        }
    }
    Ok(changes)
}

/// Every file that differs from `rendering`.
///
/// # Errors
/// When a file cannot be read, or a group is not known.
pub fn of_rendering(root: &Path, rendering: &[Rendered]) -> Result<Vec<Change>> {
    let mut changes = Vec::new();
    for rendered in rendering {
        let new = Version {
            content: rendered.content.clone().into_bytes(),
            mode: rendered.mode,
            group: group(root, &rendered.group)?,
        };
        let old = read(&below(root, &rendered.target))?;
        if old.as_ref() != Some(&new) {
            changes.push(Change {
                target: rendered.target.clone(),
                old,
                new: Some(new),
                reload: rendered.reload.clone(),
                restart: rendered.restart.clone(),
            });
        }
    }
    Ok(changes)
}

/// Puts every change on the disk.
///
/// # Errors
/// The first file that cannot be written.
pub fn write(root: &Path, changes: &[Change]) -> Result<()> {
    changes.iter().try_for_each(|change| put(&below(root, &change.target), change.new.as_ref()))
}

/// Puts the old files back.
///
/// # Errors
/// The first file that cannot be written.
pub fn restore(root: &Path, changes: &[Change]) -> Result<()> {
    changes.iter().try_for_each(|change| put(&below(root, &change.target), change.old.as_ref()))
}

fn put(path: &Path, version: Option<&Version>) -> Result<()> {
    let folder = path.parent().context("a file has a folder")?;
    let Some(version) = version else {
        return match fs::remove_file(path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(error).with_context(|| format!("removing {}", path.display()))
            }
            _ => {
                // Drop-ins of one instance of a unit: nobody else lays anything there.
                if folder.to_string_lossy().contains('@') {
                    let _ = fs::remove_dir(folder);
                }
                Ok(())
            }
        };
    };
    fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
    files::write_atomically(path, &version.content, version.mode, Some((None, Some(version.group))))
}

fn read(path: &Path) -> Result<Option<Version>> {
    let metadata = match fs::metadata(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        metadata => metadata.with_context(|| format!("reading {}", path.display()))?,
    };
    let content = fs::read(path).with_context(|| format!("reading {}", path.display()))?;
    Ok(Some(Version { content, mode: metadata.permissions().mode() & 0o7777, group: metadata.gid() }))
}

fn group(root: &Path, name: &str) -> Result<u32> {
    if name == "root" { Ok(0) } else { files::group_id(root, name) }
}
