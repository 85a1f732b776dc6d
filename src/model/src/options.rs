//! What can be chosen of a service: `[[option]]` of a manifest, `[options.<service>]` of `box.toml`.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value, json};

use crate::manifest::{Manifest, Text};
use crate::setting_fault::SettingFault;
use crate::settings::Settings;

/// A choice that the operator has: `[[option]]`. Templates name it as `options.<service>.<option>`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct ServiceOption {
    /// Its name within the service: small letters.
    pub name: String,
    /// What people read.
    pub title: Text,
    /// The value that holds where the settings say nothing.
    pub default: String,
    /// What there is to choose from.
    #[serde(default, rename = "value")]
    pub values: Vec<OptionValue>,
}

/// What can be chosen: `[[option.value]]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct OptionValue {
    /// Its name.
    pub name: String,
    /// What people read.
    pub title: Text,
    /// What it means.
    pub text: Text,
    /// A `[[report]]` of the service that must have passed before it can be chosen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub report: Option<String>,
}

/// Options of services in the settings: by the service's name, then by the option's.
pub type Chosen = BTreeMap<String, BTreeMap<String, String>>;

/// The value that holds.
pub fn value<'s>(settings: &'s Settings, service: &str, option: &'s ServiceOption) -> &'s str {
    let written = settings.options.get(service).and_then(|options| options.get(&option.name));
    written.map_or(option.default.as_str(), String::as_str)
}

/// Does `only`, as a port of the service writes it (`way=full`), hold?
pub fn holds(settings: &Settings, manifest: &Manifest, only: &str) -> bool {
    let Some((name, wanted)) = only.split_once('=') else { return false };
    let option = manifest.options.iter().find(|option| option.name == name);
    option.is_some_and(|option| value(settings, &manifest.service.name, option) == wanted)
}

/// The options of services that are on, as templates name them.
pub fn context(settings: &Settings, on: &[&Manifest]) -> Value {
    let of = |manifest: &&Manifest| -> Option<(String, Value)> {
        let service = &manifest.service.name;
        let pair = |option: &ServiceOption| (option.name.clone(), json!(value(settings, service, option)));
        let options: Map<String, Value> = manifest.options.iter().map(pair).collect();
        (!options.is_empty()).then(|| (service.clone(), Value::Object(options)))
    };
    Value::Object(on.iter().filter_map(of).collect())
}

/// What is wrong with those of the settings, on a box with `services`.
pub fn faults(settings: &Settings, services: &[Manifest]) -> Vec<SettingFault> {
    let mut faults = Vec::new();
    for (service, chosen) in &settings.options {
        let manifest = services.iter().find(|manifest| manifest.service.name == *service);
        for (name, value) in chosen {
            let option =
                manifest.and_then(|manifest| manifest.options.iter().find(|option| option.name == *name));
            let path = format!("options.{service}.{name}");
            let values = [("path", path.as_str()), ("value", value.as_str())];
            match option {
                None => {
                    let text = format!("{path}: this box has no such option");
                    faults.push(SettingFault::new("option_unknown", &values, text));
                }
                Some(option) if !option.values.iter().any(|one| one.name == *value) => {
                    let known: Vec<&str> = option.values.iter().map(|one| one.name.as_str()).collect();
                    let text = format!("{path}: {value:?} is none of {}", known.join(", "));
                    faults.push(SettingFault::new("option_value", &values, text));
                }
                Some(_) => {}
            }
        }
    }
    faults
}

/// Values that `wished` chooses and `earlier` did not, each with its service and the report that must have passed.
pub fn to_be_proven<'m>(
    earlier: &Settings,
    wished: &Settings,
    services: &'m [Manifest],
) -> Vec<(&'m Manifest, &'m OptionValue, &'m str)> {
    let mut all = Vec::new();
    for manifest in services.iter().filter(|manifest| wished.is_on(manifest)) {
        let service = &manifest.service.name;
        for option in &manifest.options {
            let new = value(wished, service, option);
            let found = option.values.iter().find(|one| one.name == new);
            let Some((found, report)) = found.and_then(|one| Some((one, one.report.as_deref()?))) else {
                continue;
            };
            if value(earlier, service, option) != new {
                all.push((manifest, found, report));
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn manifest() -> Manifest {
        let text = "title = { fr = \"T\", en = \"T\" }\ntext = { fr = \"T\", en = \"T\" }\n";
        let text = format!(
            "[service]\nname = \"post\"\ntitle = {{ fr = \"T\", en = \"T\" }}\nsummary = {{ fr = \"S\", en = \"S\" }}\n\
             [[option]]\nname = \"way\"\ntitle = {{ fr = \"T\", en = \"T\" }}\ndefault = \"inside\"\n\
             [[option.value]]\nname = \"inside\"\n{text}[[option.value]]\nname = \"full\"\n{text}report = \"open\"\n"
        );
        Manifest::parse(&text).expect("a manifest")
    }

    fn chosen(service: &str, option: &str, value: &str) -> Settings {
        let mut settings = Settings::live();
        let of = settings.options.entry(service.to_owned()).or_default();
        of.insert(option.to_owned(), value.to_owned());
        settings
    }

    #[test]
    fn what_is_not_chosen_is_the_default() {
        let manifest = manifest();
        assert_eq!(context(&Settings::live(), &[&manifest])["post"]["way"], "inside");
        let full = chosen("post", "way", "full");
        assert_eq!(context(&full, &[&manifest])["post"]["way"], "full");
        assert!(holds(&full, &manifest, "way=full") && !holds(&Settings::live(), &manifest, "way=full"));
        assert!(!holds(&full, &manifest, "full") && !holds(&full, &manifest, "away=full"));
    }

    #[test]
    fn only_what_there_is_can_be_chosen() {
        let services = [manifest()];
        let told = |settings: &Settings| {
            faults(settings, &services).iter().map(ToString::to_string).collect::<Vec<_>>()
        };
        assert!(told(&chosen("post", "way", "full")).is_empty());
        assert_eq!(
            told(&chosen("post", "way", "out")),
            ["options.post.way: \"out\" is none of inside, full"]
        );
        assert_eq!(told(&chosen("pots", "way", "full")), ["options.pots.way: this box has no such option"]);
    }

    #[test]
    fn a_new_choice_is_to_be_proven_and_an_old_one_is_not() {
        let (services, full, live) = ([manifest()], chosen("post", "way", "full"), Settings::live());
        let proofs = |earlier: &Settings, wished: &Settings| {
            let all = to_be_proven(earlier, wished, &services);
            all.iter().map(|one| one.2.to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(proofs(&live, &full), ["open"]);
        assert!(proofs(&full, &full).is_empty() && proofs(&full, &live).is_empty());
    }
}
