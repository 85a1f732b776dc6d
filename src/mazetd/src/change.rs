//! Changing the box's settings: what a change would do, doing it, and how the last one ended.
//!
//! The broker may not touch units and files of services. It writes the wished settings down
//! ([`order`]), and a unit of its own, `mazet-settings.service`, puts them in force ([`carry_out`])
//! and writes down how that ended ([`last`]).

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use mazet_model::manifest::{Manifest, Text};
use mazet_model::options;
use mazet_model::report;
use mazet_model::setting_fault::SettingFault;
use mazet_model::settings::Settings;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};
use toml::{Table, Value};

use crate::apply::{self, Faulty, Outcome};
use crate::protocol::Wifi;
use crate::run::{Program, Runner};
use crate::{files, reports, system, trial, wifi};

/// Puts the wished settings in force.
const UNIT: &str = "mazet-settings.service";

/// The settings in force, and what the image offers.
#[derive(Debug, Clone, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Current {
    /// `box.toml`.
    pub settings: Settings,
    /// SHA-256 of `box.toml` in hexadecimal: names this version of it.
    pub version: String,
    /// The image's services, in dependency order.
    pub services: Vec<Service>,
}

/// A service of the image.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Service {
    /// Its name in manifests and settings.
    pub name: String,
    /// What people read.
    pub title: Text,
    /// One sentence.
    pub summary: Text,
    /// It may be switched off.
    pub optional: bool,
    /// What it is one of several of, of which exactly one is on.
    pub alternative: Option<String>,
    /// It is on.
    pub on: bool,
    /// What can be chosen of it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub options: Vec<Choice>,
    /// Its pages for the operator.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub reports: Vec<Page>,
}

/// An option of a service.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Choice {
    /// Its name.
    pub name: String,
    /// What people read.
    pub title: Text,
    /// The value that holds.
    pub value: String,
    /// What there is to choose from.
    pub values: Vec<ChoiceValue>,
}

/// What can be chosen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ChoiceValue {
    /// Its name.
    pub name: String,
    /// What people read.
    pub title: Text,
    /// What it means.
    pub text: Text,
    /// The report of the service that must have passed before.
    pub report: Option<String>,
    /// It holds, or it could be chosen now.
    pub offered: bool,
}

/// A page of a service for the operator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Page {
    /// Its name within the service.
    pub name: String,
    /// What people read.
    pub title: Text,
    /// One sentence.
    pub summary: Text,
}

/// What a change would do.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Preview {
    /// What is wrong with the settings; then the rest is empty.
    pub faults: Vec<SettingFault>,
    /// Settings that become others.
    pub settings: Vec<Changed>,
    /// Files written or removed, by their path on the box.
    pub files: Vec<String>,
    /// What would be asked of units: `reload nginx.service`.
    pub units: Vec<String>,
    /// What would be made in databases.
    pub databases: Vec<String>,
    /// Unified diff of the files.
    pub diff: String,
}

/// One setting that becomes another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Changed {
    /// Its dotted path in `box.toml`.
    pub path: String,
    /// The value so far, as TOML; empty where there was none.
    pub old: String,
    /// The new value, as TOML; empty where there is none any more.
    pub new: String,
}

/// How the last change stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Last {
    /// It is under way.
    pub running: bool,
    /// Why it failed; the earlier settings are back then.
    pub error: Option<String>,
    /// Files that were written or removed.
    pub files: Vec<String>,
    /// What was asked of units.
    pub units: Vec<String>,
}

/// The folders that a change passes through.
#[derive(Debug, Clone)]
pub struct Desk {
    root: PathBuf,
    folder: PathBuf,
}

impl Desk {
    /// The running box's.
    pub fn running() -> Self {
        Self { root: PathBuf::from("/"), folder: PathBuf::from("/run/mazet/settings") }
    }

    #[cfg(test)]
    pub fn below(folder: &Path) -> Self {
        Self { root: folder.join("root"), folder: folder.join("run") }
    }

    fn wished(&self) -> PathBuf {
        self.folder.join("wished.toml")
    }

    fn wifi(&self) -> PathBuf {
        self.folder.join("wifi.json")
    }

    fn outcome(&self) -> PathBuf {
        self.folder.join("outcome.json")
    }

