//! Which language a visitor reads: their choice, else their browser's, else the box's.

use axum::http::HeaderMap;
use axum::http::header::ACCEPT_LANGUAGE;
use mazet_model::settings::Language;

use super::session;

/// The cookie that keeps the visitor's choice. No secret, but no reason to show it to scripts.
pub const COOKIE: &str = "__Host-mazet-lang";

/// The tag of a language, as HTML and the catalogue's file names write it.
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

/// The visitor's language.
pub fn of(headers: &HeaderMap) -> Option<Language> {
    chosen(headers).or_else(|| accepted(headers.get(ACCEPT_LANGUAGE)?.to_str().ok()?))
}

/// The language that the visitor chose on a page.
pub fn chosen(headers: &HeaderMap) -> Option<Language> {
    session::read(headers, COOKIE).and_then(parse)
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_browsers_weights_count() {
        for (header, expected) in [
            ("fr-FR,fr;q=0.9,en;q=0.8", Some(Language::Fr)),
            ("en-GB;q=0.5, fr;q=0.7", Some(Language::Fr)),
            ("de, en;q=0.3, fr;q=0.2", Some(Language::En)),
            ("fr;q=0", None),
            ("de", None),
            ("", None),
        ] {
            assert_eq!(accepted(header), expected, "{header}");
        }
    }

    #[test]
    fn the_visitors_choice_comes_first() {
        let mut headers = HeaderMap::new();
        headers.insert("accept-language", "fr".parse().unwrap());
        assert_eq!(of(&headers), Some(Language::Fr));
        headers.insert("cookie", "__Host-mazet-lang=en".parse().unwrap());
        assert_eq!(of(&headers), Some(Language::En));
    }
}
