//! The files of a project, as the check wants them.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io;
use std::path::Path;

use mazet_model::check::SERVICES;
use mazet_model::source::Sources;

use super::Failure;

/// Names of the project's recipes, sorted.
pub(super) fn recipes(project: &Path) -> Result<Vec<String>, Failure> {
    let mut names: Vec<String> = entries(&project.join("recipes"))?
        .iter()
        .filter_map(|(name, _)| name.strip_suffix(".toml"))
        .map(str::to_owned)
        .collect();
    names.sort();
    Ok(names)
}

/// The recipe, all manifests, and all files of overlays and firmware; templates with their text.
pub(super) fn sources(project: &Path, name: &str) -> Result<Sources, Failure> {
    let recipe = format!("recipes/{name}.toml");
    let mut sources = Sources { recipe: recipe.clone(), texts: BTreeMap::new(), files: BTreeSet::new() };
    read(project, &recipe, &mut sources)?;
    for (name, is_folder) in entries(&project.join(SERVICES))? {
        if !is_folder && name.ends_with(".toml") {
            read(project, &format!("{SERVICES}{name}"), &mut sources)?;
        }
    }
    for folder in ["overlays", "firmware"] {
        walk(project, folder, &mut sources)?;
    }
    Ok(sources)
}

fn walk(project: &Path, folder: &str, sources: &mut Sources) -> Result<(), Failure> {
    for (name, is_folder) in entries(&project.join(folder))? {
        let path = format!("{folder}/{name}");
        if is_folder {
            walk(project, &path, sources)?;
        } else if path.ends_with(".hbs") {
            read(project, &path, sources)?;
        } else {
            sources.files.insert(path);
        }
    }
    Ok(())
}

/// Keeps the text of a file; of one that is not UTF-8, only that it exists.
fn read(project: &Path, path: &str, sources: &mut Sources) -> Result<(), Failure> {
    let full = project.join(path);
    let bytes = fs::read(&full).map_err(|source| Failure::Read { path: full, source })?;
    match String::from_utf8(bytes) {
        Ok(text) => {
            sources.texts.insert(path.to_owned(), text);
        }
        Err(_) => {
            sources.files.insert(path.to_owned());
        }
    }
    Ok(())
}

/// Names in a folder, and which of them are folders. A folder that is not there is empty.
fn entries(folder: &Path) -> Result<Vec<(String, bool)>, Failure> {
    let failure = |source| Failure::Read { path: folder.to_owned(), source };
    let list = match fs::read_dir(folder) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
        list => list.map_err(failure)?,
    };
    let mut names = Vec::new();
    for entry in list {
        let entry = entry.map_err(failure)?;
        let is_folder = entry.file_type().map_err(failure)?.is_dir();
        names.push((entry.file_name().to_string_lossy().into_owned(), is_folder));
    }
    Ok(names)
}
