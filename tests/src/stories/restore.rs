//! The day that a machine dies: another one, the stick, the disk with the backups and the paper with the key make the
//! box that it was; also when the power goes meanwhile.

use std::fs;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use mazet_boot::disk::{Disk, Format};
use mazet_boot::firmware::Firmware;
use mazet_boot::watch::Goal;
use mazet_boot::{Machine, Qemu};
use mazet_model::backup::RESTORING;

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
/// Name of the file system of the disk that is used as it is, and the size of USB disks in GiB.
const LABEL: &str = "SAUVEGARDES";
const USB_GIB: u64 = 8;
/// Serial number of the disk that is made anew, and the name of its file system then.
const ANEW: &str = "PREPARE-1";
const ANEW_LABEL: &str = "MAZET-BACKUP";
/// Bytes of a file that must come back.
const BYTES: usize = 5 << 20;
/// Time for a backup, a proof or a look at what is there, on an emulated machine.
const PATIENCE: Duration = Duration::from_secs(2400);
/// Time for a disk to be made anew.
const PREPARED: Duration = Duration::from_secs(300);
/// Rows of every table of the directory but those of who is signed in, the settings, and every file with its owner.
const KEPT: &str = "pg_dump -h /run/postgresql -U mazet --data-only --inserts --exclude-table=public.session mazet | \
                    grep '^INSERT' | sort | sha256sum; cat /srv/mazet/box.toml; \
                    find /srv/files -xdev -printf '%u %g %m %y %p\\n' | sort | sha256sum; \
                    find /srv/files -xdev -type f -exec sha256sum {} + | sort | sha256sum; \
                    sha256sum /srv/mazet/tls/authority.pem";

