//! What is ordered of web sites: written down by the broker, carried out by `mazet-websites.service`.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};
use mazet_model::claim;
use mazet_model::manifest::Manifest;
use mazet_model::setting_fault::SettingFault;
use mazet_model::settings::{Language, Settings, Website};
use mazet_model::site_faults;
use mazet_model::site_kind::SiteKind;
use mazet_model::sites::{FIRST, HOMES, LAST_NUMBER};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::{archive, find, tree};
use crate::run::{Program, Runner};
use crate::system::below;
use crate::{apply, files, random, run, system, trial};

/// Carries an order out.
const UNIT: &str = "mazet-websites.service";

/// What is ordered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "act", rename_all = "kebab-case", deny_unknown_fields)]
pub enum Order {
    /// Another site.
    Add {
        /// What it shall be.
        site: NewSite,
        /// Who may do everything there.
        administrator: Administrator,
    },
    /// A site goes, with its data and its archives.
    Remove {
        /// Its number.
        id: u16,
    },
    /// All of it in one file.
    BackUp {
        /// Its number.
        id: u16,
    },
    /// It becomes what it was.
    Restore {
        /// Its number.
        id: u16,
        /// When the archive was made, in seconds since 1970.
        archive: i64,
    },
}

/// A site that is wished for.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSite {
    /// Its name: a small letter, then up to 20 small letters, digits and dashes.
    pub name: String,
    /// Its kind, by name.
    pub kind: String,
    /// Number of the association.
    pub organisation: i64,
    /// A public name of its own.
    pub domain: Option<String>,
    /// Of a kind that shows one: the folder among the association's files.
    pub folder: Option<String>,
}

/// Who may do everything on a new site, where its kind has accounts of its own.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Administrator {
    /// Login there.
    pub login: String,
    /// Full name.
    pub name: String,
    /// Mail address; may be empty.
    pub contact: String,
    /// What they read.
    pub language: Language,
    /// In clear: it is made for this, and shown once.
    pub password: String,
}

impl std::fmt::Debug for Administrator {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Administrator").field("login", &self.login).finish_non_exhaustive()
    }
}

/// How the last act since the start of the machine stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Last {
    /// It is under way.
    pub running: bool,
    /// What it is or was: `add`, `remove`, `back-up`, `restore`; empty: there was none.
    pub act: String,
    /// The site's name.
    pub site: String,
    /// Number of its association.
    pub organisation: i64,
    /// Why it failed.
    pub error: Option<String>,
}

/// The folders that an order passes through.
#[derive(Debug, Clone)]
pub struct Desk {
    /// The box.
    pub root: PathBuf,
    folder: PathBuf,
}

/// Another order is under way.
#[derive(Debug, thiserror::Error)]
#[error("another change of web sites is under way: wait until it has ended")]
pub struct Busy;

/// Whether the folder of a site is there.
#[derive(PartialEq, Eq)]
enum Folder {
    There,
    Missing,
}

/// What is wished cannot be.
#[derive(Debug, thiserror::Error)]
#[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("; "))]
pub struct Refused(pub Vec<SettingFault>);

impl Desk {
    /// The running box's.
    pub fn running() -> Self {
        Self { root: PathBuf::from("/"), folder: PathBuf::from("/run/mazet/websites") }
    }

    #[cfg(test)]
    pub fn below(folder: &Path) -> Self {
        Self { root: folder.join("root"), folder: folder.join("run") }
    }

    fn order(&self) -> PathBuf {
        self.folder.join("order.json")
    }

    fn outcome(&self) -> PathBuf {
        self.folder.join("outcome.json")
    }

    fn keep(&self, last: &Last) -> Result<()> {
        files::make_folder(&self.folder, 0o700)?;
        files::write_atomically(&self.outcome(), &serde_json::to_vec(last)?, 0o600, None)
    }
}

impl Order {
    fn act(&self) -> &'static str {
        match self {
            Self::Add { .. } => "add",
            Self::Remove { .. } => "remove",
            Self::BackUp { .. } => "back-up",
            Self::Restore { .. } => "restore",
        }
    }

    /// What is told of it while it runs.
    fn begun(&self, settings: &Settings) -> Last {
        let (site, organisation) = match self {
            Self::Add { site, .. } => (site.name.clone(), site.organisation),
            Self::Remove { id } | Self::BackUp { id } | Self::Restore { id, .. } => {
                let known = settings.sites.iter().find(|site| site.number == *id);
                known.map(|site| (site.name.clone(), site.organisation)).unwrap_or_default()
            }
        };
        Last { running: true, act: self.act().to_owned(), site, organisation, error: None }
    }
}

/// A password for the first administrator of a site, as people read it.
///
/// # Errors
/// When the kernel has no random numbers.
pub fn password() -> Result<String> {
    let byte = || random::bytes::<1>().map(|[byte]| byte);
    Ok(claim::grouped(&format!("{}{}", claim::draw(byte)?, claim::draw(byte)?)))
}

