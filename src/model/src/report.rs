//! Pages that a service gives to the operator: `[[report]]` of a manifest, and the lines that its program writes.
//!
//! The manifest names a unit, sandboxed as its service wishes; the lines that it leaves are what the page shows.
//! Who shows them knows nothing of what they are about.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::manifest::Text;

/// Folder of the files that units of reports leave; root's own.
pub const FOLDER: &str = "/run/mazet";
/// Longest name of a row: it becomes a part of a unit's name.
const LONGEST_ID: usize = 64;

/// A page that a service gives to the operator: `[[report]]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Report {
    /// Its name within the service.
    pub name: String,
    /// What people read.
    pub title: Text,
    /// One sentence about it.
    pub summary: Text,
    /// A `[[unit]]` of the service, `Type=oneshot`, that runs when the page is opened. What it writes is the page:
    /// lines of JSON, which its `StandardOutput=truncate:` brings to `/run/mazet/report-<service>-<name>.jsonl`.
    pub unit: String,
    /// With acts: a `[[unit]]` of the service, `Type=oneshot`, whose name ends in `@.service`. Its instance is
    /// `<act>`, or `<act>:<row>`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub act_unit: Option<String>,
    /// What can be done there.
    #[serde(default, rename = "act", skip_serializing_if = "Vec::is_empty")]
    pub acts: Vec<Act>,
    /// Something with a secret that can be added.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub form: Option<Form>,
}

/// What can be done on the page: `[[report.act]]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Act {
    /// Its name.
    pub name: String,
    /// What its button says.
    pub title: Text,
    /// Done to the page as a whole, not to a row of it.
    #[serde(default)]
    pub whole: bool,
    /// What the form added is forgotten by it.
    #[serde(default)]
    pub forgets: bool,
}

/// A form: `[report.form]`. What is sent is kept as one JSON object, for root alone, in
/// `/srv/mazet/secrets/<service>-<report>/<row>.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Form {
    /// Its title.
    pub title: Text,
    /// What it is for.
    pub text: Text,
    /// What its button says.
    pub button: Text,
    /// What is asked.
    #[serde(default, rename = "field")]
    pub fields: Vec<Field>,
}

/// A field: `[[report.form.field]]`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Field {
    /// Its name.
    pub name: String,
    /// What people read.
    pub title: Text,
    /// What it looks like.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hint: Option<Text>,
    /// What it holds.
    pub kind: FieldKind,
}

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FieldKind {
    /// A host name of several labels.
    Host,
    /// A mail address.
    Address,
    /// One word.
    Word,
    /// One line that is never shown again.
    Secret,
}

/// A line of a report.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(tag = "line", deny_unknown_fields, rename_all = "kebab-case")]
pub enum Line {
    /// What follows is about something else.
    Section {
        /// About what.
        title: Text,
        /// What people need to know about it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        text: Option<Text>,
        /// What is said where no row follows.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        empty: Option<Text>,
    },
    /// One thing.
    Row(Row),
    /// Whether all is as it must be, for options that are offered only then.
    Verdict {
        /// It is.
        passed: bool,
        /// The same for people.
        title: Text,
    },
}

/// One thing of a report.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Row {
    /// Its name, for acts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// What it is.
    pub title: Text,
    /// How it is.
    #[serde(default)]
    pub level: Level,
    /// When, in seconds since 1970.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub at: Option<i64>,
    /// What there is to say, a sentence each.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub facts: Vec<Text>,
    /// The words of somebody else, as they came.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub quote: Option<String>,
    /// What is to be copied elsewhere.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub copy: Vec<Copied>,
    /// Acts of the manifest that it can be done to.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub acts: Vec<String>,
}

/// A value that people copy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Copied {
    /// What it is.
    pub title: Text,
    /// It.
    pub value: String,
    /// Also shown as a QR code.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub code: bool,
}

/// How a thing is.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Level {
    /// Nothing to say.
    #[default]
    Plain,
    /// Well.
    Good,
    /// Not well.
    Bad,
    /// Nobody could tell, or it does not matter yet.
    Open,
}

/// The lines of a report.
///
/// # Errors
/// A line that is none, by its number.
pub fn lines(text: &str) -> Result<Vec<Line>, String> {
    let filled = text.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    filled
        .map(|(at, line)| serde_json::from_str(line).map_err(|error| format!("line {}: {error}", at + 1)))
        .collect()
}

/// Did the report say that all is as it must be?
pub fn passed(lines: &[Line]) -> bool {
    let mut verdicts = lines.iter().filter_map(|line| match line {
        Line::Verdict { passed, .. } => Some(*passed),
        _ => None,
    });
    verdicts.next().is_some_and(|first| first && verdicts.all(|more| more))
}

/// Can a row be called so? It becomes a part of the names of units and files.
pub fn is_id(id: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    (1..=LONGEST_ID).contains(&id.len()) && !id.starts_with(['.', '-']) && id.bytes().all(plain)
}

/// Where the unit of a report leaves its lines.
pub fn path(service: &str, report: &str) -> String {
    format!("{FOLDER}/report-{service}-{report}.jsonl")
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROW: &str =
        r#"{"line":"row","id":"4b","title":{"fr":"A","en":"A"},"level":"bad","acts":["retry"]}"#;

    #[test]
    fn a_report_is_read_line_by_line() {
        let read = lines(&format!("{ROW}\n\n{ROW}\n")).expect("lines");
        assert_eq!(read.len(), 2);
        let Line::Row(row) = &read[0] else { panic!("a row") };
        assert_eq!((row.id.as_deref(), row.level, row.facts.len()), (Some("4b"), Level::Bad, 0));
        assert!(lines(&format!("{ROW}\n{{}}")).expect_err("no line").starts_with("line 2: "));
    }

    #[test]
    fn nothing_passes_that_does_not_say_so() {
        let verdict = |passed| Line::Verdict { passed, title: Text::default() };
        assert!(!passed(&[]));
        assert!(passed(&[verdict(true)]));
        assert!(!passed(&[verdict(true), verdict(false)]));
    }

    #[test]
    fn names_of_rows_are_parts_of_names() {
        for good in ["4bXkQz1dHkz2", "ada", "a.b-c_d"] {
            assert!(is_id(good), "{good}");
        }
        for bad in ["", "-r", "..", "a/b", "a b", "a:b", "a@b", &"a".repeat(65)] {
            assert!(!is_id(bad), "{bad}");
        }
    }
}
