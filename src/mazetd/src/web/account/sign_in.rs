//! Login and password.

use axum::http::header;
use axum::response::{AppendHeaders, IntoResponse as _, Redirect, Response};
use mazet_directory::sessions::{Opened, Stage};
use mazet_directory::sign_in;
use serde_json::json;

use super::second;
use crate::web::failure::Failure;
use crate::web::form::{Faults, Fields};
use crate::web::next::{escaped, local};
use crate::web::session;
use crate::web::stranger::{Knock, Stranger};

/// `GET /sign-in`, with `next` (a path of this box) in the query.
///
/// # Errors
/// The page cannot be rendered.
pub async fn show(stranger: Stranger) -> Result<Response, Failure> {
    let next = stranger.query("next");
    if stranger.signed {
        return Ok(Redirect::to(local(&next)).into_response());
    }
    page(&stranger, "", &next, &Faults::default())
}

/// `POST /sign-in`: fields `login`, `password`, `next`.
///
/// # Errors
/// The directory fails.
pub async fn save(knock: Knock) -> Result<Response, Failure> {
    let (stranger, fields) = (&knock.stranger, &knock.fields);
    let (login, next) = (fields.text("login"), fields.get("next"));
    let faults = missing(stranger, fields);
    if !faults.is_empty() {
        return page(stranger, &login, next, &faults);
    }
    // An address of this box begins with the login.
    let name = login.split('@').next().unwrap_or_default();
    let opened =
        sign_in::password(stranger.directory()?, name, fields.get("password"), &stranger.visit()).await;
    match opened {
        Ok(opened) => Ok(enter(&opened, next)),
        Err(error) => {
            let tried = stranger.tried(error, "login", "signin.wrong")?;
            Ok(tried.answer(page(stranger, &login, next, &tried.faults)?))
        }
    }
}

/// Hands the session over, and goes on: to where the visitor wanted to go, to the code of the second
/// factor, or to setting one up.
pub fn enter(opened: &Opened, next: &str) -> Response {
    let (cookie, path) = match opened.stage {
        Stage::Full => (session::COOKIE, local(next).to_owned()),
        Stage::Enrol => (session::COOKIE, "/account/second-factor".to_owned()),
        Stage::SecondFactor => (second::COOKIE, format!("/sign-in/code?next={}", escaped(local(next)))),
    };
    let cookies = AppendHeaders([(header::SET_COOKIE, session::cookie(cookie, &opened.token))]);
    (cookies, Redirect::to(&path)).into_response()
}

fn missing(stranger: &Stranger, fields: &Fields) -> Faults {
    let mut faults = Faults::default();
    if fields.text("login").is_empty() {
        faults.add("login", stranger.say("signin.missing_login", &[]));
    }
    if fields.get("password").is_empty() {
        faults.add("password", stranger.say("signin.missing_password", &[]));
    }
    faults
}

fn page(stranger: &Stranger, login: &str, next: &str, faults: &Faults) -> Result<Response, Failure> {
    let form = json!({ "login": login, "password": "" });
    stranger.form("account/sign-in", "signin.title", &form, faults, json!({ "next": local(next) }))
}
