//! Commands that look, and change little: `recipe`, `inspect`, `cache`, `doctor`, `generate`.

use std::process::ExitCode;

use anyhow::Result;
use clap::CommandFactory as _;
use serde::Serialize;

use super::{CHECK_FAILED, Setting};
use crate::cli::{self, Cli};
use crate::doctor::host::ThisHost;
use crate::{
    cache as kept, doctor as health, generate as made, inspect as image, recipe as recipes, sandbox,
};

fn print_json(value: &impl Serialize) -> Result<()> {
    println!("{}", serde_json::to_string_pretty(value)?);
    Ok(())
}

fn verdict(good: bool) -> ExitCode {
    if good { ExitCode::SUCCESS } else { ExitCode::from(CHECK_FAILED) }
}

/// `mazet recipe`.
///
/// # Errors
/// The recipe's faults.
pub fn recipe(words: cli::Recipe) -> Result<ExitCode> {
    let setting = Setting::find()?;
    match words {
        cli::Recipe::Check { recipe, json } => match recipes::load(&setting.project.root, &recipe) {
            Ok(valid) if json => {
                print_json(&serde_json::json!({ "faults": [], "recipe": valid.recipe.image.name }))?;
            }
            Ok(valid) => println!("{}", recipes::summary(&valid)),
            Err(failure) => {
                if json {
                    print_json(&serde_json::json!({ "faults": failure.faults() }))?;
                }
                return Err(failure.into());
            }
        },
        cli::Recipe::Show { recipe, json } => {
            let valid = setting.recipe(&recipe)?;
            if json {
                print_json(&valid)?;
            } else {
                print!("{}", recipes::show(&valid));
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// `mazet inspect`.
///
/// # Errors
/// When the file is no image.
pub fn inspect(words: &cli::Inspect) -> Result<ExitCode> {
    let inspection = image::inspect(&words.image)?;
    if words.json {
        print_json(&inspection)?;
    } else {
        print!("{}", inspection.to_text());
    }
    Ok(ExitCode::SUCCESS)
}

/// `mazet cache`.
///
/// # Errors
/// When something cannot be read or deleted.
pub fn cache(words: &cli::Cache) -> Result<ExitCode> {
    let setting = Setting::find()?;
    match words {
        cli::Cache::Size { json } => {
            let size = kept::size(&setting.cache.root)?;
            if *json {
                print_json(&size)?;
            } else {
                print!("{}", size.to_text());
            }
        }
        cli::Cache::Clean { all } => {
            let extent = if *all { kept::Extent::All } else { kept::Extent::Superseded };
            for path in kept::clean(&setting.cache.root, extent, sandbox::remove_tree)? {
                setting.ui.say(format!("deleted {}", path.display()));
            }
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// `mazet doctor`.
///
/// # Errors
/// When project or cache cannot be found.
pub fn doctor(words: &cli::Doctor) -> Result<ExitCode> {
    let setting = Setting::find()?;
    let folders = health::Folders { cache: setting.cache.root.clone(), images: setting.project.images() };
    let report = health::examine(&ThisHost, &folders);
    if words.json {
        print_json(&report)?;
    } else {
        print!("{}", report.to_text());
    }
    Ok(verdict(report.is_healthy()))
}

/// `mazet generate`.
///
/// # Errors
/// When a file cannot be written.
pub fn generate(words: &cli::Generate) -> Result<ExitCode> {
    let setting = Setting::find()?;
    let folder = setting.project.root.join(&words.folder);
    let schemas = [
        ("recipe", mazet_model::schema::recipe()),
        ("manifest", mazet_model::schema::manifest()),
        ("settings", mazet_model::schema::settings()),
        ("answers", mazet_model::schema::answers()),
        ("flash-config", mazet_model::schema::raw_answers()),
    ];
    let files = made::files(&Cli::command(), &schemas)?;
    if !words.check {
        made::write(&folder, &files)?;
        return Ok(ExitCode::SUCCESS);
    }
    let stale = made::stale(&folder, &files)?;
    for fault in &stale {
        setting.ui.say(format!("{fault}: run ./mazet generate"));
    }
    Ok(verdict(stale.is_empty()))
}
