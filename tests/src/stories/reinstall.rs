//! The system of an installed box is made anew from the stick, and its data stays; also after the plug was pulled in the
//! middle of that.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use mazet_boot::disk::Disk;
use mazet_boot::firmware::Firmware;
use mazet_boot::watch::Goal;
use mazet_boot::{Machine, Qemu};

use crate::browser::{Browser, FRENCH_PHONE};
use crate::dav::Client;
use crate::inside;
use crate::lab::Bench;
use crate::members::{self, OPERATOR};
use crate::stories::install::{self, TARGET};
use crate::wizard::{self, FRENCH};

/// Bytes of a file that must be there afterwards.
const BYTES: usize = 5 << 20;
/// What a system had that is replaced, and what tells two systems apart.
const MARK: &str = "touch /usr/share/of-the-old-system && cat /etc/machine-id /srv/mazet/box.toml";
/// The same question to the new one.
const AFTER: &str = "test ! -e /usr/share/of-the-old-system && cat /etc/machine-id /srv/mazet/box.toml";
/// Rows of every table of the directory that does not change by itself, and who owns what lies in the data.
const ROWS: &str = "pg_dump -h /run/postgresql -U mazet --data-only --inserts --exclude-table=public.session mazet | \
                    grep '^INSERT' | sort | sha256sum; \
                    find /srv/files /srv/mazet -xdev -printf '%u %g %m %p\\n' | sort | sha256sum";

/// Everything of it, on the disk that the French installation left.
pub fn keeps_the_data(bench: &Bench) -> Result<()> {
    let disk = install::installed(bench)?;
    let before = used(bench, &disk)?;
    interrupted(bench, &disk).context("the plug is pulled in the middle")?;
    let again = bench.machine("again", Firmware::Bios).disk(bench.stick("stick.qcow2")?).disk(disk.clone());
    let qemu = bench.boot(&again.ending_on_restart(), &Goal::wizard())?;
    let phone = at_the_summary(bench, &qemu)?;
    wizard::begin(&phone, "fr")?;
    wizard::finish(&phone, "fr")?;
    qemu.wait_end(Duration::from_secs(600)).context("the machine does not restart")?;
    is_as_it_was(bench, &bench.machine("anew", Firmware::Bios).disk(disk), &before)
}

/// What was there.
struct Before {
    password: String,
    file: Vec<u8>,
    settings: String,
    rows: String,
}

/// The box in use: a file, and an application password for it.
fn used(bench: &Bench, disk: &Disk) -> Result<Before> {
    let qemu = bench.boot(&bench.machine("before", Firmware::Bios).disk(disk.clone()), &Goal::home())?;
    let base = format!("https://127.0.0.1:{}", qemu.port(443)?);
    let phone = members::operator(bench, &base, FRENCH_PHONE, "fr")?;
    let client = Client::of(bench, &phone, &base)?;
    let file: Vec<u8> = (0..BYTES).map(|at| u8::try_from(at * 31 % 251).unwrap_or_default()).collect();
    client.put("kept.bin", &file)?;
    let before = Before {
        password: client.password.clone(),
        file,
        settings: qemu.shell()?.ask(MARK)?,
        rows: qemu.shell()?.ask(ROWS)?,
    };
    qemu.power_button()?;
    qemu.wait_end(Duration::from_secs(600)).context("the power button does not switch it off")?;
    Ok(before)
}

/// A browser on the wizard of the stick, up to the summary of a box whose data stays.
fn at_the_summary(bench: &Bench, qemu: &Qemu) -> Result<Browser> {
    let phone = Browser::open(bench, FRENCH_PHONE)?;
    wizard::claim(&phone, qemu, "fr")?;
    wizard::keep(&phone, &FRENCH, TARGET)?;
    Ok(phone)
}

/// The system is half unpacked when the power goes.
fn interrupted(bench: &Bench, disk: &Disk) -> Result<()> {
    let machine =
        bench.machine("interrupted", Firmware::Bios).disk(bench.stick("cut.qcow2")?).disk(disk.clone());
    let qemu = bench.boot(&machine, &Goal::wizard())?;
    let phone = at_the_summary(bench, &qemu)?;
    wizard::begin(&phone, "fr")?;
    // Ends as soon as the new system is there in part.
    let there = "timeout 900 sh -c 'until test -e /run/mazet/install/root/usr/share/doc; do sleep 1; done'";
    ensure!(qemu.shell()?.run(there, Duration::from_secs(1000))?.status == 0, "nothing is unpacked");
    qemu.pull_the_plug().context("pulling the plug")
}

/// The same people, passwords, files and settings on another system.
fn is_as_it_was(bench: &Bench, machine: &Machine, before: &Before) -> Result<()> {
    let qemu = bench.boot(machine, &Goal::home())?;
    inside::no_unit_failed(&qemu)?;
    let shell = qemu.shell()?;
    shell.ask("mazetd health").context("the box is not well")?;
    let settings = shell.ask(AFTER)?;
    ensure!(settings == before.settings, "machine and settings were {}, and are {settings}", before.settings);
    let rows = shell.ask(ROWS)?;
    ensure!(rows == before.rows, "rows and owners were {}, and are {rows}", before.rows);
    let base = format!("https://127.0.0.1:{}", qemu.port(443)?);
    let client = Client { bench, base: base.clone(), password: before.password.clone() };
    ensure!(client.get("kept.bin")? == before.file, "a file is not what it was");
    let phone = Browser::open(bench, FRENCH_PHONE)?;
    members::sign_in(&phone, &base, OPERATOR)?;
    phone.wait_for("//input[@id='code']").context("the operator's old password is not taken")
}
