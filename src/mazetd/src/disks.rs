//! The machine's disks: which could take the box, and what they hold.
//!
//! Read from `lsblk --json`; never offered: whatever is no disk of the machine (loop, RAM, compressed
//! swap, optical, floppy, read-only), and the live medium, but for hardware that installs beside it.

use std::collections::{BTreeMap, BTreeSet};
use std::fs::{self, File};
use std::io::Read as _;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;

use crate::protocol::{Content, Disk};
use crate::run::{Program, Runner};
use crate::{data, medium};

/// The smallest disk that takes a box: 8 GB as disk makers count.
pub const MINIMUM_BYTES: u64 = 8_000_000_000;
/// File-system label of the box's btrfs.
pub const DATA_LABEL: &str = "MAZET-DATA";
/// Columns asked of `lsblk`.
const COLUMNS: &str = "NAME,TYPE,SIZE,RO,MODEL,SERIAL,FSTYPE,LABEL,UUID,PARTLABEL,PTTYPE,MOUNTPOINTS";
/// Bytes at the start of a disk that are looked at when it bears no signature.
const LOOK: usize = 1 << 20;

/// What `lsblk --json` prints.
#[derive(Debug, Deserialize)]
struct Listing {
    blockdevices: Vec<Device>,
}

/// One block device and those on it.
#[derive(Debug, Deserialize)]
struct Device {
    name: String,
    r#type: String,
    size: u64,
    ro: bool,
    model: Option<String>,
    serial: Option<String>,
    fstype: Option<String>,
    label: Option<String>,
    uuid: Option<String>,
    partlabel: Option<String>,
    pttype: Option<String>,
    #[serde(default)]
    mountpoints: Vec<Option<String>>,
    #[serde(default)]
    children: Vec<Device>,
}

/// Every disk that could take the box, by kernel name; with `shares_medium` also the disk that the
/// live system runs from.
///
/// # Errors
/// When `lsblk` fails or its answer cannot be read.
pub fn scan(runner: &Runner, shares_medium: bool) -> Result<Vec<Disk>> {
    let json = runner
        .run(Program::Lsblk, &["--json", "--bytes", "--output", COLUMNS])
        .context("listing the disks")?;
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    let shared = if shares_medium { medium_source(&mounts) } else { None };
    let mut disks = parse(&json, &live_sources(&mounts), shared.as_deref())?;
    for disk in &mut disks {
        if disk.contents.is_empty() && !disk.medium && !starts_blank(&disk.name) {
            disk.contents.push(Content::Unknown);
        }
    }
    Ok(disks)
}

/// The boxes on the machine's disks, but for one that the live system runs from: UUIDs of their btrfs, each with
/// the kernel names of the disks that have a part of it.
///
/// # Errors
/// When `lsblk` fails or its answer cannot be read.
pub fn boxes(runner: &Runner) -> Result<BTreeMap<String, Vec<String>>> {
    let json = runner
        .run(Program::Lsblk, &["--json", "--bytes", "--output", COLUMNS])
        .context("listing the disks")?;
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap_or_default();
    found(&json, &live_sources(&mounts))
}

fn found(json: &str, live: &BTreeSet<String>) -> Result<BTreeMap<String, Vec<String>>> {
    let listing: Listing = serde_json::from_str(json).context("reading what lsblk said")?;
    let mut boxes: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for device in listing.blockdevices.iter().filter(|one| is_offered(one) && !carries(one, live)) {
        let of_box = |part: &&Device| {
            part.label.as_deref() == Some(DATA_LABEL) && part.fstype.as_deref() == Some("btrfs")
        };
        let uuids = device.children.iter().filter(of_box).filter_map(|part| part.uuid.clone());
        for uuid in uuids {
            boxes.entry(uuid).or_default().push(device.name.clone());
        }
    }
    Ok(boxes)
}

/// The kernel name of the disk that the live system runs from.
pub fn medium_disk() -> Option<String> {
    let source = medium_source(&fs::read_to_string("/proc/self/mountinfo").ok()?)?;
    let device = fs::canonicalize(Path::new("/sys/class/block").join(source)).ok()?;
    let disk = if device.join("partition").exists() { device.parent()? } else { &device };
    Some(disk.file_name()?.to_string_lossy().into_owned())
}

