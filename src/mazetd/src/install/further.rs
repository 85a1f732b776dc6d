//! A further disk for a box that runs, in the place of one that died: `mazetd disk`.
//!
//! | step | what |
//! |---|---|
//! | [`partition`] | the partition table that installing makes; what was on the disk is lost |
//! | (somebody else) | the new partition becomes a device of the box's btrfs |
//! | [`make_start`] | rescue system, menu and boot loader, from another disk of the box; last of all it can start |

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use anyhow::{Context, Result, bail};
use rustix::fs::{Mode, OFlags, open};
use rustix::mount::MountFlags;

use super::boot::{self, Boot, Work};
use super::layout::{Target, TargetDisk, further};
use super::mounts::{Mounted, mount_target};
use super::progress::{Reporter, first_progress};
use super::{check, disk};
use crate::protocol::Mode as Running;
use crate::run::Runner;
use crate::{data, system};

/// Where the kernel tells of each btrfs, by its UUID, which devices it has (btrfs(5), sysfs interface).
const BTRFS: &str = "/sys/fs/btrfs";

/// Gives the disk of kernel name `name` the partition table of a box's disk, and the path of its data partition.
///
/// # Errors
/// When this is no installed box, the disk is in use, too small or broken.
pub fn partition(name: &str, runner: &Runner) -> Result<PathBuf> {
    let (_, boot) = installed()?;
    let disk = further(boot, name)?;
    free(&disk.device)?;
    let data = disk.data.clone();
    disk::partition(&Target { disks: vec![disk], uuid: String::new() }, boot, runner)?;
    Ok(data)
}

/// Makes the box start from the disk of kernel name `name`, whose data partition it has already, as it does from its
/// other one.
///
/// # Errors
/// When it has not, there is no other one, or either cannot be read or written.
pub fn make_start(name: &str, runner: &Runner) -> Result<()> {
    let (image, boot) = installed()?;
    let own = Own::of_root()?;
    let new = further(boot, name)?;
    if !own.has(&new.data) {
        bail!("{} is no part of the box's file system yet", new.data.display());
    }
    let other = own.other(boot, name)?;
    let target = Target { disks: vec![new], uuid: own.uuid };

    disk::make_fats(&target, runner).context("making its FAT")?;
    let medium = Mounted::new(&other.fat, "medium", "vfat", MountFlags::RDONLY, "utf8")?;
    let reporter = Reporter::new(Arc::new(Mutex::new(first_progress())));
    let stage = reporter.stage("boot");
    let mounts = mount_target(&target).context("mounting what is written")?;
    let work = Work { target: &target, image: &image, medium: medium.path(), mounts: &mounts, stage: &stage };
    let written = boot.start_files(&work).context("copying what starts the box")?;
    mounts.close()?;
    check::compare(&target, &written, &stage).context("reading back what was written")?;
    boot.seal(&target, medium.path()).context("making the disk start")?;
    medium.unmount()
}

/// The image and the hardware of the box that runs.
///
/// # Errors
/// When this is the live system.
pub fn installed() -> Result<(mazet_model::image::ImageInfo, &'static dyn Boot)> {
    if system::mode() == Running::Live {
        bail!("this is the live system: install the box instead");
    }
    let image = system::image(Path::new("/"))?;
    let boot = boot::of(&image.hardware)?;
    Ok((image, boot))
}

/// Nobody has the disk or a part of it: the kernel refuses a second owner (`O_EXCL`, open(2)).
fn free(device: &Path) -> Result<()> {
    open(device, OFlags::RDONLY | OFlags::EXCL | OFlags::CLOEXEC, Mode::empty())
        .map(drop)
        .with_context(|| format!("{} is in use", device.display()))
}

/// The box's own btrfs.
#[derive(Debug)]
pub struct Own {
    uuid: String,
    /// Kernel names of its devices.
    devices: Vec<String>,
}

