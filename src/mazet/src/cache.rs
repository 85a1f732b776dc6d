//! `mazet cache size` and `mazet cache clean`.
//!
//! Everything in the cache can be made again, so deleting is always safe for the result of a
//! build; it costs time. What the last build of each recipe used is kept: each build notes that,
//! for recipes share the names of stages ([`note_use`]). What a running build works on is left
//! alone: the stages hold a lock beside their results, and a held lock is respected.

use std::collections::{BTreeMap, HashSet};
use std::fs::{self, File, Metadata};
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use anyhow::{Context as _, Result, bail};
use rustix::fs::FlockOperation;
use serde::Serialize;

/// The size of one folder of the cache.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FolderSize {
    /// Its name below the cache.
    pub name: String,
    /// Bytes on the disk; a file with several names counts once.
    pub bytes: u64,
    /// Files in it.
    pub files: u64,
    /// Folders that could not be looked into: they belong to sub-ids, and the size is a lower bound.
    pub closed: u64,
}

/// The size of the whole cache, folder by folder, sorted by name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Size {
    /// Where the cache is.
    pub root: PathBuf,
    /// Its folders.
    pub folders: Vec<FolderSize>,
}

impl Size {
    /// Bytes in all.
    pub fn bytes(&self) -> u64 {
        self.folders.iter().map(|folder| folder.bytes).sum()
    }

    /// For people: one line a folder, then the total.
    pub fn to_text(&self) -> String {
        let mut text = format!("{}\n", self.root.display());
        for folder in &self.folders {
            let least = if folder.closed > 0 { " at least" } else { "" };
            let amount = crate::timings::human_bytes(folder.bytes);
            text.push_str(&format!("  {:<12} {amount:>10}{least}  {} files\n", folder.name, folder.files));
        }
        text + &format!("  {:<12} {:>10}\n", "total", crate::timings::human_bytes(self.bytes()))
    }
}

/// Measures the cache. An absent cache is empty.
///
/// # Errors
/// When the cache's own folder cannot be read.
pub fn size(root: &Path) -> Result<Size> {
    // One set for all: a package may be linked into a tree's local archive.
    let mut seen = HashSet::new();
    let folders = children(root)?.into_iter().filter(|path| path.is_dir()).map(|path| {
        let mut folder = FolderSize { name: file_name(&path), bytes: 0, files: 0, closed: 0 };
        measure(&path, &mut folder, &mut seen);
        folder
    });
    Ok(Size { root: root.to_owned(), folders: folders.collect() })
}

/// Adds up what lies below `start`, without following links.
fn measure(start: &Path, folder: &mut FolderSize, seen: &mut HashSet<(u64, u64)>) {
    let mut waiting = vec![start.to_owned()];
    while let Some(path) = waiting.pop() {
        let Ok(entries) = fs::read_dir(&path) else {
            folder.closed += 1;
            continue;
        };
        for entry in entries.flatten() {
            let Ok(meta) = entry.metadata() else { continue };
            if meta.is_dir() {
                waiting.push(entry.path());
            } else {
                folder.files += 1;
            }
            if meta.nlink() == 1 || meta.is_dir() || seen.insert((meta.dev(), meta.ino())) {
                // stat(2) counts in blocks of 512 bytes, whatever the file system's own.
                folder.bytes += meta.blocks() * 512;
            }
        }
    }
}

/// Folder of the notes, one file a recipe, one result a line, as a path from the cache.
const USED: &str = "used";

/// Notes which results (folders in the cache) the last build of `recipe` used.
///
/// # Errors
/// When the note cannot be written.
pub fn note_use(root: &Path, recipe: &str, results: &[&Path]) -> Result<()> {
    let names = results.iter().filter_map(|path| path.strip_prefix(root).ok());
    let text: String = names.map(|name| format!("{}\n", name.display())).collect();
    let folder = root.join(USED);
    let note = folder.join(recipe);
    if fs::read_to_string(&note).is_ok_and(|kept| kept == text) {
        return Ok(());
    }
    fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
    fs::write(&note, text).with_context(|| format!("noting what {recipe} used in {}", note.display()))
}

/// The results that the last build of some recipe used.
fn used(root: &Path) -> Result<HashSet<PathBuf>> {
    let mut results = HashSet::new();
    for note in children(&root.join(USED))? {
        let text = fs::read_to_string(&note).with_context(|| format!("reading {}", note.display()))?;
        results.extend(text.lines().map(|name| root.join(name)));
    }
    Ok(results)
}

/// How much to delete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extent {
    /// What a newer result has replaced, and what interrupted builds left.
    Superseded,
    /// Everything.
    All,
}

