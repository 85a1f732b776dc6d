//! The claim page: the only one that a stranger sees.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::{Extension, Request, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{AppendHeaders, IntoResponse as _, Redirect, Response};
use mazet_model::settings::Language;
use serde_json::json;

use super::app::App;
use super::broker::unexpected;
use super::failure::Failure;
use super::form::{Faults, Fields, is_foreign};
use super::pages::Page;
use super::serve::Peer;
use super::token::Token;
use super::{language, session};
use crate::protocol::{ClaimVerdict, Request as Question, Response as Reply};

/// Keeps the form's token before there is a session; the form must send the same.
pub const COOKIE: &str = "__Host-mazet-claim";
/// Longest code that is passed on to the broker.
const LONGEST: usize = 64;

/// `GET /claim`.
///
/// # Errors
/// The page cannot be rendered.
pub async fn show(State(app): State<Arc<App>>, headers: HeaderMap) -> Result<Response, Failure> {
    if let Some(cookie) = session::read(&headers, session::COOKIE) {
        if app.sessions().find(cookie, Instant::now()).is_some() {
            return Ok(Redirect::to("/").into_response());
        }
    }
    form(&app, &headers, StatusCode::OK, "", &[])
}

/// `POST /claim`: the broker looks at the code and counts the tries.
///
/// # Errors
/// The form is not ours, or the broker fails.
pub async fn save(
    State(app): State<Arc<App>>,
    Extension(Peer(address)): Extension<Peer>,
    request: Request,
) -> Result<Response, Failure> {
    let headers = request.headers().clone();
    let fields = match Fields::read(request).await {
        Ok(fields) => fields,
        Err(refusal) => return Ok(refusal),
    };
    let token = session::read(&headers, COOKIE).and_then(Token::parse).ok_or(Failure::Forbidden)?;
    if is_foreign(&headers) || !token.is(fields.get("csrf")) {
        return Err(Failure::Forbidden);
    }
    let code = fields.text("code");
    if code.is_empty() {
        return form(&app, &headers, StatusCode::UNPROCESSABLE_ENTITY, "claim.empty", &[]);
    }
    if code.len() > LONGEST {
        return form(&app, &headers, StatusCode::FORBIDDEN, "claim.wrong", &[]);
    }
    let question = Question::Claim { code, address };
    match app.broker.ask(&question).await? {
        Reply::Claim(ClaimVerdict::Granted) => granted(&app),
        Reply::Claim(ClaimVerdict::Wrong) => form(&app, &headers, StatusCode::FORBIDDEN, "claim.wrong", &[]),
        Reply::Claim(ClaimVerdict::Limited { retry_after_seconds }) => {
            limited(&app, &headers, retry_after_seconds)
        }
        other => Err(unexpected(&question, &other).into()),
    }
}

fn granted(app: &App) -> Result<Response, Failure> {
    let token = app.sessions().open(Instant::now())?;
    let cookies = AppendHeaders([
        (header::SET_COOKIE, session::cookie(session::COOKIE, token.as_str())),
        (header::SET_COOKIE, format!("{}; Max-Age=0", session::cookie(COOKIE, ""))),
    ]);
    Ok((cookies, Redirect::to("/")).into_response())
}

fn limited(app: &App, headers: &HeaderMap, seconds: u64) -> Result<Response, Failure> {
    let seconds = seconds.max(1).to_string();
    let values = [("seconds", seconds.as_str())];
    let page = form(app, headers, StatusCode::TOO_MANY_REQUESTS, "claim.limited", &values)?;
    Ok(([(header::RETRY_AFTER, seconds.clone())], page).into_response())
}

/// The form, with a token that its cookie has too (a browser that has one keeps it: two tabs).
fn form(
    app: &App,
    headers: &HeaderMap,
    status: StatusCode,
    fault: &str,
    values: &[(&str, &str)],
) -> Result<Response, Failure> {
    let language = language::of(headers).unwrap_or(Language::Fr);
    let token = match session::read(headers, COOKIE).and_then(Token::parse) {
        Some(token) => token,
        None => Token::draw()?,
    };
    let mut faults = Faults::default();
    if !fault.is_empty() {
        faults.add("code", app.pages.catalogue.say(language, fault, values));
    }
    let data = json!({ "csrf": token.as_str(), "faults": faults.list(), "fault": faults.of("code") });
    let page = Page { script: true, ..Page::new("claim", "claim.title", "/claim", data) };
    let page = app.pages.response(language, status, &page)?;
    Ok(([(header::SET_COOKIE, session::cookie(COOKIE, token.as_str()))], page).into_response())
}
