//! `mazetd apply`: the box's files and units follow its settings.
//!
//! | step | module |
//! |---|---|
//! | settings read, every fault reported | [`faults`] |
//! | manifests filled in for the box's web sites | [`sites::expand`] |
//! | templates rendered, none written | [`render`] |
//! | what differs from the disk | [`change`], shown by [`diff`] |
//! | users of web sites, data folders, files written | [`users`], [`folders`], [`change`] |
//! | the box's certificates made, renewed, or ordered | [`tls`], [`acme`] |
//! | databases made, schemas brought up to date | [`database`] |
//! | units told | [`units`] |
//! | the rendering kept as the last good one | [`good`] |
//!
//! When a unit refuses the new files, the old ones come back and the units are told again.

mod change;
mod diff;
pub mod faults;
mod folders;
mod good;
mod render;
#[cfg(test)]
mod tests;
mod units;
mod users;

use std::fs::File;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use mazet_model::manifest::Manifest;
use mazet_model::setting_fault::SettingFault;
use mazet_model::settings::Settings;
use mazet_model::sites;
use thiserror::Error;

use crate::clock::Clock;
use crate::run::Runner;
use crate::{acme, database, files, system, tls};

/// Everybody on the box may read `box.toml`: it holds no secret.
const SETTINGS_MODE: u32 = 0o644;

/// What to apply.
#[derive(Debug, Clone)]
pub struct Options {
    /// The tree to change: `/`, or a box that is being installed.
    pub root: PathBuf,
    /// Change nothing, show what would change.
    pub dry_run: bool,
}

impl Options {
    /// Is it the running system, whose units are told at once?
    fn running(&self) -> bool {
        self.root == Path::new("/")
    }
}

/// The root of a tree that does not run, as programs are told of it; none: the running system.
fn tree(options: &Options) -> Option<String> {
    (!options.running()).then(|| options.root.display().to_string())
}

/// What was done, or would be.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Outcome {
    /// System users added or removed: `add site-amis`.
    pub users: Vec<String>,
    /// Files written or removed, by their path on the box.
    pub files: Vec<String>,
    /// What was asked of units: `reload nginx.service`.
    pub units: Vec<String>,
    /// What was made or changed in databases: `create role mazet`.
    pub databases: Vec<String>,
    /// Unified diff of a dry run; empty otherwise.
    pub diff: String,
}

impl Outcome {
    /// Nothing was, or would be.
    pub fn is_empty(&self) -> bool {
        self.users.is_empty() && self.files.is_empty() && self.units.is_empty() && self.databases.is_empty()
    }
}

/// `box.toml` is wrong.
#[derive(Debug, Error)]
#[error("{path} has faults:{}", faults.iter().map(|fault| format!("\n  - {fault}")).collect::<String>())]
pub struct Faulty {
    /// The settings' file.
    pub path: String,
    /// All of them.
    pub faults: Vec<SettingFault>,
}

/// Writes the files that the live system at `root` has of the services' templates, where `settings`
/// make them differ. No unit is told: none runs yet.
///
/// # Errors
/// When a template cannot be rendered or a file not be written.
pub fn write_live(root: &Path, settings: &Settings, services: &[Manifest]) -> Result<()> {
    let rendering = render::render_live(root, settings, services)?;
    change::write(root, &change::of_rendering(root, &rendering)?)
}

/// Applies the settings of `options.root`.
///
/// # Errors
/// [`Faulty`] when the settings have faults; else what failed, after going back.
pub fn apply(options: &Options, runner: &Runner) -> Result<Outcome> {
    let services = system::services(&options.root)?;
    let settings = checked_settings(&options.root, &services)?;
    apply_these(options, &settings, &services, runner)
}

/// What these settings would change: nothing is.
///
/// # Errors
/// [`Faulty`] when the settings have faults; else what failed.
pub fn preview(root: &Path, settings: &Settings, runner: &Runner) -> Result<Outcome> {
    let services = system::services(root)?;
    check(root, settings, &services)?;
    let options = Options { root: root.to_owned(), dry_run: true };
    apply_these(&options, settings, &services, runner)
}

/// Puts these settings in force: they become `box.toml`, and are applied. When that fails, the
/// earlier `box.toml` is back, as are the files rendered from it.
///
/// # Errors
/// [`Faulty`] when the settings have faults; else what failed, after going back.
pub fn change_settings(root: &Path, settings: &Settings, runner: &Runner) -> Result<Outcome> {
    let services = system::services(root)?;
    check(root, settings, &services)?;
    let path = root.join(system::BOX_TOML);
    let earlier = std::fs::read(&path).with_context(|| format!("reading {}", path.display()))?;
    let text = toml::to_string(settings).context("writing the settings as TOML")?;
    files::write_atomically(&path, text.as_bytes(), SETTINGS_MODE, None)?;
    let options = Options { root: root.to_owned(), dry_run: false };
    apply_these(&options, settings, &services, runner).map_err(|error| {
        match files::write_atomically(&path, &earlier, SETTINGS_MODE, None) {
            Ok(()) => error,
            Err(second) => error.context(format!("the earlier settings could not be put back ({second:#})")),
        }
    })
}

