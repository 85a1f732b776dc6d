//! Another disk takes the place of one that is missing.
//!
//! | step | what |
//! |---|---|
//! | partition | `mazetd disk partition`: the partition table that all disks of the box have |
//! | copy | `btrfs replace`; on a smaller disk `btrfs device add`, then `remove missing` |
//! | mirror | what was written meanwhile is on one disk alone: `btrfs balance` gives it a second copy |
//! | start | `mazetd disk start`: the box starts from this disk, too, and has its rescue system on it |
//!
//! Cut off, the kernel goes on copying by itself with the next start; run again, the rest follows.

use anyhow::{Context as _, Result, bail};
use mazet_host::confirmed::Confirmed;
use mazet_host::files;
use mazet_host::listing::{self, Disk, Listing, Unused};
use serde::{Deserialize, Serialize};

use crate::filesystem::{self, Device, FileSystem};
use crate::places::Places;
use crate::state::State;
use crate::tools::{Program, Tools};
use crate::watch;

/// Bytes that a smaller disk must have beside what is taken.
const MARGIN: u64 = 1 << 30;
/// Gives everything that has one copy a second one.
const CONVERT: [&str; 2] = ["-dconvert=raid1,soft", "-mconvert=raid1,soft"];

/// A replacement, and how far it is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Replacement {
    /// When it began, in seconds since 1970.
    pub at: i64,
    /// The new disk.
    pub disk: Disk,
    /// What is being done, or was done last.
    pub step: Step,
    /// When it ended, well or not; none: it is under way, or was cut off.
    pub ended: Option<i64>,
    /// Why it failed.
    pub fault: Option<String>,
}

/// A step.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Step {
    /// The partition table.
    #[default]
    Partition,
    /// What the missing disk had.
    Copy,
    /// What was written without it.
    Mirror,
    /// Boot loader and rescue system.
    Start,
}

/// A disk that may take the place of one that is missing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Which, and what it holds.
    pub unused: Unused,
    /// It is large enough.
    pub fits: bool,
    /// It is blank, or its serial number was typed, or its replacement has begun already.
    pub free: bool,
}

/// Disks that may take the place of the one that is missing; none is offered where none is missing.
///
/// # Errors
/// When the disks cannot be listed.
pub fn candidates(tools: &Tools, places: &Places) -> Result<Vec<Candidate>> {
    let seen = filesystem::look(tools, &places.data())?;
    let listing = listing::list(&mut tools.command(Program::Lsblk), places.loops)?;
    let begun = State::read(&places.state)?.replacement;
    let begun = begun.filter(|one| one.ended.is_none() || one.fault.is_some()).map(|one| one.disk.id());
    Ok(offered(&seen, &listing, &Confirmed::read(&places.confirmed)?, begun.as_deref()))
}

fn offered(
    seen: &FileSystem,
    listing: &Listing,
    confirmed: &Confirmed,
    begun: Option<&str>,
) -> Vec<Candidate> {
    if seen.devices.iter().all(|device| device.path.is_some()) {
        return Vec::new();
    }
    let least = least(seen, listing);
    let candidate = |unused: Unused| {
        let is_begun = begun == Some(unused.disk.id().as_str());
        let free = unused.contents.is_empty() || is_begun || confirmed.has(&unused.disk);
        Candidate { fits: unused.disk.bytes >= least, free, unused }
    };
    let paths: Vec<&str> = seen.devices.iter().filter_map(|device| device.path.as_deref()).collect();
    listing.unused(&paths).into_iter().map(candidate).collect()
}

/// Bytes that a disk must have: its other partitions are no larger than those of the disk that is left.
fn least(seen: &FileSystem, listing: &Listing) -> u64 {
    let left = seen.devices.iter().find_map(|device| {
        let (disk, bytes) = listing.disk_of(device.path.as_deref()?)?;
        Some((disk.bytes.saturating_sub(bytes), device.used))
    });
    let (beside, used) = left.unwrap_or_default();
    beside.saturating_add(seen.missing_bytes.min(used.saturating_add(MARGIN)))
}

