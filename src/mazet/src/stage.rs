//! Cached stages: a function from inputs to a folder, named by the digest of the inputs.
//!
//! A stage works in a folder with another name and is renamed at its end: what bears its name is
//! whole, whatever interrupts a build. The inputs are kept beside the result for `mazet why`.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use rustix::fs::FlockOperation;
use serde::Serialize;

use crate::digest::Inputs;
use crate::sandbox;

/// File that keeps a stage's inputs.
const INPUTS: &str = "inputs.json";

/// A stage's result.
#[derive(Debug, Clone)]
pub struct Made {
    /// Its folder.
    pub folder: PathBuf,
    /// It was there already.
    pub cached: bool,
    /// The digest of its inputs.
    pub key: crate::digest::Digest,
}

/// Gives the result of stage `name` for `inputs`, from `shelf` or by calling `make` with an empty
/// folder to fill.
///
/// # Errors
/// Those of `make`; nothing is kept then.
pub fn stage(
    shelf: &Path,
    name: &str,
    inputs: &Inputs,
    make: impl FnOnce(&Path) -> Result<()>,
) -> Result<Made> {
    let (key, folder) = (inputs.key(), place(shelf, name, inputs));
    let made = |cached| Made { folder: folder.clone(), cached, key };
    if folder.exists() {
        return Ok(made(true));
    }
    fs::create_dir_all(shelf).with_context(|| format!("making {}", shelf.display()))?;
    let _lock = lock(&shelf.join(format!(".{name}.lock")))?;
    if folder.exists() {
        // Another build made it while this one waited.
        return Ok(made(true));
    }
    let partial = shelf.join(format!(".{name}.partial"));
    sandbox::remove_tree(&partial).context("clearing what an interrupted build left")?;
    fs::create_dir(&partial).with_context(|| format!("making {}", partial.display()))?;
    make(&partial)?;
    fs::write(partial.join(INPUTS), serde_json::to_vec_pretty(inputs)?)
        .with_context(|| format!("noting the inputs of {name}"))?;
    fs::rename(&partial, &folder).with_context(|| format!("naming {}", folder.display()))?;
    Ok(made(false))
}

/// Where stage `name` keeps its result for `inputs`.
pub fn place(shelf: &Path, name: &str, inputs: &Inputs) -> PathBuf {
    shelf.join(format!("{name}-{}", inputs.key().short()))
}

/// Holds an exclusive lock on `path` until dropped; waits for other builds.
///
/// # Errors
/// When the file cannot be made.
pub fn lock(path: &Path) -> Result<File> {
    let file = File::create(path).with_context(|| format!("opening the lock {}", path.display()))?;
    rustix::fs::flock(&file, FlockOperation::LockExclusive).context("waiting for another build")?;
    Ok(file)
}

/// Would a stage be made again, and why?
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Question {
    /// The stage.
    pub stage: String,
    /// Its result for these inputs is there.
    pub kept: bool,
    /// What changed since the newest result that is there.
    pub changes: Vec<String>,
}

/// Looks for a stage's result without making it.
pub fn question(shelf: &Path, name: &str, inputs: &Inputs) -> Question {
    let kept = place(shelf, name, inputs).exists();
    let changes = match newest_inputs(shelf, name) {
        _ if kept => Vec::new(),
        Some(earlier) => inputs.changes_since(&earlier),
        None => vec!["it was never made".to_owned()],
    };
    Question { stage: name.to_owned(), kept, changes }
}

/// The inputs of the newest kept result of stage `name`.
pub fn newest_inputs(shelf: &Path, name: &str) -> Option<Inputs> {
    let entries = fs::read_dir(shelf).ok()?.flatten();
    let ours = entries.filter(|entry| {
        let file = entry.file_name();
        let rest = file.to_string_lossy().strip_prefix(&format!("{name}-")).map(str::len);
        rest == Some(16)
    });
    let newest = ours.max_by_key(|entry| entry.metadata().and_then(|meta| meta.modified()).ok())?;
    serde_json::from_slice(&fs::read(newest.path().join(INPUTS)).ok()?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_is_made_once_and_never_half() {
        let shelf = tempfile::tempdir().expect("temporary folder");
        let inputs = Inputs::new("x", 1);
        let fail = stage(shelf.path(), "x", &inputs, |folder| {
            fs::write(folder.join("half"), "")?;
            anyhow::bail!("interrupted")
        });
        assert_eq!(fail.expect_err("it fails").to_string(), "interrupted");
        let first = stage(shelf.path(), "x", &inputs, |folder| {
            assert!(!folder.join("half").exists(), "the remains of the failed try are gone");
            Ok(fs::write(folder.join("whole"), "")?)
        })
        .expect("made");
        assert!(!first.cached && first.folder.join("whole").exists());
        let second = stage(shelf.path(), "x", &inputs, |_| anyhow::bail!("made again")).expect("kept");
        assert!(second.cached);
        assert!(question(shelf.path(), "x", &inputs).kept);
        let mut other = inputs.clone();
        other.text("overlay", "edited");
        assert_eq!(question(shelf.path(), "x", &other).changes, ["new: overlay"]);
        assert_eq!(newest_inputs(shelf.path(), "x"), Some(inputs));
        assert_eq!(newest_inputs(shelf.path(), "y"), None);
    }
}
