//! The partition table: an MBR, which every Raspberry Pi reads.

use std::fs;

use anyhow::{Context, Result, bail};
use serde::Deserialize;

use crate::install::disk::old_partitions;
use crate::install::layout::{TargetDisk, fat_mib};
use crate::run::{Program, Runner};

/// First sector of the FAT: 4 MiB, the erase block of many cards.
const FAT_LBA: u64 = 8192;
/// Partitions begin at multiples of so many sectors.
const ALIGNMENT: u64 = 8192;
/// Type of the FAT: FAT32 with LBA.
const FAT32: &str = "c";
/// Type of the btrfs: Linux.
const LINUX: &str = "83";
/// Sectors that an MBR can count: 2 TiB.
const MOST_SECTORS: u64 = u32::MAX as u64;
/// The least room for a box beside the FAT, in sectors: 4 GiB.
const LEAST_SECTORS: u64 = 8 << 20;

/// What `sfdisk --json` prints.
#[derive(Debug, Deserialize)]
struct Listing {
    partitiontable: Table,
}

#[derive(Debug, Deserialize)]
struct Table {
    label: String,
    id: String,
    #[serde(default)]
    partitions: Vec<Partition>,
}

#[derive(Debug, Deserialize, PartialEq, Eq)]
struct Partition {
    node: String,
    start: u64,
    size: u64,
    #[serde(rename = "type")]
    kind: String,
}

/// The script for another disk than the medium's.
pub fn whole(disk: &TargetDisk) -> String {
    let mib = fat_mib(disk.bytes);
    format!(
        "label: dos\nunit: sectors\n\n\
         start={FAT_LBA}, size={mib}MiB, type={FAT32}, bootable\n\
         type={LINUX}\n"
    )
}

/// Gives the rest of the medium's own disk to the btrfs. The FAT stays where it is, in use: a power
/// cut leaves a card that starts as before, since the table is one sector.
///
/// # Errors
/// When the disk is not partitioned as a Mazet card, is full, or the kernel refuses.
pub fn extend(disk: &TargetDisk, runner: &Runner) -> Result<()> {
    let device = disk.device.to_string_lossy();
    let listing = runner.run(Program::Sfdisk, &["--json", &device])?;
    let listing: Listing = serde_json::from_str(&listing).context("reading what sfdisk said")?;
    let (table, fat) = (listing.partitiontable, disk.fat.to_string_lossy());
    let rest = table.rest(&fat, disk.bytes / 512)?;
    let is_there = |old: &Partition| old.start == rest.start && old.size == rest.size && disk.data.exists();
    if table.partitions.get(1).is_some_and(is_there) {
        // As an installation that was cut off left it.
        return Ok(());
    }
    for node in old_partitions(&disk.device)?.iter().filter(|node| **node != fat) {
        runner.run(Program::Wipefs, &["--all", "--force", node])?;
        runner.run(Program::Partx, &["--delete", node])?;
    }
    let arguments =
        ["--no-reread", "--no-tell-kernel", "--wipe", "never", "--wipe-partitions", "never", &device];
    runner.run_with_input(Program::Sfdisk, &arguments, &table.script(&rest))?;
    runner.run(Program::Partx, &["--add", "--nr", "2", &device])?;
    runner.run(Program::Udevadm, &["settle", "--timeout=30"])?;
    fs::metadata(&disk.data).with_context(|| format!("the kernel made no {}", disk.data.display()))?;
    Ok(())
}

impl Table {
    /// The partition that fills the disk of `sectors` sectors behind the FAT on `fat`.
    fn rest(&self, fat: &str, sectors: u64) -> Result<Partition> {
        let Some(first) = self.partitions.first().filter(|first| self.label == "dos" && first.node == fat)
        else {
            bail!("its first partition is not the one this system runs from: flash the card again");
        };
        let start = (first.start + first.size).next_multiple_of(ALIGNMENT);
        let size = sectors.min(MOST_SECTORS).saturating_sub(start);
        if size < LEAST_SECTORS {
            let missing = ((LEAST_SECTORS - size) * 512).div_ceil(1_000_000);
            bail!("too little room behind the FAT: {missing} MB are missing; take a larger card");
        }
        Ok(Partition { node: String::new(), start, size, kind: LINUX.to_owned() })
    }

    /// The same disk and FAT, with `rest` behind it.
    fn script(&self, rest: &Partition) -> String {
        let mut script = format!("label: dos\nlabel-id: {}\nunit: sectors\n\n", self.id);
        if let Some(first) = self.partitions.first() {
            script.push_str(&format!(
                "start={}, size={}, type={}, bootable\n",
                first.start, first.size, first.kind
            ));
        }
        script.push_str(&format!("start={}, size={}, type={}\n", rest.start, rest.size, rest.kind));
        script
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As sfdisk of util-linux 2.41 prints a flashed card.
    const CARD: &str = r#"{"partitiontable": {"label":"dos","id":"0x6d617a65","device":"/dev/mmcblk0","unit":"sectors",
        "sectorsize":512,"partitions":[{"node":"/dev/mmcblk0p1","start":8192,"size":2097152,"type":"c","bootable":true}]}}"#;

    fn table() -> Table {
        serde_json::from_str::<Listing>(CARD).expect("sfdisk's own form").partitiontable
    }

    #[test]
    fn the_btrfs_takes_the_rest_of_the_card() {
        let table = table();
        let rest = table.rest("/dev/mmcblk0p1", 62_333_952).expect("room");
        insta::assert_snapshot!(table.script(&rest), @r"
        label: dos
        label-id: 0x6d617a65
        unit: sectors

        start=8192, size=2097152, type=c, bootable
        start=2105344, size=60228608, type=83
        ");
    }

    #[test]
    fn a_card_that_is_not_ours_or_full_is_left_alone() {
        let mut table = table();
        let error = table.rest("/dev/mmcblk0p2", 62_333_952).expect_err("another partition").to_string();
        assert!(error.contains("flash the card again"), "{error}");
        let error = table.rest("/dev/mmcblk0p1", 4_000_000).expect_err("too small").to_string();
        assert_eq!(error, "too little room behind the FAT: 3325 MB are missing; take a larger card");
        table.label = "gpt".to_owned();
        assert!(table.rest("/dev/mmcblk0p1", 62_333_952).is_err());
    }

    #[test]
    fn a_disk_larger_than_an_mbr_counts_is_used_as_far_as_it_goes() {
        let rest = table().rest("/dev/mmcblk0p1", 8_000_000_000).expect("room");
        assert_eq!(rest.start + rest.size, MOST_SECTORS);
    }
}
