//! Certificates of another authority for the box's public domains (ACME, RFC 8555).
//!
//! | who | does |
//! |---|---|
//! | `mazet-acme.service`, a user of its own, with network | [`order`]: runs lego, writes down how it ended |
//! | `mazetd apply`, root, without network | [`pair`]: puts in force what came; [`is_due`]: has a new wish ordered |
//! | the broker | [`secrets`]: keeps what opens an account at a DNS provider |
//!
//! An order that is refused changes nothing: the box's own certificate stays in force, and the reason is
//! told in the pages and by `mazetd health`.

pub mod lego;
pub mod secrets;
#[cfg(test)]
mod tests;

use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use mazet_model::settings::Certificates;
use rustix::fs::{Mode, OFlags};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use time::OffsetDateTime;

use crate::run::{Program, Runner};
use crate::tls::{Certificate, Pair};
use crate::{files, random};

/// Its folder on the box.
pub const FOLDER: &str = "/srv/mazet/acme";
/// Orders certificates.
pub const UNIT: &str = "mazet-acme.service";
/// How the last order ended, in [`FOLDER`].
const OUTCOME: &str = "outcome.json";
/// More than any chain or key.
const LONGEST: u64 = 256 * 1024;

/// How the last order ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Outcome {
    /// Names what was wished: see [`wish`].
    pub wish: String,
    /// When, in seconds since 1970.
    pub at: i64,
    /// Why there is none; none: there is one.
    pub refused: Option<Refused>,
}

/// Why no certificate came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Refused {
    /// What a person can do about it depends on this.
    pub reason: Reason,
    /// What was said, without secrets.
    pub detail: String,
}

/// What kind of refusal it was.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Reason {
    /// The authority itself did not answer, or its own certificate is not known.
    Directory,
    /// The authority found no address for a name.
    Dns,
    /// It did not reach the box under a name.
    Connection,
    /// It reached something else, or found another DNS record.
    Unauthorized,
    /// A DNS record forbids it to certify the name (CAA, RFC 8659).
    Caa,
    /// It does not certify such a name.
    Identifier,
    /// It was asked too often.
    RateLimited,
    /// It does not take the e-mail address.
    Contact,
    /// The DNS provider did not take what should open the account, or something there is missing.
    Account,
    /// Something else.
    Other,
}

impl Reason {
    /// Catalogue key of the sentence that tells it.
    pub fn key(self) -> &'static str {
        match self {
            Self::Directory => "acme.directory",
            Self::Dns => "acme.dns",
            Self::Connection => "acme.connection",
            Self::Unauthorized => "acme.unauthorized",
            Self::Caa => "acme.caa",
            Self::Identifier => "acme.identifier",
            Self::RateLimited => "acme.rate_limited",
            Self::Contact => "acme.contact",
            Self::Account => "acme.account",
            Self::Other => "acme.other",
        }
    }
}

/// Names what the settings wish: another when anything of it changes. Empty where nothing is to be ordered.
pub fn wish(certificates: &Certificates) -> String {
    if !certificates.is_acme() {
        return String::new();
    }
    digest(&serde_json::to_string(certificates).unwrap_or_default())
}

/// The order's folder below `folder`: its own for each authority and set of names, so that a certificate
/// of another one is never taken for it.
fn order_folder(folder: &Path, certificates: &Certificates) -> PathBuf {
    let names: BTreeSet<&String> = certificates.domains.iter().collect();
    let text: String = names.into_iter().map(|name| format!("\n{name}")).collect();
    folder.join("lego").join(digest(&format!("{}{text}", certificates.directory())))
}

fn digest(text: &str) -> String {
    random::hex(&Sha256::digest(text)[..8])
}

/// How the last order below `folder` ended, if there was one.
pub fn outcome(folder: &Path) -> Option<Outcome> {
    serde_json::from_str(&read(&folder.join(OUTCOME)).ok()?).ok()
}

/// Is something wished that was not ordered yet?
pub fn is_due(folder: &Path, certificates: &Certificates) -> bool {
    let wish = wish(certificates);
    !wish.is_empty() && outcome(folder).is_none_or(|outcome| outcome.wish != wish)
}

/// The certificate that was issued for the wished domains, if there is one that still holds.
pub fn pair(folder: &Path, certificates: &Certificates) -> Option<Pair> {
    if !certificates.is_acme() {
        return None;
    }
    let (chain, key) = lego::files(&order_folder(folder, certificates), certificates);
    let pair = Pair { chain: read(&chain).ok()?, key: read(&key).ok()? };
    pair.fits(&certificates.domains.iter().cloned().collect()).then_some(pair)
}

/// Orders a certificate where one is wished and none is there, or a third of its time is left; writes
/// down how that ended. A refusal is an outcome, not an error.
///
/// # Errors
/// When the outcome cannot be written.
pub fn order(folder: &Path, certificates: &Certificates, runner: &Runner) -> Result<()> {
    let path = folder.join(OUTCOME);
    if !certificates.is_acme() {
        return match std::fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(error).with_context(|| format!("removing {}", path.display()))
            }
            _ => Ok(()),
        };
    }
    let refused = match pair(folder, certificates) {
        Some(pair) if !ends_soon(&pair) => None,
        there => {
            let place = lego::Place {
                folder: order_folder(folder, certificates),
                webroot: folder.join("challenges"),
            };
            lego::obtain(&place, certificates, there.is_some(), runner).err()
        }
    };
    if let Some(refused) = &refused {
        eprintln!("no certificate: {}", refused.detail);
    }
    let at = OffsetDateTime::now_utc().unix_timestamp();
    let outcome = Outcome { wish: wish(certificates), at, refused };
    files::write_atomically(&path, &serde_json::to_vec(&outcome)?, 0o644, None)
}

/// Two thirds of its time are over: what authorities recommend, however long their certificates last.
fn ends_soon(pair: &Pair) -> bool {
    let look = || -> Result<bool> {
        let certificate = Certificate::from_pem(pair.chain.as_bytes())?;
        Ok(certificate.days_left()? * 3 <= certificate.days_in_all()?)
    };
    look().unwrap_or(true)
}

/// Has an order made now, without waiting for its end.
///
/// # Errors
/// When the unit cannot be started.
pub fn start(runner: &Runner) -> Result<()> {
    runner.run(Program::Systemctl, &["start", "--no-block", UNIT]).map(drop)
}

/// Is an order under way?
///
/// # Errors
/// When systemd cannot be asked.
pub fn is_running(runner: &Runner) -> Result<bool> {
    let state = runner.said(Program::Systemctl, &["is-active", UNIT])?;
    Ok(["activating", "active"].contains(&state.trim()))
}

/// A file of the user who orders, read by root: no link is followed, nothing is waited for that never comes (a
/// pipe in its place), and it is not longer than it may be.
fn read(path: &Path) -> Result<String> {
    let read = || -> std::io::Result<String> {
        let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
        let file = rustix::fs::open(path, flags, Mode::empty())?;
        let mut text = String::new();
        File::from(file).take(LONGEST).read_to_string(&mut text)?;
        Ok(text)
    };
    read().with_context(|| format!("reading {}", path.display()))
}
