//! Which language a visitor reads: as on the box's other pages, with the same cookie.

use axum::http::HeaderMap;
use axum::http::header::{ACCEPT_LANGUAGE, COOKIE};
use mazet_model::settings::Language;

/// The cookie that keeps a visitor's choice on all pages of the box.
pub const CHOICE: &str = "__Host-mazet-lang";

/// The tag of a language.
pub fn tag(language: Language) -> &'static str {
    match language {
        Language::Fr => "fr",
        Language::En => "en",
    }
}

/// The language of a tag; only the primary subtag counts (RFC 5646).
pub fn parse(text: &str) -> Option<Language> {
    match text.trim().split('-').next()?.to_ascii_lowercase().as_str() {
        "fr" => Some(Language::Fr),
        "en" => Some(Language::En),
        _ => None,
    }
}

/// What the visitor reads: their choice, else what their browser says, else French.
pub fn of(headers: &HeaderMap) -> Language {
    let accepted = || accepted(headers.get(ACCEPT_LANGUAGE)?.to_str().ok()?);
    cookie(headers, CHOICE).and_then(parse).or_else(accepted).unwrap_or(Language::Fr)
}

/// The first of our languages by weight in an Accept-Language header (RFC 9110 § 12.5.4).
fn accepted(header: &str) -> Option<Language> {
    let mut best: Option<(Language, f32)> = None;
    for range in header.split(',') {
        let mut parts = range.split(';');
        let Some(language) = parts.next().and_then(parse) else { continue };
        let weight =
            parts.find_map(|part| part.trim().strip_prefix("q=")?.parse::<f32>().ok()).unwrap_or(1.0);
        if weight > best.map_or(0.0, |(_, weight)| weight) {
            best = Some((language, weight));
        }
    }
    best.map(|(language, _)| language)
}

/// The value of one cookie among a request's headers.
pub fn cookie<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get_all(COOKIE).iter().find_map(|header| {
        let mut pairs = header.to_str().ok()?.split(';').filter_map(|pair| pair.trim().split_once('='));
        pairs.find_map(|(key, value)| (key == name).then_some(value))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_choice_comes_first_then_the_browsers_weights() {
        let mut headers = HeaderMap::new();
        assert_eq!(of(&headers), Language::Fr);
        headers.insert(ACCEPT_LANGUAGE, "de, en;q=0.7, fr;q=0.2".parse().expect("a header"));
        assert_eq!(of(&headers), Language::En);
        headers.insert(COOKIE, "a=b; __Host-mazet-lang=fr".parse().expect("a header"));
        assert_eq!(of(&headers), Language::Fr);
    }
}
