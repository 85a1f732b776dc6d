//! The day that a machine dies: another one, the stick, the disk with the backups and the paper with the key make the
//! box that it was.

use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use mazet_boot::disk::{Disk, Format};
use mazet_boot::firmware::Firmware;
use mazet_boot::watch::Goal;
use mazet_boot::{Machine, Qemu};

use crate::browser::{Browser, FRENCH_PHONE};
use crate::dav::Client;
use crate::inside;
use crate::lab::Bench;
use crate::members::{self, NEXT, OPERATOR};
use crate::stories::install::{self, DISK_GIB};
use crate::stories::mail::{self, Program};
use crate::wizard::{self, FRENCH};

/// Serial number of the other machine's disk.
const ANOTHER: &str = "ANOTHER1";
/// Name of the file system of the disk with the backups, and its size in GiB.
const LABEL: &str = "SAUVEGARDES";
const USB_GIB: u64 = 8;
/// Bytes of a file that must come back.
const BYTES: usize = 5 << 20;
/// Time for a backup, a proof or a look at what is there, on an emulated machine.
const PATIENCE: Duration = Duration::from_secs(2400);
/// Rows of every table of the directory but those of who is signed in, the settings, and every file with its owner.
const KEPT: &str = "pg_dump -h /run/postgresql -U mazet --data-only --inserts --exclude-table=public.session mazet | \
                    grep '^INSERT' | sort | sha256sum; cat /srv/mazet/box.toml; \
                    find /srv/files -xdev -printf '%u %g %m %y %p\\n' | sort | sha256sum; \
                    find /srv/files -xdev -type f -exec sha256sum {} + | sort | sha256sum; \
                    sha256sum /srv/mazet/tls/authority.pem";

/// Everything of it, beginning with the disk that the French installation left.
pub fn brings_it_back(bench: &Bench) -> Result<()> {
    let usb = usb(bench)?;
    let before = lost(bench, &usb).context("the box that is lost")?;
    let disk = bench.blank(ANOTHER, DISK_GIB)?;
    another(bench, &disk, &usb, &before.key).context("the wizard on another machine")?;
    let machine = ports(bench.machine("anew", Firmware::Bios).disk(disk).disk(usb));
    is_as_it_was(bench, &machine, &before).context("the box that came back")
}

/// What was there, and on paper.
struct Before {
    /// The recovery key.
    key: String,
    /// An application password.
    password: String,
    /// The second factor's key, and the last code that was used.
    factor: (String, String),
    file: Vec<u8>,
    kept: String,
}

/// A USB disk as shops sell them: one file system that Windows can read.
fn usb(bench: &Bench) -> Result<Disk> {
    let file = bench.path("backups.raw");
    fs::File::create(&file)?.set_len(USB_GIB << 30)?;
    let name = file.to_string_lossy();
    bench.lab.tools.output("/usr/sbin/mkfs.vfat", &["-F", "32", "-n", LABEL, &*name])?;
    Ok(Disk { serial: "BACKUPS".to_owned(), ..Disk::stick(file, Format::Raw) })
}

fn ports(mut machine: Machine) -> Machine {
    machine.guest_ports.extend(mail::PORTS);
    machine
}

/// The box in use; it is backed up and proven from its pages, its kit is printed, and then the plug is pulled for ever.
fn lost(bench: &Bench, usb: &Disk) -> Result<Before> {
    let machine = bench.machine("lost", Firmware::Bios).disk(install::installed(bench)?).disk(usb.clone());
    let qemu = bench.boot(&ports(machine), &Goal::home())?;
    inside::no_unit_failed(&qemu)?;
    let base = format!("https://127.0.0.1:{}", qemu.port(443)?);
    let phone = Browser::open(bench, FRENCH_PHONE)?;
    members::sign_in(&phone, &base, OPERATOR)?;
    let factor = members::set_up(bench, &phone, "fr")?;
    let client = Client::of(bench, &phone, &base)?;
    let file: Vec<u8> = (0..BYTES).map(|at| u8::try_from(at * 31 % 251).unwrap_or_default()).collect();
    client.put("kept.bin", &file)?;
    let program = Program { bench, qemu: &qemu, password: client.password.clone() };
    program.sends_and_fetches()?;
    program.makes_an_appointment(&base)?;
    let pages = format!("{base}/machine/reports/backup");
    phone.go(&format!("{pages}/usb"))?;
    phone.wait_for("//button[@value='use']").context("the USB disk is not shown")?;
    phone.page_is_well("backup-usb", "fr")?;
    phone.click("//button[@value='use']")?;
    phone.wait_for("//p[@id='said']")?;
    let kept = qemu.shell()?.ask(KEPT)?;
    let overview = format!("{pages}/overview");
    becomes(&phone, &overview, "//button[@id='act-back-up']", "Dernière bonne sauvegarde", "envoyés")?;
    becomes(&phone, &overview, "//button[@id='act-prove']", "Preuve", "restaurée à part et comparée")?;
    phone.page_is_well("backup-overview", "fr")?;
    let shown = phone.text("//main")?;
    println!("{shown}");
    ensure!(shown.contains("prochaine sauvegarde"), "nothing says when the next backup is");
    phone.go(&format!("{pages}/kit"))?;
    phone.page_is_well("backup-kit", "fr")?;
    let key = phone.value_now("ul.rows input[readonly]")?;
    qemu.pull_the_plug().context("pulling the plug")?;
    Ok(Before { key, password: client.password, factor, file, kept })
}

