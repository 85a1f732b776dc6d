//! What stands beside an image: lock, checksums, SBOM, manifest.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use mazet_model::image::ImageInfo;
use serde::{Deserialize, Serialize};

use crate::digest::Digest;
use crate::lock::Lock;

/// An image about to be written, and what is told of it.
pub struct Made<'a> {
    /// The image's final path.
    pub image: &'a Path,
    /// Digest over everything that went into it.
    pub key: Digest,
    /// What it says of itself.
    pub info: &'a ImageInfo,
    /// Every package.
    pub lock: &'a Lock,
    /// Trees of the Debian layers, lowest first: their dpkg databases.
    pub trees: &'a [PathBuf],
}

/// `<image>.manifest.json`.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ImageManifest {
    /// Digest over everything that went into the image.
    pub key: Digest,
    /// SHA-256 of the image file.
    pub sha256: Digest,
    /// Size of the image file in bytes.
    pub bytes: u64,
    /// What the image says of itself.
    pub image: ImageInfo,
    /// The clock of the build, seconds since 1970 UTC.
    pub epoch: u64,
    /// Number of Debian packages in the image.
    pub packages: usize,
}

impl Made<'_> {
    /// A file beside the image: `pc.img` → `pc.<ending>`.
    pub fn beside(&self, ending: &str) -> PathBuf {
        self.image.with_extension(ending)
    }

    /// The image is there already, from the same inputs.
    pub fn is_current(&self) -> bool {
        let manifest = fs::read(self.beside("manifest.json")).ok();
        let manifest: Option<ImageManifest> = manifest.and_then(|bytes| serde_json::from_slice(&bytes).ok());
        let length = fs::metadata(self.image).map(|meta| meta.len()).ok();
        manifest.is_some_and(|manifest| manifest.key == self.key && Some(manifest.bytes) == length)
    }

    /// Writes all that stands beside the image, which still lies at `partial`.
    ///
    /// # Errors
    /// When a file cannot be written.
    pub fn write(&self, partial: &Path, _tools: &Path) -> Result<()> {
        let write = |ending: &str, text: String| {
            let path = self.beside(ending);
            fs::write(&path, text).with_context(|| format!("writing {}", path.display()))
        };
        let sha256 = Digest::of_file(partial)?;
        let name = self.image.file_name().unwrap_or_default().to_string_lossy();
        write("lock", self.lock.render())?;
        write("img.sha256", format!("{sha256}  {name}\n"))?;
        let manifest = ImageManifest {
            key: self.key,
            sha256,
            bytes: fs::metadata(partial)?.len(),
            image: self.info.clone(),
            epoch: self.lock.epoch,
            packages: self.lock.packages.iter().filter(|entry| entry.part.is_of_image()).count(),
        };
        write("manifest.json", serde_json::to_string_pretty(&manifest)? + "\n")
    }
}
