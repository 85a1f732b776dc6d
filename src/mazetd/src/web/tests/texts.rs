//! The catalogue against what uses it: templates and code.

use std::path::Path;

use mazet_model::settings::{Language, Settings};

use crate::web::catalogue::Catalogue;

/// Keys that code puts together from a fixed beginning and a name in quotes.
const BEGINNINGS: [&str; 13] = [
    "association.",
    "health.",
    "health.subject.",
    "install.stage.",
    "network.",
    "operation.",
    "progress.stage_",
    "refused.",
    "role.",
    "setting_fault.",
    "steps.",
    "task.",
    "wifi.",
];

/// The text of every file with this extension below a folder of the crate.
fn sources(folder: &Path, extension: &str, found: &mut Vec<String>) {
    for entry in std::fs::read_dir(folder).unwrap().map(Result::unwrap) {
        let path = entry.path();
        if path.is_dir() {
            sources(&path, extension, found);
        } else if path.extension().is_some_and(|ending| ending == extension) {
            found.push(std::fs::read_to_string(&path).unwrap());
        }
    }
}

fn all(folder: &str, extension: &str) -> String {
    let mut found = Vec::new();
    sources(&Path::new(env!("CARGO_MANIFEST_DIR")).join(folder), extension, &mut found);
    found.concat()
}

/// What stands in quotes after each `opening`.
fn quoted<'t>(text: &'t str, opening: &'t str) -> impl Iterator<Item = &'t str> {
    text.split(opening).skip(1).filter_map(|rest| rest.split_once('"').map(|(key, _)| key))
}

#[test]
fn every_key_that_a_template_or_the_broker_names_has_a_text() {
    let catalogue = Catalogue::load().unwrap();
    let (pages, code) = (all("pages", "hbs"), all("src", "rs"));
    let broker = all("src/broker", "rs");
    let refusals: Vec<String> =
        quoted(&broker, "Refusal::new(\"").map(|key| format!("refused.{key}")).collect();
    let refusals = refusals.iter().map(String::as_str);
    let said = quoted(&code, ".say(\"").filter(|key| !key.contains('{'));
    let keys: Vec<&str> = quoted(&pages, "t \"").chain(refusals).chain(said).collect();
    assert!(keys.len() > 100, "only {} keys were found: does this test still read the sources?", keys.len());
    for key in keys {
        assert!(catalogue.get(Language::En, key).is_some(), "no text has the key {key}");
    }
}

#[test]
fn french_signs_stay_on_the_line_of_their_words() {
    let of = |path: &str| std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap();
    let texts = of("catalogue/fr.toml") + &all("catalogue/fr", "toml") + &of("../files/catalogue/fr.toml");
    let manifests = all("../../recipes/services", "toml");
    let spoken = manifests.lines().filter(|line| line.contains("fr = \""));
    let texts: Vec<&str> =
        texts.lines().filter(|line| !line.starts_with('#') && line.contains(" = \"")).chain(spoken).collect();
    assert!(texts.len() > 500, "only {} texts were found", texts.len());
    for text in texts {
        let apart = [" ?", " !", " :", " ;", " »", "« "].into_iter().find(|sign| text.contains(sign));
        assert_eq!(apart, None, "an ordinary space stands at a sign: {text}");
    }
}

/// What the directory says: `event.<what it recorded>`, `invalid.<field>.<fault>`.
fn said_by_the_directory(key: &str, directory: &str) -> bool {
    let quoted = |word: &str| directory.contains(&format!("\"{word}\""));
    if let Some(event) = key.strip_prefix("event.") {
        // The part before the dot may stand alone: `format!("{}.take", …)`.
        return quoted(event)
            || event
                .split_once('.')
                .is_some_and(|(kind, what)| quoted(kind) && directory.contains(&format!(".{what}\"")));
    }
    let value = key.strip_prefix("invalid.").and_then(|rest| rest.split_once('.'));
    let names = directory.to_lowercase();
    value.is_some_and(|(field, fault)| {
        names.contains(&format!("field::{field}")) && names.contains(&format!("fault::{fault}"))
    })
}

/// What settings and manifests name: `setting.<path in box.toml>`, `value.<what stands there>`,
/// `alternative.<group of services>`.
fn said_of_data(key: &str, manifests: &str) -> bool {
    let known = |path: &str| match crate::change::set(&Settings::live(), path, "text") {
        Ok(_) => true,
        Err(error) => !format!("{error:#}").contains("unknown field"),
    };
    // The key of the Wi-Fi is a secret beside the settings, and stands in a preview as if it were one.
    key.strip_prefix("setting.").is_some_and(|path| path == "wifi.key" || known(path))
        || ["public", "member", "password", "nobody"]
            .map(|access| format!("sites.access_{access}"))
            .contains(&key.to_owned())
        || ["true", "false", "static", "dhcp", "fr", "en"]
            .map(|value| format!("value.{value}"))
            .contains(&key.to_owned())
        || key
            .strip_prefix("alternative.")
            .is_some_and(|group| manifests.contains(&format!("alternative = \"{group}\"")))
}

#[test]
fn every_text_is_used() {
    let sources = all("pages", "hbs") + &all("src", "rs") + &all("../model/src", "rs");
    let directory = all("../directory/src", "rs");
    let manifests = all("../../recipes/services", "toml");
    for key in Catalogue::load().unwrap().keys() {
        if said_by_the_directory(key, &directory) || said_of_data(key, &manifests) {
            continue;
        }
        // Texts that depend on a number go by the one for many.
        let key = key.strip_suffix("_none").or(key.strip_suffix("_one")).unwrap_or(key);
        let composed = BEGINNINGS
            .iter()
            .filter_map(|beginning| key.strip_prefix(beginning))
            .any(|rest| sources.contains(&format!("\"{rest}\"")));
        assert!(composed || sources.contains(&format!("\"{key}\"")), "nothing uses the text {key}");
    }
}
