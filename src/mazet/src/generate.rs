//! `mazet generate`: man pages, shell completions and JSON Schemas, all from the code.
//!
//! What is kept of them in a folder is checked for freshness with `--check`.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use clap::Command;
use clap_complete::Shell;
use serde_json::Value;

/// Generated files: path below the output folder → content.
pub type Files = BTreeMap<PathBuf, Vec<u8>>;

/// Makes every generated file.
///
/// `command` is the whole command line; `schemas` are JSON Schemas by file name without
/// extension, e.g. `("recipe", schema)`.
///
/// # Errors
/// When a page cannot be formatted.
pub fn files(command: &Command, schemas: &[(&str, Value)]) -> Result<Files> {
    let mut files = Files::new();
    let mut command = command.clone();
    command.build();
    man_pages(&command, &mut files)?;
    for shell in [Shell::Bash, Shell::Fish, Shell::Zsh] {
        let mut script = Vec::new();
        let name = command.get_name().to_owned();
        clap_complete::generate(shell, &mut command.clone(), name, &mut script);
        files.insert(PathBuf::from("completions").join(format!("mazet.{shell}")), script);
    }
    for (name, schema) in schemas {
        let text = format!("{schema:#}\n").into_bytes();
        files.insert(PathBuf::from("schemas").join(format!("{name}.schema.json")), text);
    }
    Ok(files)
}

/// One page a command: `mazet.1`, `mazet-build.1`, … Hidden commands have none.
fn man_pages(command: &Command, files: &mut Files) -> Result<()> {
    let mut waiting = vec![command.clone()];
    while let Some(next) = waiting.pop() {
        if next.is_hide_set() || next.get_name() == "help" {
            continue;
        }
        let name = next.get_display_name().unwrap_or(next.get_name()).to_owned();
        waiting.extend(next.get_subcommands().cloned());
        let mut page = Vec::new();
        // No date in the header: the same code gives the same page on any day.
        clap_mangen::Man::new(next)
            .title(name.clone())
            .render(&mut page)
            .with_context(|| format!("formatting the man page of {name}"))?;
        files.insert(PathBuf::from("man").join(format!("{name}.1")), page);
    }
    Ok(())
}

/// Writes the files below `folder`.
///
/// # Errors
/// When one cannot be written.
pub fn write(folder: &Path, files: &Files) -> Result<()> {
    for (name, content) in files {
        let path = folder.join(name);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent).with_context(|| format!("making folder {}", parent.display()))?;
        }
        fs::write(&path, content).with_context(|| format!("writing {}", path.display()))?;
    }
    Ok(())
}

/// What in `folder` is not as the code would write it now: one sentence a file, nothing when
/// all is fresh. The command exits with 3 otherwise.
///
/// # Errors
/// When a folder cannot be read.
pub fn stale(folder: &Path, files: &Files) -> Result<Vec<String>> {
    let mut faults = Vec::new();
    for (name, content) in files {
        match fs::read(folder.join(name)) {
            Ok(kept) if kept == *content => {}
            Ok(_) => faults.push(format!("{} is out of date", name.display())),
            Err(_) => faults.push(format!("{} is not there", name.display())),
        }
    }
    for part in ["completions", "man", "schemas"] {
        let Ok(entries) = fs::read_dir(folder.join(part)) else { continue };
        for entry in entries {
            let name = Path::new(part).join(entry.context("reading the generated files")?.file_name());
            if !files.contains_key(&name) {
                faults.push(format!("{} is no longer generated: delete it", name.display()));
            }
        }
    }
    faults.sort();
    Ok(faults)
}

#[cfg(test)]
mod tests {
    use clap::Arg;
    use serde_json::json;

    use super::*;

    fn command() -> Command {
        Command::new("mazet")
            .about("Builds images")
            .version("0.1.0")
            .subcommand(
                Command::new("build").about("Builds an image").arg(Arg::new("offline").long("offline")),
            )
            .subcommand(Command::new("cache").subcommand(Command::new("clean").about("Deletes")))
            .subcommand(Command::new("internal-sandbox").hide(true))
    }

    fn made() -> Files {
        files(&command(), &[("recipe", json!({ "type": "object" }))]).expect("made")
    }

    #[test]
    fn every_visible_command_has_a_page_and_every_shell_a_script() {
        let names: Vec<String> = made().keys().map(|path| path.display().to_string()).collect();
        assert_eq!(
            names,
            [
                "completions/mazet.bash",
                "completions/mazet.fish",
                "completions/mazet.zsh",
                "man/mazet-build.1",
                "man/mazet-cache-clean.1",
                "man/mazet-cache.1",
                "man/mazet.1",
                "schemas/recipe.schema.json",
            ]
        );
        let page = String::from_utf8(made()[Path::new("man/mazet-build.1")].clone()).expect("text");
        assert!(page.contains("\\-\\-offline"), "{page}");
    }

    #[test]
    fn freshness_is_told_file_by_file() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        write(folder.path(), &made()).expect("written");
        assert_eq!(stale(folder.path(), &made()).expect("read"), Vec::<String>::new());
        fs::write(folder.path().join("man/mazet.1"), "old").expect("written");
        fs::write(folder.path().join("man/mazet-gone.1"), "old").expect("written");
        fs::remove_file(folder.path().join("schemas/recipe.schema.json")).expect("removed");
        assert_eq!(
            stale(folder.path(), &made()).expect("read"),
            [
                "man/mazet-gone.1 is no longer generated: delete it",
                "man/mazet.1 is out of date",
                "schemas/recipe.schema.json is not there",
            ]
        );
    }
}
