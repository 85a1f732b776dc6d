//! What disks say of themselves: SMART, from smartctl(8)'s JSON.

use anyhow::{Context as _, Result};
use mazet_host::listing::Disk;
use mazet_host::{files, listing};
use serde::{Deserialize, Serialize};

use crate::filesystem;
use crate::places::Places;
use crate::state::State;
use crate::tools::{Program, Tools};

/// ATA attributes: sectors that the disk gave another place to.
const REALLOCATED: u64 = 5;
/// Sectors that could not be read the last time.
const PENDING: u64 = 197;
/// Sectors that could not be read in the disk's own test.
const UNCORRECTABLE: u64 = 198;

/// What all disks of the box said.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Smart {
    /// When, in seconds since 1970.
    pub at: i64,
    /// One by one.
    pub disks: Vec<Told>,
}

/// What a disk said.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Told {
    /// Which.
    pub disk: Disk,
    /// What it thinks of itself; none: it has no SMART, or nobody gets to it (a virtual disk, a USB bridge).
    pub passed: Option<bool>,
    /// Why it said nothing, in smartctl's words.
    pub silent: Option<String>,
    /// Sectors that it gave another place to.
    pub reallocated: Option<u64>,
    /// Sectors that cannot be read: pending, uncorrectable; errors of the medium.
    pub unreadable: Option<u64>,
    /// Percentage of an SSD's life that is over; may be above 100.
    pub worn: Option<u64>,
    /// °C.
    pub celsius: Option<i64>,
    /// Hours that it ran.
    pub hours: Option<u64>,
}

/// Asks the disks of the box, and keeps what they say.
///
/// # Errors
/// When they cannot be listed, or this cannot be written down.
pub fn run(tools: &Tools, places: &Places) -> Result<()> {
    let seen = filesystem::look(tools, &places.data())?;
    let listing = listing::list(&mut tools.command(Program::Lsblk), places.loops)?;
    let paths = seen.devices.iter().filter_map(|device| device.path.as_deref());
    let mut disks: Vec<Disk> = paths.filter_map(|path| Some(listing.disk_of(path)?.0)).collect();
    disks.dedup();
    let disks = disks.into_iter().map(|disk| ask(tools, disk)).collect::<Result<_>>()?;
    let smart = Smart { at: files::now(), disks };
    State::change(&places.state, |state| state.smart = Some(smart))
}

fn ask(tools: &Tools, disk: Disk) -> Result<Told> {
    // Its exit status is a set of bits, most of which tell of the disk and not of a failure.
    let arguments = ["--json", "--info", "--health", "--attributes", &disk.path];
    let output = tools.ended(Program::Smartctl, &arguments)?;
    read(&String::from_utf8_lossy(&output.stdout), disk)
}

#[derive(Debug, Deserialize)]
struct Said {
    #[serde(default)]
    smartctl: Smartctl,
    smart_status: Option<Status>,
    ata_smart_attributes: Option<Attributes>,
    nvme_smart_health_information_log: Option<Nvme>,
    temperature: Option<Temperature>,
    power_on_time: Option<PowerOn>,
}

#[derive(Debug, Default, Deserialize)]
struct Smartctl {
    #[serde(default)]
    messages: Vec<Message>,
}

#[derive(Debug, Deserialize)]
struct Message {
    string: String,
}

#[derive(Debug, Deserialize)]
struct Status {
    passed: bool,
}

#[derive(Debug, Deserialize)]
struct Attributes {
    #[serde(default)]
    table: Vec<Attribute>,
}

#[derive(Debug, Deserialize)]
struct Attribute {
    id: u64,
    raw: Raw,
}

#[derive(Debug, Deserialize)]
struct Raw {
    value: u64,
}

#[derive(Debug, Deserialize)]
struct Nvme {
    percentage_used: Option<u64>,
    media_errors: Option<u64>,
}

#[derive(Debug, Deserialize)]
struct Temperature {
    current: Option<i64>,
}

#[derive(Debug, Deserialize)]
struct PowerOn {
    hours: Option<u64>,
}

fn read(text: &str, disk: Disk) -> Result<Told> {
    let said: Said = serde_json::from_str(text).context("reading what smartctl said")?;
    let table = said.ata_smart_attributes.map(|attributes| attributes.table).unwrap_or_default();
    let raw = |id| table.iter().find(|attribute| attribute.id == id).map(|attribute| attribute.raw.value);
    // Some firmwares keep several counters in one: the lower 32 bits are the sectors.
    let sectors = |id| raw(id).map(|value| value & u64::from(u32::MAX));
    let unreadable = match (sectors(PENDING), sectors(UNCORRECTABLE)) {
        // They count the same sectors.
        (Some(pending), Some(uncorrectable)) => Some(pending.max(uncorrectable)),
        (one, other) => one.or(other),
    };
    let passed = said.smart_status.map(|status| status.passed);
    let message = said.smartctl.messages.into_iter().next().map(|message| message.string);
    Ok(Told {
        disk,
        passed,
        silent: if passed.is_none() { message } else { None },
        reallocated: sectors(REALLOCATED),
        unreadable: unreadable
            .or(said.nvme_smart_health_information_log.as_ref().and_then(|log| log.media_errors)),
        worn: said.nvme_smart_health_information_log.and_then(|log| log.percentage_used),
        celsius: said.temperature.and_then(|temperature| temperature.current),
        hours: said.power_on_time.and_then(|time| time.hours),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(text: &str) -> Told {
        read(text, Disk::default()).expect("read")
    }

    #[test]
    fn a_disk_with_bad_sectors_tells_them_and_may_still_pass() {
        let told = told(include_str!("../fixtures/smart-ata.json"));
        assert_eq!((told.passed, told.reallocated, told.unreadable), (Some(true), Some(8), Some(2)));
        assert_eq!((told.celsius, told.hours, told.worn, told.silent), (Some(36), Some(36_055), None, None));
    }

    #[test]
    fn an_nvme_disk_that_is_failing_says_so() {
        let told = told(include_str!("../fixtures/smart-nvme.json"));
        assert_eq!((told.passed, told.worn, told.unreadable), (Some(false), Some(103), Some(3)));
    }

    #[test]
    fn a_disk_without_smart_is_no_fault() {
        let told = told(include_str!("../fixtures/smart-none.json"));
        assert_eq!(told.passed, None);
        assert_eq!(told.silent.as_deref(), Some("/dev/loop0: Unable to detect device type"));
    }

    #[test]
    fn what_is_no_answer_is_told() {
        assert!(read("smartctl: not found", Disk::default()).is_err());
    }
}
