//! The box's certificates: those in force, its own authority, and who certifies its public domains.

use std::collections::BTreeMap;

use axum::response::{IntoResponse as _, Redirect, Response};
use mazet_model::manifest::DnsProvider;
use mazet_model::settings::{CertificateMode, Certificates, LETS_ENCRYPT, Settings};
use serde_json::{Value, json};

use super::{change, current};
use crate::acme::Outcome;
use crate::acts::machine::of_certificates;
use crate::certificates::{Shown, State, grouped};
use crate::protocol::Request;
use crate::web::failure::{self, Failure};
use crate::web::form::{Faults, Fields, refusal};
use crate::web::member::{Member, Sent};
use crate::web::said;

/// The page.
const PATH: &str = "/machine/certificates";
/// Who certifies, as the form and `box.toml` name it; its title and its explanation.
const MODES: [(&str, CertificateMode, &str, &str); 3] = [
    ("own", CertificateMode::Own, "certificates.own", "certificates.own_hint"),
    ("acme-http", CertificateMode::AcmeHttp, "certificates.acme_http", "certificates.acme_http_hint"),
    ("acme-dns", CertificateMode::AcmeDns, "certificates.acme_dns", "certificates.acme_dns_hint"),
];

/// `GET /machine/certificates`.
///
/// # Errors
/// The broker fails.
pub async fn show(member: Member) -> Result<Response, Failure> {
    let current = current(&member).await?;
    page(&member, &current.settings, &Faults::default()).await
}

/// `POST /machine/certificates`: fields `mode`, `domains` (separated by blanks), `email`, `directory`,
/// `provider`.
///
/// # Errors
/// The broker fails.
pub async fn save(Sent { member, fields }: Sent) -> Result<Response, Failure> {
    let current = current(&member).await?;
    let wished = Settings { certificates: wished(&fields), ..current.settings };
    let faults = check(&member, &wished.certificates);
    if !faults.is_empty() {
        return page(&member, &wished, &faults).await;
    }
    match change::preview(&member, wished.clone(), &current.version, PATH).await? {
        Ok(page) => Ok(page),
        Err(faults) => page(&member, &wished, &faults).await,
    }
}

/// `POST /machine/certificates/order`: another try, now.
///
/// # Errors
/// The broker fails.
pub async fn order(Sent { member, .. }: Sent) -> Result<Response, Failure> {
    match member.app.broker.order(&Request::OrderCertificate).await {
        Ok(()) => Ok(Redirect::to(PATH).into_response()),
        Err(error) => {
            let faults = refusal(&member.app, member.language, error)?;
            page(&member.at(PATH), &current(&member).await?.settings, &faults).await
        }
    }
}

/// `POST /machine/certificates/account`: field `provider`, and one for each of its variables.
///
/// # Errors
/// The broker fails.
pub async fn account(Sent { member, fields }: Sent) -> Result<Response, Failure> {
    let state = member.app.broker.certificates().await?;
    let name = fields.text("provider");
    let provider = state.providers.iter().find(|one| one.name == name).ok_or(Failure::Bad)?;
    let given =
        |name: &String| Some((name.clone(), fields.text(name))).filter(|(_, value)| !value.is_empty());
    let values: BTreeMap<_, _> =
        provider.variables.iter().filter_map(|variable| given(&variable.name)).collect();
    let question = Request::SetDnsAccount { provider: name, values };
    match member.app.broker.order(&question).await {
        Ok(()) => Ok(said::and_go(PATH, "certificates.account_kept")),
        Err(error) => {
            let faults = refusal(&member.app, member.language, error)?;
            page(&member.at(PATH), &current(&member).await?.settings, &faults).await
        }
    }
}

/// The settings that the form wishes. Who certifies by itself needs no account elsewhere.
fn wished(fields: &Fields) -> Certificates {
    let given = |name: &str| Some(fields.text(name)).filter(|text| !text.is_empty());
    let mode = MODES.iter().find(|(name, ..)| *name == fields.get("mode")).map(|(_, mode, ..)| *mode);
    let domains = fields.get("domains").split([' ', ',', '\n', '\r', '\t']);
    Certificates {
        mode: mode.unwrap_or_default(),
        domains: domains.filter(|name| !name.is_empty()).map(str::to_lowercase).collect(),
        email: given("email"),
        directory: given("directory").filter(|address| address != LETS_ENCRYPT),
        dns_provider: given("provider"),
    }
}

/// What a person can mend in this form; the broker checks all of it again.
fn check(member: &Member, wished: &Certificates) -> Faults {
    let mut faults = Faults::default();
    for wrong in of_certificates(wished) {
        // The input has a shorter name than the setting.
        let input = if wrong.field == "dns-provider" { "provider" } else { &wrong.field };
        faults.add(input, failure::sentence(&member.app, member.language, &wrong));
    }
    faults
}

async fn page(member: &Member, settings: &Settings, faults: &Faults) -> Result<Response, Failure> {
    let (state, wished) = (member.app.broker.certificates().await?, &settings.certificates);
    let form = json!({
        "domains": wished.domains.join(" "),
        "email": wished.email.as_deref().unwrap_or_default(),
        "directory": wished.directory(),
        "provider": "",
    });
    let modes: Value = MODES
        .iter()
        .map(|(name, mode, title, hint)| {
            let (title, hint) = (member.say(title, &[]), member.say(hint, &[]));
            json!({ "name": name, "title": title, "hint": hint, "chosen": *mode == wished.mode })
        })
        .collect();
    let providers: Value = state.providers.iter().map(|one| provider(one, wished, &state)).collect();
    let in_force = [&state.local, &state.public].into_iter().flatten();
    let certificates: Value = in_force.map(|one| certificate(member, one)).collect();
    let more = json!({
        "authority": state.authority.as_ref().map(|one| certificate(member, one)),
        "certificates": certificates,
        "modes": modes,
        "providers": providers,
        "acme": wished.is_acme(),
        "running": state.running,
        "outcome": state.outcome.as_ref().map(|outcome| last(member, outcome)),
    });
    member.form("machine/certificates", "certificates.title", &form, faults, more)
}

fn certificate(member: &Member, shown: &Shown) -> Value {
    let days = match shown.days_left {
        Some(days) => member.count("certificates.days", usize::try_from(days).unwrap_or(0)),
        None => member.say("certificates.not_yet", &[]),
    };
    let issuer = if shown.own { member.say("certificates.by_own", &[]) } else { shown.issuer.clone() };
    json!({
        "subject": shown.subject,
        "issuer": issuer,
        "names": shown.names.join(", "),
        "days": days,
        "fingerprint": grouped(&shown.fingerprint),
    })
}

fn provider(one: &DnsProvider, wished: &Certificates, state: &State) -> Value {
    let kept = state.account.as_ref().filter(|account| account.provider == one.name);
    let variables: Value = one
        .variables
        .iter()
        .map(|variable| {
            json!({
                "name": variable.name,
                "kind": if variable.secret { "password" } else { "text" },
                "required": variable.required,
                "kept": kept.is_some_and(|account| account.variables.contains(&variable.name)),
            })
        })
        .collect();
    json!({
        "name": one.name,
        "title": one.title,
        "chosen": wished.dns_provider.as_ref() == Some(&one.name),
        "kept": kept.is_some(),
        "variables": variables,
    })
}

fn last(member: &Member, outcome: &Outcome) -> Value {
    let refused = outcome.refused.as_ref();
    json!({
        "at": crate::web::dates::shown(member.language, outcome.at),
        "reason": refused.map(|refused| member.say(refused.reason.key(), &[])),
        "detail": refused.map(|refused| refused.detail.clone()),
    })
}
