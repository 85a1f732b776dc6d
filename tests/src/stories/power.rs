//! The plug is pulled in the middle of an installation.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use mazet_boot::firmware::Firmware;
use mazet_boot::watch::Goal;
use mazet_boot::{Machine, Qemu};

use crate::browser::{Browser, FRENCH_PHONE};
use crate::lab::Bench;
use crate::stories::install::{DISK_GIB, TARGET, is_well};
use crate::wizard::{self, FRENCH, INSTALLATION};

/// The stick still boots, the answers are kept, the installation succeeds the second time.
pub fn cut(bench: &Bench) -> Result<()> {
    let (stick, disk) = (bench.stick("stick.qcow2")?, bench.blank(TARGET, DISK_GIB)?);
    let machine = |name: &str| bench.machine(name, Firmware::Bios).disk(stick.clone()).disk(disk.clone());
    until_the_cut(bench, &machine("first"))?;
    let second = machine("second").ending_on_restart();
    let qemu = bench.boot(&second, &Goal::wizard())?;
    let browser = Browser::open(bench, FRENCH_PHONE)?;
    wizard::claim(&browser, &qemu, FRENCH.language)?;
    answers_are_kept(&browser, &qemu)?;
    wizard::begin(&browser, FRENCH.language)?;
    wizard::finish(&browser, FRENCH.language)?;
    qemu.wait_end(Duration::from_secs(600)).context("the machine does not restart")?;
    let alone = bench.machine("alone", Firmware::Bios).disk(disk);
    is_well(bench, &alone, FRENCH.organisation, FRENCH.language).map(drop)
}

fn until_the_cut(bench: &Bench, machine: &Machine) -> Result<()> {
    let qemu = bench.boot(machine, &Goal::wizard())?;
    let browser = Browser::open(bench, FRENCH_PHONE)?;
    wizard::claim(&browser, &qemu, FRENCH.language)?;
    wizard::answer(&browser, &FRENCH, &[TARGET])?;
    wizard::begin(&browser, FRENCH.language)?;
    // The page moves the bars by itself: some of the system is on the disk, not all.
    let unpacking = "//*[@id='stage-unpack']//progress[@value>10]";
    browser.wait_long_for(unpacking, INSTALLATION)?;
    drop(browser);
    qemu.pull_the_plug().context("pulling the plug")
}

/// Nothing is asked again: the visitor comes straight to the summary. A disk that the
/// first installation has touched may ask for its serial.
fn answers_are_kept(browser: &Browser, qemu: &Qemu) -> Result<()> {
    browser.wait_for("//*[@id='answer-association'] | //form[@id='disks-form']")?;
    browser.go(&format!("https://127.0.0.1:{}/summary", qemu.port(443)?))?;
    browser.wait_for("//*[@id='answer-association'] | //form[@id='disks-form']")?;
    if browser.text_now("#disks-form")?.is_some() {
        browser.fill("//input[starts-with(@id,'serial-')]", TARGET)?;
        browser.click("//button[@id='continue']")?;
    }
    let association = browser.text("//*[@id='answer-association']")?;
    ensure!(association.contains(FRENCH.organisation), "the association is forgotten: {association}");
    Ok(())
}
