//! The page on which somebody lets a device in. It looks as the box's other pages do, by their style sheet,
//! and needs no script.

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;

use super::rows::Waiting;
use super::texts::Texts;
use crate::nextcloud::answer::typed;
use crate::nextcloud::xml::escaped;

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

pub(super) fn answer(status: StatusCode, texts: &Texts, page: &Page) -> Response {
    let content = match page {
        Page::Question { login, waiting, proof } => question(texts, login, waiting, proof),
        Page::Allowed => said(texts, texts.allowed),
        Page::Refused => said(texts, texts.refused),
        Page::Gone => said(texts, texts.gone),
        Page::Foreign => said(texts, texts.foreign),
    };
    let Texts { tag, title, .. } = texts;
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

fn question(texts: &Texts, login: &str, waiting: &Waiting, proof: &str) -> String {
    let (who, device, address) =
        (texts.who.replace("{login}", &escaped(login)), escaped(&waiting.device), escaped(&waiting.address));
    let Texts { question, what, warning, allow, refuse, .. } = texts;
    format!(
        "<h1>{question}</h1>\n<dl>\n<dt>{}</dt><dd>{device}</dd>\n<dt>{}</dt><dd>{address}</dd>\n</dl>\n\
         <p>{who} {what}</p>\n<p>{warning}</p>\n<form method=\"post\">\n\
         <input type=\"hidden\" name=\"proof\" value=\"{proof}\">\n\
         <button type=\"submit\" name=\"act\" value=\"allow\">{allow}</button>\n\
         <button type=\"submit\" name=\"act\" value=\"refuse\" class=\"secondary\">{refuse}</button>\n</form>\n",
        texts.device, texts.address,
    )
}

fn said(texts: &Texts, text: &str) -> String {
    let Texts { title, back, .. } = texts;
    format!("<h1>{title}</h1>\n<p role=\"status\">{text}</p>\n<p><a href=\"/files/\">{back}</a></p>\n")
}
