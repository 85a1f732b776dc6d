//! The Raspberry Pi: from its card to a box, on the same card.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use mazet_boot::cable::Plug;
use mazet_boot::disk::Disk;
use mazet_boot::firmware::Firmware;
use mazet_boot::kvm::Accelerator;
use mazet_boot::watch::{Goal, watch};
use mazet_boot::{Machine, Qemu, pi};

use crate::inside::{self, System};
use crate::lab::{self, Bench};
use crate::visitor::Visitor;
use crate::wizard::FRENCH;
use crate::{by_http, console};

/// A Pi 3 is slow in emulation: three times as long as a PC.
const BOOT: Duration = Duration::from_secs(3600);
/// The kernel's name of the card.
const CARD: &str = "mmcblk0";

/// The folder that the firmware starts from.
const STARTS: &str = "mkdir -p /run/fat && mount -o ro /dev/vda1 /run/fat && \
                      grep ^os_prefix= /run/fat/config.txt; umount /run/fat";
/// An older system: a copy with a mark, and zeros behind its initial RAM disk (which the kernel skips).
const GO_BACK: &str = "mkdir -p /run/all && mount -o subvolid=5 /dev/vda2 /run/all && cd /run/all && \
                       btrfs -q subvolume snapshot root older && touch older/went-back && \
                       head -c 4096 /dev/zero >> older/boot/initrd.img-$(uname -r) && \
                       mv root newer && mv older root && cd / && umount /run/all";
/// Kernel and initial RAM disk of the folder that the firmware starts from are those of the system.
const IN_STEP: &str = "mkdir -p /run/fat && mount -o ro /dev/vda1 /run/fat && \
                       folder=/run/fat/$(sed -n s/^os_prefix=//p /run/fat/config.txt) && \
                       cmp $folder/vmlinuz /boot/vmlinuz-$(uname -r) && \
                       cmp $folder/initrd.img /boot/initrd.img-$(uname -r); \
                       status=$?; umount /run/fat; exit $status";

/// The card starts on the generic board: no unit fails, no port is open that no manifest names.
pub fn live(bench: &Bench) -> Result<()> {
    let card = card(bench)?;
    let qemu = Board::new("live", Firmware::Virt).start(bench, &card)?;
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
    let live = Board::new("live", Firmware::Raspi3b).start(bench, &card)?;
    let code = console::claim_code(&live)?;
    let visitor = Visitor::new(&bench.lab, &live, &bench.path("cookies"))?;
    by_http::answer(&visitor, &code, &FRENCH, CARD)?;
    by_http::install(&visitor)?;
    live.wait_end(Duration::from_secs(900)).context("the Pi does not restart")?;
    drop(live);
    let home = Board::new("installed", Firmware::Raspi3b).start(bench, &card)?;
    let page = Visitor::new(&bench.lab, &home, &bench.path("cookies"))?.get("/")?;
    ensure!(page.status == 200, "the home page answers {}", page.status);
    let greeting = FRENCH.organisation.replace('&', "&amp;");
    ensure!(page.body.contains(&greeting), "the home page does not greet {greeting}:\n{}", page.body);
    Ok(())
}

/// The card of that Pi on the generic board, looked at from inside; then its system goes back to an
/// older one.
pub fn installed(bench: &Bench) -> Result<()> {
    let original = bench.lab.left_by(crate::scenario::PI_INSTALLS, "card.img");
    let card = bench.path("card.img");
    std::fs::copy(&original, &card).with_context(|| format!("copying {}", original.display()))?;
    let board = Board::new("installed", Firmware::Virt);
    let qemu = board.start(bench, &card)?;
    inside::no_unit_failed(&qemu)?;
    inside::only_named_ports(&qemu, System::Installed)?;
    let shell = qemu.shell()?;
    shell.ask("findmnt --types btrfs /srv && test -s /srv/mazet/box.toml").context("/srv is not mounted")?;
    shell.ask("mazetd health").context("the box is not well")?;
    let applied = shell.ask("mazetd apply 2>&1").context("settings cannot be applied again")?;
    ensure!(applied.contains("nothing to change"), "applying twice changed something: {applied}");
    eprintln!("  installed: {} MiB of memory in use", inside::memory_in_use(&qemu)?);
    goes_back(bench, &board, qemu, &card)?;
    std::fs::remove_file(&card).context("removing the copy of the card")
}

