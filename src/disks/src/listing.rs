//! The machine's disks: which the box lies on, and which are free. From what lsblk(8) says.

use std::fs::File;
use std::io::Read as _;

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

use crate::filesystem::Device;
use crate::tools::{Program, Tools};

/// What is asked for.
const COLUMNS: &str = "NAME,PATH,TYPE,SIZE,RO,MODEL,SERIAL,TRAN,FSTYPE,LABEL,PTTYPE,MOUNTPOINTS";
/// Bytes at the start of a disk that are looked at when it bears no signature.
const LOOK: usize = 1 << 20;
/// Devices that are no disks of the machine.
const FOREIGN: [&str; 6] = ["loop", "ram", "zram", "fd", "sr", "nbd"];
/// Longest part of a row's name that says which disk it is.
const LONGEST: usize = 40;

/// A disk.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Disk {
    /// The kernel's name: `sda`.
    pub name: String,
    /// Its path.
    pub path: String,
    /// Model; may be empty.
    pub model: String,
    /// Serial number; may be empty.
    pub serial: String,
    /// Bytes.
    pub bytes: u64,
    /// How it is connected: `sata`, `nvme`, `usb`; may be empty.
    pub connection: String,
}

impl Disk {
    /// What must be typed to erase it: its serial number, or the kernel's name where it has none.
    pub fn identity(&self) -> &str {
        if self.serial.is_empty() { &self.name } else { &self.serial }
    }

    /// Its name on pages: another disk that the kernel calls the same one day has another one.
    pub fn id(&self) -> String {
        let which = if self.serial.is_empty() { self.bytes.to_string() } else { self.serial.clone() };
        let plain = |one: char| if one.is_ascii_alphanumeric() || one == '-' { one } else { '_' };
        let which: String = which.chars().map(plain).take(LONGEST).collect();
        format!("{}.{which}", self.name)
    }
}

/// A disk that the box does not use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unused {
    /// Which.
    pub disk: Disk,
    /// What it holds, in the words of lsblk(8); empty: nothing.
    pub contents: Vec<String>,
}

/// All disks.
#[derive(Debug, Clone, Default)]
pub struct Listing {
    nodes: Vec<Node>,
}

#[derive(Debug, Deserialize)]
struct Listed {
    blockdevices: Vec<Node>,
}

/// A block device and those on it.
#[derive(Debug, Clone, Deserialize)]
struct Node {
    name: String,
    path: String,
    r#type: String,
    size: u64,
    ro: bool,
    model: Option<String>,
    serial: Option<String>,
    tran: Option<String>,
    fstype: Option<String>,
    label: Option<String>,
    pttype: Option<String>,
    #[serde(default)]
    mountpoints: Vec<Option<String>>,
    #[serde(default)]
    children: Vec<Node>,
}

/// Lists the machine's disks; with `loops`, files that are disks, too.
///
/// # Errors
/// When lsblk fails or its answer cannot be read.
pub fn list(tools: &Tools, loops: bool) -> Result<Listing> {
    let text = tools.said(Program::Lsblk, &["--json", "--bytes", "--tree", "--output", COLUMNS])?;
    read(&text, loops)
}

/// The disks in the JSON of lsblk(8).
///
/// # Errors
/// When it is none.
pub fn read(text: &str, loops: bool) -> Result<Listing> {
    let listed: Listed = serde_json::from_str(text).context("reading what lsblk said")?;
    let is_disk = |node: &Node| {
        // Boot areas of eMMC are parts of a disk, not disks.
        let whole = !node.name.contains("boot") && !node.name.contains("rpmb");
        let own = node.r#type == "disk" && !FOREIGN.iter().any(|prefix| node.name.starts_with(prefix));
        node.size > 0 && whole && (own || (loops && node.r#type == "loop"))
    };
    Ok(Listing { nodes: listed.blockdevices.into_iter().filter(is_disk).collect() })
}

impl Listing {
    /// The disk that the device at `path` is on, and the bytes that this device has of it.
    pub fn disk_of(&self, path: &str) -> Option<(Disk, u64)> {
        self.nodes.iter().find_map(|node| {
            let part = find(node, path)?;
            Some((disk(node), part.size))
        })
    }

    /// Disks that nothing of which is mounted or a device of the box's file system.
    pub fn unused(&self, devices: &[Device]) -> Vec<Unused> {
        let paths: Vec<&str> = devices.iter().filter_map(|device| device.path.as_deref()).collect();
        let free =
            |node: &&Node| !node.ro && !in_use(node) && !paths.iter().any(|path| find(node, path).is_some());
        self.nodes.iter().filter(free).map(unused).collect()
    }
}

fn disk(node: &Node) -> Disk {
    let text = |value: &Option<String>| value.as_deref().unwrap_or("").trim().to_owned();
    Disk {
        name: node.name.clone(),
        path: node.path.clone(),
        model: text(&node.model),
        serial: text(&node.serial),
        bytes: node.size,
        connection: text(&node.tran),
    }
}

fn find<'n>(node: &'n Node, path: &str) -> Option<&'n Node> {
    if node.path == path {
        return Some(node);
    }
    node.children.iter().find_map(|child| find(child, path))
}

