//! Second step: a new box. Reinstalling and restoring are shown, and cannot be chosen yet.

use axum::response::Response;
use serde_json::json;

use super::{Entry, Step, enter, keep, onward};
use crate::protocol::{Answers, Purpose};
use crate::web::failure::Failure;
use crate::web::form::{Faults, Posted, Visit};

/// `GET /start`.
///
/// # Errors
/// The broker fails.
pub async fn show(visit: Visit) -> Result<Response, Failure> {
    match enter(&visit, Step::Start).await? {
        Entry::Here(answers) => page(&visit, &answers, &Faults::default()),
        Entry::Elsewhere(response) => Ok(response),
    }
}

/// `POST /start`.
///
/// # Errors
/// The broker fails.
pub async fn save(posted: Posted) -> Result<Response, Failure> {
    let visit = &posted.visit;
    let mut answers = match enter(visit, Step::Start).await? {
        Entry::Here(answers) => *answers,
        Entry::Elsewhere(response) => return Ok(response),
    };
    let mut faults = Faults::default();
    if posted.fields.get("purpose") == "new" {
        answers.purpose = Some(Purpose::New);
        faults = keep(visit, answers.clone()).await?;
    } else {
        faults.add("purpose", visit.say("start.missing", &[]));
    }
    if faults.is_empty() { Ok(onward()) } else { page(visit, &answers, &faults) }
}

fn page(visit: &Visit, answers: &Answers, faults: &Faults) -> Result<Response, Failure> {
    super::page(visit, Step::Start, answers, &json!({ "purpose": "new" }), faults, json!({}))
}
