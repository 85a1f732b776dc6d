//! The command line: what a user types, nothing more.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};

/// Turns a recipe into a bootable Debian image for a small association's server.
#[derive(Debug, Parser)]
#[command(name = "mazet", version, propagate_version = true)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Action,
}

/// A command.
#[derive(Debug, Subcommand)]
pub enum Action {
    /// Build an image from a recipe.
    Build(Build),
    /// Check or show recipes.
    #[command(subcommand)]
    Recipe(Recipe),
    /// Say which inputs changed since each cached layer was made.
    Why(Why),
    /// Say what this host lacks, and the exact command that mends it.
    Doctor(Doctor),
    /// Enter a tree's sandbox: for Mazet itself.
    #[command(name = crate::sandbox::SUBCOMMAND, hide = true)]
    Sandbox(SandboxWords),
}

/// `mazet build`.
#[derive(Debug, Args)]
pub struct Build {
    /// The recipe: a name in recipes/.
    #[arg(default_value = "pc")]
    pub recipe: String,
    /// Build exactly what this lock says.
    #[arg(long, value_name = "FILE")]
    pub locked: Option<PathBuf>,
    /// Use the cache alone, never the network.
    #[arg(long)]
    pub offline: bool,
    /// Ask the archive for its newest indexes, however fresh the known ones are.
    #[arg(long, conflicts_with_all = ["offline", "locked"])]
    pub refresh: bool,
    /// Debian mirror to build from.
    #[arg(long, value_name = "URL")]
    pub mirror: Option<String>,
    /// Print a table of stages, and write it beside the image as JSON and HTML.
    #[arg(long)]
    pub timings: bool,
    /// Print what was built as JSON on standard output.
    #[arg(long)]
    pub json: bool,
    /// Folder for the image and what stands beside it.
    #[arg(long, value_name = "FOLDER")]
    pub output: Option<PathBuf>,
}

/// `mazet recipe`.
#[derive(Debug, Subcommand)]
pub enum Recipe {
    /// Check a recipe with its services and templates; report all faults at once.
    Check {
        /// The recipe.
        #[arg(default_value = "pc")]
        recipe: String,
    },
    /// Show the resolved plan.
    Show {
        /// The recipe.
        #[arg(default_value = "pc")]
        recipe: String,
        /// As JSON.
        #[arg(long)]
        json: bool,
    },
}

/// `mazet why`.
#[derive(Debug, Args)]
pub struct Why {
    /// The recipe.
    #[arg(default_value = "pc")]
    pub recipe: String,
    /// As JSON.
    #[arg(long)]
    pub json: bool,
}

/// `mazet doctor`.
#[derive(Debug, Args)]
pub struct Doctor {
    /// As JSON.
    #[arg(long)]
    pub json: bool,
}

/// The hidden subcommand's words.
#[derive(Debug, Args)]
pub struct SandboxWords {
    /// The sandbox's description.
    pub description: String,
    /// The command.
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    pub words: Vec<std::ffi::OsString>,
}
