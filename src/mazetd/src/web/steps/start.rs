//! Second step: a new box, the system of a box anew, whose data stays, or a box as a backup holds it.

use axum::response::Response;
use serde_json::{Value, json};

use super::{Entry, Step, disks, enter, keep, onward};
use crate::protocol::{Answers, Disk, KnownBox, Looked, Purpose};
use crate::web::failure::Failure;
use crate::web::form::{Faults, Posted, Visit};

/// What the field says for a new box; else it is the UUID of one that is kept.
const NEW: &str = "new";
/// And for a backup.
const RESTORE: &str = "restore";

/// What there is to choose from, besides a new box.
struct Choice {
    boxes: Vec<KnownBox>,
    /// The image can put backups back.
    restores: bool,
}

impl Choice {
    async fn of(visit: &Visit) -> Result<Self, Failure> {
        let (boxes, looked) = (visit.app.broker.boxes().await?, visit.app.broker.looked().await?);
        Ok(Self { boxes, restores: looked != Looked::Unable })
    }
}

/// `GET /start`.
///
/// # Errors
/// The broker fails.
pub async fn show(visit: Visit) -> Result<Response, Failure> {
    match enter(&visit, Step::Start).await? {
        Entry::Here(answers) => {
            let choice = Choice::of(&visit).await?;
            page(&visit, &answers, &choice, &Faults::default()).await
        }
        Entry::Elsewhere(response) => Ok(response),
    }
}

/// `POST /start`: field `purpose`, `new`, `restore` or the UUID of a box.
///
/// # Errors
/// The broker fails.
pub async fn save(posted: Posted) -> Result<Response, Failure> {
    let visit = &posted.visit;
    let mut answers = match enter(visit, Step::Start).await? {
        Entry::Here(answers) => *answers,
        Entry::Elsewhere(response) => return Ok(response),
    };
    let choice = Choice::of(visit).await?;
    let mut faults = Faults::default();
    let wish = posted.fields.get("purpose");
    let known = choice.boxes.iter().find(|one| one.uuid == wish && one.fault.is_none());
    let purpose = match wish {
        NEW => Some(Purpose::New),
        RESTORE => choice.restores.then_some(Purpose::Restore),
        _ => known.map(|_| Purpose::Keep),
    };
    if purpose.is_some() {
        answers.purpose = purpose;
        answers.kept = known.cloned();
        faults = keep(visit, answers.clone()).await?;
    } else {
        faults.add("purpose", visit.say("start.missing", &[]));
    }
    if faults.is_empty() { Ok(onward()) } else { page(visit, &answers, &choice, &faults).await }
}

async fn page(
    visit: &Visit,
    answers: &Answers,
    choice: &Choice,
    faults: &Faults,
) -> Result<Response, Failure> {
    let present = visit.app.broker.disks().await?;
    let chosen = match (answers.purpose, &answers.kept) {
        (Some(Purpose::Restore), _) => RESTORE,
        (Some(Purpose::Keep), Some(kept)) => kept.uuid.as_str(),
        _ => NEW,
    };
    let shown: Value = choice.boxes.iter().map(|one| describe(visit, one, &present, chosen)).collect();
    let more = json!({
        "boxes": shown,
        "new": chosen == NEW,
        "restore": chosen == RESTORE,
        "able": choice.restores,
    });
    super::page(visit, Step::Start, answers, &json!({ "purpose": chosen }), faults, more)
}

fn describe(visit: &Visit, known: &KnownBox, present: &[Disk], chosen: &str) -> Value {
    json!({
        "uuid": known.uuid,
        "name": known.name,
        "organisation": known.organisation,
        "disks": on_disks(visit, known, present),
        "fault": known.fault,
        "chosen": known.uuid == chosen,
    })
}

/// Its disks, as people tell them apart.
pub fn on_disks(visit: &Visit, known: &KnownBox, present: &[Disk]) -> Vec<Value> {
    let of_box = present.iter().filter(|disk| known.disks.contains(&disk.name));
    of_box.map(|disk| disks::told(visit, disk)).collect()
}
