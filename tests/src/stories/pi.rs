//! The Raspberry Pi: from its card to a box, on the same card.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use mazet_boot::disk::Disk;
use mazet_boot::firmware::Firmware;
use mazet_boot::kvm::Accelerator;
use mazet_boot::watch::{Goal, watch};
use mazet_boot::{Machine, Qemu, pi};

use crate::inside::{self, System};
use crate::lab::Bench;
use crate::visitor::Visitor;
use crate::wizard::FRENCH;
use crate::{by_http, console};

/// A Pi 3 is slow in emulation: three times as long as a PC.
const BOOT: Duration = Duration::from_secs(3600);
/// The kernel's name of the card.
const CARD: &str = "mmcblk0";

/// The card starts on the generic board: no unit fails, no port is open that no manifest names.
pub fn live(bench: &Bench) -> Result<()> {
    let card = card(bench)?;
    let qemu = start(bench, "live", Firmware::Virt, &card, true)?;
    console::claim_code(&qemu)?;
    inside::no_unit_failed(&qemu)?;
    inside::only_named_ports(&qemu, System::Live)?;
    eprintln!("  virt: {} MiB of memory in use", inside::memory_in_use(&qemu)?);
    drop(qemu);
    std::fs::remove_file(&card).context("removing the card")
}

/// A Pi 3 installs onto the card that it started from, and then lives from it.
pub fn installs(bench: &Bench) -> Result<()> {
    let card = card(bench)?;
    let live = start(bench, "live", Firmware::Raspi3b, &card, false)?;
    let code = console::claim_code(&live)?;
    let visitor = Visitor::new(&bench.lab, &live, &bench.path("cookies"))?;
    by_http::answer(&visitor, &code, &FRENCH, CARD)?;
    by_http::install(&visitor)?;
    live.wait_end(Duration::from_secs(900)).context("the Pi does not restart")?;
    drop(live);
    let home = start(bench, "installed", Firmware::Raspi3b, &card, false)?;
    let page = Visitor::new(&bench.lab, &home, &bench.path("cookies"))?.get("/")?;
    ensure!(page.status == 200, "the home page answers {}", page.status);
    let greeting = FRENCH.organisation.replace('&', "&amp;");
    ensure!(page.body.contains(&greeting), "the home page does not greet {greeting}:\n{}", page.body);
    Ok(())
}

/// The card of that Pi on the generic board, looked at from inside.
pub fn installed(bench: &Bench) -> Result<()> {
    let original = bench.lab.left_by(crate::scenario::PI_INSTALLS, "card.img");
    let card = bench.path("card.img");
    std::fs::copy(&original, &card).with_context(|| format!("copying {}", original.display()))?;
    let qemu = start(bench, "installed", Firmware::Virt, &card, true)?;
    inside::no_unit_failed(&qemu)?;
    inside::only_named_ports(&qemu, System::Installed)?;
    let shell = qemu.shell()?;
    shell.ask("findmnt --types btrfs /srv && test -s /srv/mazet/box.toml").context("/srv is not mounted")?;
    shell.ask("mazetd health").context("the box is not well")?;
    let applied = shell.ask("mazetd apply 2>&1").context("settings cannot be applied again")?;
    ensure!(applied.contains("nothing to change"), "applying twice changed something: {applied}");
    eprintln!("  installed: {} MiB of memory in use", inside::memory_in_use(&qemu)?);
    drop(qemu);
    std::fs::remove_file(&card).context("removing the copy of the card")
}

/// A new card with the image on it.
fn card(bench: &Bench) -> Result<PathBuf> {
    let card = bench.path("card.img");
    pi::card(&bench.lab.pi()?.image, &card)?;
    Ok(card)
}

/// Starts what is on `card`, and waits for the page of that system.
fn start(bench: &Bench, name: &str, firmware: Firmware, card: &Path, shell: bool) -> Result<Qemu> {
    let tools = &bench.lab.pi()?.tools;
    let goal = if name == "live" { Goal::wizard() } else { Goal::home() };
    let log = bench.path(&format!("{name}.serial.log"));
    let machine = Machine::new(name, firmware, Accelerator::Emulation, log);
    let mut machine = machine.disk(Disk::card(card, firmware)).ending_on_restart();
    machine.kernel = Some(pi::start_files(card, tools, &bench.path(&format!("{name}-start")), "")?);
    machine.shell = shell;
    let qemu = Qemu::start(&machine, tools)?;
    let verdict = watch(&qemu, &machine, &goal, BOOT);
    ensure!(verdict.reached(), "{verdict}");
    eprintln!("  {name}: {}", verdict.summary());
    Ok(qemu)
}
