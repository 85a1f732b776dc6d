//! Wiping, partitioning and formatting.

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::path::Path;

use anyhow::{Context, Result};

use super::boot::Boot;
use super::layout::{Target, TargetDisk};
use crate::disks::DATA_LABEL;
use crate::files;
use crate::run::{Program, Runner};

/// Label of the FAT, as on the stick.
const FAT_LABEL: &str = "MAZET";
/// Bytes at the start of a disk, with boot code and partition table, that go before it is partitioned anew.
const START: usize = 4096;

/// Gives every disk of `target` its partition table; what was on it is gone then, but for the FAT
/// that the live system runs from.
///
/// # Errors
/// When a disk is in use, too small or broken: the text holds what the program said.
pub fn partition(target: &Target, boot: &dyn Boot, runner: &Runner) -> Result<()> {
    for disk in &target.disks {
        let done = if disk.medium { boot.extend(disk, runner) } else { anew(disk, boot, runner) };
        done.with_context(|| format!("on {}", disk.device.display()))?;
    }
    Ok(())
}

fn anew(disk: &TargetDisk, boot: &dyn Boot, runner: &Runner) -> Result<()> {
    for node in old_partitions(&disk.device)? {
        runner.run(Program::Wipefs, &["--all", "--force", &node])?;
    }
    let device = disk.device.to_string_lossy();
    runner.run(Program::Wipefs, &["--all", "--force", &device])?;
    erase_start(&disk.device, START)?;
    let arguments = ["--wipe", "always", "--wipe-partitions", "always", &device];
    runner.run_with_input(Program::Sfdisk, &arguments, &boot.script(disk))?;
    runner.run(Program::Udevadm, &["settle", "--timeout=30"])?;
    for node in [&disk.fat, &disk.data] {
        fs::metadata(node).with_context(|| format!("the kernel made no {}", node.display()))?;
    }
    Ok(())
}

/// Device nodes of the partitions that the kernel knows on `device`.
///
/// # Errors
/// When the kernel knows no such disk.
pub fn old_partitions(device: &Path) -> Result<Vec<String>> {
    let name = device.file_name().context("a disk has a name")?;
    let folder = Path::new("/sys/block").join(name);
    let mut nodes = Vec::new();
    for entry in fs::read_dir(&folder).with_context(|| format!("reading {}", folder.display()))? {
        let entry = entry.with_context(|| format!("reading {}", folder.display()))?;
        if entry.path().join("partition").exists() {
            nodes.push(format!("/dev/{}", entry.file_name().to_string_lossy()));
        }
    }
    nodes.sort();
    Ok(nodes)
}

/// Until the very end nothing may start from this disk, not even what was on it before: its first bytes go.
///
/// # Errors
/// When it cannot be written.
pub fn erase_start(device: &Path, bytes: usize) -> Result<()> {
    let erase = || -> std::io::Result<()> {
        let mut file = OpenOptions::new().write(true).open(device)?;
        file.write_all(&vec![0; bytes])?;
        file.sync_all()
    };
    erase().with_context(|| format!("erasing the start of {}", device.display()))
}

/// Makes the FATs (but for the live medium's) and the btrfs with its subvolumes.
///
/// # Errors
/// When a file system cannot be made.
pub fn format(target: &Target, runner: &Runner) -> Result<()> {
    make_fats(target, runner)?;
    runner.run(Program::MkfsBtrfs, &btrfs_arguments(target))?;
    runner.run(Program::Udevadm, &["settle", "--timeout=30"])?;
    let top = super::mounts::mount_top(target)?;
    for name in ["root", "data"] {
        make_subvolume(&top.path().join(name), runner)?;
    }
    top.unmount()
}

/// Makes the FATs, but for the live medium's.
///
/// # Errors
/// When a file system cannot be made.
pub fn make_fats(target: &Target, runner: &Runner) -> Result<()> {
    for disk in target.disks.iter().filter(|disk| !disk.medium) {
        let fat = disk.fat.to_string_lossy();
        runner.run(Program::MkfsVfat, &["-F", "32", "-n", FAT_LABEL, "-i", &disk.volume_id, &fat])?;
    }
    Ok(())
}

/// Makes a subvolume that everybody may enter.
///
/// # Errors
/// When it is there, or the disk is full.
pub fn make_subvolume(path: &Path, runner: &Runner) -> Result<()> {
    runner.run(Program::Btrfs, &["subvolume", "create", &path.to_string_lossy()])?;
    files::make_folder(path, 0o755)
}

fn btrfs_arguments(target: &Target) -> Vec<String> {
    let mut arguments: Vec<String> =
        ["--force", "--label", DATA_LABEL, "--uuid", &target.uuid].map(str::to_owned).into();
    if target.disks.iter().any(|disk| disk.medium) {
        // A card that was flashed a moment ago: erasing the rest takes minutes with some, and
        // nothing is gained, since freed blocks are discarded as they come free.
        arguments.push("--nodiscard".to_owned());
    }
    if target.disks.len() > 1 {
        arguments.extend(["--data", "raid1", "--metadata", "raid1"].map(str::to_owned));
    }
    arguments.extend(target.disks.iter().map(|disk| disk.data.to_string_lossy().into_owned()));
    arguments
}

#[cfg(test)]
mod tests {
    use super::super::boot::pc::Pc;
    use super::*;

    fn target(names: &[&str]) -> Target {
        let disk = |name: &&str| TargetDisk::new(&Pc, name, 1, "12AB34CD".to_owned(), false);
        Target { disks: names.iter().map(disk).collect(), uuid: "UUID".to_owned() }
    }

    #[test]
    fn two_disks_make_a_mirror() {
        let arguments = btrfs_arguments(&target(&["sda", "nvme0n1"])).join(" ");
        assert_eq!(
            arguments,
            "--force --label MAZET-DATA --uuid UUID --data raid1 --metadata raid1 /dev/sda3 /dev/nvme0n1p3"
        );
    }

    #[test]
    fn the_rest_of_the_live_systems_own_card_is_not_erased_first() {
        let mut target = target(&["sda"]);
        target.disks[0].medium = true;
        let arguments = btrfs_arguments(&target).join(" ");
        assert_eq!(arguments, "--force --label MAZET-DATA --uuid UUID --nodiscard /dev/sda3");
    }

    #[test]
    fn one_disk_makes_none() {
        let arguments = btrfs_arguments(&target(&["sda"])).join(" ");
        assert_eq!(arguments, "--force --label MAZET-DATA --uuid UUID /dev/sda3");
    }
}
