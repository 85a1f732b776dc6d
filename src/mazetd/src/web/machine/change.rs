//! What a change of the settings would do, ordering it, and how it went.

use axum::response::{IntoResponse as _, Redirect, Response};
use mazet_model::settings::Settings;
use serde_json::{Value, json};

use super::network;
use crate::acts::Wrong;
use crate::change::{Last, Preview};
use crate::protocol::Request;
use crate::trial;
use crate::web::failure::{self, Failure};
use crate::web::form::{Faults, refusal};
use crate::web::member::{Member, Sent};
use crate::web::navigation;
use crate::web::pages::Page;

/// Seconds until the page of a change under way looks again.
const LOOK_AGAIN: u8 = 2;

/// The page that shows what `wished` would change, with the form that orders it; or the faults of
/// `wished`, for the form that it comes from. `seen` names the settings that it was made from,
/// `back` is that form's path.
///
/// # Errors
/// The broker fails.
pub async fn preview(
    member: &Member,
    wished: Settings,
    seen: &str,
    back: &str,
) -> Result<Result<Response, Faults>, Failure> {
    let text = serde_json::to_string(&wished).map_err(|error| anyhow::anyhow!(error))?;
    let preview = match member.app.broker.preview(wished.clone()).await {
        Ok(preview) => preview,
        // A template that cannot be rendered, say: the operator reads which.
        Err(error) => return Ok(Err(refusal(&member.app, member.language, error)?)),
    };
    if !preview.faults.is_empty() {
        return Ok(Err(faults(member, &preview)));
    }
    let data = json!({
        "nothing": preview.settings.is_empty() && preview.files.is_empty() && preview.units.is_empty(),
        "settings": named(member, &preview),
        "notices": notices(member, &preview, &wished),
        "files": preview.files,
        "units": preview.units,
        "diff": preview.diff,
        "wished": text,
        "seen": seen,
        "back": back,
    });
    Ok(Ok(member.show("machine/preview", "machine.preview", &Faults::default(), data)?))
}

fn faults(member: &Member, preview: &Preview) -> Faults {
    let mut faults = Faults::default();
    for fault in &preview.faults {
        faults.add("", failure::sentence(&member.app, member.language, &Wrong::setting(fault)));
    }
    faults
}

/// What else the operator should know before: a new name, and that a network must be confirmed.
fn notices(member: &Member, preview: &Preview, wished: &Settings) -> Vec<String> {
    let changes = |part: &str| preview.settings.iter().any(|one| one.path.starts_with(part));
    let mut notices = Vec::new();
    if changes("box.name") {
        notices.push(member.say("machine.notice_name", &[("name", &wished.machine.name)]));
    }
    if changes("network.") || changes("wifi.") {
        let hosts = trial::hosts(wished);
        let host = hosts.first().map_or("", String::as_str);
        let minutes = trial::MINUTES.to_string();
        notices.push(member.say("machine.notice_network", &[("address", host), ("minutes", &minutes)]));
    }
    notices
}

/// Settings by what people call them, where the catalogue knows.
fn named(member: &Member, preview: &Preview) -> Value {
    let name = |path: &str| {
        let key = format!("setting.{path}");
        let known = member.app.pages.catalogue.get(member.language, &key).is_some();
        if known { member.say(&key, &[]) } else { path.to_owned() }
    };
    let shown = |value: &str| shown(member, value);
    preview
        .settings
        .iter()
        .map(|one| json!({ "name": name(&one.path), "old": shown(&one.old), "new": shown(&one.new) }))
        .collect()
}

/// A value of TOML as people read it: texts without quotes, lists with commas, yes and no; what the
/// catalogue has a word for, by that.
fn shown(member: &Member, value: &str) -> String {
    let text = value.trim_matches(['[', ']', ' ']);
    let parts: Vec<&str> = text.split(", ").map(|part| part.trim_matches('"')).collect();
    let text = parts.join(", ");
    let key = format!("value.{text}");
    let known = member.app.pages.catalogue.get(member.language, &key).is_some();
    if known { member.say(&key, &[]) } else { text }
}

/// `POST /machine/change`: fields `wished` (the settings as JSON) and `seen`.
///
/// # Errors
/// The form is not ours, or the broker fails.
pub async fn order(Sent { member, fields }: Sent) -> Result<Response, Failure> {
    let wished: Settings = serde_json::from_str(fields.get("wished")).map_err(|_| Failure::Forbidden)?;
    let question = Request::ChangeSettings { settings: Box::new(wished), seen: fields.text("seen") };
    match member.app.broker.order(&question).await {
        Ok(()) => Ok(Redirect::to("/machine/change").into_response()),
        Err(error) => {
            let faults = refusal(&member.app, member.language, error)?;
            page(&member, &Last::default(), &faults, &Value::Null)
        }
    }
}

/// `GET /machine/change`: how the last change stands.
///
/// # Errors
/// The broker fails.
pub async fn show(member: Member) -> Result<Response, Failure> {
    let last = member.app.broker.last_change().await?;
    let trial = network::trial(&member).await?;
    page(&member, &last, &Faults::default(), &trial)
}

fn page(member: &Member, last: &Last, faults: &Faults, trial: &Value) -> Result<Response, Failure> {
    let data = json!({
        "csrf": member.csrf.as_str(),
        "faults": faults.list(),
        "trial": trial,
        "running": last.running,
        "error": last.error,
        "files": last.files,
        "units": last.units,
        "done": faults.is_empty() && !last.running && last.error.is_none(),
    });
    let page = Page {
        refresh: last.running.then_some(LOOK_AGAIN),
        script: last.running,
        menu: navigation::menu(member),
        ..Page::new("machine/change", "machine.change", "/machine/change", data)
    };
    Ok(member.app.pages.response(member.language, faults.status(), &page)?)
}