fn apply_these(
    options: &Options,
    settings: &Settings,
    services: &[Manifest],
    runner: &Runner,
) -> Result<Outcome> {
    let users = users::plan(options, settings, services)?;
    let enabled = units::enabled(&options.root)?;
    let forsaken = sites::forsaken(settings, services, &enabled);
    let services = &sites::expand(settings, services).context("filling in the box's web sites")?;
    let rendering = render::render(&options.root, settings, services)?;
    let kept = good::Good::of(&options.root);
    let changes = change::changes(&options.root, &rendering, &kept)?;
    let plan = units::plan(options, runner, settings, services, &changes)?.without(&forsaken);
    if options.dry_run {
        let mut files: Vec<String> = changes.iter().map(|change| change.target.clone()).collect();
        if options.running() {
            files.extend(certificate_files(certificates(settings)?.would_write()));
        }
        let databases = if options.running() {
            database::missing(&options.root, settings, services)?
        } else {
            Vec::new()
        };
        let mut units = plan.describe();
        units.extend(order_due(options, settings).map(str::to_owned));
        return Ok(Outcome {
            users: users.describe(),
            files,
            units,
            databases,
            diff: diff::unified(&changes),
        });
    }
    let _lock = lock(options)?;
    users.add(runner)?;
    folders::make(&options.root, settings, services)?;
    // Before the web server is told: what is new in its files may be a certificate.
    let certified = if options.running() { certificates(settings)?.keep()? } else { Vec::new() };
    let databases = || {
        if options.running() { database::ensure(&options.root, settings, services) } else { Ok(Vec::new()) }
    };
    let databases = carry_out(options, runner, (&changes, &plan), databases)?;
    users.remove(runner)?;
    kept.keep(&rendering)?;
    let mut outcome = Outcome {
        users: users.describe(),
        files: changes.into_iter().map(|change| change.target).collect(),
        units: plan.describe(),
        databases,
        diff: String::new(),
    };
    if !certified.is_empty() {
        outcome.files.extend(certificate_files(certified));
        outcome.units.extend(units::reload_for_certificate(runner, &rendering)?);
    }
    if let Some(line) = order_due(options, settings) {
        acme::start(runner)?;
        outcome.units.push(line.to_owned());
    }
    Ok(outcome)
}

fn checked_settings(root: &Path, services: &[Manifest]) -> Result<Settings> {
    let path = root.join(system::BOX_TOML);
    let text = std::fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    let settings: Settings = toml::from_str(&text).map_err(|error| Faulty {
        path: path.display().to_string(),
        faults: vec![SettingFault::new("unreadable", &[], error.to_string().trim_end())],
    })?;
    check(root, &settings, services)?;
    Ok(settings)
}

fn check(root: &Path, settings: &Settings, services: &[Manifest]) -> Result<()> {
    let faults = faults::faults(settings, services);
    if faults.is_empty() {
        return Ok(());
    }
    Err(Faulty { path: root.join(system::BOX_TOML).display().to_string(), faults }.into())
}

/// Writes the files, sees to the databases, and tells the units, which may need both; goes back when
/// one of it fails. What was made in databases stays: it does no harm.
fn carry_out(
    options: &Options,
    runner: &Runner,
    (changes, plan): (&[change::Change], &units::Plan),
    databases: impl FnOnce() -> Result<Vec<String>>,
) -> Result<Vec<String>> {
    let attempt = change::write(&options.root, changes)
        .and_then(|()| databases())
        .and_then(|databases| plan.carry_out(runner).map(|()| databases));
    let error = match attempt {
        Ok(databases) => return Ok(databases),
        Err(error) => error,
    };
    let back = change::restore(&options.root, changes).and_then(|()| plan.go_back(runner));
    match back {
        Ok(()) => Err(error.context("the new settings failed; the earlier files are back")),
        Err(second) => {
            Err(error.context(format!("the new settings failed, and so did going back ({second:#})")))
        }
    }
}

/// Two runs at a time would undo each other's work: the second waits.
fn lock(options: &Options) -> Result<File> {
    let folder = options.root.join("run/mazet");
    if !folder.is_dir() {
        files::make_folder(&folder, 0o711)?;
    }
    let path = folder.join("apply.lock");
    let file = File::create(&path).with_context(|| format!("opening {}", path.display()))?;
    rustix::fs::flock(&file, rustix::fs::FlockOperation::LockExclusive)
        .context("waiting for another apply")?;
    Ok(file)
}

/// The box's certificates, as the settings want them.
fn certificates(settings: &Settings) -> Result<tls::Keeping<'static>> {
    Ok(tls::Keeping {
        folder: Path::new(tls::FOLDER),
        names: tls::Names::of(settings),
        pair: acme::pair(Path::new(acme::FOLDER), &settings.certificates),
        group: Some(files::group_id(Path::new("/"), "mazetd")?),
        // By a wrong clock, a good certificate would seem to end, or a new one would begin too late.
        clock: Clock::now().can_be_trusted(),
    })
}

/// A certificate that is wished and was not ordered yet: who orders is told, and nobody waits.
fn order_due(options: &Options, settings: &Settings) -> Option<&'static str> {
    let due = options.running() && acme::is_due(Path::new(acme::FOLDER), &settings.certificates);
    due.then_some("start mazet-acme.service")
}

fn certificate_files(names: Vec<&'static str>) -> impl Iterator<Item = String> {
    names.into_iter().map(|name| format!("{}/{name}", tls::FOLDER))
}
