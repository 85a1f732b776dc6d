//! The page on which somebody lets a device in. It looks as the box's other pages do, by their style sheet,
//! and needs no script.

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;

use mazet_model::settings::Language;

use super::rows::Waiting;
use crate::nextcloud::answer::typed;
use crate::nextcloud::xml::escaped;
use crate::pages::{catalogue, language};

/// Nothing but the box's style, nobody's frame, no form that leaves.
const POLICY: &str = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; \
                      base-uri 'none'; frame-ancestors 'none'";

/// What the page shows.
pub(super) enum Page<'p> {
    /// May it come in?
    Question {
        login: &'p str,
        waiting: &'p Waiting,
        proof: &'p str,
    },
    Allowed,
    Refused,
    /// There is no such device, or it waits no more.
    Gone,
    /// The form was not this page's.
    Foreign,
}

pub(super) fn answer(status: StatusCode, reads: Language, page: &Page) -> Response {
    let content = match page {
        Page::Question { login, waiting, proof } => question(reads, login, waiting, proof),
        Page::Allowed => said(reads, "allowed"),
        Page::Refused => said(reads, "refused"),
        Page::Gone => said(reads, "gone"),
        Page::Foreign => said(reads, "foreign"),
    };
    let (tag, title) = (language::tag(reads), text(reads, "title"));
    let body = format!(
        "<!DOCTYPE html>\n<html lang=\"{tag}\">\n<head>\n<meta charset=\"utf-8\">\n<title>{title} – Mazet</title>\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<meta name=\"robots\" content=\"noindex\">\n\
         <link rel=\"icon\" href=\"/assets/logo.svg\" type=\"image/svg+xml\">\n\
         <link rel=\"stylesheet\" href=\"/assets/mazet.css\">\n</head>\n<body>\n<header class=\"top\">\n\
         <a class=\"brand\" href=\"/\"><img src=\"/assets/logo.svg\" alt=\"\" width=\"40\" height=\"40\">\
         <span>Mazet</span></a>\n</header>\n<main id=\"content\">\n{content}</main>\n</body>\n</html>\n"
    );
    let mut answer = typed(status, "text/html; charset=utf-8", body);
    let headers = [
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        // The address has the token.
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CACHE_CONTROL, "no-store"),
    ];
    let headers: [(HeaderName, &str); 5] = headers;
    answer.headers_mut().extend(headers.map(|(name, value)| (name, HeaderValue::from_static(value))));
    answer
}

/// A text of this page.
fn text(language: Language, key: &str) -> String {
    catalogue::say(language, &format!("device.{key}"), &[])
}

fn question(reads: Language, login: &str, waiting: &Waiting, proof: &str) -> String {
    let (device, address) = (escaped(&waiting.device), escaped(&waiting.address));
    let who = catalogue::say(reads, "device.who", &[("login", &escaped(login))]);
    let [question, device_is, address_is, what, warning, allow, refuse] =
        ["question", "device", "address", "what", "warning", "allow", "refuse"].map(|key| text(reads, key));
    format!(
        "<h1>{question}</h1>\n<dl>\n<dt>{device_is}</dt><dd>{device}</dd>\n\
         <dt>{address_is}</dt><dd>{address}</dd>\n</dl>\n\
         <p>{who} {what}</p>\n<p>{warning}</p>\n<form method=\"post\">\n\
         <input type=\"hidden\" name=\"proof\" value=\"{proof}\">\n\
         <button type=\"submit\" name=\"act\" value=\"allow\">{allow}</button>\n\
         <button type=\"submit\" name=\"act\" value=\"refuse\" class=\"secondary\">{refuse}</button>\n</form>\n",
    )
}

fn said(reads: Language, key: &str) -> String {
    let (title, back, said) = (text(reads, "title"), text(reads, "back"), text(reads, key));
    format!("<h1>{title}</h1>\n<p role=\"status\">{said}</p>\n<p><a href=\"/files/\">{back}</a></p>\n")
}
