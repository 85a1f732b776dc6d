//! What the page says, in French and in English.

use axum::http::{HeaderMap, header};

/// The texts of one language.
pub(super) struct Texts {
    pub tag: &'static str,
    pub title: &'static str,
    pub question: &'static str,
    /// `{login}`.
    pub who: &'static str,
    pub device: &'static str,
    pub address: &'static str,
    pub what: &'static str,
    pub warning: &'static str,
    pub allow: &'static str,
    pub refuse: &'static str,
    pub allowed: &'static str,
    pub refused: &'static str,
    pub gone: &'static str,
    pub foreign: &'static str,
    pub back: &'static str,
}

const FRENCH: Texts = Texts {
    tag: "fr",
    title: "Connecter un appareil",
    question: "Laisser entrer cet appareil ?",
    who: "Vous êtes {login}.",
    device: "Appareil",
    address: "Demande venue de",
    what: "Il pourra lire et changer vos fichiers et ceux de vos associations, jusqu’à ce que vous retiriez \
           son mot de passe d’application.",
    warning: "Si vous ne venez pas de connecter cet appareil vous-même, refusez : quelqu’un essaie peut-être \
              d’entrer à votre place.",
    allow: "Laisser entrer",
    refuse: "Refuser",
    allowed: "L’appareil peut entrer. Vous pouvez fermer cette page et y retourner.",
    refused: "L’appareil n’entre pas.",
    gone: "Cette demande n’existe plus : elle a servi, ou plus de vingt minutes ont passé. Recommencez sur \
           l’appareil.",
    foreign: "Cette page a vieilli. Rien n’a été changé : recommencez sur l’appareil.",
    back: "Vos fichiers",
};

const ENGLISH: Texts = Texts {
    tag: "en",
    title: "Connect a device",
    question: "Let this device in?",
    who: "You are {login}.",
    device: "Device",
    address: "Asked from",
    what: "It will be able to read and change your files and those of your associations, until you take back \
           its application password.",
    warning: "If you did not just connect this device yourself, refuse: somebody may be trying to get in in \
              your place.",
    allow: "Let it in",
    refuse: "Refuse",
    allowed: "The device is let in. You can close this page and go back to it.",
    refused: "The device is not let in.",
    gone: "There is no such request any more: it was used, or more than twenty minutes have passed. Start \
           again on the device.",
    foreign: "This page is too old. Nothing was changed: start again on the device.",
    back: "Your files",
};

/// Those that the visitor reads: their choice on the box's pages, else what their browser says first, else
/// French.
pub(super) fn of(headers: &HeaderMap) -> &'static Texts {
    let text = |name| headers.get(name).and_then(|value: &axum::http::HeaderValue| value.to_str().ok());
    let cookies = text(header::COOKIE).unwrap_or_default().split(';');
    let chosen = cookies.filter_map(|pair| pair.trim().strip_prefix("__Host-mazet-lang=")).next();
    let accepted = text(header::ACCEPT_LANGUAGE).unwrap_or_default().split([',', ';']);
    let wanted = chosen.into_iter().chain(accepted).map(|tag| tag.trim().to_ascii_lowercase());
    let known = wanted.filter_map(|tag| match tag.split('-').next() {
        Some("fr") => Some(&FRENCH),
        Some("en") => Some(&ENGLISH),
        _ => None,
    });
    known.take(1).next().unwrap_or(&FRENCH)
}
