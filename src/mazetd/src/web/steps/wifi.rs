//! A step of machines with a wireless device: which network, or the cable alone.

use axum::response::Response;

use super::{Entry, Step, enter, onward};
use crate::protocol::{Answers, Heard};
use crate::web::failure::Failure;
use crate::web::form::{Faults, Posted, Visit};
use crate::web::wireless::Form;

/// `GET /wifi`: listens first, which takes some seconds.
///
/// # Errors
/// The broker fails.
pub async fn show(visit: Visit) -> Result<Response, Failure> {
    let answers = match enter(&visit, Step::Wifi).await? {
        Entry::Here(answers) => answers,
        Entry::Elsewhere(response) => return Ok(response),
    };
    let heard = visit.app.broker.heard(true).await?;
    page(&visit, &answers, &heard, &Form::of(answers.wifi.as_ref(), &heard), &Faults::default())
}

/// `POST /wifi`: fields `network`, `ssid`, `passphrase`, `country`.
///
/// # Errors
/// The broker fails.
pub async fn save(posted: Posted) -> Result<Response, Failure> {
    let (visit, fields) = (&posted.visit, &posted.fields);
    let answers = match enter(visit, Step::Wifi).await? {
        Entry::Here(answers) => answers,
        Entry::Elsewhere(response) => return Ok(response),
    };
    let form = Form::read(fields);
    let heard = visit.app.broker.heard(false).await?;
    let mut faults = form.check(&|key| visit.say(key, &[]), fields, answers.wifi.as_ref(), &heard);
    if faults.is_empty() {
        if let Err(error) = visit.app.broker.order(&form.request(fields)).await {
            faults = visit.refusal(error)?;
        }
    }
    if faults.is_empty() { Ok(onward()) } else { page(visit, &answers, &heard, &form, &faults) }
}

fn page(
    visit: &Visit,
    answers: &Answers,
    heard: &Heard,
    form: &Form,
    faults: &Faults,
) -> Result<Response, Failure> {
    let more = form.more(&|key| visit.say(key, &[]), answers.wifi.as_ref(), heard, "/wifi");
    super::page(visit, Step::Wifi, answers, &form.shown(), faults, more)
}
