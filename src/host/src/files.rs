//! Writing files so that a power cut leaves the old one or the new one, never a half.

use std::fs::{self, File, Permissions};
use std::io::{ErrorKind, Write as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Writes `content` for root alone: to a temporary file beside it, synchronised, then renamed.
///
/// # Errors
/// When the folder cannot be written.
pub fn write(path: &Path, content: &[u8]) -> Result<()> {
    let folder = path.parent().context("a file needs a folder")?;
    let write = || -> Result<()> {
        let mut file = tempfile::Builder::new().prefix(".mazet-").tempfile_in(folder)?;
        file.write_all(content)?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        File::open(folder)?.sync_all()?;
        Ok(())
    };
    write().with_context(|| format!("writing {}", path.display()))
}

/// The same for a value, as JSON.
///
/// # Errors
/// When the folder cannot be written.
pub fn write_json(path: &Path, value: &impl Serialize) -> Result<()> {
    let text = serde_json::to_vec_pretty(value).with_context(|| format!("writing {}", path.display()))?;
    write(path, &text)
}

/// The value of a JSON file; none: there is no such file.
///
/// # Errors
/// When it cannot be read. The text does not quote it: it may hold secrets.
pub fn read_json<T: DeserializeOwned>(path: &Path) -> Result<Option<T>> {
    let text = match fs::read_to_string(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        text => text.with_context(|| format!("reading {}", path.display()))?,
    };
    let read = serde_json::from_str(&text).map_err(|error| {
        anyhow::anyhow!("reading {}: line {}, column {}", path.display(), error.line(), error.column())
    });
    read.map(Some)
}

/// Makes `folder` and those above it, and gives it `mode`.
///
/// # Errors
/// When it cannot be made.
pub fn make_folder(folder: &Path, mode: u32) -> Result<()> {
    fs::create_dir_all(folder)
        .and_then(|()| fs::set_permissions(folder, Permissions::from_mode(mode)))
        .with_context(|| format!("making {}", folder.display()))
}

/// Removes a tree, if it is there.
///
/// # Errors
/// When it cannot be removed.
pub fn remove(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(()),
        removed => removed.with_context(|| format!("removing {}", folder.display())),
    }
}

/// Seconds since 1970.
pub fn now() -> i64 {
    seconds(SystemTime::now())
}

/// Seconds from 1970 to `time`.
pub fn seconds(time: SystemTime) -> i64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |passed| i64::try_from(passed.as_secs()).unwrap_or(0))
}
