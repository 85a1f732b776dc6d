//! Association, language, time zone, remote maintenance.

use axum::response::Response;
use mazet_model::settings::{Language, Settings};
use mazet_model::values::timezones;
use serde_json::{Value, json};

use super::{change, current};
use crate::acts;
use crate::web::failure::Failure;
use crate::web::form::{Faults, Fields};
use crate::web::language;
use crate::web::member::{Member, Sent};

/// `GET /machine/settings`.
///
/// # Errors
/// The broker fails.
pub async fn show(member: Member) -> Result<Response, Failure> {
    let current = current(&member).await?;
    page(&member, &current.settings, &Faults::default())
}

/// `POST /machine/settings`: fields `organisation`, `language`, `timezone`, `ssh`, `keys` (one a line).
///
/// # Errors
/// The broker fails.
pub async fn save(Sent { member, fields }: Sent) -> Result<Response, Failure> {
    let current = current(&member).await?;
    let wished = wished(current.settings, &fields);
    let faults = check(&member, &wished);
    if !faults.is_empty() {
        return page(&member, &wished, &faults);
    }
    match change::preview(&member, wished.clone(), &current.version, "/machine/settings").await? {
        Ok(page) => Ok(page),
        Err(faults) => page(&member, &wished, &faults),
    }
}

/// The settings with what the form says; what it does not speak of stays.
fn wished(mut settings: Settings, fields: &Fields) -> Settings {
    settings.machine.timezone = fields.text("timezone");
    settings.machine.language = language::parse(fields.get("language")).unwrap_or(settings.machine.language);
    settings.organisation.name = fields.text("organisation");
    settings.ssh.enabled = fields.get("ssh") == "on";
    let keys = fields.get("keys").lines().map(str::trim).filter(|key| !key.is_empty());
    settings.ssh.keys = keys.map(str::to_owned).collect();
    settings
}

/// What a person can mend in this form; the broker checks all of it again.
fn check(member: &Member, wished: &Settings) -> Faults {
    let mut faults = Faults::default();
    for (path, key) in acts::machine::check(wished) {
        let input = match path {
            "organisation.name" => "organisation",
            "box.timezone" => "timezone",
            "ssh.keys" => "keys",
            // Of another page.
            _ => continue,
        };
        faults.add(input, member.say(key, &[]));
    }
    faults
}

fn page(member: &Member, settings: &Settings, faults: &Faults) -> Result<Response, Failure> {
    let form = json!({
        "organisation": settings.organisation.name,
        "timezone": settings.machine.timezone,
        "keys": settings.ssh.keys.join("\n"),
    });
    let zones: Value = timezones()
        .map(|name| json!({ "name": name, "chosen": name == settings.machine.timezone }))
        .collect();
    let languages: Value = [Language::Fr, Language::En]
        .into_iter()
        .map(|one| {
            json!({
                "tag": language::tag(one),
                "name": member.app.pages.catalogue.say(one, "site.language_name", &[]),
                "chosen": one == settings.machine.language,
            })
        })
        .collect();
    let more = json!({
        "zones": zones,
        "choices": languages,
        "ssh": settings.ssh.enabled,
    });
    member.form("machine/settings", "machine.settings", &form, faults, more)
}
