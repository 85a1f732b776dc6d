//! Writing files so that a power cut leaves the old one or the new one, never a half.

use std::fs::{self, File};
use std::io::{ErrorKind, Write as _};
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Writes `value` as JSON for root alone: to a temporary file beside it, synchronised, then renamed.
///
/// # Errors
/// When the folder cannot be written.
pub fn write_json(path: &Path, value: &impl Serialize) -> Result<()> {
    let folder = path.parent().context("a file needs a folder")?;
    let write = || -> Result<()> {
        let mut file = tempfile::Builder::new().prefix(".mazet-").tempfile_in(folder)?;
        file.write_all(&serde_json::to_vec_pretty(value)?)?;
        file.as_file().sync_all()?;
        file.persist(path)?;
        File::open(folder)?.sync_all()?;
        Ok(())
    };
    write().with_context(|| format!("writing {}", path.display()))
}

/// The value of a JSON file; none: there is no such file.
///
/// # Errors
/// When it cannot be read.
pub fn read_json<T: DeserializeOwned>(path: &Path) -> Result<Option<T>> {
    let text = match fs::read_to_string(path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        text => text.with_context(|| format!("reading {}", path.display()))?,
    };
    serde_json::from_str(&text).map(Some).with_context(|| format!("reading {}", path.display()))
}

/// Seconds since 1970.
pub fn now() -> i64 {
    seconds(SystemTime::now())
}

/// Seconds from 1970 to `time`.
pub fn seconds(time: SystemTime) -> i64 {
    time.duration_since(UNIX_EPOCH).map_or(0, |passed| i64::try_from(passed.as_secs()).unwrap_or(0))
}
