//! `mazet-backup`: backups of the box that prove themselves, and their restore.
//!
//! | command | does |
//! |---|---|
//! | `run` | backs up to every place: hourly, by a timer |
//! | `prove` | restores the newest backup of every place into a scratch area, and compares: weekly |
//! | `prepare` | makes a USB disk anew for backups |
//! | `try` | says whether a place can be one |
//! | `look` | what is in a place, and what a restore needs |
//! | `restore` | puts a backup into an empty `/srv` |
//! | `combine` | gives the recovery key back from two of its parts |
//! | `page`, `act` | the operator's pages, and what they offer |
//! | `check` | the health check of the manifest |
//! | `recent` | is there a good backup of today? Updates wait for one |
//!
//! | module | subject |
//! |---|---|
//! | [`plan`] | what a backup holds: the manifests of the services say it |
//! | [`picture`], [`cluster`], [`databases`] | everything as it was at one moment |
//! | [`record`], [`digest`] | what a backup says of itself, and whether what came back is that |
//! | [`target`], [`opened`], [`prepare`] | where backups go |
//! | [`restic`], [`fault`], [`tools`] | other programs, and why they failed |
//! | [`engine`] | a backup |
//! | [`restore`], [`way_back`], [`prove`] | the way back |
//! | [`check`] | is the box well? |
//! | [`key`], [`divided`] | the recovery key |
//! | [`page`], [`words`] | the operator's pages |
//! | [`state`], [`places`] | what was done, and where it is written |

mod check;
mod cluster;
mod databases;
mod digest;
mod divided;
mod engine;
mod fault;
mod key;
mod opened;
mod page;
mod picture;
mod places;
mod plan;
mod prepare;
mod prove;
mod record;
mod restic;
mod restore;
mod state;
mod target;
#[cfg(test)]
mod tests;
mod tools;
mod way_back;
mod words;

use std::process::ExitCode;

use anyhow::{Context as _, Result};
use clap::{Parser, Subcommand};
use mazet_host::files;

use crate::opened::Opened;
use crate::picture::Way;
use crate::places::Places;
use crate::state::{Outcome, Status};
use crate::tools::Tools;

/// Backups of the box that prove themselves, and their restore.
#[derive(Debug, Parser)]
#[command(name = "mazet-backup", version)]
struct Cli {
    #[command(flatten)]
    places: Places,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Backs up to every place
    Run,
    /// Restores the newest backup of every place into a scratch area, and compares it with what it recorded
    Prove,
    /// Makes a USB disk anew for backups
    Prepare {
        /// The disk's name on the page: `sdb.SERIAL`
        disk: String,
    },
    /// Says whether a place can be one
    Try {
        /// Its name on this box
        id: String,
    },
    /// Says what is in a place, and what a restore needs
    Look(way_back::From),
    /// Puts a backup back
    Restore {
        #[command(flatten)]
        from: way_back::From,
        /// An empty folder; what an interrupted restore began there goes on
        #[arg(long, value_name = "FOLDER", default_value = "/srv")]
        into: std::path::PathBuf,
    },
    /// Gives the recovery key back from two of its three parts, a line each on standard input
    Combine,
    /// Writes one of the operator's pages
    Page {
        /// `overview`, `usb`, `prepare`, `sftp`, `rest`, `s3`, `kit` or `parts`
        name: String,
    },
    /// Does what the operator's pages offer
    Act {
        /// `<act>` or `<act>:<row>`
        what: String,
    },
    /// Fails when the box has no good backup of the last day, or a proof failed
    Check,
    /// Fails when no good backup is younger than 26 hours: before updates
    Recent,
}

fn main() -> ExitCode {
    match run(&Cli::parse()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("mazet-backup: {error:#}");
            ExitCode::FAILURE
        }
    }
}

fn run(Cli { places, command }: &Cli) -> Result<()> {
    let tools = Tools::default();
    match command {
        Command::Run => engine::run(&tools, places, Way::Snapshot),
        Command::Prove => prove::run(&tools, places),
        Command::Prepare { disk } => prepare::run(&tools, places, disk),
        Command::Try { id } => try_out(&tools, places, id),
        Command::Look(from) => way_back::look(&tools, places, from),
        Command::Restore { from, into } => way_back::restore(&tools, places, from, into),
        Command::Combine => way_back::combine(),
        Command::Page { name } => page::print(&tools, places, name),
        Command::Act { what } => page::act(&tools, places, what),
        Command::Recent => check::recent(&Status::read(&places.state)?, files::now()),
        Command::Check => {
            let targets = target::all(&places.secrets)?;
            check::check(&Status::read(&places.state)?, &targets, check::since(&places.state), files::now())
        }
    }
}

/// Tries a place, and keeps the verdict.
fn try_out(tools: &Tools, places: &Places, id: &str) -> Result<()> {
    files::make_folder(&places.state, 0o711)?;
    key::Key::of_box(&places.key())?;
    let all = target::all(&places.secrets)?;
    let target =
        all.iter().find(|target| target.id == id).with_context(|| format!("there is no place {id}"))?;
    let opened = Opened::of_box(tools, &target.place, places).and_then(|opened| {
        let room = opened.room();
        opened.close().map(|()| room)
    });
    let (outcome, room) = (Outcome::of(&opened), opened.as_ref().ok().cloned().flatten());
    Status::change_target(&places.state, id, &target.place.title(), |status| {
        status.trial = Some(outcome);
        status.room = room;
    })?;
    opened.map(drop)
}