/// Looks whether an order can be carried out; nothing is done.
///
/// # Errors
/// [`Refused`] where a person can mend it; else what failed.
pub fn check(desk: &Desk, order: &Order) -> Result<()> {
    let (settings, services) = (system::settings(&desk.root)?, system::services(&desk.root)?);
    match order {
        Order::Add { site, .. } => {
            let wished = with(&desk.root, &settings, site)?;
            let faults = site_faults::faults(&wished, &services);
            ensure!(faults.is_empty(), Refused(faults));
            let new = wished.sites.last().context("it was just added")?;
            let (_, kind) = find(&wished, &services, new.number)?;
            let on = services.iter().any(|one| one.service.name == new.kind && wished.is_on(one));
            if !on {
                let text = format!("the kind {:?} is switched off", new.kind);
                bail!(Refused(vec![SettingFault::new("site_kind", &[("value", &new.kind)], text)]));
            }
            published(&desk.root, &kind, new).map(drop)
        }
        Order::Remove { id } | Order::BackUp { id } => find(&settings, &services, *id).map(drop),
        Order::Restore { id, archive } => {
            let (site, _) = find(&settings, &services, *id)?;
            archive::open(&desk.root, &site.name, *archive).map(drop)
        }
    }
}

/// The folder that it would show is there, or is yet to be made. What lies behind a link is not there.
fn published(root: &Path, kind: &SiteKind, site: &Website) -> Result<Folder> {
    let (Some(place), Some(folder)) = (&kind.publishes, &site.folder) else { return Ok(Folder::There) };
    match tree::open(root, &format!("{place}/{folder}")) {
        Ok(_) => return Ok(Folder::There),
        Err(error) if tree::is_missing(&error) && !kind.prepare.is_empty() => return Ok(Folder::Missing),
        Err(_) => {}
    }
    let text = format!("{folder:?} is no folder among the association's files");
    bail!(Refused(vec![SettingFault::new("site_folder_none", &[("value", folder)], text)]))
}

/// Makes the folder that the site shows, with a first page, by the command that its kind names.
fn prepare(kind: &SiteKind) -> Result<()> {
    match run::of_manifest(&kind.prepare).context("making the folder of the site")? {
        None => Ok(()),
        Some(how) => bail!("making the folder of the site: {how}"),
    }
}

/// Writes an order down and has it carried out; does not wait.
///
/// # Errors
/// It cannot be carried out, another one runs ([`Busy`]), or the unit does not start.
pub fn give(desk: &Desk, order: &Order, runner: &Runner) -> Result<()> {
    ensure!(!last(desk).running, Busy);
    check(desk, order)?;
    files::make_folder(&desk.folder, 0o700)?;
    files::write_atomically(&desk.order(), &serde_json::to_vec(order)?, 0o600, None)?;
    let begun = order.begun(&system::settings(&desk.root)?);
    desk.keep(&begun)?;
    let started = runner.run(Program::Systemctl, &["start", "--no-block", UNIT]);
    if let Err(error) = &started {
        desk.keep(&Last { running: false, error: Some(format!("{error:#}")), ..begun })?;
    }
    started.map(drop)
}

/// How the last act stands.
pub fn last(desk: &Desk) -> Last {
    let read = fs::read(desk.outcome()).ok();
    read.and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default()
}

/// Carries the order out that was written down, and writes down how that ended: the unit's work.
///
/// # Errors
/// When the outcome cannot be written, or the act failed (it is written down too).
pub fn carry_out(desk: &Desk, runner: &Runner) -> Result<()> {
    let text = fs::read(desk.order()).with_context(|| format!("reading {}", desk.order().display()))?;
    // It may hold a password.
    fs::remove_file(desk.order()).context("taking the order")?;
    let order: Order = serde_json::from_slice(&text).context("reading the order")?;
    let begun = order.begun(&system::settings(&desk.root)?);
    let ended = now(desk, &order, runner);
    let error = ended.as_ref().err().map(|error| format!("{error:#}"));
    desk.keep(&Last { running: false, error, ..begun })?;
    ended
}

/// Carries an order out, and waits for it: for root's own commands.
///
/// # Errors
/// When it cannot be carried out. What was begun is undone as far as it can be.
pub fn now(desk: &Desk, order: &Order, runner: &Runner) -> Result<()> {
    check(desk, order)?;
    let _lock = trial::lock(&desk.root)?;
    let (settings, services) = (system::settings(&desk.root)?, system::services(&desk.root)?);
    match order {
        Order::Add { site, administrator } => add(desk, (&settings, &services), site, administrator, runner),
        Order::Remove { id } => remove(desk, (&settings, &services), *id, runner),
        Order::BackUp { id } => {
            let (site, kind) = find(&settings, &services, *id)?;
            paused(&kind, &kind.pause, runner, || {
                dumped(&kind, runner, || archive::make(&desk.root, &site, &kind))
            })
        }
        Order::Restore { id, archive } => {
            let (site, kind) = find(&settings, &services, *id)?;
            let all = running(&kind);
            let load = || start(runner, kind.load.as_ref(), "making what lies elsewhere as the archive says");
            paused(&kind, &all, runner, || archive::restore(&desk.root, &site, &kind, *archive, load))
        }
    }
}

