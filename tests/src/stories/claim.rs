//! Without the claim code, the box shows nothing and lets nobody try for long.

use anyhow::{Result, ensure};
use mazet_boot::firmware::Firmware;
use mazet_boot::watch::Goal;

use crate::console;
use crate::lab::Bench;
use crate::visitor::{Reply, Visitor, csrf};

/// Every page of the wizard, what a guesser would try, and tricks of spelling.
const CLOSED: &[&str] = &[
    "/",
    "/language",
    "/start",
    "/disks",
    "/association",
    "/operator",
    "/summary",
    "/progress",
    "/progress.json",
    "/done",
    "/admin",
    "/api",
    "/status",
    "//disks",
    "/disks/",
    "/claim/../disks",
    "/assets/../disks",
    "/assets/%2e%2e/disks",
    "/DISKS",
];

/// Paths that change something: closed to a POST too.
const CLOSED_POSTS: &[&str] = &["/language", "/disks", "/operator", "/install", "/reboot"];

/// Wrong codes are looked at a few times, then not at all, from whomever they come.
const TRIES: usize = 40;

/// A stranger finds every page closed, guesses, is slowed down; the owner gets in later.
pub fn guards(bench: &Bench) -> Result<()> {
    let machine = bench.machine("bios", Firmware::Bios).disk(bench.stick("stick.qcow2")?);
    let qemu = bench.boot(&machine, &Goal::wizard())?;
    let stranger = Visitor::new(&bench.lab, &qemu, &bench.path("stranger.cookies"))?;
    for path in CLOSED {
        is_closed(path, &stranger.get(path)?)?;
    }
    for path in CLOSED_POSTS {
        is_closed(path, &stranger.post(path, &[("language", "fr"), ("disk", "sda")])?)?;
    }
    let code = console::claim_code(&qemu)?;
    wrong_codes(&stranger, &code)?;
    for path in CLOSED {
        is_closed(path, &stranger.get(path)?)?;
    }
    // Even the right code is not looked at now: a guesser learns nothing from the answer.
    let reply = attempt(&stranger, &code)?;
    ensure!(reply.status == 429, "the right code was answered {} while tries are limited", reply.status);
    Ok(())
}

fn is_closed(path: &str, reply: &Reply) -> Result<()> {
    let to_claim = (300..400).contains(&reply.status) && reply.redirect.ends_with("/claim");
    let refused = [401, 403].contains(&reply.status);
    ensure!(to_claim || refused, "{path} answered {} (redirect: {:?})", reply.status, reply.redirect);
    for word in ["mazet_session", "serial-", "disk-"] {
        ensure!(!reply.body.contains(word), "{path} shows `{word}` to a stranger");
    }
    Ok(())
}

/// Guesses until the box says "too many" (429 and when to come back).
fn wrong_codes(stranger: &Visitor<'_>, code: &str) -> Result<()> {
    for count in 0..TRIES {
        let reply = attempt(stranger, &wrong(code, count))?;
        if reply.status == 429 {
            ensure!(count > 0, "the very first try was refused as one too many");
            let headers = reply.headers.to_lowercase();
            ensure!(headers.contains("retry-after:"), "it does not say when to come back: {headers}");
            return Ok(());
        }
        ensure!(reply.status == 403, "wrong code number {} was answered {}", count + 1, reply.status);
    }
    anyhow::bail!("{TRIES} wrong codes in a row were all looked at")
}

fn attempt(visitor: &Visitor<'_>, code: &str) -> Result<Reply> {
    let token = csrf(&visitor.get("/claim")?.body)?;
    visitor.post("/claim", &[("csrf", &token), ("code", code)])
}

/// A code of the right form that is not `code`.
fn wrong(code: &str, count: usize) -> String {
    let guess = format!("{:04}-{:04}", count, 2222 + count);
    if guess == code { "2345-6789".to_owned() } else { guess }
}
