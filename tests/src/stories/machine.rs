//! The operator changes the machine through its pages.

use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::browser::Browser;
use crate::members::NEXT;

/// Time for a change of the box's settings on an emulated machine.
const CHANGE: Duration = Duration::from_secs(300);

/// How the machine is, what its settings are, and its web server exchanged for the other one: shown
/// first, then confirmed. `desk` is signed in as the operator, in English.
pub fn changes(desk: &Browser, base: &str) -> Result<()> {
    desk.go(&format!("{base}/machine"))?;
    let verdict = desk.text("//p[@id='verdict']")?;
    ensure!(verdict == "All is well.", "the machine's page says: {verdict}");
    desk.page_is_well("machine", "en")?;
    desk.go(&format!("{base}/machine/settings"))?;
    desk.wait_for("//form[@id='settings-form']")?;
    desk.page_is_well("settings", "en")?;
    desk.go(&format!("{base}/machine/services"))?;
    ensure!(desk.count("#service-nginx:checked")? == 1, "nginx is not the one that is on");
    desk.page_is_well("services", "en")?;
    desk.click("//input[@id='service-apache']")?;
    desk.click(NEXT)?;
    let changed = desk.text("//dl[@id='changed-settings']")?;
    ensure!(changed.contains("Web server") && changed.contains("apache"), "the page shows: {changed}");
    desk.page_is_well("preview", "en")?;
    desk.click("//button[@id='confirm']")?;
    desk.wait_long_for("//p[@id='done']", CHANGE).context("the change does not end")?;
    desk.go(&format!("{base}/machine/services"))?;
    ensure!(desk.count("#service-apache:checked")? == 1, "Apache is not the one that is on");
    Ok(())
}
