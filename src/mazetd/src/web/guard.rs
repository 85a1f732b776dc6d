//! What stands before and behind every page: the claim wall, the headers, the time-out.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::HttpBody as _;
use axum::extract::{Request, State};
use axum::http::{HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use mazet_model::settings::Language;

use super::app::App;
use super::failure::{self, Failure};
use super::language as tongue;
use super::session;
use super::token::Token;
use crate::protocol::Mode;

/// Longer than the broker may take, so that its own time-out explains more.
const PATIENCE: Duration = Duration::from_secs(30);

/// Nothing but our own files, nobody's frame, no form that leaves.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; \
    connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The session's CSRF token, put beside a request that passed the wall.
#[derive(Clone)]
pub struct Csrf(pub Token);

/// Let only those pass who gave the claim code, but for the claim page and its assets.
///
/// Written as an exception list, not as a property of handlers, so that a route that is added
/// tomorrow is behind the wall without anybody thinking of it.
pub async fn wall(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    let path = request.uri().path();
    let public = match app.mode {
        Mode::Live => path == "/claim" || path == "/robots.txt" || path.starts_with("/assets/"),
        // No page of the installed box is private yet, and none changes anything.
        Mode::Installed => true,
    };
    if public {
        return next.run(request).await;
    }
    let cookie = session::read(request.headers(), session::COOKIE);
    let csrf = cookie.and_then(|cookie| app.sessions().find(cookie, Instant::now()));
    if let Some(csrf) = csrf {
        request.extensions_mut().insert(Csrf(csrf));
        return next.run(request).await;
    }
    if request.method() == Method::GET && !path.ends_with(".json") {
        return Redirect::to("/claim").into_response();
    }
    Failure::Forbidden.into_response()
}

/// `?lang=fr` on any page: keep the choice and show the page without it.
pub async fn language(request: Request, next: Next) -> Response {
    let chosen = request.uri().query().and_then(|query| query.strip_prefix("lang=")).and_then(tongue::parse);
    match chosen {
        // A path of two slashes would lead the redirect to another host.
        Some(language) if request.method() == Method::GET && !request.uri().path().starts_with("//") => {
            let cookie = session::cookie(tongue::COOKIE, tongue::tag(language));
            ([(header::SET_COOKIE, cookie)], Redirect::to(request.uri().path())).into_response()
        }
        _ => next.run(request).await,
    }
}

/// Give up on a request that takes too long (a form that comes byte by byte, too).
pub async fn time(request: Request, next: Next) -> Response {
    match tokio::time::timeout(PATIENCE, next.run(request)).await {
        Ok(response) => response,
        Err(_) => StatusCode::GATEWAY_TIMEOUT.into_response(),
    }
}

/// Give every bare refusal its page, in the visitor's language.
pub async fn explain(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let language = tongue::of(request.headers()).unwrap_or(Language::Fr);
    let json = request.uri().path().ends_with(".json");
    let response = next.run(request).await;
    let status = response.status();
    let refused = status.is_client_error() || status.is_server_error();
    let has_page = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    if !refused || has_page || json {
        return response;
    }
    debug_assert!(response.body().size_hint().upper().is_some(), "a refusal is never a stream");
    let allow = response.headers().get(header::ALLOW).cloned();
    let mut page = failure::explain(&app, language, status).unwrap_or_else(|error| {
        eprintln!("{error:#}");
        status.into_response()
    });
    if let Some(allow) = allow {
        page.headers_mut().insert(header::ALLOW, allow);
    }
    page
}

/// The headers of every answer.
pub async fn headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}
