//! All that the box says, in French and in English: `catalogue/{fr,en}.toml` and `catalogue/{fr,en}/*.toml`.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use anyhow::Context;
use mazet_model::settings::Language;

const FRENCH: [&str; 10] = [
    include_str!("../../catalogue/fr.toml"),
    include_str!("../../catalogue/fr/account.toml"),
    include_str!("../../catalogue/fr/api.toml"),
    include_str!("../../catalogue/fr/people.toml"),
    include_str!("../../catalogue/fr/machine.toml"),
    include_str!("../../catalogue/fr/certificates.toml"),
    include_str!("../../catalogue/fr/mail.toml"),
    include_str!("../../catalogue/fr/leaving.toml"),
    include_str!("../../catalogue/fr/report.toml"),
    include_str!("../../catalogue/fr/websites.toml"),
];
const ENGLISH: [&str; 10] = [
    include_str!("../../catalogue/en.toml"),
    include_str!("../../catalogue/en/account.toml"),
    include_str!("../../catalogue/en/api.toml"),
    include_str!("../../catalogue/en/people.toml"),
    include_str!("../../catalogue/en/machine.toml"),
    include_str!("../../catalogue/en/certificates.toml"),
    include_str!("../../catalogue/en/mail.toml"),
    include_str!("../../catalogue/en/leaving.toml"),
    include_str!("../../catalogue/en/report.toml"),
    include_str!("../../catalogue/en/websites.toml"),
];

static SHARED: LazyLock<Catalogue> = LazyLock::new(|| Catalogue::load().unwrap_or_default());

/// Texts by language and dotted key.
#[derive(Default)]
pub struct Catalogue {
    french: BTreeMap<String, String>,
    english: BTreeMap<String, String>,
}

impl Catalogue {
    /// Read the catalogues that the program carries.
    ///
    /// # Errors
    /// One is not TOML, or holds something other than texts, or a key twice.
    pub fn load() -> anyhow::Result<Self> {
        Ok(Self {
            french: read(&FRENCH).context("reading the French catalogue")?,
            english: read(&ENGLISH).context("reading the English catalogue")?,
        })
    }

    /// The catalogue of the whole program. One that does not parse (its tests would say so) has no
    /// text: keys show as themselves.
    pub fn shared() -> &'static Self {
        &SHARED
    }

    /// The text of a key, if there is one.
    pub fn get(&self, language: Language, key: &str) -> Option<&str> {
        let texts = match language {
            Language::Fr => &self.french,
            Language::En => &self.english,
        };
        texts.get(key).map(String::as_str)
    }

    /// Every key.
    #[cfg(test)]
    pub fn keys(&self) -> impl Iterator<Item = &str> {
        self.english.keys().map(String::as_str)
    }

    /// The text of a key with `{name}` replaced by its value; a key without a text shows as itself
    /// (tests look up every key that code and templates use).
    pub fn say(&self, language: Language, key: &str, values: &[(&str, &str)]) -> String {
        fill(self.get(language, key).unwrap_or(key), values)
    }
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

fn read(files: &[&str]) -> anyhow::Result<BTreeMap<String, String>> {
    let mut texts = BTreeMap::new();
    for file in files {
        flatten("", &file.parse::<toml::Table>()?, &mut texts)?;
    }
    Ok(texts)
}

fn flatten(prefix: &str, table: &toml::Table, texts: &mut BTreeMap<String, String>) -> anyhow::Result<()> {
    for (key, value) in table {
        let key = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
        match value {
            toml::Value::String(text) => {
                anyhow::ensure!(texts.insert(key.clone(), text.clone()).is_none(), "{key} is there twice");
            }
            toml::Value::Table(table) => flatten(&key, table, texts)?,
            other => anyhow::bail!("{key} is a {}, not a text", other.type_str()),
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_languages_have_the_same_keys_and_the_same_gaps() {
        let catalogue = Catalogue::load().unwrap();
        let gaps = |texts: &BTreeMap<String, String>| -> BTreeMap<String, Vec<String>> {
            let names = |text: &str| {
                let mut names: Vec<String> = text
                    .split('{')
                    .skip(1)
                    .filter_map(|rest| rest.split_once('}').map(|(name, _)| name.to_owned()))
                    .collect();
                names.sort();
                names
            };
            texts.iter().map(|(key, text)| (key.clone(), names(text))).collect()
        };
        assert_eq!(gaps(&catalogue.french), gaps(&catalogue.english));
        assert!(catalogue.french.values().chain(catalogue.english.values()).all(|text| !text.is_empty()));
    }

    #[test]
    fn values_are_not_searched_for_names() {
        assert_eq!(fill("{a} and {b}, {c}", &[("a", "{b}"), ("b", "2")]), "{b} and 2, {c}");
    }
}
