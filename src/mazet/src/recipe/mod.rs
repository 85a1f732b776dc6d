//! Recipes from the disk: loaded, checked, shown. Reads the project's files and nothing else.
//!
//! | module | subject |
//! |---|---|
//! | `load` | the files of a project, as the check wants them |
//! | `show` | a checked recipe as text |

mod load;
mod show;

use std::io;
use std::path::{Path, PathBuf};

use mazet_model::check::{Valid, check};
use mazet_model::fault::{Fault, report};
use mazet_model::suggest::nearest;
use thiserror::Error;

pub use self::show::{show, summary};

/// Why there is no checked recipe.
#[derive(Debug, Error)]
pub enum Failure {
    /// There is no such recipe.
    #[error("there is no recipe `{name}` in {}: {hint}", folder.display())]
    Absent {
        /// What was asked for.
        name: String,
        /// Where it was looked for.
        folder: PathBuf,
        /// What there is.
        hint: String,
    },
    /// The recipe, a manifest, an overlay or a template has faults: all of them.
    #[error("{}", report(.0))]
    Faults(Vec<Fault>),
    /// A file of the project cannot be read.
    #[error("reading {}: {source}", path.display())]
    Read {
        /// The file or folder.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl Failure {
    /// The program's exit code: 2 when the recipe or its name is at fault, else 1.
    pub fn code(&self) -> u8 {
        match self {
            Self::Absent { .. } | Self::Faults(_) => 2,
            Self::Read { .. } => 1,
        }
    }

    /// The faults, for a program to read; none when it failed otherwise.
    pub fn faults(&self) -> &[Fault] {
        if let Self::Faults(faults) = self { faults } else { &[] }
    }
}

/// Loads and checks `recipes/<name>.toml` of the project at `project`, with its services,
/// overlays and templates.
///
/// # Errors
/// When there is no such recipe, when it has faults (all are reported), or when a file
/// cannot be read.
pub fn load(project: &Path, name: &str) -> Result<Valid, Failure> {
    let known = load::recipes(project)?;
    if !known.iter().any(|recipe| recipe == name) {
        let hint = match nearest(name, known.iter().map(String::as_str)) {
            Some(near) => format!("did you mean `{near}`?"),
            None if known.is_empty() => "the folder holds none".to_owned(),
            None => format!("there are: {}", known.join(", ")),
        };
        return Err(Failure::Absent { name: name.to_owned(), folder: project.join("recipes"), hint });
    }
    check(&load::sources(project, name)?).map_err(Failure::Faults)
}

#[cfg(test)]
mod tests;
