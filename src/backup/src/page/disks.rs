//! Disks that are plugged in, and may take backups.

use anyhow::{Context as _, Result};
use mazet_host::files;
use mazet_host::listing::{System, Unused};
use mazet_model::backup::{FILE_SYSTEMS, FOLDER};
use mazet_model::report::{Line, Row};

use crate::places::Places;
use crate::plan::Plan;
use crate::prepare;
use crate::target::{self, Place, Target};
use crate::tools::Tools;
use crate::words::{both, size, with};

/// A file system on a disk that can be unplugged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disk {
    /// Its UUID.
    uuid: String,
    /// Model of the disk, and the name of the file system.
    name: String,
    /// Bytes.
    bytes: u64,
}

/// Those that are plugged in.
///
/// # Errors
/// When lsblk fails.
pub fn plugged(tools: &Tools) -> Result<Vec<Disk>> {
    Ok(prepare::plugged(tools)?.iter().flat_map(systems).collect())
}

/// File systems that backups can be on.
fn systems(one: &Unused) -> Vec<Disk> {
    let fits = |system: &&System| FILE_SYSTEMS.contains(&system.kind.as_str());
    let disk = |system: &System| {
        let words = [one.disk.model.as_str(), &system.label, &system.kind];
        let words: Vec<&str> = words.into_iter().filter(|word| !word.is_empty()).collect();
        Disk { uuid: system.uuid.clone(), name: words.join(", "), bytes: system.bytes }
    };
    one.systems.iter().filter(fits).map(disk).collect()
}

/// Those that were not chosen yet.
pub fn lines(disks: &[Disk], targets: &[Target]) -> Vec<Line> {
    let mut lines = vec![Line::Section {
        title: both("Disques branchés", "Disks that are plugged in"),
        text: Some(both(
            "Rien n’est effacé : les sauvegardes vont dans un dossier « mazet-backup ».",
            "Nothing is erased: backups go to a folder “mazet-backup”.",
        )),
        empty: Some(both(
            "Aucun autre. Branchez un disque USB, puis rechargez cette page. S’il est neuf et vide, la page « Sauvegardes : préparer un disque USB » le prépare.",
            "No other. Plug a USB disk in, then load this page again. If it is new and blank, the page “Backups: prepare a USB disk” prepares it.",
        )),
    }];
    let new = disks.iter().filter(|disk| targets.iter().all(|target| target.id != disk.uuid));
    lines.extend(new.map(|disk| {
        Line::Row(Row {
            id: Some(disk.uuid.clone()),
            title: both(disk.name.clone(), disk.name.clone()),
            facts: vec![with("{}.", "{}.", &size(disk.bytes))],
            acts: vec!["use".to_owned()],
            ..Row::default()
        })
    }));
    lines
}

/// Backups go to that disk from now on.
///
/// # Errors
/// It is not plugged in any more, or this cannot be written down.
pub fn choose(tools: &Tools, places: &Places, uuid: &str) -> Result<()> {
    let disks = plugged(tools)?;
    let disk = disks.iter().find(|disk| disk.uuid == uuid).context("the disk is not plugged in any more")?;
    let folder = format!("{FOLDER}/{}", Plan::of(&places.root)?.name);
    let place = Place::Usb { uuid: disk.uuid.clone(), name: disk.name.clone(), folder };
    place.check()?;
    let kept = target::folder(&places.secrets, "usb");
    files::make_folder(&kept, 0o700)?;
    files::write_json(&kept.join(format!("{uuid}.json")), &place)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn plugged() -> Unused {
        let system = |uuid: &str, kind: &str, label: &str| System {
            uuid: uuid.to_owned(),
            kind: kind.to_owned(),
            label: label.to_owned(),
            bytes: 8,
        };
        Unused {
            disk: mazet_host::listing::Disk { model: "Passport".to_owned(), ..Default::default() },
            contents: Vec::new(),
            systems: vec![system("12AB-34CD", "exfat", "BACKUP"), system("x", "swap", "")],
        }
    }

    #[test]
    fn only_file_systems_that_can_be_written_to_are_offered() {
        let disks = systems(&plugged());
        let name = "Passport, BACKUP, exfat".to_owned();
        assert_eq!(disks, [Disk { uuid: "12AB-34CD".to_owned(), name, bytes: 8 }]);
        assert_eq!(lines(&disks, &[]).len(), 2);
        let place = Place::Usb { uuid: "12AB-34CD".to_owned(), name: String::new(), folder: "a".to_owned() };
        assert_eq!(lines(&disks, &[Target { id: "12AB-34CD".to_owned(), place }]).len(), 1);
    }
}
