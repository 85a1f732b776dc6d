//! `mazetd disk`: another disk for a box that runs.

use anyhow::Result;
use clap::Subcommand;

use crate::install::further;
use crate::run::Runner;

/// What `mazetd disk` does.
#[derive(Debug, Subcommand)]
pub enum Disk {
    /// Gives a disk the partition table of a box's disk, and prints the path of its data partition; ALL THAT WAS ON IT
    /// IS LOST
    Partition {
        /// The kernel's name of it: sdb
        name: String,
    },
    /// Makes the box start from a disk whose data partition it has, too
    Start {
        /// The kernel's name of it: sdb
        name: String,
    },
}

/// Does it.
///
/// # Errors
/// When the disk is in use, or cannot be read or written.
pub fn run(command: &Disk, runner: &Runner) -> Result<()> {
    match command {
        Disk::Partition { name } => println!("{}", further::partition(name, runner)?.display()),
        Disk::Start { name } => further::make_start(name, runner)?,
    }
    Ok(())
}
