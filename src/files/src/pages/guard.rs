//! What stands before and behind every page: headers, the cookie that forms are checked with, the choice
//! of a language, pages for refusals.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::http::{HeaderName, HeaderValue, Method, StatusCode, Uri, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Redirect, Response};
use serde_json::json;

use super::failure::Told;
use super::view::Page;
use super::{Site, catalogue, language};

/// Nothing but the box's own files, nobody's frame, no form that leaves.
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; \
    media-src 'self'; frame-src 'self'; connect-src 'self'; form-action 'self'; base-uri 'none'; \
    frame-ancestors 'none'";

/// The cookie whose content our forms prove to know.
pub const COOKIE: &str = "__Host-mazet-files";

/// The content of the cookie, put beside a request.
#[derive(Clone)]
pub struct Key(pub String);

/// Sees that a browser has a cookie for forms. It says nothing of who they are: that the front web
/// server tells.
pub async fn key(mut request: Request, next: Next) -> Response {
    let known = language::cookie(request.headers(), COOKIE).filter(|key| is_key(key)).map(str::to_owned);
    if let Some(key) = known {
        request.extensions_mut().insert(Key(key));
        return next.run(request).await;
    }
    let mut bytes = [0; 32];
    if let Err(error) = getrandom::fill(&mut bytes) {
        return super::Failure::from(error).into_response();
    }
    let key = hex(&bytes);
    request.extensions_mut().insert(Key(key.clone()));
    let mut response = next.run(request).await;
    let cookie = format!("{COOKIE}={key}; Path=/; Secure; HttpOnly; SameSite=Lax");
    if let Ok(cookie) = cookie.parse() {
        response.headers_mut().append(header::SET_COOKIE, cookie);
    }
    response
}

fn is_key(text: &str) -> bool {
    text.len() == 64 && text.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// Bytes as hexadecimal digits.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// `?lang=fr` on any page: keep the choice and show the page without it.
pub async fn language(request: Request, next: Next) -> Response {
    let query = request.uri().query().unwrap_or_default();
    let chosen = query.split('&').find_map(|pair| pair.strip_prefix("lang=")).and_then(language::parse);
    match chosen {
        Some(chosen) if request.method() == Method::GET => {
            let cookie = format!(
                "{}={}; Path=/; Secure; HttpOnly; SameSite=Strict",
                language::CHOICE,
                language::tag(chosen)
            );
            let there = without(request.uri(), "lang=");
            ([(header::SET_COOKIE, cookie)], Redirect::to(&there)).into_response()
        }
        _ => next.run(request).await,
    }
}

/// A path and query without the fields that begin so.
pub fn without(uri: &Uri, field: &str) -> String {
    let query = uri.query().unwrap_or_default().split('&');
    let rest: Vec<&str> = query.filter(|pair| !pair.is_empty() && !pair.starts_with(field)).collect();
    // Two slashes would lead to another host.
    let path = format!("/{}", uri.path().trim_start_matches('/'));
    if rest.is_empty() { path } else { format!("{path}?{}", rest.join("&")) }
}

/// Gives every bare refusal its page, in the visitor's language; a script's question, its text.
pub async fn explain(State(site): State<Arc<Site>>, request: Request, next: Next) -> Response {
    let language = language::of(request.headers());
    let signed = request.uri().path().starts_with("/files/");
    let script = request.uri().path().starts_with("/files/uploads");
    let response = next.run(request).await;
    let status = response.status();
    let has_body = response.headers().contains_key(header::CONTENT_TYPE)
        && response.extensions().get::<Told>().is_none();
    // axum's own refusals are texts in English.
    let plain = response
        .headers()
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"text/plain"));
    if !(status.is_client_error() || status.is_server_error()) || has_body && !plain {
        return response;
    }
    let key = response.extensions().get::<Told>().map_or_else(|| by_status(status), |told| told.0);
    let text = catalogue::say(language, key, &[]);
    let mut answer = if script {
        (status, axum::Json(json!({ "error": text }))).into_response()
    } else {
        refusal(&site, language, status, &text, signed)
    };
    for kept in [header::ALLOW, header::RETRY_AFTER, header::CONTENT_RANGE, header::SET_COOKIE] {
        if let Some(value) = response.headers().get(&kept) {
            answer.headers_mut().insert(kept, value.clone());
        }
    }
    answer
}

fn refusal(
    site: &Site,
    language: mazet_model::settings::Language,
    status: StatusCode,
    text: &str,
    signed: bool,
) -> Response {
    let title = catalogue::say(language, "fault.title", &[]);
    let data = json!({ "status": status.as_u16(), "text": text, "signed": signed });
    let page = Page {
        template: "error",
        title: &title,
        here: if signed { "/files/" } else { "/" },
        menu: signed,
        data,
    };
    site.pages.response(language, status, &page).unwrap_or_else(|error| {
        eprintln!("rendering a page: {error}");
        status.into_response()
    })
}

fn by_status(status: StatusCode) -> &'static str {
    match status.as_u16() {
        404 => "fault.not_found",
        413 => "fault.large",
        416 => "fault.range",
        400..500 => "fault.bad",
        _ => "fault.failed",
    }
}

/// The headers of every answer that has not got its own.
pub async fn headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // A share link is a secret that stands in an address.
        (header::REFERRER_POLICY, "no-referrer"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
        (HeaderName::from_static("x-robots-tag"), "noindex"),
        (header::CACHE_CONTROL, "no-store"),
    ] {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
    response
}
