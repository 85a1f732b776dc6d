//! The image file: one FAT file system that holds everything, and what boots it.
//!
//! What is particular to a kind of hardware is a [`Hardware`]: [`pc`] or [`pi`]. It says which
//! files its firmware wants on the FAT, and how the disk around the FAT is laid out.

pub mod assemble;
pub mod beside;
pub mod grub;
pub mod pc;
pub mod pi;

use std::path::{Path, PathBuf};

use anyhow::{Result, bail};

use crate::digest::Digest;
use crate::layers::debian::Workshop;
use assemble::Parts;

/// How one kind of hardware boots.
pub trait Hardware: Sync {
    /// First sector of the FAT.
    fn fat_sector(&self) -> u64;

    /// Bytes behind the FAT.
    fn tail(&self) -> u64;

    /// Boot programs that are made before the layers, because the box needs them too: it gets
    /// them beside the templates of `firmware/<hardware>`.
    ///
    /// # Errors
    /// When they cannot be made.
    fn programs(&self, shop: &Workshop<'_>, firmware: &Path) -> Result<Vec<PathBuf>>;

    /// Files for the FAT beside kernel, initrd and layers: (file, path there). New ones are made in
    /// `folder`.
    ///
    /// # Errors
    /// When one is missing.
    fn files(&self, parts: &Parts<'_>, folder: &Path) -> Result<Vec<(PathBuf, String)>>;

    /// Bytes kept free on the FAT for what the box itself will put there, when it is installed to the
    /// very disk that this image is flashed to.
    ///
    /// # Errors
    /// When a part cannot be read.
    fn room(&self, _parts: &Parts<'_>) -> Result<u64> {
        Ok(0)
    }

    /// The partition table, as a script for sfdisk(8), around a FAT of `fat` bytes.
    fn partitions(&self, digest: Digest, fat: u64) -> String;

    /// Writes boot code outside of the FAT.
    ///
    /// # Errors
    /// When it does not fit.
    fn boot_code(&self, parts: &Parts<'_>, image: &Path) -> Result<()>;
}

/// The hardware of a recipe: the one place where its name decides.
///
/// # Errors
/// When Mazet cannot boot it.
pub fn hardware(name: &str) -> Result<&'static dyn Hardware> {
    match name {
        "pc" => Ok(&pc::Pc),
        "pi" => Ok(&pi::Pi),
        other => bail!("Mazet does not know how to boot the hardware {other}; it knows pc and pi"),
    }
}
