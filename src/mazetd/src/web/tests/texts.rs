//! The catalogue against what uses it: templates and code.

use std::path::Path;

use mazet_model::settings::Language;

use crate::web::catalogue::Catalogue;

/// Keys that code puts together from a fixed beginning and a name in quotes.
const BEGINNINGS: [&str; 6] =
    ["association.", "install.stage.", "progress.stage_", "refused.", "steps.", "wifi."];

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
fn every_text_is_used() {
    let sources = all("pages", "hbs") + &all("src", "rs");
    for key in Catalogue::load().unwrap().keys() {
        let composed = BEGINNINGS
            .iter()
            .filter_map(|beginning| key.strip_prefix(beginning))
            .any(|rest| sources.contains(&format!("\"{rest}\"")));
        assert!(composed || sources.contains(&format!("\"{key}\"")), "nothing uses the text {key}");
    }
}