/// Exchanges the subvolume `root` for another one, with another initial RAM disk, as going back to a
/// snapshot does. The first start is still by the firmware's old files, and puts them in step; the
/// second is by the new ones.
fn goes_back(bench: &Bench, board: &Board, qemu: Qemu, card: &Path) -> Result<()> {
    let before = qemu.shell()?.ask(STARTS)?;
    qemu.shell()?.ask(GO_BACK).context("exchanging the system")?;
    let qemu = restarted(bench, board, qemu, card)?;
    qemu.shell()?.ask("test -e /went-back").context("the older system does not run")?;
    in_step(&qemu)?;
    let after = qemu.shell()?.ask(STARTS)?;
    ensure!(before != after, "the firmware still starts {before}");
    let qemu = restarted(bench, board, qemu, card)?;
    in_step(&qemu)?;
    ensure!(qemu.shell()?.ask(STARTS)? == after, "the firmware's files changed again");
    qemu.shell()?.ask("mazetd health").context("the box is not well after going back")?;
    eprintln!("  went back: {before}, then {after}");
    Ok(())
}

/// Shuts the box down and starts it again from what its card holds now.
fn restarted(bench: &Bench, board: &Board, qemu: Qemu, card: &Path) -> Result<Qemu> {
    qemu.shell()?.ask("systemctl --no-block reboot")?;
    qemu.wait_end(Duration::from_secs(600)).context("the box does not restart")?;
    drop(qemu);
    board.start(bench, card)
}

/// What the firmware would start is what `root` holds, once the box has looked at it.
fn in_step(qemu: &Qemu) -> Result<()> {
    inside::no_unit_failed(qemu)?;
    qemu.shell()?.ask(IN_STEP).context("the firmware's files are not those of the system")?;
    Ok(())
}

/// A new card with the image on it.
pub fn card(bench: &Bench) -> Result<PathBuf> {
    let card = bench.path("card.img");
    pi::card(&bench.lab.pi()?.image, &card)?;
    Ok(card)
}

/// A board that cards are put into; its restart ends it.
pub struct Board {
    /// `live` or `installed`: which page is waited for.
    name: &'static str,
    firmware: Firmware,
    /// The end of a cable that a second network card is plugged into.
    plug: Option<Plug>,
}

impl Board {
    /// A board for the system `name`. The generic one has a root shell, a Pi's own has no line for it.
    pub fn new(name: &'static str, firmware: Firmware) -> Self {
        Self { name, firmware, plug: None }
    }

    /// The same with a second network card at this end of a cable.
    pub fn plugged(self, plug: Plug) -> Self {
        Self { plug: Some(plug), ..self }
    }

    /// Starts what is on `card`, and waits for the page of that system.
    pub fn start(&self, bench: &Bench, card: &Path) -> Result<Qemu> {
        let (name, firmware) = (self.name, self.firmware);
        let tools = &bench.lab.pi()?.tools;
        let goal = if name == "live" { Goal::wizard() } else { Goal::home() };
        let log = bench.path(&format!("{name}.serial.log"));
        let machine = Machine::new(name, firmware, Accelerator::Emulation, log);
        let mut machine = machine.disk(Disk::card(card, firmware)).ending_on_restart();
        machine.kernel = Some(pi::start_files(card, tools, &bench.path(&format!("{name}-start")), "")?);
        machine.shell = firmware == Firmware::Virt;
        machine.plug.clone_from(&self.plug);
        let qemu = Qemu::start(&machine, tools)?;
        let verdict = watch(&qemu, &machine, &goal, BOOT);
        let summary = verdict.summary();
        lab::reached(verdict)?;
        eprintln!("  {name}: {summary}");
        Ok(qemu)
    }
}
