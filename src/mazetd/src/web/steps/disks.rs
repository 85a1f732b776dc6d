//! Third step: which disks. One that holds anything asks for its serial number.

use axum::response::Response;
use serde_json::{Value, json};

use super::{Entry, Step, enter, keep, onward, size};
use crate::protocol::{Answers, ChosenDisk, Content, Disk};
use crate::web::failure::Failure;
use crate::web::form::{Faults, Fields, Posted, Visit};

/// At most a mirror.
const MOST: usize = 2;

/// `GET /disks`.
///
/// # Errors
/// The broker fails.
pub async fn show(visit: Visit) -> Result<Response, Failure> {
    let answers = match enter(&visit, Step::Disks).await? {
        Entry::Here(answers) => *answers,
        Entry::Elsewhere(response) => return Ok(response),
    };
    let disks = visit.app.broker.disks().await?;
    let chosen = answers.disks.clone().unwrap_or_default();
    page(&visit, &answers, &disks, &chosen, &Faults::default())
}

/// `POST /disks`: fields `disk` (kernel name, once or twice) and `serial-<name>`.
///
/// # Errors
/// The broker fails.
pub async fn save(posted: Posted) -> Result<Response, Failure> {
    let visit = &posted.visit;
    let mut answers = match enter(visit, Step::Disks).await? {
        Entry::Here(answers) => *answers,
        Entry::Elsewhere(response) => return Ok(response),
    };
    let disks = visit.app.broker.disks().await?;
    let chosen = chosen(&posted.fields, &disks);
    let mut faults = check(visit, &posted.fields, &disks, &chosen);
    if faults.is_empty() {
        answers.disks = Some(chosen.clone());
        faults = keep(visit, answers.clone()).await?;
    }
    if faults.is_empty() { Ok(onward()) } else { page(visit, &answers, &disks, &chosen, &faults) }
}

/// What must be typed before a disk is erased; nothing for an empty disk.
pub fn to_type(disk: &Disk) -> Option<&str> {
    let holds_something = !disk.contents.is_empty() || disk.holds_mazet;
    let name = if disk.serial.is_empty() { &disk.name } else { &disk.serial };
    holds_something.then_some(name.as_str())
}

/// The disk that an answer means, if it is still there.
pub fn find<'d>(disks: &'d [Disk], chosen: &ChosenDisk) -> Option<&'d Disk> {
    disks.iter().find(|disk| disk.name == chosen.name && disk.serial == chosen.serial)
}

/// Is the box installed to the very card that the live system runs from? It must then stay in.
pub async fn keeps_medium(visit: &Visit, answers: &Answers) -> bool {
    // Where the disks cannot be listed any more, the usual advice stands.
    let present = visit.app.broker.disks().await.unwrap_or_default();
    let chosen = answers.disks.as_deref().unwrap_or_default();
    chosen.iter().filter_map(|answer| find(&present, answer)).any(|disk| disk.medium)
}

/// How a disk is told from others.
pub fn told(visit: &Visit, disk: &Disk) -> Value {
    json!({
        "name": disk.name,
        "model": disk.model,
        "serial": disk.serial,
        "size": size::of(visit, disk.bytes),
        "medium": disk.medium,
    })
}

fn chosen(fields: &Fields, disks: &[Disk]) -> Vec<ChosenDisk> {
    let ticked: Vec<&str> = fields.all("disk").collect();
    let choose = |disk: &Disk| ChosenDisk {
        name: disk.name.clone(),
        serial: disk.serial.clone(),
        typed_serial: fields.text(&format!("serial-{}", disk.name)),
    };
    disks.iter().filter(|disk| ticked.contains(&disk.name.as_str())).map(choose).collect()
}

fn check(visit: &Visit, fields: &Fields, disks: &[Disk], chosen: &[ChosenDisk]) -> Faults {
    let mut faults = Faults::default();
    if fields.all("disk").any(|name| disks.iter().all(|disk| disk.name != name)) {
        faults.add("disks", visit.say("disks.unknown", &[]));
    } else if chosen.is_empty() {
        faults.add("disks", visit.say("disks.missing", &[]));
    } else if chosen.len() > MOST {
        faults.add("disks", visit.say("disks.too_many", &[]));
    }
    for (answer, disk) in chosen.iter().filter_map(|answer| Some((answer, find(disks, answer)?))) {
        if disk.too_small {
            faults.add(&format!("disk-{}", disk.name), visit.say("disks.small", &[("name", &disk.name)]));
        }
        if let Some(serial) = to_type(disk).filter(|serial| *serial != answer.typed_serial) {
            let values = [("name", disk.name.as_str()), ("serial", serial)];
            faults.add(&format!("serial-{}", disk.name), visit.say("disks.serial_wrong", &values));
        }
    }
    faults
}

fn page(
    visit: &Visit,
    answers: &Answers,
    disks: &[Disk],
    chosen: &[ChosenDisk],
    faults: &Faults,
) -> Result<Response, Failure> {
    let cards: Value = disks.iter().map(|disk| card(visit, disk, chosen, faults)).collect();
    let more = json!({ "disks": cards });
    super::page(visit, Step::Disks, answers, &json!({ "disks": "" }), faults, more)
}

/// `sda1: ntfs “Windows”, 120 GB`, in the visitor's language.
fn phrase(visit: &Visit, content: &Content) -> String {
    match content {
        Content::Volume { name, kind, label, bytes, .. } => {
            let unknown = visit.say("disks.unknown_data", &[]);
            let kind = kind.as_deref().unwrap_or(&unknown);
            let label = label.as_deref().map(|label| visit.say("disks.label", &[("label", label)]));
            let (label, size) = (label.unwrap_or_default(), size::of(visit, *bytes));
            let values = [("name", name.as_str()), ("kind", kind), ("label", &label), ("size", &size)];
            visit.say("disks.volume", &values)
        }
        Content::Table { kind } => visit.say("disks.table", &[("kind", kind)]),
        Content::Unknown => visit.say("disks.unknown_data", &[]),
    }
}

fn card(visit: &Visit, disk: &Disk, chosen: &[ChosenDisk], faults: &Faults) -> Value {
    let answer = chosen.iter().find(|answer| answer.name == disk.name && answer.serial == disk.serial);
    let id = format!("serial-{}", disk.name);
    json!({
        "name": disk.name,
        "model": disk.model,
        "serial": disk.serial,
        "size": size::of(visit, disk.bytes),
        "contents": disk.contents.iter().map(|content| phrase(visit, content)).collect::<Vec<_>>(),
        "mazet": disk.holds_mazet,
        "too_small": disk.too_small,
        "medium": disk.medium,
        "chosen": answer.is_some() && !disk.too_small,
        "to_type": to_type(disk).unwrap_or_default(),
        "typed": answer.map_or("", |answer| &answer.typed_serial),
        "fault": faults.of(&id),
    })
}