impl Own {
    /// That of `/`.
    ///
    /// # Errors
    /// When it is none.
    pub fn of_root() -> Result<Self> {
        let mounts = fs::read_to_string("/proc/self/mountinfo").context("reading what is mounted")?;
        let (kind, device) = data::source(&mounts, "/").context("nothing is mounted on /")?;
        if kind != "btrfs" {
            bail!("/ is {kind}, not btrfs: this is no installed box");
        }
        Self::with(Path::new(BTRFS), device.trim_start_matches("/dev/"))
    }

    /// The one of `folder` that has `device`.
    fn with(folder: &Path, device: &str) -> Result<Self> {
        let reading = || format!("reading {}", folder.display());
        for entry in fs::read_dir(folder).with_context(reading)? {
            let entry = entry.with_context(reading)?;
            let devices = entry.path().join("devices");
            if devices.join(device).exists() {
                let names = fs::read_dir(&devices).with_context(reading)?.flatten();
                let devices = names.map(|name| name.file_name().to_string_lossy().into_owned()).collect();
                return Ok(Self { uuid: entry.file_name().to_string_lossy().into_owned(), devices });
            }
        }
        bail!("no btrfs in {} has {device}", folder.display())
    }

    fn has(&self, node: &Path) -> bool {
        node.file_name().is_some_and(|name| self.devices.iter().any(|device| name == device.as_str()))
    }

    /// It, and the disks that it lies on.
    ///
    /// # Errors
    /// When this is no installed box, or a disk cannot be read.
    pub fn target(&self) -> Result<Target> {
        let (_, boot) = installed()?;
        let blocks = Path::new("/sys/class/block");
        let names: BTreeSet<String> =
            self.devices.iter().filter_map(|device| disk_of(blocks, device)).collect();
        let disks = names.iter().map(|name| further(boot, name)).collect::<Result<Vec<_>>>()?;
        let disks = disks.into_iter().filter(|disk| self.has(&disk.data)).collect();
        Ok(Target { disks, uuid: self.uuid.clone() })
    }

    /// Another disk of the box than `name`.
    fn other(&self, boot: &dyn Boot, name: &str) -> Result<TargetDisk> {
        let disks = self.devices.iter().filter_map(|device| disk_of(Path::new("/sys/class/block"), device));
        let disk = disks.filter(|disk| disk != name).find_map(|disk| {
            let disk = further(boot, &disk).ok()?;
            self.has(&disk.data).then_some(disk)
        });
        disk.context("the box has no other disk to copy from")
    }
}

/// Kernel name of the disk that the partition `part` is on.
fn disk_of(blocks: &Path, part: &str) -> Option<String> {
    let device = fs::canonicalize(blocks.join(part)).ok()?;
    let disk = device.join("partition").exists().then(|| device.parent()).flatten()?;
    Some(disk.file_name()?.to_string_lossy().into_owned())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn the_boxs_own_file_system_is_found_by_the_device_of_its_root() {
        let folder = tempfile::tempdir().expect("temporary folder");
        for (uuid, device) in [("one", "sdc3"), ("two", "sda3"), ("two", "sdb3")] {
            let devices = folder.path().join(uuid).join("devices");
            fs::create_dir_all(devices.join(device)).expect("made");
        }
        fs::create_dir_all(folder.path().join("features")).expect("made");
        let own = Own::with(folder.path(), "sda3").expect("found");
        assert_eq!(own.uuid, "two");
        assert!(own.has(Path::new("/dev/sdb3")) && !own.has(Path::new("/dev/sdc3")));
        assert!(Own::with(folder.path(), "sdd3").is_err());
    }

    #[test]
    fn a_partition_is_on_a_disk_and_a_disk_is_on_none() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let part = folder.path().join("devices/nvme0n1/nvme0n1p3");
        fs::create_dir_all(&part).expect("made");
        fs::write(part.join("partition"), "3\n").expect("written");
        symlink(&part, folder.path().join("nvme0n1p3")).expect("linked");
        symlink(part.parent().expect("disk"), folder.path().join("nvme0n1")).expect("linked");
        assert_eq!(disk_of(folder.path(), "nvme0n1p3").as_deref(), Some("nvme0n1"));
        assert_eq!(disk_of(folder.path(), "nvme0n1"), None);
        assert_eq!(disk_of(folder.path(), "sda3"), None);
    }
}
