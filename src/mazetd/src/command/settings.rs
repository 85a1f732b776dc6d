//! `mazetd settings`: `box.toml`, shown and changed.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Subcommand;
use mazet_model::setting_fault::SettingFault;
use mazet_model::settings::Settings;

use super::print;
use crate::change::{self, Desk};
use crate::protocol::Wifi;
use crate::run::Runner;
use crate::{apply, system, trial};

/// What `mazetd settings` does.
#[derive(Debug, Subcommand)]
pub enum SettingsAction {
    /// Prints the settings
    Show {
        /// For programs, with the services that they may switch
        #[arg(long)]
        json: bool,
    },
    /// Changes one setting and applies it: `mazetd settings set ssh.enabled true`. Another network is on trial
    /// for five minutes, as in `mazetd network`
    Set {
        /// The setting's dotted path in box.toml
        path: String,
        /// Its new value, as TOML; what is no TOML is taken as text
        value: String,
        /// Change nothing, show what would change
        #[arg(long)]
        dry_run: bool,
    },
    /// Puts all settings of a file in the place of the present ones, and applies them. Another network is on
    /// trial for five minutes, as in `mazetd network`
    Replace {
        /// The file: TOML, as `mazetd settings show` prints it
        file: PathBuf,
        /// Change nothing, show what would change
        #[arg(long)]
        dry_run: bool,
    },
    /// How the last change that the pages or the API ordered stands
    Last {
        /// For programs
        #[arg(long)]
        json: bool,
    },
    /// Puts the settings in force that the pages ordered (the work of mazet-settings.service)
    CarryOut,
    /// Goes back from network settings that nobody confirmed (the work of mazet-trial.service)
    GoBack,
}

/// Does it.
///
/// # Errors
/// The settings are faulty, or applying them fails.
pub fn run(action: &SettingsAction, runner: &Runner) -> Result<()> {
    let root = Path::new("/");
    match action {
        SettingsAction::Show { json: true } => print(&change::current(root)?),
        SettingsAction::Show { json: false } => {
            print!("{}", toml::to_string(&system::settings(root)?)?);
            Ok(())
        }
        SettingsAction::Set { path, value, dry_run } => {
            let wished = change::set(&system::settings(root)?, path, value)?;
            put(root, (&wished, None), *dry_run, runner)
        }
        SettingsAction::Replace { file, dry_run } => {
            let text = std::fs::read_to_string(file);
            let text = text.with_context(|| format!("reading {}", file.display()))?;
            let wished = toml::from_str(&text).map_err(|error| apply::Faulty {
                path: file.display().to_string(),
                faults: vec![SettingFault::new("unreadable", &[], error.to_string().trim_end())],
            })?;
            put(root, (&wished, None), *dry_run, runner)
        }
        SettingsAction::Last { json } => last(&change::last(&Desk::running()), *json),
        SettingsAction::CarryOut => change::carry_out(&Desk::running(), runner),
        SettingsAction::GoBack => trial::lapse(root, runner),
    }
}

/// Puts settings in force, those of the network on trial, or shows what they would change. Beside them, the
/// Wi-Fi network that they name, with its key, where another one is wished.
///
/// # Errors
/// The settings are faulty, or applying them fails.
pub fn put(
    root: &Path,
    (wished, wifi): (&Settings, Option<&Wifi>),
    dry_run: bool,
    runner: &Runner,
) -> Result<()> {
    if dry_run {
        show(&apply::preview(root, wished, runner)?);
        return Ok(());
    }
    let earlier = system::settings(root)?;
    let outcome = change::now(&Desk::running(), wished, wifi, runner)?;
    // Another Wi-Fi network changes no file of a service.
    if outcome.is_empty() && earlier != *wished {
        eprintln!("done");
    } else {
        show(&outcome);
    }
    if trial::standing(root)?.pending.is_some() {
        eprintln!(
            "the network is on trial: without `mazetd network keep` within {} minutes, its earlier settings come back",
            trial::MINUTES
        );
    }
    Ok(())
}

fn last(last: &change::Last, json: bool) -> Result<()> {
    if json {
        return print(last);
    }
    println!(
        "{}",
        match (last.running, &last.error) {
            (true, _) => "under way".to_owned(),
            (false, Some(error)) => format!("failed, the earlier settings are back: {error}"),
            (false, None) => "nothing is under way, and the last change did not fail".to_owned(),
        }
    );
    for line in last.files.iter().chain(&last.units) {
        println!("{line}");
    }
    Ok(())
}

/// Shows what applying changed: the difference to standard output, the rest as talk.
pub fn show(outcome: &apply::Outcome) {
    print!("{}", outcome.diff);
    for file in &outcome.files {
        eprintln!("changed {file}");
    }
    for line in outcome.users.iter().chain(&outcome.units) {
        eprintln!("{line}");
    }
    for line in &outcome.databases {
        eprintln!("{line}");
    }
    if outcome.is_empty() {
        eprintln!("nothing to change");
    }
}
