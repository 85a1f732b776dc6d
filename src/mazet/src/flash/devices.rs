//! Which sticks and cards there are, what is on them, and why one is not offered.
//!
//! `lsblk` tells what it sees; two things that it does not tell stand in `/sys`: the members of
//! a mounted btrfs, and flash memory that is soldered in. The last word has the kernel: a device
//! is opened so that nobody else may hold it ([`super::medium::device_flags`]).

use std::collections::BTreeSet;
use std::fmt;
use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};

use crate::run::{Command, Program};

/// Columns asked of lsblk(8).
const COLUMNS: &str =
    "NAME,TYPE,SIZE,RO,RM,HOTPLUG,TRAN,VENDOR,MODEL,SERIAL,FSTYPE,LABEL,PTTYPE,LOG-SEC,MOUNTPOINTS";
/// Bytes of a sector, as the partition tables of images count them.
const SECTOR: u64 = 512;

/// What `lsblk --json` prints.
#[derive(Debug, Deserialize)]
struct Listing {
    blockdevices: Vec<Raw>,
}

/// A block device and those on it.
#[derive(Debug, Deserialize)]
struct Raw {
    name: String,
    r#type: String,
    size: u64,
    ro: bool,
    rm: bool,
    hotplug: bool,
    tran: Option<String>,
    vendor: Option<String>,
    model: Option<String>,
    serial: Option<String>,
    fstype: Option<String>,
    label: Option<String>,
    pttype: Option<String>,
    #[serde(rename = "log-sec")]
    sector: u64,
    #[serde(default)]
    mountpoints: Vec<Option<String>>,
    #[serde(default)]
    children: Vec<Raw>,
}

/// What lsblk does not tell.
#[derive(Debug, Clone, Default)]
pub struct Beyond {
    /// Kernel names of the devices of mounted btrfs file systems.
    pub btrfs: BTreeSet<String>,
    /// Kernel names of disks with hardware boot areas: eMMC, which nobody takes out.
    pub soldered: BTreeSet<String>,
}

impl Beyond {
    /// Reads `/sys`. What is not there is not in use.
    pub fn read() -> Self {
        let names = |folder: &str| {
            let entries = fs::read_dir(folder).into_iter().flatten().flatten();
            entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect::<Vec<_>>()
        };
        let volumes = names("/sys/fs/btrfs");
        let devices = volumes.iter().flat_map(|volume| names(&format!("/sys/fs/btrfs/{volume}/devices")));
        let boot_areas = names("/sys/block");
        let soldered = boot_areas.iter().filter_map(|name| name.strip_suffix("boot0")).map(str::to_owned);
        Self { btrfs: devices.collect(), soldered: soldered.collect() }
    }
}

/// Why a device is not offered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Refusal {
    /// It is no stick or card.
    NotRemovable,
    /// It holds the running system.
    System,
    /// A file system on it is mounted there.
    Mounted(String),
    /// It is swapped to.
    Swap,
    /// Something is stacked on it: an array, a volume group, an opened encryption.
    HeldBy(String),
    /// Its switch says so.
    ReadOnly,
    /// A card reader without a card.
    NoMedium,
    /// Its sectors have another size.
    Sectors(u64),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotRemovable => f.write_str("it is built in, not a stick or a card"),
            Self::System => f.write_str("this computer runs from it"),
            Self::Mounted(place) => write!(f, "it is mounted at {place}: unmount it first (umount {place})"),
            Self::Swap => f.write_str("this computer swaps to it: swapoff it first"),
            Self::HeldBy(what) => write!(f, "it is part of {what}, which is in use"),
            Self::ReadOnly => f.write_str("it is write-protected: look for a switch on its side"),
            Self::NoMedium => f.write_str("there is no card in the reader"),
            Self::Sectors(bytes) => {
                write!(
                    f,
                    "its sectors have {bytes} bytes, and computers boot this image from sectors of {SECTOR}"
                )
            }
        }
    }
}

