//! A box on two disks lives on when either dies.

use std::time::Duration;

use anyhow::{Context, Result};
use mazet_boot::firmware::Firmware;
use mazet_boot::watch::Goal;

use crate::browser::{Browser, ENGLISH_DESKTOP};
use crate::lab::Bench;
use crate::scenario::MIRRORS;
use crate::stories::install::{DISK_GIB, is_well};
use crate::wizard::{self, ENGLISH};

/// Serial numbers, and names of the files, of the two disks.
const DISKS: [&str; 2] = ["MIRROR1", "MIRROR2"];

/// The whole wizard on a desktop, in English, on two disks.
pub fn install(bench: &Bench) -> Result<()> {
    let mut machine =
        bench.machine("install", Firmware::Uefi).disk(bench.stick("stick.qcow2")?).ending_on_restart();
    for serial in DISKS {
        machine = machine.disk(bench.blank(serial, DISK_GIB)?);
    }
    let qemu = bench.boot(&machine, &Goal::wizard())?;
    let browser = Browser::open(bench, ENGLISH_DESKTOP)?;
    wizard::claim(&browser, &qemu, ENGLISH.language)?;
    wizard::answer(&browser, &ENGLISH, &DISKS)?;
    wizard::begin(&browser, ENGLISH.language)?;
    wizard::finish(&browser, ENGLISH.language)?;
    qemu.wait_end(Duration::from_secs(600)).context("the machine does not restart")
}

/// Only the second disk is left, under BIOS.
pub fn without_first(bench: &Bench) -> Result<()> {
    with_only(bench, DISKS[1], Firmware::Bios)
}

/// Only the first disk is left, under UEFI.
pub fn without_second(bench: &Bench) -> Result<()> {
    with_only(bench, DISKS[0], Firmware::Uefi)
}

fn with_only(bench: &Bench, serial: &str, firmware: Firmware) -> Result<()> {
    let original = bench.lab.left_by(MIRRORS, &format!("{serial}.qcow2"));
    let machine = bench.machine(serial, firmware).disk(bench.copy_of(&original, serial, "left.qcow2")?);
    is_well(bench, &machine, ENGLISH.organisation, ENGLISH.language).map(drop)
}
