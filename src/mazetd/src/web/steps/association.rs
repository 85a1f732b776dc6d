//! Fourth step: whose box, what it is called, where it stands.

use axum::response::Response;
use mazet_model::values::{LONGEST_NAME, is_host_label, is_human_name, timezones};
use serde_json::{Value, json};

use super::{Entry, Step, enter, keep, onward};
use crate::protocol::Answers;
use crate::web::failure::Failure;
use crate::web::form::{Faults, Posted, Visit};

/// `GET /association`.
///
/// # Errors
/// The broker fails.
pub async fn show(visit: Visit) -> Result<Response, Failure> {
    match enter(&visit, Step::Association).await? {
        Entry::Here(answers) => page(&visit, &answers, &answers, &Faults::default()),
        Entry::Elsewhere(response) => Ok(response),
    }
}

/// `POST /association`: fields `organisation`, `box_name`, `timezone`.
///
/// # Errors
/// The broker fails.
pub async fn save(posted: Posted) -> Result<Response, Failure> {
    let (visit, fields) = (&posted.visit, &posted.fields);
    let answers = match enter(visit, Step::Association).await? {
        Entry::Here(answers) => *answers,
        Entry::Elsewhere(response) => return Ok(response),
    };
    let mut new = answers.clone();
    new.organisation = Some(fields.text("organisation"));
    new.box_name = Some(fields.text("box_name").to_lowercase());
    new.timezone = Some(fields.text("timezone"));
    let mut faults = check(visit, &new);
    if faults.is_empty() {
        faults = keep(visit, new.clone()).await?;
    }
    if faults.is_empty() { Ok(onward()) } else { page(visit, &answers, &new, &faults) }
}

fn check(visit: &Visit, new: &Answers) -> Faults {
    let mut faults = Faults::default();
    let mut fault = |field: &str, key: &str| faults.add(field, visit.say(&format!("association.{key}"), &[]));
    let organisation = new.organisation.as_deref().unwrap_or_default();
    if !is_human_name(organisation) {
        fault("organisation", "organisation_missing");
    } else if organisation.chars().count() > LONGEST_NAME {
        fault("organisation", "organisation_long");
    }
    let box_name = new.box_name.as_deref().unwrap_or_default();
    if box_name.is_empty() {
        fault("box_name", "box_name_missing");
    } else if !is_host_label(box_name) {
        fault("box_name", "box_name_wrong");
    }
    let timezone = new.timezone.as_deref().unwrap_or_default();
    if timezones().all(|name| name != timezone) {
        fault("timezone", "timezone_wrong");
    }
    faults
}

fn page(visit: &Visit, answers: &Answers, shown: &Answers, faults: &Faults) -> Result<Response, Failure> {
    let timezone = shown.timezone.as_deref().unwrap_or("Europe/Paris");
    let form = json!({
        "organisation": shown.organisation.as_deref().unwrap_or_default(),
        "box_name": shown.box_name.as_deref().unwrap_or("mazet"),
        "timezone": timezone,
    });
    let zones: Value = timezones().map(|name| json!({ "name": name, "chosen": name == timezone })).collect();
    super::page(visit, Step::Association, answers, &form, faults, json!({ "timezones": zones }))
}
