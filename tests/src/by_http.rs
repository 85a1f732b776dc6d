//! The wizard walked with curl, as a browser without JavaScript would: for machines on which a
//! real browser would wait for ever.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use crate::visitor::{Visitor, csrf};
use crate::wizard::{Answers, INSTALLATION};

/// Between two looks at the progress: nothing tells a client without JavaScript when it is over.
const PAUSE: Duration = Duration::from_secs(5);

/// Gives the claim code.
pub fn claim(visitor: &Visitor<'_>, code: &str) -> Result<()> {
    step(visitor, "/claim", &[("code", code)])
}

/// Gives the claim code and answers the first questions, up to those of the machine.
pub fn begin(visitor: &Visitor<'_>, code: &str, language: &str) -> Result<()> {
    claim(visitor, code)?;
    step(visitor, "/language", &[("language", language)])?;
    step(visitor, "/start", &[("purpose", "new")])
}

/// Gives the claim code and answers every question, for the disk with the kernel name `disk`.
pub fn answer(visitor: &Visitor<'_>, code: &str, answers: &Answers, disk: &str) -> Result<()> {
    begin(visitor, code, answers.language)?;
    let page = visitor.get("/disks")?.body;
    ensure!(page.contains(&format!("id=\"disk-{disk}\"")), "the disk {disk} is not offered:\n{page}");
    step(visitor, "/disks", &[("disk", disk)])?;
    let association = [
        ("organisation", answers.organisation),
        ("box_name", answers.box_name),
        ("timezone", "Europe/Paris"),
    ];
    step(visitor, "/association", &association)?;
    let operator = [
        ("operator_name", answers.operator),
        ("login", answers.login),
        ("password", answers.password),
        ("password_again", answers.password),
    ];
    step(visitor, "/operator", &operator)
}

/// Begins the installation, waits for its end, restarts the machine.
pub fn install(visitor: &Visitor<'_>) -> Result<()> {
    let token = csrf(&visitor.get("/summary")?.body).context("reading the summary")?;
    let reply = visitor.post("/install", &[("csrf", &token)])?;
    ensure!(reply.redirect.ends_with("/progress"), "the installation does not begin: {}", reply.status);
    wait(visitor)?;
    let page = visitor.get("/progress")?.body;
    ensure!(!page.contains("id=\"failed\""), "the installation failed:\n{page}");
    let reply = visitor.post("/reboot", &[("csrf", &csrf(&page)?)])?;
    ensure!(reply.status == 200, "the restart is answered {}", reply.status);
    Ok(())
}

/// Waits until the installation is over. A board that writes its whole system to a card may be too
/// slow for a handshake meanwhile: as a browser's, the next look counts.
fn wait(visitor: &Visitor<'_>) -> Result<()> {
    let deadline = Instant::now() + INSTALLATION;
    loop {
        let look = over(visitor);
        if matches!(look, Ok(true)) {
            return Ok(());
        }
        if Instant::now() >= deadline {
            let seconds = INSTALLATION.as_secs();
            return look.and_then(|_| bail!("the installation is not over in {seconds} s"));
        }
        thread::sleep(PAUSE);
    }
}

/// Posts one form, with the token of its page; it must lead on.
pub fn step(visitor: &Visitor<'_>, path: &str, fields: &[(&str, &str)]) -> Result<()> {
    let page = visitor.get(path)?;
    let token = csrf(&page.body).with_context(|| format!("opening {path}: {}", page.status))?;
    let fields: Vec<(&str, &str)> =
        [("csrf", token.as_str())].into_iter().chain(fields.iter().copied()).collect();
    let reply = visitor.post(path, &fields)?;
    if (300..400).contains(&reply.status) && !reply.redirect.ends_with(path) {
        return Ok(());
    }
    bail!("{path} does not lead on: {} {}\n{}", reply.status, reply.redirect, reply.body)
}

fn over(visitor: &Visitor<'_>) -> Result<bool> {
    let body = visitor.get("/progress.json")?.body;
    let progress: Value = serde_json::from_str(body.trim()).context("reading the progress")?;
    Ok(progress["over"] == true)
}
