//! Keeping what the firmware starts in step with the running box's kernel.
//!
//! After an update of the kernel or the initrd, and after going back to a snapshot: the folder that
//! `config.txt` does not name is written, then named.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use mazet_model::image::{ImageInfo, LIVE_DIR};
use rustix::mount::MountFlags;

use super::super::InStep;
use super::{command_line, config, folder};
use crate::data;
use crate::install::mounts::Mounted;

/// Where the kernel tells of btrfs file systems: `<uuid>/devices/<name>`.
const BTRFS: &str = "/sys/fs/btrfs";
/// Where it tells of block devices.
const BLOCK: &str = "/sys/class/block";

/// Puts every disk of the running box in step.
///
/// # Errors
/// When a disk has no FAT of ours, or it cannot be written. Every disk is tried.
pub fn keep(image: &ImageInfo) -> Result<InStep> {
    let (uuid, devices) = file_system()?;
    let sources = folder::Sources::of(Path::new("/"))?;
    let line = command_line(&uuid, image)?;
    let one = |device: &String| -> Result<Option<String>> {
        let node = first_partition(Path::new(BLOCK), device)?;
        let mounted = Mounted::new(&node, "fat", "vfat", MountFlags::NOATIME, "utf8,fmask=0022,dmask=0022")?;
        let changed =
            in_step(mounted.path(), &sources, &line).with_context(|| format!("on {}", node.display()))?;
        mounted.unmount()?;
        Ok(changed)
    };
    let tried: Vec<Result<Option<String>>> = devices.iter().map(one).collect();
    let changed = tried.into_iter().collect::<Result<Vec<_>>>()?.into_iter().flatten().next();
    Ok(InStep { kernel: sources.kernel, changed })
}

/// Makes the FAT at `fat` start the kernel of `sources`; tells the folder when it had to.
fn in_step(fat: &Path, sources: &folder::Sources, line: &str) -> Result<Option<String>> {
    if !fat.join(LIVE_DIR).is_dir() {
        bail!("this FAT is none of Mazet's: it has no folder {LIVE_DIR}");
    }
    let current = config::current(fat);
    if let Some(current) = current.as_deref().filter(|current| folder::NAMES.contains(current)) {
        if folder::is_same(fat, current, sources, line) {
            return Ok(None);
        }
    }
    let name = folder::spare(current.as_deref());
    // After going back to a snapshot the other folder often is the right one already.
    if !folder::is_same(fat, name, sources, line) {
        folder::write(fat, name, sources, line)?;
    }
    config::switch(fat, fat, name)?;
    Ok(Some(name.to_owned()))
}

/// UUID and devices of the btrfs that `/` is on.
fn file_system() -> Result<(String, Vec<String>)> {
    let mounts = fs::read_to_string("/proc/self/mountinfo").context("reading what is mounted")?;
    let (kind, source) = data::source(&mounts, "/").context("nothing is mounted on /")?;
    if kind != "btrfs" {
        bail!("/ is {kind}, not btrfs: this is no installed box");
    }
    let name = source.rsplit('/').next().unwrap_or_default();
    of_device(Path::new(BTRFS), name)
}

fn of_device(btrfs: &Path, name: &str) -> Result<(String, Vec<String>)> {
    for entry in fs::read_dir(btrfs).with_context(|| format!("reading {}", btrfs.display()))?.flatten() {
        let Ok(devices) = fs::read_dir(entry.path().join("devices")) else { continue };
        let mut names: Vec<String> =
            devices.flatten().map(|device| device.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        if names.iter().any(|one| one == name) {
            return Ok((entry.file_name().to_string_lossy().into_owned(), names));
        }
    }
    bail!("{} knows no file system on {name}", btrfs.display())
}

/// The first partition of the disk that the partition `name` is on.
fn first_partition(block: &Path, name: &str) -> Result<PathBuf> {
    let path = block.join(name);
    let device = fs::canonicalize(&path).with_context(|| format!("reading {}", path.display()))?;
    let disk = device.parent().context("a partition is on a disk")?;
    let number = |path: &Path| fs::read_to_string(path.join("partition")).ok();
    let entries = fs::read_dir(disk).with_context(|| format!("reading {}", disk.display()))?;
    let first = entries.flatten().find(|entry| number(&entry.path()).is_some_and(|text| text.trim() == "1"));
    let first = first.with_context(|| format!("{} has no first partition", disk.display()))?;
    Ok(Path::new("/dev").join(first.file_name()))
}

#[cfg(test)]
#[path = "step_tests.rs"]
mod tests;
