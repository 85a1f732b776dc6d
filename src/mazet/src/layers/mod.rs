//! The layers of an image, each a squashfs named by the digest of all that went into it.
//!
//! | layer | holds | made by |
//! |---|---|---|
//! | `base` | Debian, kernel, firmware | [`raise`]d, in [`debian`] |
//! | `services` | the packages of the services, above `base` | the same way, in [`debian`] |
//! | `box` | our overlays, manifests and programs, above both | files laid out, in [`house`] |
//!
//! The initial RAM disk is made once, from the first two, in [`initrd`].

pub mod debian;
pub mod house;
pub mod initrd;
pub mod raise;

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::sandbox::Sandbox;

/// zstd level of a layer: higher is smaller and slower to make, the same to read.
const LEVEL: &str = "15";

/// Turns a tree into a squashfs. `clock`: seconds since 1970 UTC, given to every newer file.
///
/// Marks of overlayfs that an unprivileged mount wrote (`user.overlay.opaque`) become those that
/// the live system's privileged mount reads (`trusted.overlay.opaque`); its other notes are
/// dropped.
///
/// # Errors
/// When mksquashfs fails.
pub fn squash(tools: &Path, tree: &Path, output: &Path, clock: u64, options: &[&str]) -> Result<()> {
    let folder = output.parent().unwrap_or(output);
    let arguments: Vec<_> = ["-comp", "zstd", "-Xcompression-level", LEVEL].iter().chain(options).collect();
    Sandbox::new(tools)
        .share(folder)
        .share(tree)
        .command("squashing a layer", "sh")?
        .args(["-euc", include_str!("squash.sh"), "squash"])
        .args([tree, output])
        .args(arguments)
        .env("SOURCE_DATE_EPOCH", clock.to_string())
        .log(&folder.join("squash.log"))
        .run()?;
    Ok(())
}

/// A Debian layer: a tree and its squashfs, side by side in the stage's folder.
#[derive(Debug, Clone)]
pub struct Layer {
    /// Name: `base`, `services`, `box`.
    pub name: &'static str,
    /// The stage's folder.
    pub folder: PathBuf,
    /// The digest of the layer's inputs.
    pub key: crate::digest::Digest,
    /// It was there already.
    pub cached: bool,
}

impl Layer {
    /// The unpacked tree (for an upper layer: only what it adds).
    pub fn tree(&self) -> PathBuf {
        self.folder.join("tree")
    }

    /// Size of its unpacked files in bytes, as noted when it was made.
    ///
    /// # Errors
    /// When the note cannot be read.
    pub fn unpacked_bytes(&self) -> Result<u64> {
        let note = self.folder.join(format!("{}.squashfs.bytes", self.name));
        let text = fs::read_to_string(&note).with_context(|| format!("reading {}", note.display()))?;
        text.trim().parse().with_context(|| format!("reading {}", note.display()))
    }

    /// The squashfs.
    pub fn squashfs(&self) -> PathBuf {
        self.folder.join(format!("{}.squashfs", self.name))
    }
}
