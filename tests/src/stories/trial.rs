//! A new address is on trial: nobody confirms it, and the old one comes back; somebody gives it up, and need not
//! wait for that; somebody confirms it, and it stays.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use mazet_boot::guest::GuestShell;

use crate::browser::{Browser, FRENCH_PHONE};
use crate::inside;
use crate::lab::Bench;
use crate::members::{self, NEXT};
use crate::stories::install;

/// The address that the machine's network offers, and to which alone the host's ports lead.
const OFFERED: &str = "10.0.2.15";
/// One where no browser finds the box.
const LOST: &str = "10.0.2.77";
/// Time for a change on an emulated machine.
const CHANGE: Duration = Duration::from_secs(300);
/// How long a trial lasts at least, as the page promises.
const TRIAL: Duration = Duration::from_secs(300);
/// Time for the way back.
const BACK: Duration = Duration::from_secs(600);

/// The story.
pub fn of_an_address(bench: &Bench) -> Result<()> {
    let qemu = install::running(bench, "trial")?;
    let shell = qemu.shell()?;
    let base = format!("https://127.0.0.1:{}", qemu.port(443)?);
    let phone = members::operator(bench, &base, FRENCH_PHONE, "fr")?;
    goes_back(&phone, &base, shell).context("an address where nobody finds the box")?;
    is_given_up(&phone, &base, shell).context("an address that somebody gives up")?;
    stays(&phone, &base, shell).context("an address that somebody confirms")?;
    let dry = shell.ask("mazetd apply --dry-run 2>&1")?;
    ensure!(dry.trim() == "nothing to change", "the box is not at rest: {dry}");
    inside::no_unit_failed(&qemu)
}

fn goes_back(phone: &Browser, base: &str, shell: &GuestShell) -> Result<()> {
    let begun = Instant::now();
    wish(phone, base, LOST)?;
    has(shell, LOST, CHANGE).context("the box does not take the new address")?;
    has(shell, OFFERED, TRIAL + BACK).context("the box does not go back")?;
    let took = begun.elapsed();
    ensure!(took >= TRIAL, "it went back after {} s already", took.as_secs());
    eprintln!("  back after {} s", took.as_secs());
    phone.forget_complaints()?;
    phone.go(&format!("{base}/machine/network"))?;
    phone.forget_complaints()?;
    let told = phone.text("//section[@id='lapsed']")?;
    ensure!(told.contains(LOST), "the page does not tell which address was given up: {told}");
    phone.page_is_well("lapsed", "fr")?;
    phone.click("//button[@id='seen']")?;
    phone.wait_for(&without("lapsed")).context("what was read is told again")?;
    ensure!(phone.count("#method-automatic:checked")? == 1, "the form does not show the earlier settings");
    Ok(())
}

fn is_given_up(phone: &Browser, base: &str, shell: &GuestShell) -> Result<()> {
    wish(phone, base, OFFERED)?;
    shown(phone, base, "#keep").context("no page asks whether the new address stays")?;
    let begun = Instant::now();
    phone.click("//button[@id='go-back']")?;
    shown(phone, base, "main:not(:has(#trial)) #method-automatic:checked").context("it does not go back")?;
    ensure!(begun.elapsed() < TRIAL, "it went back no sooner than by itself");
    ensure!(phone.count("#lapsed")? == 0, "who gave it up is told that nobody confirmed it");
    shell.ask("test ! -e /srv/mazet/trial/earlier.json")?;
    has(shell, OFFERED, CHANGE)
}

/// Opens the page of the network until it shows that: a person opens the box's page again, too.
fn shown(phone: &Browser, base: &str, what: &str) -> Result<()> {
    let begun = Instant::now();
    phone.forget_complaints()?;
    while phone.count(what)? == 0 {
        ensure!(begun.elapsed() < CHANGE, "no page shows {what}");
        thread::sleep(Duration::from_secs(2));
        phone.go(&format!("{base}/machine/network"))?;
    }
    phone.forget_complaints()
}

fn stays(phone: &Browser, base: &str, shell: &GuestShell) -> Result<()> {
    wish(phone, base, OFFERED)?;
    shown(phone, base, "#keep").context("no page asks whether the new address stays")?;
    phone.page_is_well("on-trial", "fr")?;
    let begun = Instant::now();
    while phone.count("#keep")? > 0 {
        ensure!(
            begun.elapsed() < CHANGE,
            "what was confirmed is still on trial: {:?}",
            phone.text_now("main")?
        );
        phone.click("//button[@id='keep']")?;
        // Who is early is told so, and tries again.
        phone.wait_for(&format!("{} | //div[@id='faults']", without("trial")))?;
        phone.go(&format!("{base}/machine/network"))?;
    }
    phone.forget_complaints()?;
    phone.page_is_well("kept", "fr")?;
    shell
        .ask("test ! -e /srv/mazet/trial/earlier.json && ! systemctl is-active --quiet mazet-trial.timer")?;
    has(shell, OFFERED, CHANGE)
}

/// The page of the network without this section of it.
fn without(section: &str) -> String {
    format!("//main[not(.//section[@id='{section}'])]//form[@id='network-form']")
}

/// Asks for a fixed address on the page, through its preview.
fn wish(phone: &Browser, base: &str, address: &str) -> Result<()> {
    phone.go(&format!("{base}/machine/network"))?;
    phone.click("//label[@for='method-fixed']")?;
    phone.fill("//input[@id='address']", &format!("{address}/24"))?;
    phone.fill("//input[@id='gateway']", "10.0.2.2")?;
    phone.fill("//input[@id='dns']", "10.0.2.3")?;
    phone.page_is_well(&format!("network-{address}"), "fr")?;
    phone.click(NEXT)?;
    let changed = phone.text("//dl[@id='changed-settings']")?;
    ensure!(changed.contains(address), "the preview shows: {changed}");
    phone.page_is_well(&format!("network-preview-{address}"), "fr")?;
    phone.click("//button[@id='confirm']")
}

/// Waits until `address` is the machine's only one.
fn has(shell: &GuestShell, address: &str, patience: Duration) -> Result<()> {
    let begun = Instant::now();
    loop {
        let shown = shell.ask("ip -4 -brief address show scope global")?;
        if shown.contains(&format!("{address}/")) && shown.matches('/').count() == 1 {
            return Ok(());
        }
        ensure!(begun.elapsed() < patience, "its addresses: {shown}");
        thread::sleep(Duration::from_secs(2));
    }
}
