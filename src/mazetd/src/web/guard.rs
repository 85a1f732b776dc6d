//! What stands before and behind every page: the claim wall, the headers, the time-out.

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::HttpBody as _;
use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Redirect, Response};
use mazet_directory::permission::Action;
use mazet_model::settings::Language;

use super::app::App;
use super::failure::{self, Failure};
use super::member::{self, Signed};
use super::token::Token;
use super::{api, language as tongue, next as going, session, site};
use crate::protocol::Mode;

/// Longer than the broker may take, so that its own time-out explains more; shorter than a front web server waits.
const PATIENCE: Duration = Duration::from_secs(55);

/// Nothing but our own files, nobody's frame, no form that leaves.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; \
    connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// What an operator without a second factor must do first …
const SET_UP: &str = "/account/second-factor";
/// … and all that they may do before.
const FIRST: [&str; 2] = [SET_UP, "/sign-out"];

/// The session's CSRF token, put beside a request that passed the wall.
#[derive(Clone)]
pub struct Csrf(pub Token);

/// Let only those pass who gave the claim code or, on the installed box, are signed in; but for a
/// few pages.
///
/// Written as an exception list, not as a property of handlers, so that a route that is added
/// tomorrow is behind the wall without anybody thinking of it.
pub async fn wall(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    match app.mode {
        Mode::Live => claimed(&app, request, next).await,
        Mode::Installed => signed(&app, request, next).await,
    }
}

async fn claimed(app: &App, mut request: Request, next: Next) -> Response {
    let path = request.uri().path();
    if path == "/claim" || path == "/robots.txt" || path.starts_with("/assets/") {
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

async fn signed(app: &App, mut request: Request, next: Next) -> Response {
    let path = request.uri().path();
    if path.starts_with("/assets/") {
        return next.run(request).await;
    }
    if api::is_of(path) {
        return api::door::enter(app, request, next).await;
    }
    let public = site::EXCEPTIONS.contains(&path);
    let cookie = session::read(request.headers(), session::COOKIE).map(str::to_owned);
    if let Some(cookie) = cookie {
        match member::find(app, &cookie).await {
            Ok(Some(signed)) if signed.must_set_up() && !public && !FIRST.contains(&path) => {
                return Redirect::to(SET_UP).into_response();
            }
            Ok(Some(signed)) => drop(request.extensions_mut().insert(signed)),
            Ok(None) => {}
            // Who cannot be told is a stranger; what strangers may see needs no directory.
            Err(_) if public => {}
            Err(failure) => return failure.into_response(),
        }
    }
    if public || request.extensions().get::<Signed>().is_some() {
        return next.run(request).await;
    }
    let path = request.uri().path_and_query().map_or("/", |path| path.as_str());
    if request.method() == Method::GET {
        return Redirect::to(&format!("/sign-in?next={}", going::escaped(path))).into_response();
    }
    Failure::Forbidden.into_response()
}

/// Let those pass who may do `action` somewhere.
pub async fn allowed(State(action): State<Action>, request: Request, next: Next) -> Response {
    let may = request.extensions().get::<Signed>().is_some_and(|signed| signed.may_somewhere(action));
    if may { next.run(request).await } else { Failure::Denied.into_response() }
}

/// `?lang=fr` on any page: keep the choice and show the page without it.
pub async fn language(request: Request, next: Next) -> Response {
    let query = request.uri().query().unwrap_or_default();
    let chosen = query.split('&').find_map(|pair| pair.strip_prefix("lang=")).and_then(tongue::parse);
    match chosen {
        // A path of two slashes would lead the redirect to another host.
        // Over plain HTTP a browser keeps no cookie of ours: the page looks at its address itself.
        _ if super::authority::is_plain(request.headers()) => next.run(request).await,
        Some(language) if request.method() == Method::GET && !request.uri().path().starts_with("//") => {
            let cookie = session::cookie(tongue::COOKIE, tongue::tag(language));
            ([(header::SET_COOKIE, cookie)], Redirect::to(&without_language(request.uri()))).into_response()
        }
        _ => next.run(request).await,
    }
}

/// The same page, `lang` left out of its query.
fn without_language(uri: &Uri) -> String {
    let query = uri.query().unwrap_or_default().split('&');
    let rest: Vec<&str> = query.filter(|pair| !pair.starts_with("lang=")).collect();
    if rest.is_empty() { uri.path().to_owned() } else { format!("{}?{}", uri.path(), rest.join("&")) }
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
    let of_api = app.mode == Mode::Installed && api::is_of(request.uri().path());
    let keyed = request.headers().contains_key(header::AUTHORIZATION);
    let response = next.run(request).await;
    let status = response.status();
    let refused = status.is_client_error() || status.is_server_error();
    let has_page = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"text/html"));
    if refused && of_api {
        return api::problem::explain(&app, language, keyed, &response);
    }
    if !refused || has_page || json {
        return response;
    }
    debug_assert!(response.body().size_hint().upper().is_some(), "a refusal is never a stream");
    let mut page = failure::explain(&app, language, &response).unwrap_or_else(|error| {
        eprintln!("{error:#}");
        status.into_response()
    });
    for kept in [header::ALLOW, header::RETRY_AFTER] {
        if let Some(value) = response.headers().get(&kept) {
            page.headers_mut().insert(kept, value.clone());
        }
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
        (header::X_FRAME_OPTIONS, "DENY"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
    response
}
