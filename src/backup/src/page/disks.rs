//! Disks that are plugged in, and may take backups.

use anyhow::{Context as _, Result};
use mazet_model::backup::{FILE_SYSTEMS, FOLDER};
use mazet_model::report::{Line, Row};
use serde::Deserialize;

use crate::files;
use crate::places::Places;
use crate::plan::Plan;
use crate::target::{self, Place, Target};
use crate::tools::{Program, Tools, said};
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

#[derive(Debug, Deserialize)]
struct Listed {
    blockdevices: Vec<Device>,
}

/// As lsblk(8) tells it.
#[derive(Debug, Deserialize)]
struct Device {
    uuid: Option<String>,
    fstype: Option<String>,
    label: Option<String>,
    model: Option<String>,
    tran: Option<String>,
    size: u64,
    #[serde(default)]
    mountpoints: Vec<Option<String>>,
    #[serde(default)]
    children: Vec<Device>,
}

/// Those that are plugged in.
///
/// # Errors
/// When lsblk fails.
pub fn plugged(tools: &Tools) -> Result<Vec<Disk>> {
    let mut command = tools.command(Program::Lsblk);
    command.args([
        "--json",
        "--bytes",
        "--tree",
        "--output",
        "NAME,UUID,FSTYPE,LABEL,MODEL,TRAN,SIZE,MOUNTPOINTS",
    ]);
    read(&said(&mut command, "listing disks")?)
}

fn read(text: &str) -> Result<Vec<Disk>> {
    let listed: Listed = serde_json::from_str(text).context("reading the list of disks")?;
    // The box may live on such a disk itself: what has anything of it mounted is none.
    let free = |disk: &&Device| disk.tran.as_deref() == Some("usb") && !in_use(disk);
    Ok(listed.blockdevices.iter().filter(free).flat_map(|disk| systems(disk, disk)).collect())
}

fn in_use(device: &Device) -> bool {
    device.mountpoints.iter().any(Option::is_some) || device.children.iter().any(in_use)
}

fn systems(disk: &Device, device: &Device) -> Vec<Disk> {
    let mut all: Vec<Disk> = device.children.iter().flat_map(|child| systems(disk, child)).collect();
    if let (Some(uuid), Some(kind)) = (&device.uuid, &device.fstype) {
        if FILE_SYSTEMS.contains(&kind.as_str()) {
            let words = [disk.model.as_deref(), device.label.as_deref(), Some(kind.as_str())];
            let words: Vec<&str> =
                words.into_iter().flatten().map(str::trim).filter(|word| !word.is_empty()).collect();
            all.push(Disk { uuid: uuid.clone(), name: words.join(", "), bytes: device.size });
        }
    }
    all
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
            "Aucun autre. Branchez un disque USB, puis rechargez cette page. Il doit avoir un système de fichiers : ext4, exFAT, NTFS…",
            "No other. Plug a USB disk in, then load this page again. It must have a file system: ext4, exFAT, NTFS …",
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

    const LISTED: &str = r#"{"blockdevices":[
        {"name":"sda","uuid":null,"fstype":null,"label":null,"model":"Inner","tran":"sata","size":5,"mountpoints":[null],
         "children":[{"name":"sda1","uuid":"1","fstype":"ext4","label":null,"model":null,"tran":null,"size":5,"mountpoints":["/"]}]},
        {"name":"sdb","uuid":null,"fstype":null,"label":null,"model":"Passport ","tran":"usb","size":9,"mountpoints":[null],
         "children":[{"name":"sdb1","uuid":"12AB-34CD","fstype":"exfat","label":"BACKUP","model":null,"tran":null,"size":8,"mountpoints":[null]},
                     {"name":"sdb2","uuid":"x","fstype":"swap","label":null,"model":null,"tran":null,"size":1,"mountpoints":[null]}]},
        {"name":"sdc","uuid":"y","fstype":"vfat","label":"MAZET","model":"Stick","tran":"usb","size":9,"mountpoints":["/run/live/medium"]}
    ]}"#;

    #[test]
    fn only_disks_that_nobody_uses_are_offered() {
        let disks = read(LISTED).expect("disks");
        let name = "Passport, BACKUP, exfat".to_owned();
        assert_eq!(disks, [Disk { uuid: "12AB-34CD".to_owned(), name, bytes: 8 }]);
        assert_eq!(lines(&disks, &[]).len(), 2);
        let place = Place::Usb { uuid: "12AB-34CD".to_owned(), name: String::new(), folder: "a".to_owned() };
        assert_eq!(lines(&disks, &[Target { id: "12AB-34CD".to_owned(), place }]).len(), 1);
    }
}
