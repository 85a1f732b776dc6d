//! Writing files so that a power cut leaves the old one or the new one, never a half.

use std::fs::{self, File};
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

use anyhow::{Context, Result};
use rustix::fs::{Gid, Uid};

/// Writes `content` to `path` with `mode` (and owner and group where given): to a temporary
/// file beside it, synchronised, then renamed.
///
/// # Errors
/// When the folder cannot be written or the owner not be set.
pub fn write_atomically(
    path: &Path,
    content: &[u8],
    mode: u32,
    owner: Option<(Option<u32>, Option<u32>)>,
) -> Result<()> {
    let folder = path.parent().context("a file needs a folder")?;
    let write = || -> Result<()> {
        let mut file = tempfile::Builder::new().prefix(".mazet-").tempfile_in(folder)?;
        file.write_all(content)?;
        file.as_file().set_permissions(fs::Permissions::from_mode(mode))?;
        if let Some((user, group)) = owner {
            rustix::fs::fchown(file.as_file(), user.map(Uid::from_raw), group.map(Gid::from_raw))?;
        }
        file.as_file().sync_all()?;
        file.persist(path)?;
        Ok(())
    };
    write().with_context(|| format!("writing {}", path.display()))?;
    sync_folder(folder)
}

/// Makes renames and removals in `folder` durable.
///
/// # Errors
/// When it cannot be opened or synchronised.
pub fn sync_folder(folder: &Path) -> Result<()> {
    File::open(folder)
        .and_then(|handle| handle.sync_all())
        .with_context(|| format!("synchronising {}", folder.display()))
}

/// Makes `folder` and those above it, and gives it `mode`.
///
/// # Errors
/// When it cannot be made.
pub fn make_folder(folder: &Path, mode: u32) -> Result<()> {
    fs::create_dir_all(folder)
        .and_then(|()| fs::set_permissions(folder, fs::Permissions::from_mode(mode)))
        .with_context(|| format!("making {}", folder.display()))
}

/// The number of user `name` in the `etc/passwd` below `root`.
///
/// # Errors
/// When the file cannot be read or has no such user.
pub fn user_id(root: &Path, name: &str) -> Result<u32> {
    number(&root.join("etc/passwd"), name)
}

/// The number of group `name` in the `etc/group` below `root`.
///
/// # Errors
/// When the file cannot be read or has no such group.
pub fn group_id(root: &Path, name: &str) -> Result<u32> {
    number(&root.join("etc/group"), name)
}

/// Third column of the line of `name` in a file like `passwd(5)` or `group(5)`.
fn number(path: &Path, name: &str) -> Result<u32> {
    let text = fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
    text.lines()
        .map(|line| line.split(':').collect::<Vec<_>>())
        .find(|columns| columns.first() == Some(&name))
        .and_then(|columns| columns.get(2)?.parse().ok())
        .with_context(|| format!("{} has no \"{name}\"", path.display()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_is_replaced_with_its_mode_and_nothing_stays_beside_it() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("answers");
        write_atomically(&path, b"old", 0o644, None).expect("written");
        write_atomically(&path, b"new", 0o600, None).expect("written");
        assert_eq!(fs::read(&path).expect("read"), b"new");
        assert_eq!(fs::metadata(&path).expect("metadata").permissions().mode() & 0o777, 0o600);
        assert_eq!(fs::read_dir(folder.path()).expect("listed").count(), 1);
    }

    #[test]
    fn groups_are_read_from_the_tree_itself() {
        let root = tempfile::tempdir().expect("temporary folder");
        fs::create_dir(root.path().join("etc")).expect("etc");
        fs::write(root.path().join("etc/group"), "root:x:0:\nmazetd:x:900:\n").expect("group");
        assert_eq!(group_id(root.path(), "mazetd").expect("there"), 900);
        assert!(group_id(root.path(), "nobody").is_err());
    }
}
