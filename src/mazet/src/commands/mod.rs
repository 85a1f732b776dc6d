//! What each command does: raw arguments in, an exit code out.

pub mod bench;
pub mod boot;
pub mod build;
pub mod elsewhere;
pub mod flash;
pub mod release;
pub mod small;
pub mod test;
pub mod why;

use std::process::ExitCode;

use anyhow::Result;
use mazet_model::check::Valid;

use crate::cli::{Action, Cli};
use crate::paths::{Cache, Project};
use crate::recipe;
use crate::sandbox;
use crate::ui::Ui;

/// Usage, or a recipe, is at fault.
pub const FAULT: u8 = 2;
/// A check failed.
pub const CHECK_FAILED: u8 = 3;

/// What every command starts from.
pub struct Setting {
    /// The project.
    pub project: Project,
    /// The cache.
    pub cache: Cache,
    /// Who is told.
    pub ui: Ui,
}

impl Setting {
    /// Finds project and cache.
    ///
    /// # Errors
    /// When there is none.
    pub fn find() -> Result<Self> {
        Ok(Self { project: Project::find()?, cache: Cache::find()?, ui: Ui::new() })
    }

    /// A validated recipe; its faults are the user's to read.
    ///
    /// # Errors
    /// The recipe's [`recipe::Failure`].
    pub fn recipe(&self, name: &str) -> Result<Valid> {
        Ok(recipe::load(&self.project.root, name)?)
    }
}

/// Runs a command.
///
/// # Errors
/// Those of the command.
pub fn run(cli: Cli) -> Result<ExitCode> {
    match cli.command {
        Action::Build(words) => build::run(&words),
        Action::Boot(words) => boot::run(&words),
        Action::Flash(words) => flash::run(&words),
        Action::OpenDevice(words) => {
            crate::flash::open::give(&words.name, &words.serial).map(|()| ExitCode::SUCCESS)
        }
        Action::Recipe(words) => small::recipe(words),
        Action::Why(words) => why::run(&words),
        Action::Verify(words) => release::verify(&words),
        Action::Inspect(words) => small::inspect(&words),
        Action::Cache(words) => small::cache(&words),
        Action::Doctor(words) => small::doctor(&words),
        Action::Generate(words) => small::generate(&words),
        Action::Sandbox(words) => match sandbox::enter(&words.description, &words.words)? {},
        Action::Users(words) => sandbox::users::enter(&words.words),
        Action::Clock(words) => {
            test::clock::tell(&words.tools, words.base.as_deref()).map(|()| ExitCode::SUCCESS)
        }
        Action::Test(words) => test::run(&words),
        Action::Bench(words) => bench::run(&words),
    }
}
