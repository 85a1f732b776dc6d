//! Services of which exactly one is on: web servers, say.
//!
//! Services with the same word in `alternative` are all in the image. Which one is on, the
//! settings say; until they do, the recipe; where it is silent too, the first of the image.

use std::collections::{BTreeMap, BTreeSet};

use crate::manifest::Manifest;
use crate::setting_fault::SettingFault;
use crate::settings::Settings;

/// Marks in `services`, those of one image in its order, the one of each group that is on when
/// the settings name none. `choices` are the recipe's.
pub fn prefer(services: &mut [Manifest], choices: &BTreeMap<String, String>) {
    let mut done = BTreeSet::new();
    for manifest in services {
        let service = &mut manifest.service;
        let Some(word) = &service.alternative else { continue };
        service.preferred = match choices.get(word) {
            Some(name) => *name == service.name,
            None => done.insert(word.clone()),
        };
    }
}

/// One fault for each choice of `settings` that an image with `services` cannot follow.
pub fn faults(settings: &Settings, services: &[Manifest]) -> Vec<SettingFault> {
    settings.alternatives.iter().filter_map(|(word, name)| fault(word, name, services)).collect()
}

fn fault(word: &str, name: &str, services: &[Manifest]) -> Option<SettingFault> {
    let group = members(word, services);
    if group.is_empty() {
        let text = format!("alternatives.{word}: this box has no choice of that name");
        return Some(SettingFault::new("alternative_unknown", &[("choice", word)], text));
    }
    let names = group.join(", ");
    let text = format!("alternatives.{word}: {name:?} is none of {names}");
    let values = [("choice", word), ("name", name), ("names", &*names)];
    (!group.contains(&name)).then(|| SettingFault::new("alternative_none", &values, text))
}

/// Names of the services of the group `word`, in the order of `services`.
pub fn members<'s>(word: &str, services: &'s [Manifest]) -> Vec<&'s str> {
    let group = services.iter().filter(|manifest| manifest.service.alternative.as_deref() == Some(word));
    group.map(|manifest| manifest.service.name.as_str()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server(name: &str) -> Manifest {
        let text = format!(
            "[service]\nname = \"{name}\"\nalternative = \"server\"\n\
             title = {{ fr = \"S\", en = \"S\" }}\nsummary = {{ fr = \"S\", en = \"S\" }}\n"
        );
        Manifest::parse(&text).expect("a valid manifest")
    }

    fn on(settings: &Settings, choices: &[(&str, &str)]) -> Vec<String> {
        let mut services = [server("one"), server("two"), server("three")];
        let choices = choices.iter().map(|(word, name)| ((*word).to_owned(), (*name).to_owned())).collect();
        prefer(&mut services, &choices);
        let on = services.iter().filter(|manifest| settings.is_on(manifest));
        on.map(|manifest| manifest.service.name.clone()).collect()
    }

    #[test]
    fn the_settings_decide_then_the_recipe_then_the_order() {
        let mut settings = Settings::live();
        assert_eq!(on(&settings, &[]), ["one"]);
        assert_eq!(on(&settings, &[("server", "two")]), ["two"]);
        settings.alternatives.insert("server".to_owned(), "three".to_owned());
        assert_eq!(on(&settings, &[("server", "two")]), ["three"]);
    }

    #[test]
    fn a_choice_that_the_image_does_not_have_is_a_fault() {
        let mut settings = Settings::live();
        let services = [server("one"), server("two")];
        settings.alternatives.insert("server".to_owned(), "two".to_owned());
        assert_eq!(faults(&settings, &services), Vec::new());
        settings.alternatives.insert("server".to_owned(), "four".to_owned());
        settings.alternatives.insert("sever".to_owned(), "one".to_owned());
        let told: Vec<String> = faults(&settings, &services).iter().map(ToString::to_string).collect();
        assert_eq!(
            told,
            [
                "alternatives.server: \"four\" is none of one, two",
                "alternatives.sever: this box has no choice of that name"
            ]
        );
    }
}