/// The settings with another site; its number is above all that are, or ever were while their folders lie there.
fn with(root: &Path, settings: &Settings, new: &NewSite) -> Result<Settings> {
    let used = settings.sites.iter().map(|site| site.number).chain(tree::numbers(&below(root, HOMES), FIRST));
    let number = used.max().unwrap_or(0) + 1;
    ensure!(
        number <= LAST_NUMBER,
        "the box has had {LAST_NUMBER} web sites, which is all that it can number"
    );
    let mut wished = settings.clone();
    wished.sites.push(Website {
        name: new.name.clone(),
        number,
        kind: new.kind.clone(),
        organisation: new.organisation,
        domain: new.domain.clone().filter(|domain| !domain.is_empty()),
        folder: new.folder.clone().filter(|folder| !folder.is_empty()),
    });
    Ok(wished)
}

fn add(
    desk: &Desk,
    (settings, services): (&Settings, &[Manifest]),
    new: &NewSite,
    administrator: &Administrator,
    runner: &Runner,
) -> Result<()> {
    let wished = with(&desk.root, settings, new)?;
    let number = wished.sites.last().context("it was just added")?.number;
    let (site, kind) = find(&wished, services, number)?;
    if published(&desk.root, &kind, &site)? == Folder::Missing {
        prepare(&kind)?;
    }
    apply::change_settings(&desk.root, &wished, runner)?;
    let Some(unit) = &kind.install else { return Ok(()) };
    let installed = install(desk, (&wished, &site), unit, administrator, runner);
    installed.map_err(|error| match remove(desk, (&wished, services), number, runner) {
        Ok(()) => error.context(format!("the site {:?} could not be made, and is gone again", site.name)),
        Err(second) => error.context(format!("the site {:?} could not be made, and {second:#}", site.name)),
    })
}

/// Runs the kind's installer, which finds the administrator in a credential that is there as long as it runs.
fn install(
    desk: &Desk,
    (settings, site): (&Settings, &Website),
    unit: &str,
    who: &Administrator,
    runner: &Runner,
) -> Result<()> {
    let path = desk.folder.join(format!("{}.json", site.name));
    let mut credential = serde_json::to_value(who)?;
    let address = mazet_model::sites::address(settings, site);
    credential["address"] = json!(address);
    files::make_folder(&desk.folder, 0o700)?;
    files::write_atomically(&path, credential.to_string().as_bytes(), 0o600, None)?;
    let started = runner.run(Program::Systemctl, &["start", unit]).map(drop);
    fs::remove_file(&path).context("removing the credential")?;
    started.context("installing the site")
}

fn remove(
    desk: &Desk,
    (settings, services): (&Settings, &[Manifest]),
    id: u16,
    runner: &Runner,
) -> Result<()> {
    let mut wished = settings.clone();
    let (gone, kind) = find(settings, services, id)?;
    if kind.remove.is_some() {
        // While the site is still in the settings: where this fails, it is asked once more.
        stop(runner, &running(&kind))?;
        start(runner, kind.remove.as_ref(), "removing what lies elsewhere")?;
    }
    wished.sites.retain(|site| site.number != id);
    apply::change_settings(&desk.root, &wished, runner)?;
    tree::remove(&below(&desk.root, HOMES), &gone.name)?;
    tree::remove(&below(&desk.root, archive::FOLDER), &gone.name)
}

/// All that runs for the site.
fn running(kind: &SiteKind) -> Vec<String> {
    kind.pause.iter().chain(kind.units.iter().map(|unit| &unit.name)).cloned().collect()
}

fn stop(runner: &Runner, units: &[String]) -> Result<()> {
    units.iter().try_for_each(|unit| {
        runner.run(Program::Systemctl, &["stop", unit]).context("stopping the site for a moment").map(drop)
    })
}

/// Starts a unit that does something and ends, where the kind of the site has one for it.
fn start(runner: &Runner, unit: Option<&String>, what: &'static str) -> Result<()> {
    let Some(unit) = unit else { return Ok(()) };
    runner.run(Program::Systemctl, &["start", unit]).context(what).map(drop)
}

/// Does something while what lies elsewhere is also in a folder of the archive.
fn dumped(kind: &SiteKind, runner: &Runner, work: impl FnOnce() -> Result<()>) -> Result<()> {
    let begun = start(runner, kind.dump.as_ref(), "putting what lies elsewhere into the archive");
    let ended = begun.and_then(|()| work());
    let tidied = match &kind.dump {
        Some(unit) => runner.run(Program::Systemctl, &["stop", unit]).map(drop),
        None => Ok(()),
    };
    ended.and(tidied)
}

/// Does something while the site's units do not run.
fn paused(
    kind: &SiteKind,
    units: &[String],
    runner: &Runner,
    work: impl FnOnce() -> Result<()>,
) -> Result<()> {
    stop(runner, units)?;
    let ended = work();
    for unit in &kind.units {
        runner.run(Program::Systemctl, &["start", &unit.name]).context("starting the site again")?;
    }
    ended
}