/// A disk, stick or card.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Device {
    /// Kernel name: `sdb`.
    pub name: String,
    /// Maker and model as the device tells them; may be empty.
    pub model: String,
    /// Serial number; may be empty.
    pub serial: String,
    /// Size in bytes.
    pub bytes: u64,
    /// What is on it, a phrase a partition.
    pub contents: Vec<String>,
    /// Why it is not offered.
    pub refusal: Option<Refusal>,
}

impl Device {
    /// `/dev/sdb`.
    pub fn path(&self) -> PathBuf {
        PathBuf::from("/dev").join(&self.name)
    }

    /// Is it worth a line, if only to say why it cannot be used?
    pub fn is_shown(&self) -> bool {
        !matches!(self.refusal, Some(Refusal::NotRemovable | Refusal::System | Refusal::NoMedium))
    }

    /// What the user types to confirm: the model, or what else tells it from others.
    pub fn confirmation(&self) -> &str {
        [&self.model, &self.serial].into_iter().find(|word| !word.is_empty()).unwrap_or(&self.name)
    }
}

/// Every disk of this computer, by name.
///
/// # Errors
/// When `lsblk` fails.
pub fn scan() -> Result<Vec<Device>> {
    let json = Command::new(Program::Lsblk, "listing the disks")
        .args(["--json", "--bytes", "--output", COLUMNS])
        .text()?;
    parse(&json, &Beyond::read())
}