    fn keep(&self, last: &Last) -> Result<()> {
        files::make_folder(&self.folder, 0o700)?;
        files::write_atomically(&self.outcome(), &serde_json::to_vec(last)?, 0o600, None)
    }
}

/// The settings in force.
///
/// # Errors
/// When `box.toml` or a manifest cannot be read.
pub fn current(root: &Path) -> Result<Current> {
    let settings = system::settings(root)?;
    let offered = system::services(root)?.into_iter().map(|manifest| Service {
        on: settings.is_on(&manifest),
        options: choices(root, &settings, &manifest),
        reports: pages(&manifest),
        optional: manifest.service.optional,
        alternative: manifest.service.alternative,
        name: manifest.service.name,
        title: manifest.service.title,
        summary: manifest.service.summary,
    });
    Ok(Current { services: offered.collect(), version: version(root)?, settings })
}

fn choices(root: &Path, settings: &Settings, manifest: &Manifest) -> Vec<Choice> {
    let service = &manifest.service.name;
    let choice = |option: &options::ServiceOption| {
        let chosen = options::value(settings, service, option);
        let value = |one: &options::OptionValue| ChoiceValue {
            name: one.name.clone(),
            title: one.title.clone(),
            text: one.text.clone(),
            offered: one.name == chosen
                || one.report.as_ref().is_none_or(|name| is_proven(root, service, name)),
            report: one.report.clone(),
        };
        Choice {
            name: option.name.clone(),
            title: option.title.clone(),
            value: chosen.to_owned(),
            values: option.values.iter().map(value).collect(),
        }
    };
    manifest.options.iter().map(choice).collect()
}

fn pages(manifest: &Manifest) -> Vec<Page> {
    let page = |one: &report::Report| Page {
        name: one.name.clone(),
        title: one.title.clone(),
        summary: one.summary.clone(),
    };
    manifest.reports.iter().map(page).collect()
}

/// Did the report say, since the machine started, that all is as it must be?
fn is_proven(root: &Path, service: &str, name: &str) -> bool {
    reports::written(root, service, name).is_ok_and(|lines| report::passed(&lines))
}

/// Choices that need a proof which there is not.
fn unproven(root: &Path, earlier: &Settings, wished: &Settings) -> Result<Vec<SettingFault>> {
    let services = system::services(root)?;
    let needed = options::to_be_proven(earlier, wished, &services);
    let lacking =
        needed.into_iter().filter(|(manifest, _, name)| !is_proven(root, &manifest.service.name, name));
    let fault = |(manifest, value, name): (&Manifest, &options::OptionValue, &str)| {
        let service = &manifest.service.name;
        let text = format!(
            "options.{service}: {:?} can be chosen once the page {service}/{name} says that all is ready",
            value.name
        );
        SettingFault::new("option_unproven", &[], text)
    };
    Ok(lacking.map(fault).collect())
}

fn version(root: &Path) -> Result<String> {
    let path = root.join(system::BOX_TOML);
    let text = fs::read(&path).with_context(|| format!("reading {}", path.display()))?;
    Ok(Sha256::digest(text).iter().map(|byte| format!("{byte:02x}")).collect())
}

/// What `settings` would change; nothing is.
///
/// # Errors
/// When a template cannot be rendered, or a file or a unit not be looked at.
pub fn preview(desk: &Desk, settings: &Settings, runner: &Runner) -> Result<Preview> {
    let earlier = system::settings(&desk.root)?;
    let faults = unproven(&desk.root, &earlier, settings)?;
    if !faults.is_empty() {
        return Ok(Preview { faults, ..Preview::default() });
    }
    let mut changed = differences(&earlier, settings)?;
    if key(desk, &earlier, settings).is_some_and(|key| key.is_new) {
        let hidden = String::from("••••••");
        changed.push(Changed { path: "wifi.key".to_owned(), old: String::new(), new: hidden });
    }
    match apply::preview(&desk.root, settings, runner) {
        Ok(Outcome { users, files, units, databases, diff }) => {
            let units = users.into_iter().chain(units).collect();
            Ok(Preview { faults: Vec::new(), settings: changed, files, units, databases, diff })
        }
        Err(error) => match error.downcast::<Faulty>() {
            Ok(faulty) => Ok(Preview { faults: faulty.faults, ..Preview::default() }),
            Err(error) => Err(error),
        },
    }
}