/// Is it one that may be taken now?
///
/// # Errors
/// It is not there any more, too small, or holds something and was not confirmed.
pub fn allowed(tools: &Tools, places: &Places, id: &str) -> Result<Disk> {
    let all = candidates(tools, places)?;
    let found = all.into_iter().find(|one| one.unused.disk.id() == id);
    let found = found.with_context(|| format!("there is no disk {id} that could be taken"))?;
    if !found.fits {
        bail!("the disk {id} is too small");
    }
    if !found.free {
        bail!("the disk {id} holds something, and its serial number was not typed");
    }
    Ok(found.unused.disk)
}

/// Replaces the disk that is missing by the one of this name, or goes on with that.
///
/// # Errors
/// What failed; it is also kept.
pub fn run(tools: &Tools, places: &Places, id: &str) -> Result<()> {
    let known = State::read(&places.state)?.replacement.filter(|one| one.disk.id() == id);
    if known.is_some() {
        // What the kernel goes on with by itself, after a restart; it ends at once where nothing is copied.
        tools.said(Program::Btrfs, &["replace", "status", &places.data()])?;
    }
    let begun = match known.filter(|known| is_in(tools, places, &known.disk).unwrap_or(false)) {
        Some(known) => Replacement { step: Step::Mirror, ..known },
        None => Replacement { disk: allowed(tools, places, id)?, at: files::now(), ..Replacement::default() },
    };
    let mut work = Work { tools, places, now: Replacement { ended: None, fault: None, ..begun } };
    let done = work.all();
    work.now.ended = Some(files::now());
    work.now.fault = done.as_ref().err().map(|error| format!("{error:#}"));
    work.tell()?;
    watch::run(tools, places)?;
    done
}

/// Is a part of the disk a device of the file system?
fn is_in(tools: &Tools, places: &Places, disk: &Disk) -> Result<bool> {
    let seen = filesystem::look(tools, &places.data())?;
    let listing = listing::list(&mut tools.command(Program::Lsblk), places.loops)?;
    let paths = seen.devices.iter().filter_map(|device| device.path.as_deref());
    Ok(paths.filter_map(|path| listing.disk_of(path)).any(|(one, _)| one.id() == disk.id()))
}

/// A replacement at work.
struct Work<'w> {
    tools: &'w Tools,
    places: &'w Places,
    now: Replacement,
}

impl Work<'_> {
    fn all(&mut self) -> Result<()> {
        if self.now.step == Step::Partition {
            self.begin(Step::Partition)?;
            Confirmed::forget(&self.places.confirmed)?;
            let name = self.now.disk.name.clone();
            let said = self.tools.said(Program::Mazetd, &["disk", "partition", &name]);
            let part = said.context("partitioning the disk")?.trim().to_owned();
            self.begin(Step::Copy)?;
            self.copy(&part).context("copying to the disk")?;
        }
        self.begin(Step::Mirror)?;
        mirror(self.tools, self.places)?;
        self.begin(Step::Start)?;
        let name = self.now.disk.name.clone();
        self.tools
            .said(Program::Mazetd, &["disk", "start", &name])
            .context("making the disk start the box")?;
        // What was begun before knows nothing of this disk.
        State::change(&self.places.state, |state| state.scrub_begun = None)
    }

    fn begin(&mut self, step: Step) -> Result<()> {
        self.now.step = step;
        self.tell()
    }

    fn tell(&self) -> Result<()> {
        State::change(&self.places.state, |state| state.replacement = Some(self.now.clone()))
    }

    fn copy(&self, part: &str) -> Result<()> {
        let data = self.places.data();
        let seen = filesystem::look(self.tools, &data)?;
        let missing = seen.devices.iter().find(|device| device.path.is_none());
        let missing: &Device = missing.context("no disk is missing any more")?;
        let listing = listing::list(&mut self.tools.command(Program::Lsblk), self.places.loops)?;
        let (_, bytes) = listing.disk_of(part).with_context(|| format!("there is no {part}"))?;
        let id = missing.id.to_string();
        let said = |arguments: &[&str]| self.tools.said(Program::Btrfs, arguments).map(drop);
        if bytes >= seen.missing_bytes {
            said(&["replace", "start", "-B", "-f", &id, part, &data])?;
            said(&["filesystem", "resize", &format!("{id}:max"), &data])
        } else {
            said(&["device", "add", "-f", part, &data])?;
            said(&["device", "remove", "missing", &data])
        }
    }
}

