//! How the box's certificates stand: for the pages, for `mazetd certificates show`, and for health.

use std::path::Path;

use anyhow::Result;
use mazet_model::manifest::DnsProvider;
use mazet_model::vhosts::{LOCAL_PAIR, PUBLIC_PAIR};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::acme::{self, Outcome};
use crate::run::Runner;
use crate::system::{self, below};
use crate::tls::{self, Certificate};

/// Pairs of a fingerprint that stand together.
const GROUP: usize = 8;

/// All of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// The box's own authority.
    pub authority: Option<Shown>,
    /// For the names on its own network.
    pub local: Option<Shown>,
    /// For its public domains.
    pub public: Option<Shown>,
    /// How the last order of another authority's certificate ended.
    pub outcome: Option<Outcome>,
    /// One is under way.
    pub running: bool,
    /// Who may serve the domains' DNS, and what opens an account there.
    pub providers: Vec<DnsProvider>,
    /// The account that is kept at one of them.
    pub account: Option<Account>,
}

/// An account that is kept. What opens it is never told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Account {
    /// At which provider.
    pub provider: String,
    /// The variables that have a value.
    pub variables: Vec<String>,
}

/// A certificate as people read it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Shown {
    /// What it is called.
    pub subject: String,
    /// Who issued it.
    pub issuer: String,
    /// The box's own authority issued it.
    pub own: bool,
    /// Host names and addresses that it is for; of an authority, those that it may certify.
    pub names: Vec<String>,
    /// Whole days until it ends; none when it is not valid yet.
    pub days_left: Option<i64>,
    /// SHA-256, `AB:CD:…`.
    pub fingerprint: String,
}

/// As it is on the box at `root`.
///
/// # Errors
/// When the settings, a manifest or the account's file cannot be read, or systemd not be asked.
pub fn state(root: &Path, runner: &Runner) -> Result<State> {
    let (settings, services) = (system::settings(root)?, system::services(root)?);
    let folder = below(root, tls::FOLDER);
    let authority = Certificate::read(&folder.join(tls::AUTHORITY)).ok();
    let shown = |file: &str| {
        let certificate = Certificate::read(&folder.join(file)).ok()?;
        show(&certificate, authority.as_ref()).ok()
    };
    let wished = &settings.certificates;
    Ok(State {
        local: shown(LOCAL_PAIR.0),
        public: (!wished.domains.is_empty()).then(|| shown(PUBLIC_PAIR.0)).flatten(),
        outcome: wished.is_acme().then(|| acme::outcome(&below(root, acme::FOLDER))).flatten(),
        running: wished.is_acme() && acme::is_running(runner)?,
        providers: services.into_iter().flat_map(|manifest| manifest.dns_providers).collect(),
        account: acme::secrets::kept(root)?,
        authority: authority.as_ref().and_then(|authority| show(authority, None).ok()),
    })
}

fn show(certificate: &Certificate, authority: Option<&Certificate>) -> Result<Shown> {
    let names = if authority.is_some() { certificate.names()? } else { certificate.permitted()? };
    let own = authority.is_some_and(|authority| certificate.is_signed_by(authority).unwrap_or(false));
    Ok(Shown {
        subject: certificate.subject()?,
        issuer: certificate.issuer()?,
        own,
        names: names.into_iter().collect(),
        days_left: certificate.days_left().ok(),
        fingerprint: certificate.fingerprint(),
    })
}

/// A fingerprint in groups that fit a narrow screen and can be compared one by one.
pub fn grouped(fingerprint: &str) -> Vec<String> {
    let pairs: Vec<&str> = fingerprint.split(':').collect();
    pairs.chunks(GROUP).map(|group| group.join(":")).collect()
}

impl State {
    /// For a terminal.
    pub fn text(&self) -> String {
        let mut text = String::new();
        for (title, shown) in
            [("authority", &self.authority), ("local", &self.local), ("public", &self.public)]
        {
            let Some(shown) = shown else { continue };
            let days = shown.days_left.map_or("not valid yet".to_owned(), |days| format!("{days} days left"));
            text.push_str(&format!("{title:10} {} (by {}), {days}\n", shown.subject, shown.issuer));
            text.push_str(&format!(
                "           {}\n           SHA-256 {}\n",
                shown.names.join(" "),
                shown.fingerprint
            ));
        }
        if self.running {
            text.push_str("an order is under way\n");
        }
        if let Some(refused) = self.outcome.as_ref().and_then(|outcome| outcome.refused.as_ref()) {
            text.push_str(&format!("last order refused: {}\n", refused.detail));
        }
        text
    }
}