/// Settings that differ, by their dotted paths.
///
/// # Errors
/// When settings cannot be written as TOML.
fn differences(old: &Settings, new: &Settings) -> Result<Vec<Changed>> {
    let flat = |settings: &Settings| -> Result<BTreeMap<String, String>> {
        let mut lines = BTreeMap::new();
        flatten(&Table::try_from(settings).context("writing settings as TOML")?, "", &mut lines);
        Ok(lines)
    };
    let (old, new) = (flat(old)?, flat(new)?);
    let paths: BTreeSet<_> = old.keys().chain(new.keys()).collect();
    let value =
        |lines: &BTreeMap<String, String>, path: &String| lines.get(path).cloned().unwrap_or_default();
    let changed = paths.into_iter().filter(|path| old.get(*path) != new.get(*path));
    Ok(changed
        .map(|path| Changed { path: path.clone(), old: value(&old, path), new: value(&new, path) })
        .collect())
}

fn flatten(table: &Table, prefix: &str, lines: &mut BTreeMap<String, String>) {
    for (key, value) in table {
        let path = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
        match value {
            Value::Table(inner) => flatten(inner, &path, lines),
            other => drop(lines.insert(path, other.to_string())),
        }
    }
}

/// Keeps a Wi-Fi that the operator wishes, with its key, until settings that name it are ordered or
/// the machine restarts.
///
/// # Errors
/// When it cannot be written.
pub fn wish_wifi(desk: &Desk, wifi: &Wifi) -> Result<()> {
    files::make_folder(&desk.folder, 0o700)?;
    files::write_atomically(&desk.wifi(), &serde_json::to_vec(wifi)?, 0o600, None)
}

/// The key of the Wi-Fi that settings name.
struct Key {
    /// None: an open network.
    key: Option<String>,
    /// It is not the one that the box has.
    is_new: bool,
}

/// The key that belongs to `wished`: the one that came with the wish, else the one that the box has
/// for the same network. None: no Wi-Fi.
fn key(desk: &Desk, earlier: &Settings, wished: &Settings) -> Option<Key> {
    let ssid = wished.wifi.ssid.as_ref()?;
    let same = |wifi: &Wifi| wifi.ssid.as_ref() == Some(ssid);
    let old = wifi::of_settings(&desk.root, earlier).filter(same).and_then(|wifi| wifi.key);
    let read = fs::read(desk.wifi()).ok().and_then(|text| serde_json::from_slice::<Wifi>(&text).ok());
    let key = match read.filter(same) {
        Some(wifi) => wifi.key,
        None => old.clone(),
    };
    Some(Key { is_new: key != old, key })
}

/// Writes the wished settings down and has them put in force; does not wait. `seen` is the
/// [`Current::version`] that the wish was made on.
///
/// # Errors
/// When somebody else changed the settings meanwhile, another change runs, or the unit does not
/// start.
pub fn order(desk: &Desk, settings: &Settings, seen: &str, runner: &Runner) -> Result<()> {
    if version(&desk.root)? != seen {
        bail!(Outdated);
    }
    if last(desk).running {
        bail!(Busy);
    }
    if let Some(fault) = unproven(&desk.root, &system::settings(&desk.root)?, settings)?.first() {
        bail!("{fault}");
    }
    files::make_folder(&desk.folder, 0o700)?;
    let text = toml::to_string(settings).context("writing the settings as TOML")?;
    files::write_atomically(&desk.wished(), text.as_bytes(), 0o600, None)?;
    desk.keep(&Last { running: true, ..Last::default() })?;
    let started = runner.run(Program::Systemctl, &["start", "--no-block", UNIT]);
    if let Err(error) = &started {
        desk.keep(&Last { error: Some(format!("{error:#}")), ..Last::default() })?;
    }
    started.map(drop)
}

/// Somebody changed the settings after they were shown.
#[derive(Debug, thiserror::Error)]
#[error("the settings were changed meanwhile: look at them again")]
pub struct Outdated;

