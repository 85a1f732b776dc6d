//! Fifth step: the person who answers for the machine, the only account that is made.

use axum::response::Response;
use mazet_model::values::{LONGEST_NAME, is_human_name};
use serde_json::json;

use super::{Entry, Step, enter, keep, onward};
use crate::protocol::{Answers, Request};
use crate::web::failure::Failure;
use crate::web::form::{Faults, Fields, Posted, Visit};
use crate::web::password;

/// Logins that Debian, a mail system or a reader would take for somebody else.
const RESERVED: [&str; 32] = [
    "admin",
    "administrator",
    "adm",
    "backup",
    "bin",
    "daemon",
    "games",
    "irc",
    "list",
    "lp",
    "mail",
    "man",
    "mazet",
    "mazetd",
    "messagebus",
    "news",
    "nobody",
    "operator",
    "postgres",
    "postmaster",
    "proxy",
    "root",
    "sshd",
    "staff",
    "sudo",
    "sync",
    "sys",
    "systemd",
    "users",
    "uucp",
    "webmaster",
    "www-data",
];

/// `GET /operator`.
///
/// # Errors
/// The broker fails.
pub async fn show(visit: Visit) -> Result<Response, Failure> {
    match enter(&visit, Step::Operator).await? {
        Entry::Here(answers) => page(&visit, &answers, &answers, &Faults::default()),
        Entry::Elsewhere(response) => Ok(response),
    }
}

/// `POST /operator`: fields `operator_name`, `login`, `password`, `password_again`.
///
/// # Errors
/// The broker fails.
pub async fn save(posted: Posted) -> Result<Response, Failure> {
    let (visit, fields) = (&posted.visit, &posted.fields);
    let answers = match enter(visit, Step::Operator).await? {
        Entry::Here(answers) => *answers,
        Entry::Elsewhere(response) => return Ok(response),
    };
    let mut new = answers.clone();
    new.operator_name = Some(fields.text("operator_name"));
    new.operator_login = Some(fields.text("login"));
    let mut faults = check(visit, fields, &new);
    if faults.is_empty() {
        faults = store(visit, fields.get("password"), new.clone()).await?;
    }
    if faults.is_empty() { Ok(onward()) } else { page(visit, &answers, &new, &faults) }
}

/// Names first: saving answers never touches the password, which the broker adds to them.
async fn store(visit: &Visit, password: &str, new: Answers) -> Result<Faults, Failure> {
    let faults = keep(visit, new).await?;
    if !faults.is_empty() || password.is_empty() {
        return Ok(faults);
    }
    match visit.app.broker.order(&Request::SetPassword { password: password.to_owned() }).await {
        Ok(()) => Ok(faults),
        Err(error) => visit.refusal(error),
    }
}

fn check(visit: &Visit, fields: &Fields, new: &Answers) -> Faults {
    let mut faults = Faults::default();
    let mut fault = |field: &str, key: &str| faults.add(field, visit.say(key, &[]));
    let name = new.operator_name.as_deref().unwrap_or_default();
    if !is_human_name(name) {
        fault("operator_name", "operator.name_missing");
    } else if name.chars().count() > LONGEST_NAME {
        fault("operator_name", "operator.name_long");
    }
    let login = new.operator_login.as_deref().unwrap_or_default();
    if !is_login(login) {
        fault("login", "operator.login_wrong");
    } else if RESERVED.contains(&login) {
        fault("login", "operator.login_reserved");
    }
    let (first, again) = (fields.get("password"), fields.get("password_again"));
    let kept = first.is_empty() && again.is_empty() && new.operator_password.is_some();
    if !kept {
        let organisation = new.organisation.as_deref().unwrap_or_default();
        if let Some(key) = password::fault(first, &[name, login, organisation]) {
            fault("password", key);
        } else if first != again {
            fault("password_again", "operator.password_differs");
        }
    }
    faults
}

/// What `useradd` of Debian takes, and mail addresses too.
fn is_login(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    (2..=31).contains(&text.len())
        && text.starts_with(|c: char| c.is_ascii_lowercase())
        && text.chars().all(allowed)
}

fn page(visit: &Visit, answers: &Answers, shown: &Answers, faults: &Faults) -> Result<Response, Failure> {
    // Passwords never go back to the browser.
    let form = json!({
        "operator_name": shown.operator_name.as_deref().unwrap_or_default(),
        "login": shown.operator_login.as_deref().unwrap_or_default(),
        "password": "",
        "password_again": "",
    });
    let more = json!({ "has_password": answers.operator_password.is_some() });
    super::page(visit, Step::Operator, answers, &form, faults, more)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logins_are_unix_logins() {
        for good in ["jo", "marie-claude", "a1"] {
            assert!(is_login(good), "{good}");
        }
        for bad in ["j", "1a", "-a", "Marie", "a_b", "a b", "é2", "a:b", &"a".repeat(32)] {
            assert!(!is_login(bad), "{bad}");
        }
    }
}
