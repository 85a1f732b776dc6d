//! `mazetd events`.

use anyhow::Result;
use clap::Args;
use mazet_directory::{Actor, Directory};

use super::{print, with};
use crate::acts::events::latest;

/// What `mazetd events` is told.
#[derive(Debug, Args)]
pub struct Events {
    /// Those before the one of this number
    #[arg(long, value_name = "N")]
    before: Option<i64>,
    /// How many at most
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = clap::value_parser!(u32).range(1..=500))]
    count: u32,
    /// For programs
    #[arg(long)]
    json: bool,
}

/// Prints the audit log, the latest first.
///
/// # Errors
/// The directory fails.
pub fn run(events: &Events) -> Result<()> {
    with(async |directory: &Directory| {
        let all = latest(directory, &Actor::system(), events.before, events.count).await?;
        if events.json {
            return print(&all);
        }
        for one in all {
            let at = serde_json::to_value(&one)?["at"].as_str().unwrap_or_default().to_owned();
            println!("{}\t{at}\t{}\t{}\t{}\t{}", one.id, one.actor, one.action, one.target, one.detail);
        }
        Ok(())
    })
}