/// The disks in `json`, without those that carry one of the `live` devices; but with the one whose
/// partition `shared` does.
fn parse(json: &str, live: &BTreeSet<String>, shared: Option<&str>) -> Result<Vec<Disk>> {
    let listing: Listing = serde_json::from_str(json).context("reading what lsblk said")?;
    let mut disks: Vec<Disk> = listing
        .blockdevices
        .iter()
        .filter(|device| is_offered(device) && (is_shared(device, shared) || !carries(device, live)))
        .map(|device| disk(device, shared))
        .collect();
    disks.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(disks)
}

/// Is it a disk of the machine that can be written?
fn is_offered(device: &Device) -> bool {
    let foreign = ["loop", "ram", "zram", "fd", "sr", "nbd"];
    let hardware_boot_area = device.name.contains("boot") || device.name.contains("rpmb");
    device.r#type == "disk"
        && !device.ro
        && device.size > 0
        && !hardware_boot_area
        && !foreign.iter().any(|prefix| device.name.starts_with(prefix))
}

/// Does the device, or one on it, hold the running system?
fn carries(device: &Device, live: &BTreeSet<String>) -> bool {
    live.contains(&device.name)
        || device.mountpoints.iter().flatten().any(|point| point.starts_with("/run/live"))
        || device.children.iter().any(|child| carries(child, live))
}

/// Is it the disk of the partition `shared`?
fn is_shared(device: &Device, shared: Option<&str>) -> bool {
    device.children.iter().any(|child| Some(child.name.as_str()) == shared)
}

fn disk(device: &Device, shared: Option<&str>) -> Disk {
    let text = |value: &Option<String>| value.as_deref().unwrap_or("").trim().to_owned();
    Disk {
        name: device.name.clone(),
        model: text(&device.model),
        serial: text(&device.serial),
        bytes: device.size,
        contents: contents(device, shared),
        holds_mazet: holds_mazet(device),
        too_small: device.size < MINIMUM_BYTES,
        medium: is_shared(device, shared),
    }
}

/// One for each partition but `shared`, which stays; or for the signature of the whole disk.
fn contents(device: &Device, shared: Option<&str>) -> Vec<Content> {
    let lost = device.children.iter().filter(|child| Some(child.name.as_str()) != shared);
    let mut contents: Vec<Content> = lost.map(volume).collect();
    if device.children.is_empty() {
        if device.fstype.is_some() {
            contents.push(volume(device));
        } else if let Some(table) = &device.pttype {
            contents.push(Content::Table { kind: table.clone() });
        }
    }
    contents
}

fn volume(device: &Device) -> Content {
    Content::Volume {
        name: device.name.clone(),
        kind: device.fstype.clone(),
        label: device.label.as_ref().or(device.partlabel.as_ref()).cloned(),
        uuid: device.uuid.clone(),
        bytes: device.size,
    }
}

fn holds_mazet(device: &Device) -> bool {
    let is = |value: &Option<String>| value.as_deref() == Some(DATA_LABEL);
    is(&device.label) || is(&device.partlabel) || device.children.iter().any(holds_mazet)
}

/// Kernel names of the devices that are mounted below `/run/live` or as `/`.
fn live_sources(mountinfo: &str) -> BTreeSet<String> {
    let source = |line: &str| -> Option<String> {
        let (before, after) = line.split_once(" - ")?;
        let point = before.split(' ').nth(4)?;
        let device = after.split(' ').nth(1)?.strip_prefix("/dev/")?;
        (point == "/" || point.starts_with("/run/live")).then(|| device.to_owned())
    };
    mountinfo.lines().filter_map(source).collect()
}

/// Kernel name of the device that the live system's FAT is on.
fn medium_source(mountinfo: &str) -> Option<String> {
    let (_, source) = data::source(mountinfo, medium::PATH)?;
    source.strip_prefix("/dev/").map(str::to_owned)
}

/// Are the disk's first bytes all zero? A disk that cannot be read is not called blank.
fn starts_blank(name: &str) -> bool {
    let mut start = vec![0; LOOK];
    let path = Path::new("/dev").join(name);
    File::open(path)
        .and_then(|mut file| file.read_exact(&mut start))
        .is_ok_and(|()| start.iter().all(|byte| *byte == 0))
}

#[cfg(test)]
mod tests {
    use super::*;

    const LSBLK: &str = include_str!("../fixtures/lsblk.json");

    #[test]
    fn only_disks_that_may_be_erased_are_offered() {
        let disks = parse(LSBLK, &BTreeSet::new(), None).expect("lsblk's own form");
        let names: Vec<&str> = disks.iter().map(|disk| disk.name.as_str()).collect();
        assert_eq!(names, ["nvme0n1", "sda", "sdc"]);
    }

