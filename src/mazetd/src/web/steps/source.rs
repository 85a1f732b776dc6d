//! Which backup is put back: where it is, the key that opens it, and what it says of itself.

use axum::response::Response;
use mazet_model::backup::{FILE_SYSTEMS, FOLDER};
use serde_json::{Value, json};

use super::{Entry, Step, enter, keep, onward, size};
use crate::protocol::{Answers, Backup, Content, Disk, Looked, Request};
use crate::web::dates;
use crate::web::failure::Failure;
use crate::web::form::{Faults, Fields, Posted, Visit};

/// What stands before the UUID of a file system in the value of its choice.
const USB: &str = "usb:";
/// What the form keeps when it comes back: never a secret.
const SHOWN: [&str; 7] = ["place", "box", "url", "user", "s3_url", "bucket", "access"];

/// `GET /source`: the form, that somebody looks, or what was found.
///
/// # Errors
/// The broker fails.
pub async fn show(visit: Visit) -> Result<Response, Failure> {
    let answers = match enter(&visit, Step::Source).await? {
        Entry::Here(answers) => *answers,
        Entry::Elsewhere(response) => return Ok(response),
    };
    let looked = visit.app.broker.looked().await?;
    page(&visit, &answers, &looked, None, Faults::default()).await
}

/// `POST /source`: `do` is `take`, or `look` with `place` (`usb:UUID`, `rest`, `s3`), what that needs, and `key`.
///
/// # Errors
/// The broker fails.
pub async fn save(posted: Posted) -> Result<Response, Failure> {
    let (visit, fields) = (&posted.visit, &posted.fields);
    let mut answers = match enter(visit, Step::Source).await? {
        Entry::Here(answers) => *answers,
        Entry::Elsewhere(response) => return Ok(response),
    };
    let looked = visit.app.broker.looked().await?;
    if let ("take", Looked::Found(backup)) = (fields.get("do"), &looked) {
        answers.backup = Some((**backup).clone());
        let faults = keep(visit, answers.clone()).await?;
        return if faults.is_empty() {
            Ok(onward())
        } else {
            page(visit, &answers, &looked, None, faults).await
        };
    }
    let mut faults = Faults::default();
    let place = place(fields);
    if place.is_none() {
        faults.add("place", visit.say("source.place_missing", &[]));
    }
    if fields.get("key").trim().is_empty() {
        faults.add("key", visit.say("source.key_missing", &[]));
    }
    if let (Some(place), true) = (place, faults.is_empty()) {
        answers.backup = None;
        faults = keep(visit, answers.clone()).await?;
        let look = Request::Look { place, key: fields.get("key").to_owned() };
        if let Err(error) = visit.app.broker.order(&look).await {
            faults = visit.refusal(error)?;
        }
    }
    if faults.is_empty() { Ok(onward()) } else { page(visit, &answers, &looked, Some(fields), faults).await }
}

/// The place that a form describes, as the program for backups reads it.
fn place(fields: &Fields) -> Option<Value> {
    let text = |name: &str| fields.text(name);
    match fields.get("place") {
        "rest" => Some(json!({
            "kind": "rest", "url": text("url"), "user": text("user"), "password": fields.get("password"),
        })),
        "s3" => Some(json!({
            "kind": "s3", "url": text("s3_url"), "bucket": text("bucket"), "key": text("access"),
            "secret": fields.get("secret"),
        })),
        other => {
            let uuid = other.strip_prefix(USB)?;
            let folder = match text("box") {
                name if name.is_empty() => FOLDER.to_owned(),
                name => format!("{FOLDER}/{name}"),
            };
            Some(json!({ "kind": "usb", "uuid": uuid, "name": uuid, "folder": folder }))
        }
    }
}

async fn page(
    visit: &Visit,
    answers: &Answers,
    looked: &Looked,
    sent: Option<&Fields>,
    mut faults: Faults,
) -> Result<Response, Failure> {
    let present = visit.app.broker.disks().await?;
    let shown = |name: &str| sent.map(|fields| fields.text(name)).unwrap_or_default();
    let mut form: serde_json::Map<String, Value> =
        SHOWN.iter().map(|name| ((*name).to_owned(), shown(name).into())).collect();
    for secret in ["key", "password", "secret"] {
        form.insert(secret.to_owned(), "".into());
    }
    if let (Looked::Fault(fault), true) = (looked, faults.is_empty()) {
        faults.add("place", fault.of(visit.language).to_owned());
    }
    let chosen = shown("place");
    let more = json!({
        "looking": *looked == Looked::Looking,
        "found": if let Looked::Found(backup) = looked { describe(visit, backup) } else { Value::Null },
        "volumes": volumes(visit, &present, &chosen),
        "rest": chosen == "rest",
        "s3": chosen == "s3",
    });
    super::page(visit, Step::Source, answers, &Value::Object(form), &faults, more)
}

/// A backup, as it says of itself.
pub fn describe(visit: &Visit, backup: &Backup) -> Value {
    json!({
        "title": backup.title,
        "box": backup.r#box,
        "at": dates::shown(visit.language, backup.at),
        "files": backup.files,
        "size": size::of(visit, backup.bytes),
        "needed": size::of(visit, backup.bytes_needed),
        "services": backup.services.join(", "),
    })
}

/// File systems that are plugged in, and could hold backups.
fn volumes(visit: &Visit, present: &[Disk], chosen: &str) -> Vec<Value> {
    let mut volumes = Vec::new();
    for disk in present {
        for content in &disk.contents {
            let Content::Volume { kind: Some(kind), label, uuid: Some(uuid), bytes, .. } = content else {
                continue;
            };
            if !FILE_SYSTEMS.contains(&kind.as_str()) || disk.holds_mazet {
                continue;
            }
            let value = format!("{USB}{uuid}");
            volumes.push(json!({
                "id": uuid,
                "chosen": value == chosen,
                "value": value,
                "model": disk.model,
                "label": label,
                "size": size::of(visit, *bytes),
            }));
        }
    }
    volumes
}