/// Gives everything that is on one disk alone a second copy.
///
/// # Errors
/// When there is too little room, or a disk fails.
pub fn mirror(tools: &Tools, places: &Places) -> Result<()> {
    let [data, metadata] = CONVERT;
    let arguments = ["balance", "start", data, metadata, &places.data()];
    tools.said(Program::Btrfs, &arguments).context("giving everything a second copy").map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn unused(serial: &str, bytes: u64, contents: &[&str]) -> String {
        let content = if contents.is_empty() { "null" } else { "\"ntfs\"" };
        format!(
            r#"{{"name":"sd{serial}","path":"/dev/null","type":"disk","size":{bytes},"ro":false,"model":"M","serial":"{serial}",
            "tran":"sata","fstype":{content},"label":null,"pttype":null,"mountpoints":[null]}}"#
        )
    }

    fn listing(disks: &[String]) -> Listing {
        let left = r#"{"name":"sda","path":"/dev/sda","type":"disk","size":500,"ro":false,"model":"M","serial":"A",
            "tran":"sata","fstype":null,"label":null,"pttype":"gpt","mountpoints":[null],"children":[
            {"name":"sda3","path":"/dev/sda3","type":"part","size":400,"ro":false,"model":null,"serial":null,
            "tran":null,"fstype":"btrfs","label":null,"pttype":"gpt","mountpoints":["/srv"]}]}"#;
        let all = [&[left.to_owned()], disks].concat().join(",");
        listing::read(&format!(r#"{{"blockdevices":[{all}]}}"#), false).expect("disks")
    }

    fn seen(second: Option<&str>) -> FileSystem {
        let device = |id, path: Option<&str>| Device {
            id,
            path: path.map(str::to_owned),
            used: 300,
            ..Device::default()
        };
        let devices = vec![device(1, Some("/dev/sda3")), device(2, second)];
        FileSystem { devices, missing_bytes: 400, ..FileSystem::default() }
    }

    #[test]
    fn a_disk_is_taken_that_is_large_enough_and_whose_content_may_go() {
        let disks = [unused("b", 500, &["x"]), unused("c", 499, &["x"]), unused("d", 900, &["x"])];
        let listing = listing(&disks);
        let confirmed = Confirmed::of(&["d"]);
        let seen_ones = |begun| -> Vec<(String, bool, bool)> {
            let all = offered(&seen(None), &listing, &confirmed, begun);
            all.into_iter().map(|one| (one.unused.disk.serial, one.fits, one.free)).collect()
        };
        let (b, c, d) = ("b".to_owned(), "c".to_owned(), "d".to_owned());
        assert_eq!(
            seen_ones(None),
            [(b.clone(), true, false), (c.clone(), false, false), (d.clone(), true, true)]
        );
        assert_eq!(seen_ones(Some("sdb.b")), [(b, true, true), (c, false, false), (d, true, true)]);
    }

    #[test]
    fn where_no_disk_is_missing_none_is_offered() {
        let all =
            offered(&seen(Some("/dev/sdx")), &listing(&[unused("b", 500, &[])]), &Confirmed::of(&[]), None);
        assert!(all.is_empty());
    }
}
