//! Where a box is installed: its disks and their partitions.
//!
//! Whatever the hardware, a disk has a FAT (boot programs, the rescue system) and a btrfs
//! (subvolumes root and data, mirrored with two disks). What else it has, and in which order,
//! [`Boot`] knows.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use mazet_model::wizard::Plan;

use super::boot::Boot;
use crate::{disks, random};

/// Disks smaller than this (bytes) get the smaller FAT.
const SMALL_DISK: u64 = 16_000_000_000;

/// Where a box is installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Its disks: one, or two for a mirror.
    pub disks: Vec<TargetDisk>,
    /// UUID of the btrfs.
    pub uuid: String,
}

/// A disk with its partitions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TargetDisk {
    /// The whole disk: `/dev/sda`.
    pub device: PathBuf,
    /// The FAT's partition.
    pub fat: PathBuf,
    /// The btrfs's partition.
    pub data: PathBuf,
    /// FAT volume id of a new FAT: eight upper-case hexadecimal digits.
    pub volume_id: String,
    /// Size in bytes.
    pub bytes: u64,
    /// It is the disk that the live system runs from: its FAT stays.
    pub medium: bool,
}

impl TargetDisk {
    /// The disk of kernel name `name` with `bytes` bytes, partitioned as `boot` does.
    pub fn new(boot: &dyn Boot, name: &str, bytes: u64, volume_id: String, medium: bool) -> Self {
        let device = Path::new("/dev").join(name);
        let (fat, data) = boot.partitions();
        let (fat, data) = (partition(&device, fat), partition(&device, data));
        Self { device, fat, data, volume_id, bytes, medium }
    }

    /// The device node of its partition `number`.
    pub fn partition(&self, number: u8) -> PathBuf {
        partition(&self.device, number)
    }
}

fn partition(device: &Path, number: u8) -> PathBuf {
    let device = device.display().to_string();
    let infix = if device.ends_with(|last: char| last.is_ascii_digit()) { "p" } else { "" };
    PathBuf::from(format!("{device}{infix}{number}"))
}

/// Size in MiB of the FAT of a disk of `bytes` bytes.
pub fn fat_mib(bytes: u64) -> u64 {
    if bytes < SMALL_DISK { 2560 } else { 4096 }
}

/// The target of `plan`, with sizes as the kernel tells them and fresh identifiers, but for the btrfs that is kept.
///
/// # Errors
/// When a disk's size cannot be read.
pub fn target(plan: &Plan, boot: &dyn Boot) -> Result<Target> {
    let medium = disks::medium_disk();
    let disk = |name: &String| -> Result<TargetDisk> {
        let is_medium = medium.as_ref() == Some(name);
        Ok(TargetDisk { medium: is_medium, ..further(boot, name)? })
    };
    let uuid = match plan {
        Plan::New(_) | Plan::Restore(_) => random::uuid()?,
        Plan::Keep(kept) => kept.uuid.clone(),
    };
    Ok(Target { disks: plan.disks().iter().map(disk).collect::<Result<_>>()?, uuid })
}

/// The disk of kernel name `name`, with a fresh identifier for its FAT.
///
/// # Errors
/// When there is none.
pub fn further(boot: &dyn Boot, name: &str) -> Result<TargetDisk> {
    let volume_id = random::hex(&random::bytes::<4>()?).to_uppercase();
    Ok(TargetDisk::new(boot, name, size(name)?, volume_id, false))
}

/// Size in bytes: `/sys/block/<name>/size` counts sectors of 512 bytes, whatever the disk's own are.
fn size(name: &str) -> Result<u64> {
    let path = format!("/sys/block/{name}/size");
    let text = std::fs::read_to_string(&path).with_context(|| format!("reading {path}"))?;
    let sectors: u64 = text.trim().parse().with_context(|| format!("reading {path}"))?;
    Ok(sectors * 512)
}

#[cfg(test)]
mod tests {
    use super::super::boot::pc::Pc;
    use super::super::boot::pi::Pi;
    use super::*;

    #[test]
    fn partitions_are_named_as_the_kernel_names_them() {
        let disk = |boot: &dyn Boot, name| TargetDisk::new(boot, name, 1, "12AB34CD".to_owned(), false);
        assert_eq!(disk(&Pc, "sda").data, PathBuf::from("/dev/sda3"));
        assert_eq!(disk(&Pc, "nvme0n1").fat, PathBuf::from("/dev/nvme0n1p2"));
        assert_eq!(disk(&Pc, "nvme0n1").device, PathBuf::from("/dev/nvme0n1"));
        assert_eq!(disk(&Pc, "sda").partition(1), PathBuf::from("/dev/sda1"));
        assert_eq!(disk(&Pi, "mmcblk0").fat, PathBuf::from("/dev/mmcblk0p1"));
        assert_eq!(disk(&Pi, "sda").data, PathBuf::from("/dev/sda2"));
    }
}
