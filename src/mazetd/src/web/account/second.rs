//! The code of the second factor, after the password.

use axum::http::header;
use axum::response::{AppendHeaders, IntoResponse as _, Redirect, Response};
use mazet_directory::sign_in;
use serde_json::json;

use super::one;
use crate::web::failure::Failure;
use crate::web::form::Faults;
use crate::web::next::local;
use crate::web::session;
use crate::web::stranger::{Knock, Stranger};

/// Keeps the sign-in that awaits the code. It opens nothing.
pub const COOKIE: &str = "__Host-mazet-second";

/// `GET /sign-in/code`, with `next` in the query.
///
/// # Errors
/// The page cannot be rendered.
pub async fn show(stranger: Stranger) -> Result<Response, Failure> {
    let next = stranger.query("next");
    if stranger.signed {
        return Ok(Redirect::to(local(&next)).into_response());
    }
    if session::read(&stranger.headers, COOKIE).is_none() {
        return Ok(Redirect::to("/sign-in").into_response());
    }
    page(&stranger, &next, &Faults::default())
}

/// `POST /sign-in/code`: fields `code` (of the authenticator, or for recovery), `next`.
///
/// # Errors
/// The directory fails.
pub async fn save(knock: Knock) -> Result<Response, Failure> {
    let (stranger, fields) = (&knock.stranger, &knock.fields);
    let (code, next) = (fields.text("code"), fields.get("next"));
    let Some(token) = session::read(&stranger.headers, COOKIE) else {
        return Ok(Redirect::to("/sign-in").into_response());
    };
    if code.is_empty() {
        return page(stranger, next, &one("code", stranger.say("second.wrong", &[])));
    }
    match sign_in::second_factor(stranger.directory()?, token, &code, &stranger.visit()).await {
        Ok(opened) => {
            let cookies = AppendHeaders([
                (header::SET_COOKIE, session::cookie(session::COOKIE, &opened.token)),
                (header::SET_COOKIE, format!("{}; Max-Age=0", session::cookie(COOKIE, ""))),
            ]);
            Ok((cookies, Redirect::to(local(next))).into_response())
        }
        Err(error) => {
            let tried = stranger.tried(error, "code", "second.wrong")?;
            Ok(tried.answer(page(stranger, next, &tried.faults)?))
        }
    }
}

fn page(stranger: &Stranger, next: &str, faults: &Faults) -> Result<Response, Failure> {
    let more = json!({ "next": local(next) });
    stranger.form("account/second", "second.title", &json!({ "code": "" }), faults, more)
}
