//! Is the box well? The report of `mazetd health`.
//!
//! A finding is a key and its values, the same in every language; its sentence is in the catalogue.

mod checks;
mod page;

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use mazet_model::manifest::Text;
use mazet_model::settings::Language;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::run::{Program, Runner};
use crate::web::catalogue::Catalogue;

/// The unit that writes [`STORED`]: checks ask the box over its network, which the broker has not.
const UNIT: &str = "mazet-health.service";
/// Where [`UNIT`] leaves its report.
const STORED: &str = "/run/mazet/health.json";
/// The value that is itself a key of the catalogue, and is said in the reader's language.
const TOLD: &str = "told";

/// A health report.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// Every finding, good and bad.
    pub findings: Vec<Finding>,
}

/// One finding.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Finding {
    /// What was looked at: `units`, `disk-space`, `clock`, `certificate`, `web/home-page`.
    pub subject: String,
    /// What people call it, where a manifest names it; else the catalogue does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub title: Option<Text>,
    /// Well or not.
    pub ok: bool,
    /// What was found: the catalogue's key below `health.`.
    pub key: String,
    /// What goes into its sentence, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub values: BTreeMap<String, String>,
}

impl Finding {
    /// What was looked at, as people call it.
    pub fn title(&self, catalogue: &Catalogue, language: Language) -> String {
        let known = catalogue.get(language, &format!("health.subject.{}", self.subject));
        match (&self.title, known) {
            (Some(title), _) => title.of(language).to_owned(),
            (None, Some(title)) => title.to_owned(),
            (None, None) => self.subject.clone(),
        }
    }

    /// What was found, in one sentence.
    pub fn sentence(&self, catalogue: &Catalogue, language: Language) -> String {
        let said = |(name, value): (&'_ String, &'_ String)| match name.as_str() {
            TOLD => (name.clone(), catalogue.say(language, value, &[])),
            _ => (name.clone(), value.clone()),
        };
        let values: Vec<(String, String)> = self.values.iter().map(said).collect();
        let values: Vec<(&str, &str)> =
            values.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        catalogue.say(language, &format!("health.{}", self.key), &values)
    }
}

impl Report {
    /// What is not well.
    pub fn bad(&self) -> impl Iterator<Item = &Finding> {
        self.findings.iter().filter(|finding| !finding.ok)
    }

    /// Is everything well?
    pub fn is_well(&self) -> bool {
        self.bad().next().is_none()
    }

    /// One line a finding, and a last one that sums up.
    pub fn text(&self, catalogue: &Catalogue, language: Language) -> String {
        let say = |key: &str, values: &[(&str, &str)]| catalogue.say(language, key, values);
        let titles: Vec<String> = self.findings.iter().map(|one| one.title(catalogue, language)).collect();
        let width = titles.iter().map(|title| title.chars().count()).max().unwrap_or_default();
        let mut text = String::new();
        for (finding, title) in self.findings.iter().zip(titles) {
            let mark = say(if finding.ok { "health.mark_good" } else { "health.mark_bad" }, &[]);
            text.push_str(&format!(
                "{mark:<6}  {title:<width$}  {}\n",
                finding.sentence(catalogue, language)
            ));
        }
        let bad = self.bad().count();
        text.push_str(&match bad {
            0 => say("health.all_well", &[]),
            1 => say("health.bad_one", &[]),
            _ => say("health.bad", &[("count", &bad.to_string())]),
        });
        text.push('\n');
        text
    }
}

/// Looks at everything, now.
pub fn report(runner: &Runner) -> Report {
    Report { findings: checks::all(runner) }
}

/// Has [`UNIT`] look at everything, and reads its report.
///
/// # Errors
/// When the unit cannot run or left no report.
pub fn stored(runner: &Runner) -> Result<Report> {
    runner.run(Program::Systemctl, &["start", UNIT])?;
    let text = fs::read_to_string(Path::new(STORED)).with_context(|| format!("reading {STORED}"))?;
    serde_json::from_str(&text).with_context(|| format!("reading {STORED}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn report() -> Report {
        let finding = |subject: &str, ok, key: &str, values: &[(&str, &str)]| Finding {
            subject: subject.to_owned(),
            title: None,
            ok,
            key: key.to_owned(),
            values: values.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect(),
        };
        let title = Text { fr: "Salon".to_owned(), en: "Chat".to_owned() };
        let room = finding("chat/room", true, "command_works", &[]);
        Report {
            findings: vec![
                finding("units", true, "units_well", &[]),
                finding("certificate", false, "certificate_ends", &[("days", "12")]),
                Finding { title: Some(title), ..room },
            ],
        }
    }

    #[test]
    fn a_report_reads_as_lines_and_sums_up_in_the_boxs_language() {
        assert!(!report().is_well());
        insta::assert_snapshot!(report().text(Catalogue::shared(), Language::En), @r"
        ok      Units        No unit failed.
        FAIL    Certificate  Ends in 12 days; “mazetd apply” makes a new one.
        ok      Chat         It works.
        1 check failed.
        ");
        insta::assert_snapshot!(report().text(Catalogue::shared(), Language::Fr), @r"
        bien    Programmes  Aucun programme en panne.
        À VOIR  Certificat  Se termine dans 12 jours ; « mazetd apply » en fait un nouveau.
        bien    Salon       Fonctionne.
        Une chose à voir.
        ");
    }

    #[test]
    fn programs_read_keys_and_values() {
        let text = serde_json::to_string(&report()).expect("text");
        let expected = r#"{"findings":[{"subject":"units","ok":true,"key":"units_well"},{"subject":"certificate","ok":false,"key":"certificate_ends","values":{"days":"12"}},{"subject":"chat/room","title":{"fr":"Salon","en":"Chat"},"ok":true,"key":"command_works"}]}"#;
        assert_eq!(text, expected);
        assert_eq!(serde_json::from_str::<Report>(&text).expect("a report").findings, report().findings);
    }
}