    #[test]
    fn what_a_disk_holds_is_told_by_partition() {
        let disks = parse(LSBLK, &BTreeSet::new(), None).expect("lsblk's own form");
        let sda = disks.iter().find(|disk| disk.name == "sda").expect("sda");
        assert_eq!(sda.model, "WDC WD10EZEX");
        assert_eq!(sda.serial, "WD-1234");
        let volume = |content: &Content| match content {
            Content::Volume { name, kind, label, bytes, .. } => (
                name.clone(),
                kind.clone().unwrap_or_default(),
                label.clone().unwrap_or_default(),
                bytes / 1_000_000,
            ),
            other => panic!("{other:?}"),
        };
        let seen: Vec<_> = sda.contents.iter().map(volume).collect();
        let expected = [("sda1", "ntfs", "Windows", 120_000), ("sda2", "", "Basic data", 880_200)];
        assert_eq!(
            seen,
            expected.map(|(name, kind, label, mb)| (name.into(), kind.into(), label.into(), mb))
        );
        assert!(!sda.holds_mazet && !sda.too_small);
    }

    #[test]
    fn a_mazet_and_a_small_blank_disk_are_recognised() {
        let disks = parse(LSBLK, &BTreeSet::new(), None).expect("lsblk's own form");
        let nvme = disks.iter().find(|disk| disk.name == "nvme0n1").expect("nvme0n1");
        assert!(nvme.holds_mazet);
        let sdc = disks.iter().find(|disk| disk.name == "sdc").expect("sdc");
        assert!(sdc.contents.is_empty() && sdc.too_small && sdc.serial.is_empty());
    }

    #[test]
    fn a_box_on_two_disks_is_one_box() {
        let disk = |name: &str, uuid: &str| {
            format!(
                r#"{{"name":"{name}","type":"disk","size":16000000000,"ro":false,"children":[
                {{"name":"{name}2","type":"part","size":1,"ro":false,"fstype":"vfat","label":"MAZET","uuid":"A-B"}},
                {{"name":"{name}3","type":"part","size":1,"ro":false,"fstype":"btrfs","label":"MAZET-DATA","uuid":"{uuid}"}}]}}"#
            )
        };
        let all = [disk("sda", "one"), disk("sdb", "two"), disk("sdc", "one"), disk("sdd", "live")].join(",");
        let json = format!(r#"{{"blockdevices":[{all}]}}"#);
        let live = BTreeSet::from(["sdd2".to_owned()]);
        let expected = [("one", vec!["sda", "sdc"]), ("two", vec!["sdb"])];
        let found = found(&json, &live).expect("lsblk's own form");
        let seen: Vec<_> = found
            .iter()
            .map(|(uuid, disks)| (uuid.as_str(), disks.iter().map(String::as_str).collect::<Vec<_>>()))
            .collect();
        assert_eq!(seen, expected);
    }

    #[test]
    fn the_disk_under_the_running_system_is_never_offered() {
        let mounts = "24 1 259:3 / / rw - btrfs /dev/nvme0n1p3 rw\n\
                      25 24 8:1 / /mnt rw - ext4 /dev/sda1 rw\n";
        let live = live_sources(mounts);
        assert_eq!(live.iter().map(String::as_str).collect::<Vec<_>>(), ["nvme0n1p3"]);
        let disks = parse(LSBLK, &live, None).expect("lsblk's own form");
        assert!(disks.iter().all(|disk| disk.name != "nvme0n1"));
    }

    #[test]
    fn hardware_that_installs_beside_the_live_system_is_offered_its_own_card() {
        let mounts = "30 1 8:18 / /run/live/medium ro - vfat /dev/sdb2 ro\n";
        let (live, shared) = (live_sources(mounts), medium_source(mounts));
        assert_eq!(shared.as_deref(), Some("sdb2"));
        let disks = parse(LSBLK, &live, shared.as_deref()).expect("lsblk's own form");
        let card = disks.iter().find(|disk| disk.name == "sdb").expect("the card");
        assert!(card.medium && card.contents.is_empty(), "{card:?}");
        assert_eq!(disks.iter().filter(|disk| disk.medium).count(), 1);
        let disks = parse(LSBLK, &live, None).expect("lsblk's own form");
        assert!(disks.iter().all(|disk| disk.name != "sdb"));
    }
}
