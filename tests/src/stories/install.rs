//! A box is installed on one disk and lives from it.

use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use mazet_boot::disk::{Disk, Format};
use mazet_boot::firmware::Firmware;
use mazet_boot::watch::Goal;
use mazet_boot::{Machine, Qemu};
use serde_json::json;

use crate::browser::{Browser, ENGLISH_DESKTOP, FRENCH_PHONE};
use crate::inside::{self, System};
use crate::lab::{self, Bench};
use crate::scenario::INSTALLS;
use crate::visitor::Visitor;
use crate::wizard::{self, ENGLISH, FRENCH};

/// Serial number of the disk that is installed to; also the name of its file.
pub const TARGET: &str = "TARGET1";
/// Serial number of a disk that belongs to somebody else.
const FOREIGN: &str = "FOREIGN1";
/// Size of that disk, in GiB: enough to be offered, and read twice by the test.
const FOREIGN_GIB: u64 = 10;
/// Size of a disk to install to, in GiB.
pub const DISK_GIB: u64 = 16;

/// The whole wizard on a phone, in French, beside a foreign disk that must stay as it is.
pub fn in_french(bench: &Bench) -> Result<()> {
    let foreign = foreign(bench)?;
    let before = digest(&foreign.file)?;
    let machine = bench
        .machine("install", Firmware::Bios)
        .disk(bench.stick("stick.qcow2")?)
        .disk(foreign.clone())
        .disk(bench.blank(TARGET, DISK_GIB)?)
        .ending_on_restart();
    let qemu = bench.boot(&machine, &Goal::wizard())?;
    let browser = Browser::open(bench, FRENCH_PHONE)?;
    wizard::claim(&browser, &qemu, FRENCH.language)?;
    wizard::answer(&browser, &FRENCH, &[TARGET])?;
    wizard::begin(&browser, FRENCH.language)?;
    wizard::finish(&browser, FRENCH.language)?;
    qemu.wait_end(Duration::from_secs(600)).context("the machine does not restart")?;
    ensure!(digest(&foreign.file)? == before, "the installation changed the foreign disk");
    Ok(())
}

/// Every question on a desktop, in English, up to the summary; the foreign disk asks for its serial.
pub fn in_english(bench: &Bench) -> Result<()> {
    let machine = bench
        .machine("english", Firmware::Uefi)
        .disk(bench.stick("stick.qcow2")?)
        .disk(foreign(bench)?)
        .disk(bench.blank(TARGET, DISK_GIB)?);
    let qemu = bench.boot(&machine, &Goal::wizard())?;
    let browser = Browser::open(bench, ENGLISH_DESKTOP)?;
    wizard::scan_picture(&browser, &qemu, ENGLISH.language)?;
    wizard::answer(&browser, &ENGLISH, &[TARGET])?;
    let base = format!("https://127.0.0.1:{}", qemu.port(443)?);
    browser.go(&format!("{base}/disks"))?;
    wizard::disk_wants_its_serial(&browser, FOREIGN)?;
    // A step already done is not asked again.
    browser.go(&format!("{base}/"))?;
    browser.wait_for("//button[@id='install']")
}

/// From the disk alone, under BIOS.
pub fn alone_bios(bench: &Bench) -> Result<()> {
    alone(bench, Firmware::Bios)
}

/// From the disk alone, under UEFI with Secure Boot off.
pub fn alone_uefi(bench: &Bench) -> Result<()> {
    alone(bench, Firmware::Uefi)
}

/// The second entry of the installed disk's boot menu leads to the live system.
pub fn rescue(bench: &Bench) -> Result<()> {
    let machine = bench.machine("rescue", Firmware::Bios).disk(installed(bench)?);
    let qemu = Qemu::start(&machine, &bench.lab.tools)?;
    let shown = |text: &str| text.contains("Rescue").then_some(());
    let menu = qemu.serial().wait(Duration::from_secs(300), shown);
    menu.map_err(|_| anyhow!("no menu with `Rescue`; serial log: {}", machine.log.display()))?;
    for key in ["down", "ret"] {
        let keys = json!({ "keys": [{ "type": "qcode", "data": key }] });
        qemu.monitor().execute("send-key", &keys)?;
    }
    let verdict = mazet_boot::watch::watch(&qemu, &machine, &Goal::wizard(), lab::BOOT);
    lab::reached(verdict)?;
    qemu.shell()?.ask("test -d /run/live/medium/live").context("it is no live system").map(drop)
}

