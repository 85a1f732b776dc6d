//! A box on two disks lives on when either dies.

use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use mazet_boot::disk::Disk;
use mazet_boot::firmware::Firmware;
use mazet_boot::watch::Goal;
use mazet_boot::{Machine, Qemu};
use serde_json::Value;

use crate::browser::{Browser, ENGLISH_DESKTOP};
use crate::inside;
use crate::lab::Bench;
use crate::members::{self, Account};
use crate::scenario::MIRRORS;
use crate::stories::install::DISK_GIB;
use crate::wizard::{self, ENGLISH};

/// Serial numbers, and names of the files, of the two disks.
const DISKS: [&str; 2] = ["MIRROR1", "MIRROR2"];
/// Serial number of the disk that takes the place of one.
const NEW: &str = "MIRROR3";
/// Time for its data to be copied, on an emulated machine.
const REPLACED: Duration = Duration::from_secs(3600);
/// What was written while a disk was missing.
const SUM: &str = "sha256sum /srv/files/written-alone";

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
    let machine = bench.machine(serial, firmware).disk(left(bench, serial)?);
    lives(bench, &machine).map(drop)
}

/// A disk of the mirror, as the installation left it.
fn left(bench: &Bench, serial: &str) -> Result<Disk> {
    let original = bench.lab.left_by(MIRRORS, &format!("{serial}.qcow2"));
    bench.copy_of(&original, serial, "left.qcow2")
}

/// The box serves its pages, and says that a disk is missing, and nothing else.
fn lives(bench: &Bench, machine: &Machine) -> Result<Qemu> {
    let qemu = bench.boot(machine, &Goal::home())?;
    inside::no_unit_failed(&qemu)?;
    let shell = qemu.shell()?;
    shell.ask("systemctl start mazet-disks-watch.service")?;
    let told = bad(&qemu)?;
    ensure!(
        !told.is_empty() && told.iter().all(|subject| subject.starts_with("disks")),
        "not well: {told:?}"
    );
    shell
        .ask("systemctl start mazet-alarm.service && grep -q . /run/mazet/alarm")
        .context("no alarm on the screen")?;
    Ok(qemu)
}

/// What is not well.
fn bad(qemu: &Qemu) -> Result<Vec<String>> {
    let text = qemu.shell()?.run("mazetd health --json", Duration::from_secs(600))?.text;
    let report: Value = serde_json::from_str(&text).with_context(|| format!("a health report: {text}"))?;
    let findings = report["findings"].as_array().context("a report has findings")?;
    let bad = findings.iter().filter(|finding| finding["ok"] == false);
    Ok(bad.filter_map(|finding| finding["subject"].as_str().map(str::to_owned)).collect())
}

/// A disk died; another one takes its place by the page, and the box starts from it alone.
pub fn is_made_whole(bench: &Bench) -> Result<()> {
    let new = bench.blank(NEW, DISK_GIB)?;
    let machine = bench.machine("replaced", Firmware::Bios).disk(left(bench, DISKS[0])?).disk(new.clone());
    let qemu = lives(bench, &machine)?;
    qemu.shell()?.ask("head -c 50M /dev/urandom > /srv/files/written-alone && sync")?;
    let sum = qemu.shell()?.ask(SUM)?;
    let base = format!("https://127.0.0.1:{}", qemu.port(443)?);
    let desk = Browser::open(bench, ENGLISH_DESKTOP)?;
    members::sign_in(&desk, &base, Account { login: ENGLISH.login, password: ENGLISH.password })?;
    members::set_up(bench, &desk, "en")?;
    let page = format!("{base}/machine/reports/disks/replace");
    desk.go(&page)?;
    let row = format!("//li[.//*[contains(., '{NEW}')]]");
    desk.wait_for(&format!("{row}//button[@value='replace']")).context("the new disk is not offered")?;
    desk.page_is_well("disks-replace", "en")?;
    desk.click(&format!("{row}//button[@value='replace']"))?;
    desk.wait_for("//p[@id='said']")?;
    let begun = Instant::now();
    loop {
        desk.go(&page)?;
        let rows = desk.texts_at("//li[span[contains(., 'Replacement by')]]")?.join("\n");
        if rows.contains("Done") {
            break;
        }
        ensure!(!rows.contains("Cut off") && desk.count("button[value=go-on]")? == 0, "it failed: {rows}");
        ensure!(begun.elapsed() < REPLACED, "after {REPLACED:?}: {rows}");
    }
    desk.page_is_well("disks-replaced", "en")?;
    let shell = qemu.shell()?;
    shell.ask("systemctl start mazet-disks-scrub.service").context("a scrub")?;
    let whole =
        shell.ask("btrfs filesystem show /srv; btrfs scrub status -R /srv; btrfs filesystem df /srv")?;
    println!("{whole}");
    ensure!(!whole.to_lowercase().contains("missing") && !whole.contains("single,"), "no mirror: {whole}");
    ensure!(bad(&qemu)?.is_empty(), "it is not well: {:?}", bad(&qemu)?);
    qemu.power_button()?;
    qemu.wait_end(Duration::from_secs(600)).context("the power button does not switch it off")?;
    drop(qemu);
    for firmware in [Firmware::Bios, Firmware::Uefi] {
        let alone = bench.machine(&format!("alone-{}", firmware.name()), firmware).disk(new.clone());
        let qemu =
            lives(bench, &alone).with_context(|| format!("the new disk alone, {}", firmware.name()))?;
        ensure!(qemu.shell()?.ask(SUM)? == sum, "a file is not what it was");
        qemu.power_button()?;
        qemu.wait_end(Duration::from_secs(600)).context("the power button does not switch it off")?;
    }
    Ok(())
}
