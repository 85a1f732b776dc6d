//! The machine's disks: which the box lies on, and which are free. From what lsblk(8) says.

use std::fs::File;
use std::io::Read as _;
use std::process::Command;

use anyhow::{Context as _, Result};
use mazet_model::manifest::Text;
use mazet_model::words::{both, size};
use serde::{Deserialize, Serialize};

use crate::run::said;

/// What is asked for.
const COLUMNS: &str = "NAME,PATH,TYPE,SIZE,RO,MODEL,SERIAL,TRAN,UUID,FSTYPE,LABEL,PTTYPE,MOUNTPOINTS";
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

    /// Model, or what stands for it.
    pub fn title(&self) -> Text {
        match (self.model.as_str(), self.name.as_str()) {
            ("", "") => both("Disque inconnu", "Unknown disk"),
            ("", name) => both(format!("Disque {name}"), format!("Disk {name}")),
            (model, _) => both(model, model),
        }
    }

    /// What a disk is: size, serial number, connection.
    pub fn what(&self) -> Text {
        let size = size(self.bytes);
        let serial = match self.serial.as_str() {
            "" => both("sans numéro de série", "without a serial number"),
            serial => both(format!("numéro de série {serial}"), format!("serial number {serial}")),
        };
        let connection = match self.connection.as_str() {
            "" => String::new(),
            connection => format!(", {}", connection.to_uppercase()),
        };
        both(
            format!("{}, {}{connection}.", size.fr, serial.fr),
            format!("{}, {}{connection}.", size.en, serial.en),
        )
    }
}

/// A disk that the box does not use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unused {
    /// Which.
    pub disk: Disk,
    /// What it holds, in the words of lsblk(8); empty: nothing.
    pub contents: Vec<String>,
    /// The file systems on it.
    pub systems: Vec<System>,
}

/// A file system, and what else bears the signature of one.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct System {
    /// Its UUID.
    pub uuid: String,
    /// What it is: `exfat`.
    pub kind: String,
    /// Its name; may be empty.
    pub label: String,
    /// Bytes of its partition.
    pub bytes: u64,
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
    uuid: Option<String>,
    fstype: Option<String>,
    label: Option<String>,
    pttype: Option<String>,
    #[serde(default)]
    mountpoints: Vec<Option<String>>,
    #[serde(default)]
    children: Vec<Node>,
}

/// Lists the machine's disks, by `lsblk`, ready for its arguments; with `loops`, files that are disks, too.
///
/// # Errors
/// When lsblk fails or its answer cannot be read.
pub fn list(lsblk: &mut Command, loops: bool) -> Result<Listing> {
    let text = said(lsblk.args(["--json", "--bytes", "--tree", "--output", COLUMNS]), "listing disks")?;
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

    /// Disks nothing of which is mounted or one of `devices`. A btrfs is mounted by one of its devices: the others, which
    /// have its number, are in use, too.
    pub fn unused(&self, devices: &[&str]) -> Vec<Unused> {
        let mounted: Vec<&str> = self.nodes.iter().flat_map(mounted).collect();
        let free = |node: &&Node| {
            let part = |system: &System| mounted.contains(&system.uuid.as_str());
            let listed = || devices.iter().any(|path| find(node, path).is_some());
            !node.ro && !in_use(node) && !systems(node).iter().any(part) && !listed()
        };
        self.nodes.iter().filter(free).map(unused).collect()
    }
}

fn text(value: &Option<String>) -> String {
    value.as_deref().unwrap_or("").trim().to_owned()
}

fn disk(node: &Node) -> Disk {
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

/// Numbers of the file systems that are mounted.
fn mounted(node: &Node) -> Vec<&str> {
    let below = node.children.iter().flat_map(mounted);
    let own = node.uuid.as_deref().filter(|_| node.mountpoints.iter().any(Option::is_some));
    own.into_iter().chain(below).collect()
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
    Unused { disk: disk(node), contents, systems: systems(node) }
}

fn systems(node: &Node) -> Vec<System> {
    let mut all: Vec<System> = node.children.iter().flat_map(systems).collect();
    if let (Some(uuid), Some(kind)) = (&node.uuid, &node.fstype) {
        let (uuid, kind) = (uuid.clone(), kind.clone());
        all.push(System { uuid, kind, label: text(&node.label), bytes: node.size });
    }
    all
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
         "uuid":null,"fstype":null,"label":null,"pttype":"gpt","mountpoints":[null],"children":[
            {"name":"sda3","path":"/dev/sda3","type":"part","size":400,"ro":false,"model":null,"serial":null,"tran":null,
             "uuid":"1","fstype":"btrfs","label":"MAZET-DATA","pttype":"gpt","mountpoints":["/srv","/"]}]},
        {"name":"sdb","path":"/dev/sdb","type":"disk","size":600,"ro":false,"model":"Other","serial":"A B/2","tran":"sata",
         "uuid":null,"fstype":null,"label":null,"pttype":"dos","mountpoints":[null],"children":[
            {"name":"sdb1","path":"/dev/sdb1","type":"part","size":599,"ro":false,"model":null,"serial":null,"tran":null,
             "uuid":"12AB-34CD","fstype":"ntfs","label":"Windows","pttype":"dos","mountpoints":[null]}]},
        {"name":"sdc","path":"/dev/sdc","type":"disk","size":700,"ro":false,"model":"Mirror","serial":null,"tran":"sata",
         "uuid":null,"fstype":null,"label":null,"pttype":"gpt","mountpoints":[null],"children":[
            {"name":"sdc3","path":"/dev/sdc3","type":"part","size":690,"ro":false,"model":null,"serial":null,"tran":null,
             "uuid":"2","fstype":"btrfs","label":"MAZET-DATA","pttype":"gpt","mountpoints":[null]}]},
        {"name":"sdd","path":"/dev/sdd","type":"disk","size":9,"ro":true,"model":null,"serial":null,"tran":"usb",
         "uuid":null,"fstype":null,"label":null,"pttype":null,"mountpoints":[null]},
        {"name":"loop0","path":"/dev/loop0","type":"loop","size":9,"ro":false,"model":null,"serial":null,"tran":null,
         "uuid":null,"fstype":null,"label":null,"pttype":null,"mountpoints":[null]}
    ]}"#;

    #[test]
    fn disks_of_the_box_and_disks_that_are_mounted_are_not_offered() {
        let listing = read(LISTED, false).expect("disks");
        let unused = listing.unused(&["/dev/sda3", "/dev/sdc3"]);
        let seen: Vec<_> =
            unused.iter().map(|one| (one.disk.name.as_str(), one.contents.join(", "))).collect();
        assert_eq!(seen, [("sdb", "sdb1 ntfs Windows".to_owned())]);
        // A file system that is not known to have it does not keep it from being offered, but not as blank.
        let more = listing.unused(&["/dev/sda3"]);
        assert_eq!(more[1].contents, ["sdc3 btrfs MAZET-DATA"]);
        let known = System {
            uuid: "12AB-34CD".to_owned(),
            kind: "ntfs".to_owned(),
            label: "Windows".to_owned(),
            bytes: 599,
        };
        assert_eq!(more[0].systems, [known]);
    }

    #[test]
    fn the_other_disk_of_a_mounted_mirror_is_in_use() {
        let same = LISTED.replace("\"uuid\":\"2\"", "\"uuid\":\"1\"");
        let unused = read(&same, false).expect("disks").unused(&[]);
        assert_eq!(unused.iter().map(|one| one.disk.name.as_str()).collect::<Vec<_>>(), ["sdb"]);
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
