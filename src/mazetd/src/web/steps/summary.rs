//! Last step: everything once more, and the button that starts the installation.

use axum::response::Response;
use serde_json::{Value, json};

use super::{Entry, Step, disks, enter, source, start};
use crate::protocol::{Answers, Disk, KnownBox, Purpose};
use crate::web::failure::Failure;
use crate::web::form::{Faults, Visit};
use crate::web::language::tag;

/// `GET /summary`.
///
/// # Errors
/// The broker fails.
pub async fn show(visit: Visit) -> Result<Response, Failure> {
    match enter(&visit, Step::Summary).await? {
        Entry::Here(answers) => page(&visit, &answers, Faults::default()).await,
        Entry::Elsewhere(response) => Ok(response),
    }
}

/// The summary, with what the broker refused.
///
/// # Errors
/// The broker fails.
pub async fn page(visit: &Visit, answers: &Answers, mut faults: Faults) -> Result<Response, Failure> {
    let present = visit.app.broker.disks().await?;
    if let (Some(Purpose::Keep), Some(known)) = (answers.purpose, &answers.kept) {
        return kept(visit, answers, known, &present, faults);
    }
    let chosen = answers.disks.as_deref().unwrap_or_default();
    let found: Vec<&Disk> = chosen.iter().filter_map(|answer| disks::find(&present, answer)).collect();
    let ready = found.len() == chosen.len();
    if !ready && faults.is_empty() {
        faults.add("", visit.say("disks.unknown", &[]));
    }
    let shown: Value = found.iter().map(|disk| disks::told(visit, disk)).collect();
    let text = |answer: &Option<String>| answer.clone().unwrap_or_default();
    let more = json!({
        "language_name": answers.language.map(|language| {
            visit.app.pages.catalogue.say(language, "site.language_name", &[])
        }).unwrap_or_default(),
        "language_tag": answers.language.map(tag).unwrap_or_default(),
        "backup": answers.backup.as_ref().filter(|_| answers.purpose == Some(Purpose::Restore))
            .map(|backup| source::describe(visit, backup)),
        "disks": shown,
        "mirror": found.len() > 1,
        "wireless": visit.notices.get().is_some_and(|notices| notices.wireless),
        "wifi": answers.wifi.as_ref().and_then(|wifi| wifi.ssid.clone()).unwrap_or_default(),
        "organisation": text(&answers.organisation),
        "box_name": text(&answers.box_name),
        "timezone": text(&answers.timezone),
        "operator_name": text(&answers.operator_name),
        "operator_login": text(&answers.operator_login),
        "ready": ready,
    });
    super::page(visit, Step::Summary, answers, &json!({}), &faults, more)
}

/// Of a box whose data stays: which it is, and where.
fn kept(
    visit: &Visit,
    answers: &Answers,
    known: &KnownBox,
    present: &[Disk],
    mut faults: Faults,
) -> Result<Response, Failure> {
    let found = start::on_disks(visit, known, present);
    let ready = found.len() == known.disks.len();
    if !ready && faults.is_empty() {
        faults.add("", visit.say("disks.unknown", &[]));
    }
    let more = json!({
        "language_name": answers.language.map(|language| {
            visit.app.pages.catalogue.say(language, "site.language_name", &[])
        }).unwrap_or_default(),
        "language_tag": answers.language.map(tag).unwrap_or_default(),
        "kept": true,
        "disks": found,
        "mirror": known.disks.len() > 1,
        "organisation": known.organisation,
        "box_name": known.name,
        "ready": ready,
    });
    super::page(visit, Step::Summary, answers, &json!({}), &faults, more)
}