fn in_use(node: &Node) -> bool {
    node.mountpoints.iter().any(Option::is_some) || node.children.iter().any(in_use)
}

fn unused(node: &Node) -> Unused {
    let mut contents: Vec<String> = node.children.iter().map(volume).collect();
    if node.children.is_empty() {
        if node.fstype.is_some() {
            contents.push(volume(node));
        } else if let Some(table) = &node.pttype {
            contents.push(table.clone());
        } else if !starts_blank(&node.path) {
            contents.push("?".to_owned());
        }
    }
    Unused { disk: disk(node), contents }
}

/// `sdb1 ntfs Windows`
fn volume(node: &Node) -> String {
    let words = [Some(node.name.as_str()), node.fstype.as_deref(), node.label.as_deref()];
    words.into_iter().flatten().map(str::trim).filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

/// Are the disk's first bytes all zero? A disk that cannot be read is not called blank.
fn starts_blank(path: &str) -> bool {
    let mut start = vec![0; LOOK];
    File::open(path)
        .and_then(|mut file| file.read_exact(&mut start))
        .is_ok_and(|()| start.iter().all(|byte| *byte == 0))
}

#[cfg(test)]
mod tests {
    use mazet_model::report::is_id;

    use super::*;

    const LISTED: &str = r#"{"blockdevices":[
        {"name":"sda","path":"/dev/sda","type":"disk","size":500,"ro":false,"model":"Inner ","serial":"W-1","tran":"sata",
         "fstype":null,"label":null,"pttype":"gpt","mountpoints":[null],"children":[
            {"name":"sda3","path":"/dev/sda3","type":"part","size":400,"ro":false,"model":null,"serial":null,"tran":null,
             "fstype":"btrfs","label":"MAZET-DATA","pttype":"gpt","mountpoints":["/srv","/"]}]},
        {"name":"sdb","path":"/dev/sdb","type":"disk","size":600,"ro":false,"model":"Other","serial":"A B/2","tran":"sata",
         "fstype":null,"label":null,"pttype":"dos","mountpoints":[null],"children":[
            {"name":"sdb1","path":"/dev/sdb1","type":"part","size":599,"ro":false,"model":null,"serial":null,"tran":null,
             "fstype":"ntfs","label":"Windows","pttype":"dos","mountpoints":[null]}]},
        {"name":"sdc","path":"/dev/sdc","type":"disk","size":700,"ro":false,"model":"Mirror","serial":null,"tran":"sata",
         "fstype":null,"label":null,"pttype":"gpt","mountpoints":[null],"children":[
            {"name":"sdc3","path":"/dev/sdc3","type":"part","size":690,"ro":false,"model":null,"serial":null,"tran":null,
             "fstype":"btrfs","label":"MAZET-DATA","pttype":"gpt","mountpoints":[null]}]},
        {"name":"sdd","path":"/dev/sdd","type":"disk","size":9,"ro":true,"model":null,"serial":null,"tran":"usb",
         "fstype":null,"label":null,"pttype":null,"mountpoints":[null]},
        {"name":"loop0","path":"/dev/loop0","type":"loop","size":9,"ro":false,"model":null,"serial":null,"tran":null,
         "fstype":null,"label":null,"pttype":null,"mountpoints":[null]}
    ]}"#;

    fn device(path: &str) -> Device {
        Device { path: Some(path.to_owned()), ..Device::default() }
    }

    #[test]
    fn disks_of_the_box_and_disks_that_are_mounted_are_not_offered() {
        let listing = read(LISTED, false).expect("disks");
        let unused = listing.unused(&[device("/dev/sda3"), device("/dev/sdc3")]);
        let seen: Vec<_> =
            unused.iter().map(|one| (one.disk.name.as_str(), one.contents.join(", "))).collect();
        assert_eq!(seen, [("sdb", "sdb1 ntfs Windows".to_owned())]);
        // A file system that is not known to have it does not keep it from being offered, but not as blank.
        let more = listing.unused(&[device("/dev/sda3")]);
        assert_eq!(more[1].contents, ["sdc3 btrfs MAZET-DATA"]);
    }

    #[test]
    fn a_disk_is_found_by_its_partition_and_has_a_name_of_its_own() {
        let listing = read(LISTED, false).expect("disks");
        let (disk, bytes) = listing.disk_of("/dev/sda3").expect("a disk");
        assert_eq!((disk.model.as_str(), disk.identity(), bytes, disk.bytes), ("Inner", "W-1", 400, 500));
        assert_eq!(disk.id(), "sda.W-1");
        let ids: Vec<String> = listing.unused(&[]).iter().map(|one| one.disk.id()).collect();
        assert_eq!(ids, ["sdb.A_B_2", "sdc.700"]);
        assert!(ids.iter().all(|id| is_id(id)));
        assert!(listing.disk_of("/dev/sdz1").is_none());
    }

    #[test]
    fn what_cannot_be_read_is_not_blank() {
        assert!(!starts_blank("/nonexistent"));
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("disk");
        std::fs::write(&path, vec![0; LOOK]).expect("written");
        assert!(starts_blank(&path.to_string_lossy()));
        std::fs::write(&path, vec![1; LOOK]).expect("written");
        assert!(!starts_blank(&path.to_string_lossy()));
    }
}
