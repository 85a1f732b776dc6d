//! `mazet bench`: figures of one run on this machine, to be compared with each other.

mod files;
mod trees;

pub use trees::compare as compare_trees;

use std::fs::{self, OpenOptions};
use std::io::Write as _;
use std::process::ExitCode;
use std::time::Instant;

use anyhow::{Context as _, Result};
use serde::Serialize;

use super::elsewhere::Elsewhere;
use super::{Setting, build, test};
use crate::build::Built;
use crate::cli;
use crate::timings::{Timings, human_bytes, human_seconds};

/// The recipe of the yardstick: a bare Debian with nginx.
const BARE: &str = "bare";
/// An overlay file that the warm build has edited: of a service that every box has.
const EDITED: &str = "overlays/base/nftables/nftables.conf.hbs";

/// What builds cost.
#[derive(Debug, Serialize)]
struct Builds {
    /// From an empty cache, downloads excepted, in seconds.
    cold_seconds: f64,
    /// With nothing changed.
    unchanged_seconds: f64,
    /// After an edit of one overlay file.
    overlay_edit_seconds: f64,
    /// `recipe check`.
    check_seconds: f64,
    /// Size of the image in bytes.
    image_bytes: u64,
}

/// Measures and prints.
///
/// # Errors
/// When a build or a boot fails.
pub fn run(words: &cli::Bench) -> Result<ExitCode> {
    let setting = Setting::find()?;
    if words.trees {
        return trees::run(&setting, words.json);
    }
    if words.files {
        return files::run(&setting, words.json);
    }
    let built = image(&setting, &words.recipe)?;
    let builds = builds(&setting, &words.recipe, &built)?;
    if !words.json {
        print!("{}", table(&builds));
    }
    let boots = if words.no_boot { None } else { boots(&setting, words, &built)? };
    if words.json {
        println!("{}", serde_json::to_string_pretty(&figures(&builds, boots.as_deref())?)?);
    }
    Ok(ExitCode::SUCCESS)
}

fn image(setting: &Setting, recipe: &str) -> Result<Built> {
    let valid = setting.recipe(recipe)?;
    let options = build::options(setting, &super::boot::plain_build(recipe));
    build::pipeline(setting, &valid, &options, &Timings::new()).run()
}

/// Seconds that `work` takes.
fn seconds(work: impl FnOnce() -> Result<()>) -> Result<f64> {
    let start = Instant::now();
    work()?;
    Ok(start.elapsed().as_secs_f64())
}

fn builds(setting: &Setting, recipe: &str, built: &Built) -> Result<Builds> {
    let place = Elsewhere::new(setting, recipe, None)?;
    setting.ui.say("a cold build, then warm ones …");
    let cold_seconds = seconds(|| place.build())?;
    let unchanged_seconds = seconds(|| place.build())?;
    let edited = place.project().join(EDITED);
    let mut file = OpenOptions::new().append(true).open(&edited).context("editing an overlay file")?;
    writeln!(file, "# edited")?;
    let overlay_edit_seconds = seconds(|| place.build())?;
    let check = place.mazet("checking the recipe").args(["recipe", "check", recipe]);
    let check_seconds = seconds(|| check.run().map(drop))?;
    let image_bytes = fs::metadata(&built.image).context("measuring the image")?.len();
    Ok(Builds { cold_seconds, unchanged_seconds, overlay_edit_seconds, check_seconds, image_bytes })
}

fn table(builds: &Builds) -> String {
    let row = |name: &str, value: String| format!("{name:32} {value:>12}\n");
    [
        row("cold build (downloads kept)", human_seconds(builds.cold_seconds)),
        row("build with nothing changed", human_seconds(builds.unchanged_seconds)),
        row("build after an overlay edit", human_seconds(builds.overlay_edit_seconds)),
        row("recipe check", human_seconds(builds.check_seconds)),
        row("image", human_bytes(builds.image_bytes)),
    ]
    .concat()
}

/// One document of both: `builds`, and `boots` as the scenarios printed them.
fn figures(builds: &Builds, boots: Option<&str>) -> Result<serde_json::Value> {
    let boots: Option<serde_json::Value> =
        boots.map(serde_json::from_str).transpose().context("reading the figures of the boots")?;
    Ok(serde_json::json!({ "builds": builds, "boots": boots }))
}

/// Boots: the wizard beside the bare Debian, and the installed box where the tests left one.
/// Gives their JSON where it is wanted, else prints the table.
fn boots(setting: &Setting, words: &cli::Bench, built: &Built) -> Result<Option<String>> {
    let bare = image(setting, BARE)?;
    let artefacts = setting.project.root.join("target/artefacts");
    let mut command = test::scenarios(setting, &words.recipe, &built.image, &artefacts)?;
    command = command.arg("bench").arg("--bare").arg(&bare.image);
    let installed = artefacts.join("installs-in-french/TARGET1.qcow2");
    if installed.exists() {
        command = command.arg("--installed").arg(&installed);
    } else {
        setting.ui.say("no installed box to measure: ./mazet test leaves one");
    }
    if words.json {
        return command.arg("--json").text().map(Some).context("measuring boots");
    }
    let good = command.stream(|line| println!("{line}"))?;
    anyhow::ensure!(good, "the boots could not be measured");
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn builds() -> Builds {
        Builds {
            cold_seconds: 200.0,
            unchanged_seconds: 0.1,
            overlay_edit_seconds: 6.0,
            check_seconds: 0.01,
            image_bytes: 450 << 20,
        }
    }

    #[test]
    fn the_table_is_for_people() {
        insta::assert_snapshot!(table(&builds()));
    }

    #[test]
    fn the_edited_file_is_there() {
        let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        assert!(root.join(EDITED).is_file(), "{EDITED}");
    }

    #[test]
    fn programs_read_one_document() {
        let both = figures(&builds(), Some("[\n  {\"name\": \"live\"}\n]")).expect("figures");
        assert_eq!(both["boots"][0]["name"], "live");
        assert_eq!(both["builds"]["unchanged_seconds"], 0.1);
        assert!(figures(&builds(), None).expect("figures")["boots"].is_null());
        assert!(figures(&builds(), Some("live 60 s")).is_err());
    }
}
