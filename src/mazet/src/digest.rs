//! SHA-256 digests, and keys made from named inputs.
//!
//! A cached result is named by the digest of *all* that went into it. [`Inputs`] collects
//! these by name, so that `mazet why` can tell which one changed.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io::{self, Read};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

/// A SHA-256 digest (FIPS 180-4); displayed as 64 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(into = "String", try_from = "String")]
pub struct Digest([u8; 32]);

impl Digest {
    /// The digest of `bytes`.
    pub fn of(bytes: impl AsRef<[u8]>) -> Self {
        Self(Sha256::digest(bytes).into())
    }

    /// The digest of everything that `reader` gives, and its length in bytes.
    ///
    /// # Errors
    /// Those of reading.
    pub fn of_reader(mut reader: impl Read) -> io::Result<(Self, u64)> {
        let mut hasher = Sha256::new();
        let length = io::copy(&mut reader, &mut hasher)?;
        Ok((Self(hasher.finalize().into()), length))
    }

    /// The digest of a file's content.
    ///
    /// # Errors
    /// When the file cannot be read.
    pub fn of_file(path: &Path) -> Result<Self> {
        let file = fs::File::open(path).with_context(|| format!("opening {}", path.display()))?;
        let buffered = io::BufReader::with_capacity(1 << 20, file);
        Ok(Self::of_reader(buffered).with_context(|| format!("reading {}", path.display()))?.0)
    }

    /// The first eight bytes in hexadecimal: short, for names of folders.
    pub fn short(&self) -> String {
        self.to_string()[..16].to_owned()
    }

    /// A digest computed elsewhere.
    pub fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// The raw bytes, for identifiers derived from the digest.
    pub fn bytes(&self) -> [u8; 32] {
        self.0
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Digest({self})")
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> Self {
        digest.to_string()
    }
}

impl TryFrom<String> for Digest {
    type Error = NotADigest;

    fn try_from(text: String) -> Result<Self, NotADigest> {
        text.parse()
    }
}

impl FromStr for Digest {
    type Err = NotADigest;

    fn from_str(text: &str) -> Result<Self, NotADigest> {
        let refuse = || NotADigest(text.to_owned());
        if text.len() != 64 || !text.is_ascii() {
            return Err(refuse());
        }
        let mut bytes = [0; 32];
        for (i, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(&text[2 * i..2 * i + 2], 16).map_err(|_| refuse())?;
        }
        Ok(Self(bytes))
    }
}

/// A text that is no SHA-256 digest.
#[derive(Debug, thiserror::Error)]
#[error("\"{0}\" is not a SHA-256 digest: 64 hexadecimal digits were expected")]
pub struct NotADigest(String);

/// Named inputs of a stage.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inputs(BTreeMap<String, Digest>);

impl Inputs {
    /// No inputs yet, but the version of the stage's own recipe: raise it when the code of a
    /// stage changes what it makes.
    pub fn new(stage: &str, version: u32) -> Self {
        let mut inputs = Self::default();
        inputs.text(format!("stage {stage}"), version.to_string());
        inputs
    }

    /// Adds a text.
    pub fn text(&mut self, name: impl Into<String>, text: impl AsRef<str>) {
        self.0.insert(name.into(), Digest::of(text.as_ref()));
    }

    /// Adds a digest.
    pub fn digest(&mut self, name: impl Into<String>, digest: Digest) {
        self.0.insert(name.into(), digest);
    }

    /// Adds every file below `folder`, by its path from there, with its executable bit.
    ///
    /// # Errors
    /// When one cannot be read.
    pub fn folder(&mut self, name: &str, folder: &Path) -> Result<()> {
        for path in files_below(folder)? {
            let relative = path.strip_prefix(folder).unwrap_or(&path).display().to_string();
            let executable = path.metadata()?.permissions().mode() & 0o100 != 0;
            let content = Digest::of_file(&path)?;
            self.text(format!("{name}/{relative}"), format!("{content} {executable}"));
        }
        Ok(())
    }

    /// The key: the digest over all names and digests.
    pub fn key(&self) -> Digest {
        let listing: String = self.0.iter().map(|(name, digest)| format!("{name}\0{digest}\n")).collect();
        Digest::of(listing)
    }

    /// What differs from `earlier`: names added, removed or changed.
    pub fn changes_since(&self, earlier: &Self) -> Vec<String> {
        let added_or_changed = self.0.iter().filter_map(|(name, digest)| match earlier.0.get(name) {
            None => Some(format!("new: {name}")),
            Some(old) if old != digest => Some(format!("changed: {name}")),
            Some(_) => None,
        });
        let gone = earlier.0.keys().filter(|name| !self.0.contains_key(*name));
        added_or_changed.chain(gone.map(|name| format!("gone: {name}"))).collect()
    }
}

/// Every regular file below `folder`, sorted by path.
///
/// # Errors
/// When a folder cannot be read.
pub fn files_below(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(next) = folders.pop() {
        let entries = fs::read_dir(&next).with_context(|| format!("reading folder {}", next.display()))?;
        for entry in entries {
            let path = entry?.path();
            match path.metadata() {
                Ok(meta) if meta.is_dir() => folders.push(path),
                Ok(_) => files.push(path),
                Err(error) => return Err(error).with_context(|| format!("reading {}", path.display())),
            }
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_digest_reads_back_what_it_prints() {
        let digest = Digest::of("mazet");
        assert_eq!(digest.to_string().parse::<Digest>().expect("valid"), digest);
        assert!("12".parse::<Digest>().is_err());
        assert!("zz".repeat(32).parse::<Digest>().is_err());
    }

    #[test]
    fn the_key_follows_names_and_contents() {
        let mut one = Inputs::new("base", 1);
        one.text("package apt", "3.0");
        let mut two = one.clone();
        assert_eq!(one.key(), two.key());
        two.text("package apt", "3.1");
        two.text("package sed", "4.9");
        assert_ne!(one.key(), two.key());
        assert_eq!(two.changes_since(&one), ["changed: package apt", "new: package sed"]);
        assert_eq!(one.changes_since(&two), ["changed: package apt", "gone: package sed"]);
    }
}
