//! `mazet bench --trees`: the root trees of two architectures, each made Mazet's way and
//! mmdebstrap's, from the same packages, in one run.

use std::fs;
use std::path::Path;
use std::process::ExitCode;

use anyhow::{Context as _, Result};
use mazet_model::check::Valid;

use crate::commands::{CHECK_FAILED, Setting, boot, build};
use crate::compare::{self, Comparison, Cost};
use crate::lock::{Lock, Part};
use crate::timings::{Timings, human_seconds};
use crate::tree::Order;

/// Files that differ with every making, beside the lists of the helper trees' packages.
const DRAWN: &str = "drawn.tsv";
/// Recipes of the two architectures.
const RECIPES: [&str; 2] = ["pc", "pi"];
/// Differences that are shown of each.
const SHOWN: usize = 20;

/// Measures and prints; the exit code tells whether the trees are the same.
///
/// # Errors
/// When a tree cannot be made.
pub fn run(setting: &Setting, json: bool) -> Result<ExitCode> {
    let compared = RECIPES
        .iter()
        .map(|recipe| compare(setting, &setting.recipe(recipe)?))
        .collect::<Result<Vec<_>>>()?;
    if json {
        println!("{}", serde_json::to_string_pretty(&compared)?);
    } else {
        print!("{}", table(&compared));
    }
    let same = compared.iter().all(|comparison| comparison.differences.is_empty());
    Ok(if same { ExitCode::SUCCESS } else { ExitCode::from(CHECK_FAILED) })
}

/// Both ways for the packages of a recipe's image.
///
/// # Errors
/// As [`run`].
pub fn compare(setting: &Setting, valid: &Valid) -> Result<Comparison> {
    let options = build::options(setting, &boot::plain_build(&valid.recipe.image.name));
    let timings = Timings::new();
    let mut pipeline = build::pipeline(setting, valid, &options, &timings);
    let lock = pipeline.lock()?;
    pipeline.fetch(&lock, &[Part::Tools, Part::Base, Part::Services])?;
    let tools = pipeline.tree(&lock, "tools", Part::Tools)?.folder.join("tree");
    of_lock(setting, &tools, &lock)
}

/// Both ways for the packages of a lock's image.
///
/// # Errors
/// As [`run`].
fn of_lock(setting: &Setting, tools: &Path, lock: &Lock) -> Result<Comparison> {
    let entries = [lock.part(Part::Base), lock.part(Part::Services)].concat();
    let debs = setting.cache.debs();
    let order = Order {
        release: &lock.release,
        architecture: &lock.architecture,
        entries: &entries,
        epoch: lock.epoch,
        debs: &debs,
    };
    let scratch =
        tempfile::tempdir_in(setting.cache.folder("scratch")?).context("making a scratch folder")?;
    setting.ui.say(format!("making {} packages for {} both ways …", entries.len(), lock.architecture));
    let path = setting.project.firmware("trees").join(DRAWN);
    let drawn = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    let compared = compare::compare(tools, scratch.path(), &order, &drawn, |line| setting.ui.say(line));
    if compared.is_err() {
        compare::keep_logs(&scratch.keep())?;
    }
    compared
}

fn table(compared: &[Comparison]) -> String {
    let head = format!("{:32} {:>12} {:>12} {:>7}\n", "root tree", "mazet", "mmdebstrap", "ratio");
    compared.iter().fold(head, |text, comparison| text + &rows(comparison))
}

fn rows(comparison: &Comparison) -> String {
    let Comparison { architecture, packages, mazet, mmdebstrap, differences, drawn } = comparison;
    let row = |what: &str, of: fn(&Cost) -> f64| {
        let (ours, theirs) = (of(mazet), of(mmdebstrap));
        let name = format!("{architecture}, {packages} packages: {what}");
        format!(
            "{name:32} {:>12} {:>12} {:>7.2}\n",
            human_seconds(ours),
            human_seconds(theirs),
            ours / theirs
        )
    };
    let lines =
        |of: &[String]| -> String { of.iter().take(SHOWN).map(|line| format!("  {line}\n")).collect() };
    let verdict = match (differences.len(), drawn.len()) {
        (0, 0) => "the two trees are the same\n".to_owned(),
        (0, count) => format!(
            "the two trees are the same, but for {count} files that no two makings have in common:\n{}",
            lines(drawn)
        ),
        (count, _) => {
            format!("the two trees differ in {count} paths (mazet | mmdebstrap):\n{}", lines(differences))
        }
    };
    row("clock", |cost| cost.wall) + &row("processor", |cost| cost.cpu) + &verdict
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ratios_stand_beside_the_times() {
        let foreign = Comparison {
            architecture: "arm64".into(),
            packages: 190,
            mazet: Cost { wall: 30.0, cpu: 40.0 },
            mmdebstrap: Cost { wall: 300.0, cpu: 200.0 },
            differences: vec!["etc/x: f 0644 0:0 | nothing".into()],
            drawn: Vec::new(),
        };
        let own = Comparison {
            architecture: "amd64".into(),
            mmdebstrap: Cost { wall: 60.0, cpu: 50.0 },
            differences: Vec::new(),
            drawn: vec!["var/y: a number".into()],
            ..foreign.clone()
        };
        insta::assert_snapshot!(table(&[own, foreign]), @r"
        root tree                               mazet   mmdebstrap   ratio
        amd64, 190 packages: clock             30.0 s       60.0 s    0.50
        amd64, 190 packages: processor         40.0 s       50.0 s    0.80
        the two trees are the same, but for 1 files that no two makings have in common:
          var/y: a number
        arm64, 190 packages: clock             30.0 s   5 min 00 s    0.10
        arm64, 190 packages: processor         40.0 s   3 min 20 s    0.20
        the two trees differ in 1 paths (mazet | mmdebstrap):
          etc/x: f 0644 0:0 | nothing
        ");
    }
}
