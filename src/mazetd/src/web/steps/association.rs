//! Fourth step: whose box, what it is called, where it stands.

use axum::response::Response;
use serde_json::{Value, json};

use super::{Entry, Step, enter, keep, onward};
use crate::protocol::Answers;
use crate::web::failure::Failure;
use crate::web::form::{Faults, Posted, Visit};

/// Names of the IANA time zone database, one a line.
const TIMEZONES: &str = include_str!("../../../catalogue/timezones.txt");
/// Longest name of an association or a person, in characters.
pub const LONGEST_NAME: usize = 100;
/// Longest DNS label (RFC 1035 § 2.3.4).
const LONGEST_LABEL: usize = 63;

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
    if !is_name(organisation) {
        fault("organisation", "organisation_missing");
    } else if organisation.chars().count() > LONGEST_NAME {
        fault("organisation", "organisation_long");
    }
    let box_name = new.box_name.as_deref().unwrap_or_default();
    if box_name.is_empty() {
        fault("box_name", "box_name_missing");
    } else if !is_label(box_name) {
        fault("box_name", "box_name_wrong");
    }
    let timezone = new.timezone.as_deref().unwrap_or_default();
    if TIMEZONES.lines().all(|name| name != timezone) {
        fault("timezone", "timezone_wrong");
    }
    faults
}

/// Something a human may be called: at least a letter or digit, nothing that cannot be seen.
pub fn is_name(text: &str) -> bool {
    text.chars().any(char::is_alphanumeric) && !text.chars().any(char::is_control)
}

/// A host name of one label (RFC 1123 § 2.1) that is not the machine's name for itself.
fn is_label(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    text.len() <= LONGEST_LABEL
        && text.chars().all(allowed)
        && !text.starts_with('-')
        && !text.ends_with('-')
        && text != "localhost"
}

fn page(visit: &Visit, answers: &Answers, shown: &Answers, faults: &Faults) -> Result<Response, Failure> {
    let timezone = shown.timezone.as_deref().unwrap_or("Europe/Paris");
    let form = json!({
        "organisation": shown.organisation.as_deref().unwrap_or_default(),
        "box_name": shown.box_name.as_deref().unwrap_or("mazet"),
        "timezone": timezone,
    });
    let zones: Value =
        TIMEZONES.lines().map(|name| json!({ "name": name, "chosen": name == timezone })).collect();
    super::page(visit, Step::Association, answers, &form, faults, json!({ "timezones": zones }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_names_are_one_label() {
        for good in ["mazet", "a", "box-2", "2cv", &"a".repeat(63)] {
            assert!(is_label(good), "{good}");
        }
        for bad in ["-a", "a-", "a.b", "a b", "é", "A", "localhost", "a/b", &"a".repeat(64)] {
            assert!(!is_label(bad), "{bad}");
        }
    }

    #[test]
    fn names_can_be_read() {
        assert!(is_name("Les Amis du Mazet, 2e"));
        assert!(is_name("<script>"));
        for bad in ["", " ", "--", "a\nb", "a\u{0}b"] {
            assert!(!is_name(bad), "{bad:?}");
        }
    }
}
