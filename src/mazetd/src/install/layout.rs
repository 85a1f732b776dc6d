//! The partitions of a box's disk.
//!
//! ```text
//! 1  MAZET-BIOS  1 MiB at sector 2048   GRUB's core image for legacy BIOS
//! 2  MAZET-ESP   4 GiB or 2.5 GiB       FAT32: boot loader for UEFI, rescue system
//! 3  MAZET-DATA  the rest               btrfs: subvolumes root and data, mirrored with two disks
//! ```

use std::path::PathBuf;

use anyhow::{Context, Result};
use mazet_model::wizard::InstallPlan;

use crate::disks::DATA_LABEL;
use crate::random;

/// First sector of the BIOS-boot partition.
pub const CORE_LBA: u64 = 2048;
/// Type of partition 1: GRUB's BIOS boot partition.
const BIOS_BOOT: &str = "21686148-6449-6E6F-744E-656564454649";
/// Type of partition 2: EFI system partition (UEFI specification 2.10, 5.3.3).
const ESP: &str = "C12A7328-F81F-11D2-BA4B-00A0C93EC93B";
/// Type of partition 3: Linux file-system data. Not the "root" type, which systemd mounts by itself.
const LINUX: &str = "0FC63DAF-8483-4772-8E79-3D69D8477DE4";
/// Disks smaller than this (bytes) get the smaller ESP.
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
    /// Partition 1.
    pub bios: PathBuf,
    /// Partition 2.
    pub esp: PathBuf,
    /// Partition 3.
    pub data: PathBuf,
    /// FAT volume id of the ESP: eight upper-case hexadecimal digits.
    pub volume_id: String,
    /// Size in bytes.
    pub bytes: u64,
}

impl TargetDisk {
    /// The disk of kernel name `name` with `bytes` bytes.
    pub fn new(name: &str, bytes: u64, volume_id: String) -> Self {
        let infix = if name.ends_with(|last: char| last.is_ascii_digit()) { "p" } else { "" };
        let node = |suffix: &str| PathBuf::from(format!("/dev/{name}{suffix}"));
        let partition = |number: u8| node(&format!("{infix}{number}"));
        Self { device: node(""), bios: partition(1), esp: partition(2), data: partition(3), volume_id, bytes }
    }

    /// What `sfdisk` is given. Identifiers of disk and partitions are drawn by it.
    pub fn script(&self) -> String {
        let esp_mib = if self.bytes < SMALL_DISK { 2560 } else { 4096 };
        format!(
            "label: gpt\nunit: sectors\nfirst-lba: 2048\n\n\
             start={CORE_LBA}, size=1MiB, type={BIOS_BOOT}, name=\"MAZET-BIOS\"\n\
             size={esp_mib}MiB, type={ESP}, name=\"MAZET-ESP\"\n\
             type={LINUX}, name=\"{DATA_LABEL}\"\n"
        )
    }
}

/// The target of `plan`, with sizes as the kernel tells them and fresh identifiers.
///
/// # Errors
/// When a disk's size cannot be read.
pub fn target(plan: &InstallPlan) -> Result<Target> {
    let disk = |name: &String| -> Result<TargetDisk> {
        let volume_id = random::hex(&random::bytes::<4>()?).to_uppercase();
        Ok(TargetDisk::new(name, size(name)?, volume_id))
    };
    Ok(Target { disks: plan.disks.iter().map(disk).collect::<Result<_>>()?, uuid: random::uuid()? })
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
    use super::*;

    #[test]
    fn partitions_are_named_as_the_kernel_names_them() {
        let sda = TargetDisk::new("sda", 1, "12AB34CD".to_owned());
        assert_eq!(sda.data, PathBuf::from("/dev/sda3"));
        let nvme = TargetDisk::new("nvme0n1", 1, "12AB34CD".to_owned());
        assert_eq!(nvme.esp, PathBuf::from("/dev/nvme0n1p2"));
        assert_eq!(nvme.device, PathBuf::from("/dev/nvme0n1"));
    }

    #[test]
    fn a_large_disk_has_room_for_two_rescue_systems() {
        let disk = TargetDisk::new("sda", 500_000_000_000, "12AB34CD".to_owned());
        insta::assert_snapshot!(disk.script(), @r#"
        label: gpt
        unit: sectors
        first-lba: 2048

        start=2048, size=1MiB, type=21686148-6449-6E6F-744E-656564454649, name="MAZET-BIOS"
        size=4096MiB, type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B, name="MAZET-ESP"
        type=0FC63DAF-8483-4772-8E79-3D69D8477DE4, name="MAZET-DATA"
        "#);
    }

    #[test]
    fn a_small_disk_keeps_more_for_the_system() {
        let disk = TargetDisk::new("mmcblk0", 8_000_000_000, "12AB34CD".to_owned());
        assert!(disk.script().contains("\nsize=2560MiB, type=C12A7328"));
    }
}
