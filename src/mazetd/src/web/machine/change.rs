//! What a change of the settings would do, ordering it, and how it went.

use axum::response::{IntoResponse as _, Redirect, Response};
use mazet_model::settings::Settings;
use serde_json::{Value, json};

use crate::change::{Last, Preview};
use crate::protocol::Request;
use crate::web::failure::Failure;
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
    let preview = member.app.broker.preview(wished).await?;
    if !preview.faults.is_empty() {
        return Ok(Err(faults(member, &preview)));
    }
    let data = json!({
        "nothing": preview.settings.is_empty() && preview.files.is_empty() && preview.units.is_empty(),
        "settings": named(member, &preview),
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
        faults.add("", member.say("machine.fault", &[("fault", fault)]));
    }
    faults
}

/// Settings by what people call them, where the catalogue knows.
fn named(member: &Member, preview: &Preview) -> Value {
    let name = |path: &str| {
        let key = format!("setting.{path}");
        let known = member.app.pages.catalogue.get(member.language, &key).is_some();
        if known { member.say(&key, &[]) } else { path.to_owned() }
    };
    let shown = |value: &str| value.trim_matches('"').to_owned();
    preview
        .settings
        .iter()
        .map(|one| json!({ "name": name(&one.path), "old": shown(&one.old), "new": shown(&one.new) }))
        .collect()
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
            page(&member, &Last::default(), &faults)
        }
    }
}

/// `GET /machine/change`: how the last change stands.
///
/// # Errors
/// The broker fails.
pub async fn show(member: Member) -> Result<Response, Failure> {
    let last = member.app.broker.last_change().await?;
    page(&member, &last, &Faults::default())
}

fn page(member: &Member, last: &Last, faults: &Faults) -> Result<Response, Failure> {
    let data = json!({
        "csrf": member.csrf.as_str(),
        "faults": faults.list(),
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
