//! The box's file system: its devices, their errors, how its data lies on them. From what btrfs(8) says.

use std::path::Path;

use anyhow::{Context as _, Result};
use rustix::fs::statvfs;
use serde::{Deserialize, Serialize};

use crate::tools::{Program, Tools};

/// The file system as it is now.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FileSystem {
    /// Its devices, by number.
    pub devices: Vec<Device>,
    /// Data or metadata that is on one device alone, although there are several.
    pub unmirrored: bool,
    /// Bytes of the devices that are missing.
    pub missing_bytes: u64,
}

/// A device of the file system: a partition of a disk.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Device {
    /// Its number in the file system.
    pub id: u64,
    /// Its path; none: it is missing.
    pub path: Option<String>,
    /// Bytes; 0: it is missing.
    pub bytes: u64,
    /// Bytes of it that are taken.
    pub used: u64,
    /// Errors that were counted.
    pub errors: Errors,
}

/// Errors of a device since they were last set back.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Errors {
    /// What could not be written.
    pub write: u64,
    /// What could not be read.
    pub read: u64,
    /// What could not be flushed.
    pub flush: u64,
    /// What came back as something else.
    pub corruption: u64,
    /// What came back as an older one.
    pub generation: u64,
}

impl Errors {
    /// All of them.
    pub fn sum(&self) -> u64 {
        let all = [self.write, self.read, self.flush, self.corruption, self.generation];
        all.into_iter().fold(0, u64::saturating_add)
    }
}

/// Room, in bytes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Room {
    /// Free.
    pub free: u64,
    /// In all.
    pub total: u64,
}

/// Looks at the file system that is mounted on `data`.
///
/// # Errors
/// When it is no btrfs.
pub fn look(tools: &Tools, data: &str) -> Result<FileSystem> {
    let shown = tools.said(Program::Btrfs, &["filesystem", "show", "--raw", data])?;
    let usage = tools.said(Program::Btrfs, &["filesystem", "usage", "--raw", data])?;
    let stats = tools.said(Program::Btrfs, &["--format", "json", "device", "stats", data])?;
    read(&shown, &usage, &stats)
}

/// Room for more of it, as programs see it.
///
/// # Errors
/// When `data` cannot be looked at.
pub fn room(data: &Path) -> Result<Room> {
    let stat = statvfs(data).with_context(|| format!("asking for the room in {}", data.display()))?;
    let bytes = |blocks: u64| blocks.saturating_mul(stat.f_frsize);
    Ok(Room { free: bytes(stat.f_bavail), total: bytes(stat.f_blocks) })
}

/// Bytes that are taken of it.
///
/// # Errors
/// When `data` cannot be looked at.
pub fn used(data: &Path) -> Result<u64> {
    let stat = statvfs(data).with_context(|| format!("asking for the room in {}", data.display()))?;
    Ok(stat.f_blocks.saturating_sub(stat.f_bfree).saturating_mul(stat.f_frsize))
}

fn read(shown: &str, usage: &str, stats: &str) -> Result<FileSystem> {
    let mut devices: Vec<Device> = shown.lines().filter_map(device).collect();
    let counted: Counted = serde_json::from_str(stats).context("reading the counters of errors")?;
    for one in counted.devices {
        if let Some(device) = devices.iter_mut().find(|device| device.id == one.devid) {
            device.errors = one.errors();
        }
    }
    let unmirrored = devices.len() > 1 && usage.lines().any(is_unmirrored);
    let missing = usage.lines().find_map(|line| line.trim().strip_prefix("Device missing:"));
    let missing_bytes = missing.and_then(|bytes| bytes.trim().parse().ok()).unwrap_or(0);
    Ok(FileSystem { devices, unmirrored, missing_bytes })
}

/// `devid    1 size 3113222144 used 1225654272 path /dev/sda3`; a device that is missing says so at the end.
fn device(line: &str) -> Option<Device> {
    let rest = line.trim().strip_prefix("devid")?;
    let (facts, path) = rest.split_once(" path ")?;
    let mut words = facts.split_whitespace();
    let id = words.next()?.parse().ok()?;
    let mut number =
        |name: &str| -> Option<u64> { (words.next()? == name).then(|| words.next()?.parse().ok()).flatten() };
    let (bytes, used) = (number("size")?, number("used")?);
    let is_missing = path.ends_with("MISSING") || path.starts_with('<');
    let path = (!is_missing).then(|| path.trim().to_owned());
    Some(Device { id, path, bytes, used, errors: Errors::default() })
}

