//! `mazet-disks`: the box's disks: watched, scrubbed, merged, replaced.
//!
//! | command | does |
//! |---|---|
//! | `watch` | looks whether a disk is missing or errs, and how much room there is: every five minutes |
//! | `scrub` | reads everything and compares it with its checksums: monthly |
//! | `smart` | asks the disks how they are: daily |
//! | `merge` | gives back the room of what is there twice: nightly |
//! | `replace` | another disk takes the place of one that is missing |
//! | `mirror` | gives what is on one disk alone a second copy |
//! | `page`, `act` | the operator's pages, and what they offer |
//! | `check` | the health check of the manifest |
//!
//! | module | subject |
//! |---|---|
//! | [`filesystem`] | the file system, as it is now |
//! | [`watch`], [`scrub`], [`smart`], [`merge`] | what is done by timers |
//! | [`replace`] | another disk |
//! | [`check`] | is the box well? |
//! | [`page`], [`progress`], [`words`] | the operator's pages |
//! | [`state`], [`places`] | what was done, and where it is written |
//! | [`tools`] | other programs |

mod check;
mod filesystem;
mod merge;
mod page;
mod places;
mod progress;
mod replace;
mod scrub;
mod smart;
mod state;
#[cfg(test)]
mod tests;
mod tools;
mod watch;
mod words;

use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};
use mazet_host::files;

use crate::merge::When;
use crate::places::Places;
use crate::state::State;
use crate::tools::Tools;

/// The box's disks: watched, scrubbed, merged, replaced.
#[derive(Debug, Parser)]
#[command(name = "mazet-disks", version)]
struct Cli {
    #[command(flatten)]
    places: Places,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Looks whether a disk is missing or errs, and how much room there is
    Watch,
    /// Reads everything that is on the disks, and compares it with its checksums
    Scrub,
    /// Asks the disks how they are (SMART)
    Smart,
    /// Gives back the room of what is there twice
    Merge {
        /// Whether it is done
        #[arg(long, env = "MAZET_DISKS_MERGE", value_enum, default_value_t = When::Auto)]
        when: When,
    },
    /// Has another disk take the place of one that is missing, or goes on with that
    Replace {
        /// The disk's name on the page: `sdb.SERIAL`
        disk: String,
    },
    /// Gives what is on one disk of a mirror alone a second copy
    Mirror,
    /// Writes one of the operator's pages
    Page {
        /// `overview` or `replace`
        name: String,
    },
    /// Does what the operator's pages offer
    Act {
        /// `<act>` or `<act>:<row>`
        what: String,
    },
    /// Fails when a disk is missing or errs, a scrub is overdue, or there is little room
    Check,
}

fn main() -> ExitCode {
    match run(&Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("mazet-disks: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(Cli { places, command }: &Cli) -> Result<()> {
    let tools = Tools::default();
    match command {
        Command::Watch => watch::run(&tools, places),
        Command::Scrub => scrub::run(&tools, places),
        Command::Smart => smart::run(&tools, places),
        Command::Merge { when } => merge::run(&tools, places, *when),
        Command::Replace { disk } => replace::run(&tools, places, disk),
        Command::Mirror => replace::mirror(&tools, places).and_then(|()| watch::run(&tools, places)),
        Command::Page { name } => page::print(&tools, places, name),
        Command::Act { what } => page::act(&tools, places, what),
        Command::Check => check::check(&State::read(&places.state)?, files::now()),
    }
}
