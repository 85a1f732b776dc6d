//! All that these pages say, in French and in English: `catalogue/{fr,en}.toml`.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use mazet_model::settings::Language;

static FRENCH: LazyLock<BTreeMap<String, String>> =
    LazyLock::new(|| read(include_str!("../../catalogue/fr.toml")));
static ENGLISH: LazyLock<BTreeMap<String, String>> =
    LazyLock::new(|| read(include_str!("../../catalogue/en.toml")));

/// The text of a key, if there is one.
pub fn get(language: Language, key: &str) -> Option<&'static str> {
    texts(language).get(key).map(String::as_str)
}

/// The text of a key with `{name}` replaced by its value; a key without a text shows as itself.
pub fn say(language: Language, key: &str, values: &[(&str, &str)]) -> String {
    fill(get(language, key).unwrap_or(key), values)
}

/// The text for a number: that below `key_one` for one, else that below `key`.
pub fn count(language: Language, key: &str, count: usize) -> String {
    let one = count == 1 || (count == 0 && language == Language::Fr);
    let key = if one { format!("{key}_one") } else { key.to_owned() };
    say(language, &key, &[("count", &count.to_string())])
}

/// Every text below a table of the catalogue, by the rest of its key: what a script says.
pub fn below(language: Language, table: &str) -> BTreeMap<&'static str, &'static str> {
    let texts = texts(language).iter();
    texts
        .filter_map(|(key, text)| Some((key.strip_prefix(table)?.strip_prefix('.')?, text.as_str())))
        .collect()
}

/// Replace every `{name}` that `values` has. One pass: a value is never searched for names itself.
pub fn fill(text: &str, values: &[(&str, &str)]) -> String {
    let mut filled = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once('{') {
        filled.push_str(before);
        let known = after.split_once('}').and_then(|(name, after)| {
            values.iter().find(|(key, _)| *key == name).map(|(_, value)| (value, after))
        });
        match known {
            Some((value, after)) => {
                filled.push_str(value);
                rest = after;
            }
            None => {
                filled.push('{');
                rest = after;
            }
        }
    }
    filled.push_str(rest);
    filled
}

fn texts(language: Language) -> &'static BTreeMap<String, String> {
    match language {
        Language::Fr => &FRENCH,
        Language::En => &ENGLISH,
    }
}

/// A catalogue that does not parse (its test would say so) has no text.
fn read(file: &str) -> BTreeMap<String, String> {
    let tables: BTreeMap<String, BTreeMap<String, String>> = toml::from_str(file).unwrap_or_default();
    let texts = tables.into_iter().flat_map(|(table, texts)| {
        texts.into_iter().map(move |(key, text)| (format!("{table}.{key}"), text))
    });
    texts.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_languages_have_the_same_keys_and_the_same_gaps() {
        let gaps = |language| -> BTreeMap<&str, Vec<&str>> {
            let names = |text: &'static str| {
                let rest = text.split('{').skip(1);
                let mut names: Vec<&str> = rest.filter_map(|rest| Some(rest.split_once('}')?.0)).collect();
                names.sort_unstable();
                names
            };
            texts(language).iter().map(|(key, text)| (key.as_str(), names(text))).collect()
        };
        assert_eq!(gaps(Language::Fr), gaps(Language::En));
        assert!(FRENCH.len() > 50);
        assert!(FRENCH.values().chain(ENGLISH.values()).all(|text| !text.is_empty()));
    }

    #[test]
    fn numbers_have_their_grammar() {
        assert_eq!(count(Language::En, "list.entries", 0), "0 entries");
        assert_eq!(count(Language::En, "list.entries", 1), "1 entry");
        assert_eq!(count(Language::Fr, "list.entries", 0), "0 élément");
        assert_eq!(count(Language::Fr, "list.entries", 2), "2 éléments");
    }

    #[test]
    fn values_are_not_searched_for_names() {
        assert_eq!(fill("{a} and {b}, {c}", &[("a", "{b}"), ("b", "2")]), "{b} and 2, {c}");
    }
}
