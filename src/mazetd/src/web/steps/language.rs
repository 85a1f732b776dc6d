//! First step: the box's language.

use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use serde_json::json;

use super::{Entry, Step, enter, keep, onward};
use crate::protocol::Answers;
use crate::web::failure::Failure;
use crate::web::form::{Faults, Posted, Visit};
use crate::web::{language, session};

/// `GET /language`.
///
/// # Errors
/// The broker fails.
pub async fn show(visit: Visit) -> Result<Response, Failure> {
    match enter(&visit, Step::Language).await? {
        Entry::Here(answers) => page(&visit, &answers, &Faults::default()),
        Entry::Elsewhere(response) => Ok(response),
    }
}

/// `POST /language`: also what the visitor reads from now on.
///
/// # Errors
/// The broker fails.
pub async fn save(posted: Posted) -> Result<Response, Failure> {
    let visit = &posted.visit;
    let mut answers = match enter(visit, Step::Language).await? {
        Entry::Here(answers) => *answers,
        Entry::Elsewhere(response) => return Ok(response),
    };
    let mut faults = Faults::default();
    let Some(chosen) = language::parse(posted.fields.get("language")) else {
        faults.add("language", visit.say("language.missing", &[]));
        return page(visit, &answers, &faults);
    };
    answers.language = Some(chosen);
    let faults = keep(visit, answers.clone()).await?;
    if !faults.is_empty() {
        return page(visit, &answers, &faults);
    }
    let cookie = session::cookie(language::COOKIE, language::tag(chosen));
    Ok(([(header::SET_COOKIE, cookie)], onward()).into_response())
}

fn page(visit: &Visit, answers: &Answers, faults: &Faults) -> Result<Response, Failure> {
    let chosen = language::tag(answers.language.unwrap_or(visit.language));
    let more = json!({ "french": chosen == "fr", "english": chosen == "en" });
    super::page(visit, Step::Language, answers, &json!({ "language": chosen }), faults, more)
}