/// `Data,single: Size:8388608, Used:65536 (0.78%)`: a profile with one copy, or with both on one device.
fn is_unmirrored(line: &str) -> bool {
    let Some((kind, rest)) = line.split_once(": Size:") else { return false };
    let size = rest.split(',').next().and_then(|size| size.parse::<u64>().ok());
    let profile = kind.split_once(',').map(|(_, profile)| profile.to_lowercase());
    size.is_some_and(|size| size > 0) && matches!(profile.as_deref(), Some("single" | "dup" | "raid0"))
}

#[derive(Debug, Deserialize)]
struct Counted {
    #[serde(rename = "device-stats")]
    devices: Vec<Stats>,
}

#[derive(Debug, Deserialize)]
struct Stats {
    devid: u64,
    #[serde(default)]
    write_io_errs: u64,
    #[serde(default)]
    read_io_errs: u64,
    #[serde(default)]
    flush_io_errs: u64,
    #[serde(default)]
    corruption_errs: u64,
    #[serde(default)]
    generation_errs: u64,
}

impl Stats {
    fn errors(&self) -> Errors {
        Errors {
            write: self.write_io_errs,
            read: self.read_io_errs,
            flush: self.flush_io_errs,
            corruption: self.corruption_errs,
            generation: self.generation_errs,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SHOWN: &str = include_str!("../fixtures/show.txt");
    const USAGE: &str = include_str!("../fixtures/usage.txt");
    const STATS: &str = include_str!("../fixtures/stats.json");
    const DEGRADED: [&str; 3] = [
        include_str!("../fixtures/show-degraded.txt"),
        include_str!("../fixtures/usage-degraded.txt"),
        include_str!("../fixtures/stats-degraded.json"),
    ];

    #[test]
    fn a_mirror_has_two_devices_and_no_errors() {
        let seen = read(SHOWN, USAGE, STATS).expect("read");
        let device = |id, path: &str| Device {
            id,
            path: Some(path.to_owned()),
            bytes: 3_113_222_144,
            used: 1_225_654_272,
            errors: Errors::default(),
        };
        assert_eq!(seen.devices, [device(1, "/dev/loop0p3"), device(2, "/dev/loop1p3")]);
        assert!(!seen.unmirrored && seen.missing_bytes == 0);
    }

    #[test]
    fn a_disk_that_is_missing_is_seen_with_what_was_written_without_it() {
        let seen = read(DEGRADED[0], DEGRADED[1], DEGRADED[2]).expect("read");
        assert_eq!(
            (seen.devices[1].id, seen.devices[1].path.as_deref(), seen.devices[1].bytes),
            (2, None, 0)
        );
        assert_eq!(seen.missing_bytes, 3_221_225_472);
        // btrfs made `single` chunks while it was degraded.
        assert!(seen.unmirrored);
        assert_eq!(seen.devices[0].errors.corruption, 0);
    }

    #[test]
    fn a_disk_that_is_unplugged_while_it_is_used_is_missing_too() {
        let line = "\tdevid    2 size 0 used 0 path /dev/sdb3 MISSING";
        assert_eq!(device(line).expect("a device").path, None);
    }

    #[test]
    fn errors_are_counted_by_device() {
        let stats = STATS.replacen("\"read_io_errs\": 0", "\"read_io_errs\": 7", 1);
        let seen = read(SHOWN, USAGE, &stats).expect("read");
        assert_eq!((seen.devices[0].errors.sum(), seen.devices[1].errors.sum()), (7, 0));
    }

    #[test]
    fn one_device_needs_no_mirror() {
        let shown: String =
            SHOWN.lines().filter(|line| !line.contains("loop1p3")).collect::<Vec<_>>().join("\n");
        let usage = USAGE.replace("RAID1: Size", "single: Size");
        assert!(!read(&shown, &usage, STATS).expect("read").unmirrored);
        assert!(read(SHOWN, &usage, STATS).expect("read").unmirrored);
    }
}
