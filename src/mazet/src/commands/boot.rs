//! `mazet boot`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use anyhow::{Context as _, Result, bail};
use mazet_boot::cli::{self as boot, BootArgs, Places};
use mazet_boot::{Qemu, Runner};

use super::{CHECK_FAILED, Setting};
use crate::build::Options;
use crate::cli;
use crate::lock::Part;
use crate::sandbox::Sandbox;
use crate::timings::Timings;

/// As good as for ever.
const A_YEAR: Duration = Duration::from_secs(365 * 24 * 3600);

/// Boots, and ends with the verdict.
///
/// # Errors
/// When there is no image, or the tools tree cannot be made.
pub fn run(words: &BootArgs) -> Result<ExitCode> {
    let setting = Setting::find()?;
    let image = image(&setting, &words.target)?;
    let tools = tools(&setting, recipe_of(&setting, &words.target))?;
    let places = Places {
        logs: setting.cache.folder("boots")?,
        cache: setting.cache.folder("kvm")?,
        image: image.canonicalize().with_context(|| format!("opening {}", image.display()))?,
    };
    let folders: Vec<PathBuf> =
        words.disks.iter().filter_map(|disk| disk.parent().map(Path::to_owned)).collect();
    let runner = runner(&setting, &tools, &[std::slice::from_ref(&places.image), &folders[..]].concat())?;
    let (verdict, machine) = boot::run(words, &places, &runner, &mut |line| setting.ui.say(line));
    boot::write_junit(words, &verdict)?;
    if words.json {
        println!("{}", serde_json::to_string_pretty(&verdict)?);
    } else {
        setting.ui.say(verdict.to_string());
    }
    if !verdict.reached() {
        return Ok(ExitCode::from(CHECK_FAILED));
    }
    if let (true, Some(machine)) = (words.stay, machine) {
        stay(&setting, &machine)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn stay(setting: &Setting, machine: &Qemu) -> Result<()> {
    setting.ui.say("the machine runs on until it is switched off, or Ctrl-C");
    Ok(machine.wait_end(A_YEAR)?)
}

/// A recipe's name, or `pc` where an image file was named.
fn recipe_of<'a>(setting: &Setting, target: &'a str) -> &'a str {
    if setting.project.root.join(format!("recipes/{target}.toml")).exists() { target } else { "pc" }
}

fn image(setting: &Setting, target: &str) -> Result<PathBuf> {
    let built = setting.project.images().join(format!("{target}.img"));
    let given = PathBuf::from(target);
    match [built, given].into_iter().find(|path| path.is_file()) {
        Some(path) => Ok(path),
        None => bail!(
            "there is no image of {target}: build one with ./mazet build {target}, or name an image file"
        ),
    }
}

/// The tools tree of a recipe, made if absent.
///
/// # Errors
/// Those of the stages that make it.
pub fn tools(setting: &Setting, recipe: &str) -> Result<PathBuf> {
    tree(setting, recipe, "tools", Part::Tools)
}

/// A helper tree of a recipe, made if absent.
///
/// # Errors
/// Those of the stages that make it.
pub fn tree(setting: &Setting, recipe: &str, name: &str, part: Part) -> Result<PathBuf> {
    let valid = setting.recipe(recipe)?;
    let (options, timings) = (Options::default(), Timings::new());
    let mut build = super::build::pipeline(setting, &valid, &options, &timings);
    let lock = build.lock()?;
    build.fetch(&lock, &[part])?;
    Ok(build.tree(&lock, name, part)?.folder.join("tree"))
}

/// How QEMU and its companions are started: in the tools tree, on the host's network (for the
/// ports on the loopback interface), seeing the cache and `folders`.
///
/// # Errors
/// When this program's own path cannot be found.
pub fn runner(setting: &Setting, tree: &Path, folders: &[PathBuf]) -> Result<Runner> {
    Ok(Runner::new(prefix(setting, tree, folders)?))
}

/// The words of such a [`runner`].
///
/// # Errors
/// When this program's own path cannot be found.
pub fn prefix(setting: &Setting, tree: &Path, folders: &[PathBuf]) -> Result<Vec<String>> {
    // Sockets and browser profiles are temporary files that both sides must see.
    let mut sandbox = Sandbox::new(tree).network().share(&std::env::temp_dir()).share(&setting.cache.root);
    for folder in folders {
        sandbox = sandbox.share(folder);
    }
    sandbox.prefix()
}

/// The raw words of a build with nothing said.
pub fn plain_build(recipe: &str) -> cli::Build {
    cli::Build {
        recipe: recipe.to_owned(),
        locked: None,
        offline: false,
        refresh: false,
        mirror: None,
        timings: false,
        json: false,
        output: None,
        release: false,
        key: None,
        new_key: false,
    }
}
