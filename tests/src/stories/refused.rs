//! A change that cannot be applied: the box goes back by itself, and says so to the operator, on a phone.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use mazet_boot::guest::GuestShell;

use crate::browser::{Browser, FRENCH_PHONE};
use crate::inside;
use crate::lab::Bench;
use crate::members::{self, NEXT};
use crate::stories::install;

/// A template of every box; what is appended names nothing that there is.
const TEMPLATE: &str = "/usr/share/mazet/overlays/base/network/hosts.hbs";
/// Makes Apache a program that fails at once.
const DROP_IN: &str = "/etc/systemd/system/apache2.service.d";
/// Everything that a change may touch.
const STATE: &str = "sha256sum /srv/mazet/box.toml /etc/hostname /etc/hosts /etc/nginx/nginx.conf; readlink /etc/localtime; \
                     systemctl is-active nginx.service; systemctl is-active apache2.service; true";
/// Time for a change, and for its way back, on an emulated machine.
const CHANGE: Duration = Duration::from_secs(600);

/// The story.
pub fn goes_back(bench: &Bench) -> Result<()> {
    let qemu = install::running(bench, "refused")?;
    let shell = qemu.shell()?;
    let base = format!("https://127.0.0.1:{}", qemu.port(443)?);
    let phone = members::operator(bench, &base, FRENCH_PHONE, "fr")?;
    let before = shell.ask(STATE)?;
    invalid_template(&phone, &base, shell).context("a template made invalid")?;
    ensure!(shell.ask(STATE)? == before, "something changed: {}", shell.ask(STATE)?);
    unit_that_will_not_start(&phone, &base, shell).context("a unit that will not start")?;
    ensure!(shell.ask(STATE)? == before, "something changed: {}", shell.ask(STATE)?);
    let dry = shell.ask("mazetd apply --dry-run 2>&1")?;
    ensure!(dry.trim() == "nothing to change", "the box is not as it was: {dry}");
    inside::no_unit_failed(&qemu)?;
    shell.ask("mazetd health").context("the box is not well").map(drop)
}

/// Another time zone, while a template names what there is not: told, with the template's name.
fn invalid_template(phone: &Browser, base: &str, shell: &GuestShell) -> Result<()> {
    shell
        .ask(&format!("cp -p {TEMPLATE} /run/kept.hbs && echo '{{{{nothing.of.the.kind}}}}' >>{TEMPLATE}"))?;
    phone.go(&format!("{base}/machine/settings"))?;
    phone.click("//select[@id='timezone']/option[text()='Indian/Reunion']")?;
    phone.click(NEXT)?;
    phone.wait_long_for("//*[@id='faults' or @id='failed']", CHANGE)?;
    phone.page_is_well("template", "fr")?;
    let said = phone.text_now("#faults, #failed")?.unwrap_or_default();
    ensure!(said.contains("hosts.hbs"), "the page does not name the template: {said}");
    shell.ask(&format!("mv /run/kept.hbs {TEMPLATE}"))?;
    Ok(())
}

/// The other web server, which ends at once: the first one goes on.
fn unit_that_will_not_start(phone: &Browser, base: &str, shell: &GuestShell) -> Result<()> {
    shell.ask(&format!(
        "mkdir -p {DROP_IN} && printf '[Service]\\nExecStart=\\nExecStart=/bin/false\\n' >{DROP_IN}/zz.conf && \
         systemctl daemon-reload"
    ))?;
    phone.go(&format!("{base}/machine/services"))?;
    phone.click("//input[@id='service-apache']")?;
    phone.click(NEXT)?;
    phone.page_is_well("preview", "fr")?;
    phone.click("//button[@id='confirm']")?;
    phone.wait_long_for("//*[@id='failed' or @id='done']", CHANGE)?;
    phone.forget_complaints()?;
    phone.go(&format!("{base}/machine/change"))?;
    phone.page_is_well("gone-back", "fr")?;
    let said = phone.text_now("#failed")?.context("the page calls the change done")?;
    ensure!(said.contains("apache2.service"), "the page does not name the unit: {said}");
    shell.ask(&format!("rm -r {DROP_IN} && systemctl daemon-reload"))?;
    Ok(())
}
