//! `mazet why`: what changed since each cached result was made.

use std::process::ExitCode;

use anyhow::Result;

use super::Setting;
use crate::build::Options;
use crate::cli;
use crate::plan::Asking;
use crate::timings::Timings;

/// Says for each stage whether a build would make it again, and why.
///
/// # Errors
/// When the recipe is at fault or nothing was ever resolved.
pub fn run(words: &cli::Why) -> Result<ExitCode> {
    let setting = Setting::find()?;
    let valid = setting.recipe(&words.recipe)?;
    let options = Options { asking: Asking { offline: true, ..Asking::default() }, ..Options::default() };
    let timings = Timings::new();
    let mut build = super::build::pipeline(&setting, &valid, &options, &timings);
    let answers = build.questions()?;
    if words.json {
        println!("{}", serde_json::to_string_pretty(&answers)?);
        return Ok(ExitCode::SUCCESS);
    }
    for answer in &answers {
        println!("{}: {}", answer.stage, if answer.kept { "kept" } else { "would be made again" });
        for change in &answer.changes {
            println!("  {change}");
        }
    }
    Ok(ExitCode::SUCCESS)
}
