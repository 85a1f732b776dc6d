//! The lock: apt's answer, written down.
//!
//! Name, version, architecture, size, SHA-256 and pool path of every package that went into
//! an image and into the trees that built it. Paths are below an archive's root, so the lock
//! names no mirror. `docs/formats.md` describes the file.

use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use thiserror::Error;

use crate::digest::Digest;

/// Version of the format.
const FORMAT: u32 = 1;

/// A whole lock.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Lock {
    /// Version of this format.
    pub format: u32,
    /// Debian release, by code name.
    pub release: String,
    /// Architecture of the image.
    pub architecture: String,
    /// The newest date of the archive's signed indexes, in seconds since 1970-01-01 UTC: the
    /// clock of everything built from this lock (SOURCE_DATE_EPOCH).
    pub epoch: u64,
    /// Every package, sorted by part and name.
    #[serde(rename = "package")]
    pub packages: Vec<Entry>,
}

/// One package.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Entry {
    /// What it is for.
    pub part: Part,
    /// Package name.
    pub name: String,
    /// Debian version.
    pub version: String,
    /// Package architecture: the image's, the builder's, or `all`.
    pub architecture: String,
    /// Size of the `.deb` in bytes.
    pub size: u64,
    /// SHA-256 of the `.deb`.
    pub sha256: Digest,
    /// The archive that holds it.
    pub archive: Archive,
    /// Path below the archive's root.
    pub path: String,
}

/// What a package is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Part {
    /// The base layer.
    Base,
    /// The services layer.
    Services,
    /// The tools tree.
    Tools,
    /// The compile tree.
    Compile,
    /// The test tree.
    Test,
}

impl Part {
    /// Its packages lie in the image.
    pub fn is_of_image(self) -> bool {
        matches!(self, Self::Base | Self::Services)
    }
}

/// One of Debian's archives.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Archive {
    /// The release and its updates.
    Main,
    /// Security updates.
    Security,
}

/// Why a lock cannot be used.
#[derive(Debug, Error)]
pub enum LockError {
    /// Not the format.
    #[error("the lock cannot be read: {0}")]
    Syntax(#[from] toml::de::Error),
    /// Made by a later Mazet.
    #[error(
        "the lock has format {0}; this Mazet reads format {FORMAT}: update Mazet, or build without --locked"
    )]
    Format(u32),
    /// A package that the recipe wants is not in it.
    #[error(
        "the lock holds no package {0}, which the recipe asks for: build once without --locked to make a new lock"
    )]
    Missing(String),
    /// It is for something else.
    #[error(
        "the lock is for {found}, the recipe builds {wanted}: use the lock that stands beside the image of this recipe"
    )]
    Other {
        /// What the lock is for.
        found: String,
        /// What the recipe builds.
        wanted: String,
    },
}

impl Lock {
    /// A lock of these packages.
    pub fn new(release: &str, architecture: &str, epoch: u64, mut packages: Vec<Entry>) -> Self {
        packages.sort();
        packages.dedup();
        Self { format: FORMAT, release: release.into(), architecture: architecture.into(), epoch, packages }
    }

    /// Reads a lock.
    ///
    /// # Errors
    /// When the text is no lock, or one of a later format.
    pub fn parse(text: &str) -> Result<Self, LockError> {
        let lock: Self = toml::from_str(text)?;
        if lock.format == FORMAT { Ok(lock) } else { Err(LockError::Format(lock.format)) }
    }

    /// The lock as written to disk.
    pub fn render(&self) -> String {
        let head = format!(
            "format = {}\nrelease = \"{}\"\narchitecture = \"{}\"\nepoch = {}\n",
            self.format, self.release, self.architecture, self.epoch
        );
        self.packages.iter().fold(head, |mut text, entry| {
            let table = toml::to_string(entry).unwrap_or_default();
            let _ = write!(text, "\n[[package]]\n{table}");
            text
        })
    }

    /// The packages of one part.
    pub fn part(&self, part: Part) -> Vec<Entry> {
        self.packages.iter().filter(|entry| entry.part == part).cloned().collect()
    }

    /// Checks that the lock fits a recipe: the same release and architecture, and every package
    /// of `wanted` in `part`.
    ///
    /// # Errors
    /// Naming the first thing that does not fit.
    pub fn fits(
        &self,
        release: &str,
        architecture: &str,
        part: Part,
        wanted: &[String],
    ) -> Result<(), LockError> {
        if (self.release.as_str(), self.architecture.as_str()) != (release, architecture) {
            return Err(LockError::Other {
                found: format!("{} {}", self.release, self.architecture),
                wanted: format!("{release} {architecture}"),
            });
        }
        let held = |wanted: &str| {
            let (name, of) = wanted.split_once(':').map_or((wanted, None), |(name, of)| (name, Some(of)));
            let fits = |e: &&Entry| e.name == name && of.is_none_or(|of| e.architecture == of);
            self.packages.iter().filter(fits).any(|e| within(e.part, part))
        };
        match wanted.iter().find(|name| !held(name)) {
            Some(name) => Err(LockError::Missing(name.clone())),
            None => Ok(()),
        }
    }
}

/// A package wanted in the services layer may already lie in the base below it.
fn within(held: Part, wanted: Part) -> bool {
    held == wanted || (wanted == Part::Services && held == Part::Base)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(part: Part, name: &str) -> Entry {
        Entry {
            part,
            name: name.into(),
            version: "1.0-1".into(),
            architecture: "amd64".into(),
            size: 10,
            sha256: Digest::of(name),
            archive: Archive::Main,
            path: format!("pool/main/{name}.deb"),
        }
    }

    #[test]
    fn a_lock_reads_back_what_it_writes_sorted() {
        let lock =
            Lock::new("trixie", "amd64", 7, vec![entry(Part::Services, "nginx"), entry(Part::Base, "apt")]);
        let read = Lock::parse(&lock.render()).expect("own rendering");
        assert_eq!(read, lock);
        assert_eq!(read.packages[0].name, "apt");
    }

    #[test]
    fn a_lock_that_does_not_fit_says_why() {
        let lock = Lock::new("trixie", "amd64", 7, vec![entry(Part::Base, "apt")]);
        let wanted = |names: &[&str]| names.iter().map(|n| (*n).to_owned()).collect::<Vec<_>>();
        assert!(lock.fits("trixie", "amd64", Part::Services, &wanted(&["apt"])).is_ok());
        let missing = lock.fits("trixie", "amd64", Part::Base, &wanted(&["apt", "sed"])).expect_err("no sed");
        assert!(missing.to_string().starts_with("the lock holds no package sed"), "{missing}");
        let other = lock.fits("trixie", "arm64", Part::Base, &[]).expect_err("other architecture");
        assert!(other.to_string().contains("trixie amd64"), "{other}");
    }

    #[test]
    fn unknown_keys_and_later_formats_are_refused() {
        assert!(Lock::parse("format = 1\nmirror = \"x\"").is_err());
        let later = "format = 9\nrelease = \"x\"\narchitecture = \"y\"\nepoch = 1\npackage = []";
        assert!(matches!(Lock::parse(later), Err(LockError::Format(9))));
    }
}