/// What looks for whoever answers for the box has looked, and shows nothing.
const NO_ALARM: &str =
    "systemctl start mazet-alarm.service && test -s /var/lib/mazet/alarm.json && test ! -s /run/mazet/alarm";
/// The units that took longest to start, and what the home page waited for.
const SLOWEST: &str =
    "systemd-analyze blame --no-pager | head -n 12; systemd-analyze critical-chain --no-pager nginx.service";

/// Boots an installed box from what `machine` has and looks at it from all sides.
pub fn is_well(bench: &Bench, machine: &Machine, organisation: &str, language: &str) -> Result<Qemu> {
    let qemu = bench.boot(machine, &Goal::home())?;
    let page = Visitor::new(&bench.lab, &qemu, &bench.path("cookies"))?.get("/")?;
    ensure!(page.status == 200, "the home page answers {}", page.status);
    let browser = Browser::open(bench, if language == "fr" { FRENCH_PHONE } else { ENGLISH_DESKTOP })?;
    browser.go(&format!("https://127.0.0.1:{}/", qemu.port(443)?))?;
    let greeting = browser.text("//h1[@id='home']")?;
    ensure!(greeting.contains(organisation), "the home page greets `{greeting}`, not `{organisation}`");
    browser.page_is_well(&format!("{}-home", machine.name), language)?;
    inside::no_unit_failed(&qemu)?;
    inside::only_named_ports(&qemu, System::Installed)?;
    let shell = qemu.shell()?;
    shell.ask("findmnt --types btrfs /srv && test -s /srv/mazet/box.toml").context("/srv is not mounted")?;
    shell.ask("mazetd health").context("the box is not well")?;
    shell.ask(NO_ALARM).context("a box that is well has something to tell")?;
    inside::timers_do_their_work(&qemu)?;
    let applied = shell.ask("mazetd apply 2>&1").context("settings cannot be applied again")?;
    ensure!(applied.contains("nothing to change"), "applying twice changed something: {applied}");
    let done = Visitor::new(&bench.lab, &qemu, &bench.path("cookies"))?.get("/done")?;
    ensure!(done.status == 200, "the page after the installation answers {}", done.status);
    eprintln!("  {}: {} MiB of memory in use", machine.name, inside::memory_in_use(&qemu)?);
    eprintln!("  {}: what took longest to start:\n{}", machine.name, shell.ask(SLOWEST)?);
    Ok(qemu)
}

fn alone(bench: &Bench, firmware: Firmware) -> Result<()> {
    let machine = bench.machine(firmware.name(), firmware).disk(installed(bench)?);
    let qemu = is_well(bench, &machine, FRENCH.organisation, FRENCH.language)?;
    // An orderly end: the power button shuts the box down.
    qemu.power_button()?;
    qemu.wait_end(Duration::from_secs(600)).context("the power button does not switch it off")
}

/// The box that the French installation left, booted to its home page, with a shell.
pub fn running(bench: &Bench, name: &str) -> Result<Qemu> {
    let machine = bench.machine(name, Firmware::Bios).disk(installed(bench)?);
    let qemu = bench.boot(&machine, &Goal::home())?;
    qemu.shell()?.wait_ready(Duration::from_secs(300))?;
    Ok(qemu)
}

/// A copy of the disk that the French installation left.
pub fn installed(bench: &Bench) -> Result<Disk> {
    let original = bench.lab.left_by(INSTALLS, &format!("{TARGET}.qcow2"));
    bench.copy_of(&original, TARGET, "installed.qcow2")
}

/// A disk with somebody's FAT file system on it, large enough to be installed to.
fn foreign(bench: &Bench) -> Result<Disk> {
    let file = bench.path("foreign.raw");
    std::fs::File::create(&file)?.set_len(FOREIGN_GIB << 30)?;
    let name = file.to_string_lossy();
    bench.lab.tools.output("/usr/sbin/mkfs.vfat", &["-F", "32", "-n", "PHOTOS", &*name])?;
    Ok(Disk::sata(file, Format::Raw, FOREIGN, "Somebody Elses Disk"))
}

fn digest(file: &Path) -> Result<String> {
    let output = Command::new("sha256sum").arg(file).output().context("starting sha256sum")?;
    ensure!(output.status.success(), "sha256sum failed: {}", String::from_utf8_lossy(&output.stderr));
    Ok(String::from_utf8_lossy(&output.stdout).split_whitespace().next().unwrap_or_default().to_owned())
}
