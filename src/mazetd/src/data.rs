//! `mazetd mount-data`: mounts the box's data on `/srv`.
//!
//! Not by fstab: udev calls a mirror with a missing disk "not ready" for ever, and systemd
//! would wait for it in vain. The device that `/` came from is there in any case.

use std::ffi::CString;
use std::fs;

use anyhow::{Context, Result, bail};
use rustix::mount::{MountFlags, mount};

/// Where the data is mounted.
const PLACE: &str = "/srv";
/// Subvolume and options; `degraded` lets a mirror come up with one disk.
const OPTIONS: &str = "subvol=data,compress=zstd,degraded";

/// Mounts subvolume `data` of the file system of `/`, unless it is mounted.
///
/// # Errors
/// When `/` is no btrfs, or the kernel refuses.
pub fn mount_data() -> Result<()> {
    let mounts = fs::read_to_string("/proc/self/mountinfo").context("reading what is mounted")?;
    if source(&mounts, PLACE).is_some() {
        return Ok(());
    }
    let (kind, device) = source(&mounts, "/").context("nothing is mounted on /")?;
    if kind != "btrfs" {
        bail!("/ is {kind}, not btrfs: this is no installed box");
    }
    let options = CString::new(OPTIONS).context("mount options hold no zero byte")?;
    let flags = MountFlags::NOATIME | MountFlags::NOSUID | MountFlags::NODEV;
    mount(device, PLACE, "btrfs", flags, options.as_c_str())
        .with_context(|| format!("mounting {device} ({OPTIONS}) on {PLACE}"))
}

/// File-system type and device of what is mounted last on `point`: proc_pid_mountinfo(5).
pub fn source<'m>(mountinfo: &'m str, point: &str) -> Option<(&'m str, &'m str)> {
    mountinfo.lines().rev().find_map(|line| {
        let (before, after) = line.split_once(" - ")?;
        let mut after = after.split(' ');
        (before.split(' ').nth(4)? == point).then_some((after.next()?, after.next()?))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_device_of_the_root_is_found() {
        let mounts = "22 1 0:5 / /dev rw - devtmpfs udev rw\n\
                      24 1 0:31 /root / rw,noatime shared:1 - btrfs /dev/sda3 rw,degraded\n";
        assert_eq!(source(mounts, "/"), Some(("btrfs", "/dev/sda3")));
        assert_eq!(source(mounts, "/srv"), None);
    }
}
