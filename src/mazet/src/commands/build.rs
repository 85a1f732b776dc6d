//! `mazet build`.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use mazet_model::check::Valid;
use serde_json::json;

use super::Setting;
use crate::build::{Build, Built, Options};
use crate::cli;
use crate::plan::Asking;
use crate::timings::Timings;

/// Builds, and says what was built.
///
/// # Errors
/// Those of the pipeline.
pub fn run(words: &cli::Build) -> Result<ExitCode> {
    let setting = Setting::find()?;
    let valid = setting.recipe(&words.recipe)?;
    let timings = Timings::new();
    let options = options(&setting, words);
    let built = pipeline(&setting, &valid, &options, &timings).run()?;
    if words.timings {
        eprint!("{}", timings.record().to_table());
        for path in timings.write(&options.output, &words.recipe)? {
            setting.ui.say(format!("timings: {}", path.display()));
        }
    }
    let published =
        if words.release { super::release::publish(&setting, words, &built)? } else { Vec::new() };
    report(words, &built, &published)?;
    Ok(ExitCode::SUCCESS)
}

/// What the command line says, as the pipeline wants it.
pub fn options(setting: &Setting, words: &cli::Build) -> Options {
    Options {
        asking: Asking { locked: words.locked.clone(), offline: words.offline, refresh: words.refresh },
        mirror: words.mirror.clone(),
        output: words.output.clone().unwrap_or_else(|| setting.project.images()),
    }
}

/// A pipeline at rest.
pub fn pipeline<'a>(
    setting: &'a Setting,
    valid: &'a Valid,
    options: &'a Options,
    timings: &'a Timings,
) -> Build<'a> {
    Build {
        project: &setting.project,
        cache: &setting.cache,
        ui: &setting.ui,
        recipe: &valid.recipe,
        services: &valid.services,
        options,
        timings,
    }
}

fn report(words: &cli::Build, built: &Built, published: &[PathBuf]) -> Result<()> {
    if words.json {
        let packages = built.lock.packages.iter().filter(|entry| entry.part.is_of_image()).count();
        let report = json!({ "image": built.image, "cached": built.cached, "packages": packages, "info": built.info,
            "published": published });
        println!("{}", serde_json::to_string_pretty(&report)?);
    } else {
        println!("{}", built.image.display());
        published.iter().for_each(|path| println!("{}", path.display()));
    }
    Ok(())
}
