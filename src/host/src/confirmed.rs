//! Serial numbers that the operator typed: what these disks hold may be erased.
//!
//! The form of the page keeps each as `{"serial": "…"}` in a file of its own. It counts for an hour.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use serde::Deserialize;

use crate::files;
use crate::listing::Disk;

/// How long one counts, in seconds.
const WHILE: i64 = 60 * 60;

/// Serial numbers that were typed.
#[derive(Debug, Clone, Default)]
pub struct Confirmed {
    serials: Vec<String>,
}

#[derive(Debug, Deserialize)]
struct Typed {
    serial: String,
}

impl Confirmed {
    /// Those in `folder`.
    ///
    /// # Errors
    /// When one cannot be read.
    pub fn read(folder: &Path) -> Result<Self> {
        let mut serials = Vec::new();
        for (path, age) in kept(folder)? {
            if (0..WHILE).contains(&age) {
                let typed: Option<Typed> = files::read_json(&path)?;
                serials.extend(typed.map(|typed| plain(&typed.serial)));
            }
        }
        Ok(Self { serials })
    }

    /// As if these were typed now.
    pub fn of(serials: &[&str]) -> Self {
        Self { serials: serials.iter().map(|serial| plain(serial)).collect() }
    }

    /// Was that of this disk typed?
    pub fn has(&self, disk: &Disk) -> bool {
        self.serials.contains(&plain(disk.identity()))
    }

    /// Forgets those that count no more.
    ///
    /// # Errors
    /// When one cannot be removed.
    pub fn tidy(folder: &Path) -> Result<()> {
        let mut old = kept(folder)?.into_iter().filter(|(_, age)| !(0..WHILE).contains(age));
        old.try_for_each(|(path, _)| remove(&path))
    }

    /// Forgets all.
    ///
    /// # Errors
    /// When one cannot be removed.
    pub fn forget(folder: &Path) -> Result<()> {
        kept(folder)?.into_iter().try_for_each(|(path, _)| remove(&path))
    }
}

/// Forms take one word: spaces in a serial number do not count.
fn plain(serial: &str) -> String {
    serial.split_whitespace().collect()
}

fn remove(path: &Path) -> Result<()> {
    fs::remove_file(path).with_context(|| format!("removing {}", path.display()))
}

/// The files, each with its age in seconds.
fn kept(folder: &Path) -> Result<Vec<(PathBuf, i64)>> {
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Vec::new()),
        entries => entries.with_context(|| format!("reading {}", folder.display()))?,
    };
    let mut kept = Vec::new();
    for entry in entries {
        let path = entry.with_context(|| format!("reading {}", folder.display()))?.path();
        if path.extension().is_some_and(|extension| extension == "json") {
            let modified = fs::metadata(&path).and_then(|metadata| metadata.modified());
            let modified = modified.with_context(|| format!("reading {}", path.display()))?;
            kept.push((path, files::now() - files::seconds(modified)));
        }
    }
    Ok(kept)
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, SystemTime};

    use super::*;

    #[test]
    fn what_was_typed_counts_for_an_hour() {
        let folder = tempfile::tempdir().expect("a folder");
        let disk = |serial: &str| Disk { serial: serial.to_owned(), ..Disk::default() };
        let path = folder.path().join("0123.json");
        fs::write(&path, r#"{"serial":"W 1"}"#).expect("written");
        let read = || Confirmed::read(folder.path()).expect("read");
        assert!(read().has(&disk("W1")) && read().has(&disk("W 1")) && !read().has(&disk("W2")));
        Confirmed::tidy(folder.path()).expect("tidied");
        assert!(path.exists());
        let old = SystemTime::now() - Duration::from_secs(3601);
        fs::File::options().write(true).open(&path).and_then(|file| file.set_modified(old)).expect("aged");
        assert!(!read().has(&disk("W1")));
        Confirmed::tidy(folder.path()).expect("tidied");
        assert!(!path.exists());
        assert!(!Confirmed::read(&folder.path().join("none")).expect("read").has(&disk("W1")));
    }
}