/// Everything of it, beginning with the disk that the French installation left.
pub fn brings_it_back(bench: &Bench) -> Result<()> {
    let (kept, anew) = (usb(bench, LABEL, "BACKUPS")?, usb(bench, "PHOTOS", ANEW)?);
    let before = lost(bench, &kept, &anew).context("the box that is lost")?;
    let disk = bench.blank(ANOTHER, DISK_GIB)?;
    cut_off(bench, &disk, &anew, &before.key).context("the plug is pulled while it is put back")?;
    another(bench, &disk, &anew, &before.key).context("the wizard on another machine")?;
    let machine = ports(bench.machine("anew", Firmware::Bios).disk(disk).disk(kept).disk(anew));
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
fn usb(bench: &Bench, label: &str, serial: &str) -> Result<Disk> {
    let file = bench.path(&format!("{serial}.raw"));
    fs::File::create(&file)?.set_len(USB_GIB << 30)?;
    let name = file.to_string_lossy();
    bench.lab.tools.output("/usr/sbin/mkfs.vfat", &["-F", "32", "-n", label, &*name])?;
    Ok(Disk { serial: serial.to_owned(), ..Disk::stick(file, Format::Raw) })
}

fn ports(mut machine: Machine) -> Machine {
    machine.guest_ports.extend(mail::PORTS);
    machine
}

/// The box in use; it is backed up and proven from its pages, its kit is printed, and then the plug is pulled for ever.
fn lost(bench: &Bench, kept: &Disk, anew: &Disk) -> Result<Before> {
    let machine = bench.machine("lost", Firmware::Bios).disk(install::installed(bench)?);
    let machine = machine.disk(kept.clone()).disk(anew.clone());
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
    is_made_anew(&phone, &format!("{pages}/prepare"))?;
    phone.go(&format!("{pages}/usb"))?;
    let row = format!("//li[span[contains(., '{LABEL}')]]");
    phone.wait_for(&format!("{row}//button[@value='use']")).context("the USB disk is not shown")?;
    phone.page_is_well("backup-usb", "fr")?;
    phone.click(&format!("{row}//button[@value='use']"))?;
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

/// A disk that holds something is erased when its serial number was typed, and takes backups then.
fn is_made_anew(phone: &Browser, page: &str) -> Result<()> {
    phone.go(page)?;
    let row = format!("//li[.//*[contains(., '{ANEW}')]]");
    phone.wait_for(&row).context("the USB disk is not shown")?;
    phone.page_is_well("backup-prepare", "fr")?;
    ensure!(phone.count("button[value=prepare]")? == 0, "a disk that holds something can be erased at once");
    phone.fill("//input[@id='serial']", ANEW)?;
    phone.click("//button[@id='add']")?;
    phone.wait_for(&format!("{row}//button[@value='prepare']")).context("its number was typed")?;
    ensure!(phone.count("button[value=prepare]")? == 1, "another disk can be erased, too");
    phone.click(&format!("{row}//button[@value='prepare']"))?;
    phone.wait_long_for("//li[contains(., 'les sauvegardes y vont')]", PREPARED)?;
    phone.page_is_well("backup-prepared", "fr")
}

/// Asks for something by a button, once nothing is under way, and looks at the page until the row with this title says
/// so of every place.
fn becomes(phone: &Browser, page: &str, button: &str, title: &str, fact: &str) -> Result<()> {
    let is_idle = |rows: &[String]| rows.iter().all(|text| !text.contains("en cours"));
    until(phone, page, "//li[span[.='Maintenant']]", is_idle)?;
    phone.click(button)?;
    phone.wait_for("//p[@id='said']")?;
    until(phone, page, &format!("//li[span[.='{title}']]"), |rows| {
        rows.iter().all(|text| text.contains(fact))
    })
}

/// Looks at the page until its rows at `xpath` are as wished, and none tells of a failure. A machine that has much to do
/// may say to load the page again.
fn until(phone: &Browser, page: &str, xpath: &str, wished: impl Fn(&[String]) -> bool) -> Result<()> {
    let begun = Instant::now();
    loop {
        phone.go(page)?;
        let rows = phone.texts_at(xpath)?;
        if !rows.is_empty() && wished(&rows) {
            return Ok(());
        }
        ensure!(!rows.iter().any(|text| text.contains("échoué") || text.contains("n’a pas pu")), "{rows:?}");
        if begun.elapsed() > PATIENCE {
            bail!("after {PATIENCE:?}: {}", phone.text("//main")?);
        }
    }
}

/// The third choice of the wizard, up to its end: a key with a mistake, then the right one; a look at what is there; the
/// new disk.
fn begun(bench: &Bench, machine: Machine, (disk, usb): (&Disk, &Disk), key: &str) -> Result<(Qemu, Browser)> {
    let machine = machine.disk(disk.clone()).disk(usb.clone()).ending_on_restart();
    let qemu = bench.boot(&machine, &Goal::wizard())?;
    let phone = Browser::open(bench, FRENCH_PHONE)?;
    wizard::claim(&phone, &qemu, "fr")?;
    wizard::restore(&phone, &FRENCH, ANEW_LABEL, key, ANOTHER)?;
    wizard::begin(&phone, "fr")?;
    Ok((qemu, phone))
}

/// Ends as soon as the live system's installer did this.
fn waits(qemu: &Qemu, what: &str) -> Result<()> {
    let script = format!("timeout 2400 sh -c 'until {what}; do sleep 1; done'");
    let ended = qemu.shell()?.run(&script, PATIENCE + Duration::from_secs(60))?;
    ensure!(ended.status == 0, "not seen: {what}");
    Ok(())
}

/// The power goes as soon as something is put back.
fn cut_off(bench: &Bench, disk: &Disk, usb: &Disk, key: &str) -> Result<()> {
    let machine = bench.machine("cut-off", Firmware::Bios).disk(bench.stick("cut.qcow2")?);
    let (qemu, _phone) = begun(bench, machine, (disk, usb), key)?;
    waits(&qemu, &format!("test -e /run/mazet/install/root/srv/{RESTORING}"))?;
    qemu.pull_the_plug().context("pulling the plug")
}

/// The same once more: it goes on.
fn another(bench: &Bench, disk: &Disk, usb: &Disk, key: &str) -> Result<()> {
    let machine = bench.machine("another", Firmware::Bios).disk(bench.stick("stick.qcow2")?);
    let (qemu, phone) = begun(bench, machine, (disk, usb), key)?;
    waits(&qemu, "journalctl -b -o cat | grep -q \"this disk: it goes on\"")?;
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