/// The disks in what `lsblk --json` said.
///
/// # Errors
/// When it has another form.
pub fn parse(json: &str, beyond: &Beyond) -> Result<Vec<Device>> {
    let listing: Listing = serde_json::from_str(json).context("reading what lsblk said")?;
    let disks = listing.blockdevices.iter().filter(|raw| raw.r#type == "disk");
    let mut devices: Vec<Device> = disks.map(|raw| device(raw, beyond)).collect();
    devices.sort_by(|one, two| one.name.cmp(&two.name));
    Ok(devices)
}

fn device(raw: &Raw, beyond: &Beyond) -> Device {
    let model = format!("{} {}", plain(raw.vendor.as_ref()), plain(raw.model.as_ref()));
    let mut contents: Vec<String> = raw.children.iter().map(phrase).collect();
    if contents.is_empty() && (raw.fstype.is_some() || raw.pttype.is_some()) {
        contents.push(phrase(raw));
    }
    Device {
        name: raw.name.clone(),
        model: model.trim().to_owned(),
        serial: plain(raw.serial.as_ref()),
        bytes: raw.size,
        contents,
        refusal: refusal(raw, beyond),
    }
}

fn refusal(raw: &Raw, beyond: &Beyond) -> Option<Refusal> {
    let plugged = raw.rm || raw.hotplug || raw.tran.as_deref() == Some("usb");
    let ours = ["sd", "mmcblk", "nvme", "vd"].iter().any(|prefix| raw.name.starts_with(prefix));
    let boot_area = raw.name.contains("boot") || raw.name.contains("rpmb");
    let built_in = !plugged || !ours || boot_area || beyond.soldered.contains(&raw.name);
    let uses = uses(raw, beyond);
    if uses.contains(&Refusal::System) {
        return Some(Refusal::System);
    }
    if built_in {
        return Some(Refusal::NotRemovable);
    }
    let rest = [
        (raw.size == 0, Refusal::NoMedium),
        (raw.ro, Refusal::ReadOnly),
        (raw.sector != SECTOR, Refusal::Sectors(raw.sector)),
    ];
    let rest = rest.into_iter().filter(|(holds, _)| *holds).map(|(_, refusal)| refusal);
    uses.into_iter().chain(rest).next()
}

/// How the device and those on it are in use.
fn uses(raw: &Raw, beyond: &Beyond) -> Vec<Refusal> {
    let mut uses = Vec::new();
    for place in raw.mountpoints.iter().flatten() {
        uses.push(match place.as_str() {
            "[SWAP]" => Refusal::Swap,
            "/" | "/boot" | "/boot/efi" | "/boot/firmware" | "/usr" | "/var" | "/home" => Refusal::System,
            place if place.starts_with("/run/live") => Refusal::System,
            place => Refusal::Mounted(clean(place)),
        });
    }
    if beyond.btrfs.contains(&raw.name) {
        uses.push(Refusal::HeldBy("a btrfs".to_owned()));
    }
    for child in &raw.children {
        // What a system stands on comes first: it is the stronger reason.
        uses.extend(self::uses(child, beyond));
        if child.r#type != "part" {
            uses.push(Refusal::HeldBy(format!("{} ({})", clean(&child.name), child.r#type)));
        }
    }
    uses
}

/// `sdb1: vfat "KEY", 31.9 GB`.
fn phrase(raw: &Raw) -> String {
    let kind = raw.fstype.as_deref().map_or_else(
        || {
            raw.pttype
                .as_ref()
                .map_or_else(|| "unknown data".to_owned(), |table| format!("empty partition table ({table})"))
        },
        clean,
    );
    let kind = if raw.r#type == "part" && raw.fstype.is_none() { "unknown data".to_owned() } else { kind };
    let label = raw.label.as_ref().map(|label| format!(" \"{}\"", clean(label))).unwrap_or_default();
    format!("{}: {kind}{label}, {}", raw.name, gigabytes(raw.size))
}

/// Bytes as makers of sticks count them: 10^9 and one decimal.
pub fn gigabytes(bytes: u64) -> String {
    let tenths = bytes / 100_000_000;
    format!("{}.{} GB", tenths / 10, tenths % 10)
}

fn plain(text: Option<&String>) -> String {
    text.map(|text| clean(text.trim())).unwrap_or_default()
}

/// Anybody can write a label: no control characters reach the terminal.
fn clean(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '\u{FFFD}' } else { c }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LSBLK: &str = include_str!("../../fixtures/lsblk.json");

    fn beyond() -> Beyond {
        Beyond {
            btrfs: BTreeSet::from(["sdi1".to_owned()]),
            soldered: BTreeSet::from(["mmcblk1".to_owned()]),
        }
    }

    fn told() -> Vec<(String, String)> {
        let devices = parse(LSBLK, &beyond()).expect("lsblk's own form");
        let why = |device: &Device| device.refusal.as_ref().map_or("offered".to_owned(), Refusal::to_string);
        devices.iter().map(|device| (device.name.clone(), why(device))).collect()
    }

    #[test]
    fn a_device_is_offered_only_when_nothing_speaks_against_it() {
        let told: String = told().iter().map(|(name, why)| format!("{name}: {why}\n")).collect();
        insta::assert_snapshot!(told, @r"
        mmcblk0: offered
        mmcblk1: it is built in, not a stick or a card
        mmcblk1boot0: it is built in, not a stick or a card
        nvme0n1: this computer runs from it
        sda: it is built in, not a stick or a card
        sdb: offered
        sdc: it is mounted at /media/anna/PHOTOS: unmount it first (umount /media/anna/PHOTOS)
        sdd: this computer swaps to it: swapoff it first
        sde: it is part of md0 (raid1), which is in use
        sdf: it is mounted at /srv/data: unmount it first (umount /srv/data)
        sdg: it is write-protected: look for a switch on its side
        sdh: there is no card in the reader
        sdi: it is part of a btrfs, which is in use
        sdj: its sectors have 4096 bytes, and computers boot this image from sectors of 512
        sdk: this computer runs from it
        sdl: offered
        zram0: it is built in, not a stick or a card
        ");
    }

    #[test]
    fn a_stick_is_told_by_model_size_serial_and_what_is_on_it() {
        let devices = parse(LSBLK, &beyond()).expect("lsblk's own form");
        let stick = devices.iter().find(|device| device.name == "sdb").expect("sdb");
        assert_eq!((stick.model.as_str(), stick.serial.as_str()), ("SanDisk Ultra", "4C53"));
        assert_eq!(stick.contents, ["sdb1: vfat \"KEY\u{FFFD}[31m\", 31.9 GB", "sdb2: unknown data, 0.1 GB"]);
        assert_eq!(gigabytes(stick.bytes), "32.0 GB");
        assert_eq!(stick.confirmation(), "SanDisk Ultra");
        let card = devices.iter().find(|device| device.name == "mmcblk0").expect("mmcblk0");
        assert_eq!((card.confirmation(), card.contents.len()), ("0xab12", 1));
    }
}
