//! Where things lie: the project's folders and the cache.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

/// The project: recipes, overlays, firmware, sources.
#[derive(Debug, Clone)]
pub struct Project {
    /// Its top folder.
    pub root: PathBuf,
}

impl Project {
    /// The project named by `MAZET_PROJECT` (the wrapper sets it), else the one around the
    /// current folder.
    ///
    /// # Errors
    /// When neither holds `recipes/`.
    pub fn find() -> Result<Self> {
        let start = match env::var_os("MAZET_PROJECT") {
            Some(root) => PathBuf::from(root),
            None => env::current_dir().context("reading the current folder")?,
        };
        match start.ancestors().find(|folder| folder.join("recipes/services").is_dir()) {
            Some(root) => Ok(Self { root: root.to_owned() }),
            None => {
                bail!("no Mazet project at {}: run this from its folder, or by its ./mazet", start.display())
            }
        }
    }

    /// Where finished images go.
    pub fn images(&self) -> PathBuf {
        self.root.join("images")
    }

    /// Service manifests.
    pub fn services(&self) -> PathBuf {
        self.root.join("recipes/services")
    }

    /// Overlay folders, one a service.
    pub fn overlays(&self) -> PathBuf {
        self.root.join("overlays")
    }

    /// What boots a kind of hardware.
    pub fn firmware(&self, hardware: &str) -> PathBuf {
        self.root.join("firmware").join(hardware)
    }
}

/// The cache: safe to delete at any time.
#[derive(Debug, Clone)]
pub struct Cache {
    /// `$XDG_CACHE_HOME/mazet` or `~/.cache/mazet`.
    pub root: PathBuf,
}

impl Cache {
    /// The user's cache (XDG Base Directory Specification).
    ///
    /// # Errors
    /// When neither `XDG_CACHE_HOME` nor `HOME` is set.
    pub fn find() -> Result<Self> {
        let base = match (env::var_os("XDG_CACHE_HOME"), env::var_os("HOME")) {
            (Some(cache), _) if Path::new(&cache).is_absolute() => PathBuf::from(cache),
            (_, Some(home)) => PathBuf::from(home).join(".cache"),
            _ => bail!("neither XDG_CACHE_HOME nor HOME is set: Mazet needs one of them to keep its cache"),
        };
        Ok(Self { root: base.join("mazet") })
    }

    /// Downloaded packages, named by their SHA-256.
    pub fn debs(&self) -> PathBuf {
        self.root.join("debs")
    }

    /// The folder of one kind of thing, made if absent.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn folder(&self, kind: &str) -> Result<PathBuf> {
        let path = self.root.join(kind);
        fs::create_dir_all(&path).with_context(|| format!("making the cache folder {}", path.display()))?;
        Ok(path)
    }
}
/// Bytes that may still be written to the file system of `path`, or of the nearest folder above it that is
/// there; nothing where it does not say.
#[must_use]
pub fn free(path: &Path) -> Option<u64> {
    let existing = path.ancestors().find(|ancestor| ancestor.exists())?;
    let numbers = rustix::fs::statvfs(existing).ok()?;
    Some(numbers.f_bavail.saturating_mul(numbers.f_frsize))
}
