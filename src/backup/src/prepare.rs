//! A USB disk is made anew for backups: one partition, one file system. What holds anything is erased only when its serial
//! number was typed within the hour.

use std::io::{Seek as _, Write as _};
use std::path::Path;
use std::process::Command;

use anyhow::{Context as _, Result, bail};
use mazet_host::confirmed::Confirmed;
use mazet_host::files;
use mazet_host::listing::{self, Disk, Unused};
use mazet_host::run::{ended, failure, said};
use serde::{Deserialize, Serialize};

use crate::opened::BY_UUID;
use crate::page::disks;
use crate::places::Places;
use crate::state::{Status, alone};
use crate::tools::{Program, Tools};

/// Name of the file system: whoever plugs the disk into another computer reads what it is.
const LABEL: &str = "MAZET-BACKUP";
/// sfdisk(8)'s script: one partition, the whole disk, for Linux.
const TABLE: &str = "label: gpt\ntype=0FC63DAF-8483-4772-8E79-3D69D8477DE4, name=\"MAZET-BACKUP\"\n";
/// How USB disks are connected, as lsblk(8) says it.
const USB: &str = "usb";

/// A disk that can be made anew.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// Which, and what it holds.
    pub unused: Unused,
    /// It is blank, or its serial number was typed.
    pub free: bool,
}

/// How the last one went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Prepared {
    /// Seconds since 1970.
    pub at: i64,
    /// The disk.
    pub disk: Disk,
    /// Why it failed; none: backups go there now.
    pub fault: Option<String>,
}

/// USB disks that nobody uses.
///
/// # Errors
/// When the disks or what was typed cannot be read.
pub fn candidates(tools: &Tools, places: &Places) -> Result<Vec<Candidate>> {
    let confirmed = Confirmed::read(&places.confirmed())?;
    Ok(offered(plugged(tools)?, &confirmed))
}

/// USB disks nothing of which is mounted.
///
/// # Errors
/// When lsblk fails.
pub fn plugged(tools: &Tools) -> Result<Vec<Unused>> {
    let listing = listing::list(&mut tools.command(Program::Lsblk), false)?;
    Ok(listing.unused(&[]).into_iter().filter(|one| one.disk.connection == USB).collect())
}

fn offered(plugged: Vec<Unused>, confirmed: &Confirmed) -> Vec<Candidate> {
    let candidate = |unused: Unused| {
        let free = unused.contents.is_empty() || confirmed.has(&unused.disk);
        Candidate { unused, free }
    };
    plugged.into_iter().map(candidate).collect()
}

/// Is it one that may be erased now?
///
/// # Errors
/// It is not plugged in any more, or holds something and was not confirmed.
pub fn allowed(tools: &Tools, places: &Places, id: &str) -> Result<Disk> {
    let found = candidates(tools, places)?.into_iter().find(|one| one.unused.disk.id() == id);
    let found = found.with_context(|| format!("the disk {id} is not plugged in any more"))?;
    let disk = found.unused.disk;
    if !found.free {
        bail!("the disk {id} holds something: type {:?} first", disk.identity());
    }
    Ok(disk)
}

/// Makes the disk anew; backups go to it from now on. Well or not, the page tells.
///
/// # Errors
/// It is not plugged in, holds something and was not confirmed, or cannot be written.
pub fn run(tools: &Tools, places: &Places, id: &str) -> Result<()> {
    files::make_folder(&places.state, 0o711)?;
    let _alone = alone(&places.state, "prepare")?;
    let disk = allowed(tools, places, id)?;
    let made = make(tools, &disk).and_then(|uuid| disks::choose(tools, places, &uuid));
    let fault = made.as_ref().err().map(|error| format!("{error:#}"));
    Status::change(&places.state, |status| {
        status.prepared = Some(Prepared { at: files::now(), disk, fault });
    })?;
    made?;
    // Another disk with the same number must be typed again.
    Confirmed::forget(&places.confirmed())
}

/// Erases the disk; the UUID of the new file system.
fn make(tools: &Tools, disk: &Disk) -> Result<String> {
    let mut table = tools.command(Program::Sfdisk);
    table.args(["--wipe", "always", "--wipe-partitions", "always", &disk.path]);
    fed(&mut table, TABLE, "making the partition table")?;
    said(tools.command(Program::Udevadm).args(["settle", "--timeout=60"]), "waiting for the partition")?;
    let partition = said(
        tools.command(Program::Lsblk).args([
            "--list",
            "--noheadings",
            "--paths",
            "--output",
            "NAME",
            &disk.path,
        ]),
        "looking for the partition",
    )?;
    let partition = partition.lines().map(str::trim).find(|path| !path.is_empty() && *path != disk.path);
    let partition = partition.context("the kernel sees no partition on it")?;
    let mut system = tools.command(Program::MkfsExt4);
    // Root's reserve of a twentieth would be of no use here.
    system.args(["-q", "-F", "-m", "0", "-L", LABEL, partition]);
    said(&mut system, "making the file system")?;
    let uuid = said(
        tools.command(Program::Blkid).args([
            "--probe",
            "--match-tag",
            "UUID",
            "--output",
            "value",
            partition,
        ]),
        "reading the file system’s number",
    )?;
    let link = Path::new(BY_UUID).join(uuid.trim());
    let mut wait = tools.command(Program::Udevadm);
    said(wait.args(["wait", "--timeout=60"]).arg(link), "waiting for the file system")?;
    Ok(uuid.trim().to_owned())
}

/// Runs a program that reads `input` and must end well.
fn fed(command: &mut Command, input: &str, doing: &str) -> Result<()> {
    let what = || doing.to_owned();
    let mut file = tempfile::tempfile().with_context(what)?;
    file.write_all(input.as_bytes()).and_then(|()| file.rewind()).with_context(what)?;
    let output = ended(command.stdin(file), doing)?;
    if !output.status.success() {
        bail!("{doing}: {}", failure(command.get_program(), &output));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_holds_something_is_erased_only_when_its_number_was_typed() {
        let one = |serial: &str, contents: &[&str]| Unused {
            disk: Disk { serial: serial.to_owned(), ..Disk::default() },
            contents: contents.iter().map(|text| (*text).to_owned()).collect(),
            systems: Vec::new(),
        };
        let plugged = || vec![one("A", &[]), one("B", &["sdb1 ntfs"]), one("C", &["sdc1 ext4"])];
        let free = |confirmed| offered(plugged(), &confirmed).iter().map(|one| one.free).collect::<Vec<_>>();
        assert_eq!(free(Confirmed::default()), [true, false, false]);
        assert_eq!(free(Confirmed::of(&["C"])), [true, false, true]);
    }
}