/// Asks for something by a button, and looks at the page until the row with this title says so.
fn becomes(phone: &Browser, page: &str, button: &str, title: &str, fact: &str) -> Result<()> {
    phone.go(page)?;
    phone.click(button)?;
    phone.wait_for("//p[@id='said']")?;
    let begun = Instant::now();
    let row = format!("//li[span[.='{title}']]");
    loop {
        phone.go(page)?;
        let text = phone.text(&row).with_context(|| format!("no row {title} at {page}"))?;
        if text.contains(fact) {
            return Ok(());
        }
        ensure!(!text.contains("échoué") && !text.contains("n’a pas pu"), "{title}: {text}");
        if begun.elapsed() > PATIENCE {
            bail!("{title} says after {PATIENCE:?}: {}", phone.text("//main")?);
        }
    }
}

/// The third choice of the wizard: a key with a mistake, then the right one; a look at what is there; the new disk.
fn another(bench: &Bench, disk: &Disk, usb: &Disk, key: &str) -> Result<()> {
    let machine = bench.machine("another", Firmware::Bios).disk(bench.stick("stick.qcow2")?);
    let machine = machine.disk(disk.clone()).disk(usb.clone()).ending_on_restart();
    let qemu = bench.boot(&machine, &Goal::wizard())?;
    let phone = Browser::open(bench, FRENCH_PHONE)?;
    wizard::claim(&phone, &qemu, "fr")?;
    wizard::restore(&phone, &FRENCH, LABEL, key, ANOTHER)?;
    wizard::begin(&phone, "fr")?;
    wizard::finish(&phone, "fr")?;
    qemu.wait_end(Duration::from_secs(600)).context("the machine does not restart")
}

/// The same people, passwords, second factor, files, mail and appointments, believed by the same devices.
fn is_as_it_was(bench: &Bench, machine: &Machine, before: &Before) -> Result<()> {
    let qemu: Qemu = bench.boot(machine, &Goal::home())?;
    inside::no_unit_failed(&qemu)?;
    let kept = qemu.shell()?.ask(KEPT)?;
    ensure!(kept == before.kept, "rows, settings and files were {}, and are {kept}", before.kept);
    qemu.shell()?.ask("mazetd health").context("the box is not well")?;
    let base = format!("https://127.0.0.1:{}", qemu.port(443)?);
    let client = Client { bench, base: base.clone(), password: before.password.clone() };
    ensure!(client.get("kept.bin")? == before.file, "a file is not what it was");
    let program = Program { bench, qemu: &qemu, password: before.password.clone() };
    program.finds_what_was_left(&base)?;
    let phone = Browser::open(bench, FRENCH_PHONE)?;
    members::sign_in(&phone, &base, OPERATOR)?;
    phone.wait_for("//input[@id='code']").context("the operator's old password is not taken")?;
    let (secret, used) = &before.factor;
    phone.fill("//input[@id='code']", &members::digits(bench, secret, used)?)?;
    phone.click(NEXT)?;
    phone.wait_for("//ul[@id='yours']").context("the second factor is not taken")?;
    let overview = format!("{base}/machine/reports/backup/overview");
    becomes(&phone, &overview, "//button[@id='act-back-up']", "Dernière bonne sauvegarde", "envoyés")
        .context("the next backup")
}
