//! Pages that services give to the operator: `[[report]]` of manifests.
//!
//! Nothing here knows what they are about. A unit of the service, sandboxed as its overlay says, writes the lines
//! of a page; another one does what the page offers; what a form asks for is kept where secrets are.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow};
use mazet_model::manifest::Manifest;
use mazet_model::report::{self, Act, Field, FieldKind, Line, Report, Row};
use mazet_model::values::{is_host_name, is_mail_address};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::run::{Program, Runner};
use crate::system::{self, below};
use crate::{files, random};

/// Folder of secrets, below the box's root.
const SECRETS: &str = "srv/mazet/secrets";
/// Most that is kept of a form: a person wrote each by hand.
const MOST: usize = 50;
/// Longest value of a field, in bytes.
const LONGEST: usize = 1000;

/// A page as it is now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Shown {
    /// What the manifest says of it.
    pub report: Report,
    /// What its unit wrote.
    pub lines: Vec<Line>,
}

/// An act, and what it is done to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Chosen {
    /// The service's name.
    pub service: String,
    /// The report's.
    pub report: String,
    /// The act's.
    pub act: String,
    /// The row's; none: the page as a whole.
    pub row: Option<String>,
}

/// What a form was filled in with.
#[derive(Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sent {
    /// The service's name.
    pub service: String,
    /// The report's.
    pub report: String,
    /// Values by the names of the fields, in clear.
    pub values: BTreeMap<String, String>,
}

/// Values may be secrets.
impl std::fmt::Debug for Sent {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Sent").field("service", &self.service).field("report", &self.report).finish()
    }
}

/// Why something asked of a page is not done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Wrong {
    /// There is no such page, act or row any more.
    #[error("there is nothing of this name any more")]
    Gone,
    /// A field cannot have its value.
    #[error("{0}")]
    Value(String),
    /// There are too many already.
    #[error("{MOST} are kept already")]
    Full,
}

impl Wrong {
    /// Its key in the catalogue, below `refused`.
    pub fn key(&self) -> &'static str {
        match self {
            Self::Gone => "report-gone",
            Self::Value(_) => "report-value",
            Self::Full => "report-full",
        }
    }
}

/// A page of the box at `root`, made now; none: no service that is on has it.
///
/// # Errors
/// When settings or manifests cannot be read, its unit fails, or what it wrote cannot be read.
pub fn show(root: &Path, service: &str, name: &str, runner: &Runner) -> Result<Option<Shown>> {
    let Some((_, report)) = find(root, service, name)? else { return Ok(None) };
    runner
        .run(Program::Systemctl, &["start", &report.unit])
        .with_context(|| format!("making the page {service}/{name}"))?;
    let lines = written(root, service, name)?;
    Ok(Some(Shown { report, lines }))
}

/// The lines that the unit of a page left the last time.
///
/// # Errors
/// When there are none, or they are no lines of a report.
pub fn written(root: &Path, service: &str, name: &str) -> Result<Vec<Line>> {
    let path = below(root, &report::path(service, name));
    let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    report::lines(&text).map_err(|fault| anyhow!("reading {}: {fault}", path.display()))
}

/// Does what a page of the box at `root` offers, and waits for it.
///
/// # Errors
/// [`Wrong`]: it is not offered; else its unit fails.
pub fn act(root: &Path, chosen: &Chosen, runner: &Runner) -> Result<()> {
    let Some((_, report)) = find(root, &chosen.service, &chosen.report)? else {
        return Err(Wrong::Gone.into());
    };
    let act = report.acts.iter().find(|act| act.name == chosen.act).ok_or(Wrong::Gone)?;
    let lines = written(root, &chosen.service, &chosen.report).unwrap_or_default();
    if !is_offered(act, chosen.row.as_deref(), &lines) {
        return Err(Wrong::Gone.into());
    }
    if let (true, Some(row)) = (act.forgets, &chosen.row) {
        let path = folder(root, &chosen.service, &chosen.report).join(format!("{row}.json"));
        return fs::remove_file(&path).with_context(|| format!("removing {}", path.display()));
    }
    let unit = report.act_unit.as_deref().and_then(|unit| unit.strip_suffix("@.service"));
    let unit = unit.context("the manifest names no unit for its acts")?;
    let instance = match &chosen.row {
        Some(row) => format!("{}:{row}", act.name),
        None => act.name.clone(),
    };
    runner.run(Program::Systemctl, &["start", &format!("{unit}@{instance}.service")]).map(drop)
}

/// Is the act offered to that row, or to the page as a whole?
fn is_offered(act: &Act, row: Option<&str>, lines: &[Line]) -> bool {
    let Some(id) = row else { return act.whole };
    let offers = |row: &Row| row.id.as_deref() == Some(id) && row.acts.contains(&act.name);
    report::is_id(id) && !act.whole && lines.iter().any(|line| matches!(line, Line::Row(row) if offers(row)))
}

/// Keeps what a form of the box at `root` was filled in with.
///
/// # Errors
/// [`Wrong`]: it cannot be taken; else it cannot be written.
pub fn keep(root: &Path, sent: &Sent) -> Result<()> {
    let found = find(root, &sent.service, &sent.report)?;
    let form = found.and_then(|(_, report)| report.form).ok_or(Wrong::Gone)?;
    let known = |name: &String| form.fields.iter().any(|field| field.name == *name);
    if !sent.values.keys().all(known) {
        return Err(Wrong::Gone.into());
    }
    for field in &form.fields {
        let value = sent.values.get(&field.name).map_or("", String::as_str);
        if !fits(field, value) {
            return Err(Wrong::Value(field.name.clone()).into());
        }
    }
    let folder = folder(root, &sent.service, &sent.report);
    files::make_folder(&folder, 0o700)?;
    if fs::read_dir(&folder).with_context(|| format!("reading {}", folder.display()))?.count() >= MOST {
        return Err(Wrong::Full.into());
    }
    let id = random::hex(&random::bytes::<6>()?);
    let text = serde_json::to_vec(&sent.values).context("writing what is kept")?;
    files::write_atomically(&folder.join(format!("{id}.json")), &text, 0o600, None)
}

fn fits(field: &Field, value: &str) -> bool {
    let line = !value.is_empty() && value.len() <= LONGEST && !value.chars().any(char::is_control);
    line && match field.kind {
        FieldKind::Host => is_host_name(value),
        FieldKind::Address => is_mail_address(value),
        FieldKind::Word => !value.contains(char::is_whitespace),
        FieldKind::Secret => true,
    }
}

fn folder(root: &Path, service: &str, report: &str) -> PathBuf {
    root.join(SECRETS).join(format!("{service}-{report}"))
}

/// A service that is on, and its report of that name.
fn find(root: &Path, service: &str, name: &str) -> Result<Option<(Manifest, Report)>> {
    let settings = system::settings(root)?;
    let mut on = system::services(root)?.into_iter().filter(|manifest| settings.is_on(manifest));
    let found = on.find(|manifest| manifest.service.name == service);
    Ok(found.and_then(|manifest| {
        let report = manifest.reports.iter().find(|report| report.name == name)?.clone();
        Some((manifest, report))
    }))
}

#[cfg(test)]
mod tests;