/// Deletes from the cache and gives the paths that went. `remove` deletes one of them; it must
/// do so inside the user namespace, for trees hold files of sub-ids.
///
/// # Errors
/// When a build is running (with [`Extent::All`]), and those of `remove`.
pub fn clean(
    root: &Path,
    extent: Extent,
    mut remove: impl FnMut(&Path) -> Result<()>,
) -> Result<Vec<PathBuf>> {
    let mut locks = Vec::new();
    let doomed = match extent {
        Extent::All => everything(root, &mut locks)?,
        Extent::Superseded => {
            let (mut paths, used) = (Vec::new(), used(root)?);
            for shelf in children(root)?.into_iter().filter(|path| path.is_dir()) {
                paths.extend(superseded(&shelf, &used, &mut locks)?);
            }
            paths
        }
    };
    for path in &doomed {
        remove(path).with_context(|| format!("deleting {}", path.display()))?;
    }
    Ok(doomed)
}

/// All that is in the cache, once every stage's lock is held.
fn everything(root: &Path, locks: &mut Vec<File>) -> Result<Vec<PathBuf>> {
    let all = children(root)?;
    for shelf in all.iter().filter(|path| path.is_dir()) {
        for path in children(shelf)?.into_iter().filter(|path| file_name(path).ends_with(".lock")) {
            match try_lock(&path)? {
                Some(lock) => locks.push(lock),
                None => {
                    bail!("a build is running (it holds {}): try again when it has ended", path.display())
                }
            }
        }
    }
    Ok(all)
}

/// Of one shelf: results `<stage>-<16 hexadecimal digits>` but the `used` ones and the newest of
/// each stage, and remains `.<stage>.partial`. Stages that another build works on are passed over.
fn superseded(shelf: &Path, used: &HashSet<PathBuf>, locks: &mut Vec<File>) -> Result<Vec<PathBuf>> {
    let mut stages: BTreeMap<String, Vec<(SystemTime, PathBuf)>> = BTreeMap::new();
    let mut partials: BTreeMap<String, PathBuf> = BTreeMap::new();
    for path in children(shelf)? {
        let name = file_name(&path);
        if let Some(stage) = stage_of_result(&name) {
            let changed = path.symlink_metadata().and_then(|meta: Metadata| meta.modified());
            stages
                .entry(stage.to_owned())
                .or_default()
                .push((changed.unwrap_or(SystemTime::UNIX_EPOCH), path));
        } else if let Some(stage) = name.strip_prefix('.').and_then(|rest| rest.strip_suffix(".partial")) {
            partials.insert(stage.to_owned(), path);
        }
    }
    let mut doomed = Vec::new();
    let names: HashSet<&String> = stages.keys().chain(partials.keys()).collect();
    for stage in names {
        let lock_file = shelf.join(format!(".{stage}.lock"));
        if lock_file.exists() {
            match try_lock(&lock_file)? {
                Some(lock) => locks.push(lock),
                None => continue,
            }
        }
        let mut results = stages.get(stage).cloned().unwrap_or_default();
        results.sort();
        results.pop();
        doomed.extend(results.into_iter().map(|(_, path)| path).filter(|path| !used.contains(path)));
        doomed.extend(partials.get(stage).cloned());
    }
    doomed.sort();
    Ok(doomed)
}

/// The stage that made a result of this name.
fn stage_of_result(name: &str) -> Option<&str> {
    let (stage, key) = name.rsplit_once('-')?;
    let is_key = key.len() == 16 && key.bytes().all(|byte| byte.is_ascii_hexdigit());
    (is_key && !stage.is_empty()).then_some(stage)
}

/// The lock, unless another process holds it.
fn try_lock(path: &Path) -> Result<Option<File>> {
    let file = File::open(path).with_context(|| format!("opening the lock {}", path.display()))?;
    match rustix::fs::flock(&file, FlockOperation::NonBlockingLockExclusive) {
        Ok(()) => Ok(Some(file)),
        Err(rustix::io::Errno::WOULDBLOCK) => Ok(None),
        Err(error) => Err(error).with_context(|| format!("taking the lock {}", path.display())),
    }
}

/// What a folder holds, sorted; nothing when it is absent.
fn children(folder: &Path) -> Result<Vec<PathBuf>> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(error).with_context(|| format!("reading folder {}", folder.display())),
    };
    let mut paths: Vec<PathBuf> = entries.flatten().map(|entry| entry.path()).collect();
    paths.sort();
    Ok(paths)
}

fn file_name(path: &Path) -> String {
    path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default()
}

#[cfg(test)]
mod tests;