/// A change is under way.
#[derive(Debug, thiserror::Error)]
#[error("another change of the settings is under way: wait until it has ended")]
pub struct Busy;

/// Puts the wished settings in force, and writes down how that ended: the unit's work.
///
/// # Errors
/// When the outcome cannot be written, or the change failed (it is written down too).
pub fn carry_out(desk: &Desk, runner: &Runner) -> Result<()> {
    let wished = desk.wished();
    let attempt = fs::read_to_string(&wished)
        .with_context(|| format!("reading {}", wished.display()))
        .and_then(|text| toml::from_str(&text).context("reading the wished settings"))
        .and_then(|settings| put_in_force(desk, &settings, runner));
    // Not twice: a unit that is started by hand finds nothing to do.
    let _ = fs::remove_file(&wished);
    let _ = fs::remove_file(desk.wifi());
    match attempt {
        Ok(Outcome { files, units, .. }) => desk.keep(&Last { files, units, ..Last::default() }),
        Err(error) => {
            desk.keep(&Last { error: Some(format!("{error:#}")), ..Last::default() })?;
            Err(error)
        }
    }
}

/// Puts settings in force, those of the network on trial, and waits for it: for root's own commands. `wifi`
/// is the network that they name, with its key, where another one is wished.
///
/// # Errors
/// When the settings are faulty, or applying them fails: the earlier ones are back then.
pub fn now(desk: &Desk, wished: &Settings, wifi: Option<&Wifi>, runner: &Runner) -> Result<Outcome> {
    if let Some(wifi) = wifi {
        wish_wifi(desk, wifi)?;
    }
    let outcome = put_in_force(desk, wished, runner);
    let _ = fs::remove_file(desk.wifi());
    outcome
}

/// Puts settings in force; those of the network on trial.
fn put_in_force(desk: &Desk, wished: &Settings, runner: &Runner) -> Result<Outcome> {
    let root = &desk.root;
    let _lock = trial::lock(root)?;
    let earlier = system::settings(root)?;
    let key = key(desk, &earlier, wished);
    let has_new_key = key.as_ref().is_some_and(|key| key.is_new);
    if !trial::is_needed(&earlier, wished) && !has_new_key {
        return apply::change_settings(root, wished, runner);
    }
    let is_first = trial::begin(root, &earlier, wished)?;
    let attempt = trial::arm(root, runner).and_then(|()| apply::change_settings(root, wished, runner));
    let outcome = match attempt {
        Ok(outcome) => outcome,
        Err(error) => {
            if is_first {
                trial::forget(root, runner)?;
            }
            return Err(error);
        }
    };
    if has_new_key || earlier.wifi != wished.wifi {
        wifi::keep_key(root, key.and_then(|key| key.key).as_deref())?;
        wifi::reconnect(runner)?;
    }
    // Applying took its time: the operator is given all of theirs.
    trial::arm(root, runner)?;
    Ok(outcome)
}

/// How the last change since the start of the machine stands.
pub fn last(desk: &Desk) -> Last {
    let read = fs::read(desk.outcome()).ok();
    read.and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default()
}

/// `settings` with the value at the dotted `path` of `box.toml` exchanged: `ssh.enabled`, `true`.
/// A value that is no TOML is taken as text.
///
/// # Errors
/// When there is no such setting, or it cannot have this value.
pub fn set(settings: &Settings, path: &str, value: &str) -> Result<Settings> {
    let mut table = Table::try_from(settings).context("writing settings as TOML")?;
    let value = toml::from_str::<Table>(&format!("value = {value}"))
        .ok()
        .and_then(|mut parsed| parsed.remove("value"))
        .unwrap_or_else(|| Value::String(value.to_owned()));
    let mut keys: Vec<&str> = path.split('.').collect();
    let name = keys.pop().unwrap_or_default();
    let mut place = &mut table;
    for key in keys {
        let inner = place.entry(key.to_owned()).or_insert_with(|| Value::Table(Table::new()));
        place =
            inner.as_table_mut().with_context(|| format!("{path} is no setting: {key} holds no others"))?;
    }
    place.insert(name.to_owned(), value);
    table.try_into().with_context(|| format!("setting {path}"))
}

#[cfg(test)]
mod tests;
