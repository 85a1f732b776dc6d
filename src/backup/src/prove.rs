//! A proof: the newest backup of a place is restored beside the box's data, a PostgreSQL is started on it, and every
//! file and every table is compared with what the backup recorded. Then all of it is thrown away.

use std::time::Instant;

use anyhow::{Result, bail};
use mazet_host::files;

use crate::cluster::Use;
use crate::fault::{Fault, Why};
use crate::opened::Opened;
use crate::places::Places;
use crate::record::Differences;
use crate::restore::{self, Found};
use crate::state::{self, Outcome, Proof, Status};
use crate::target::{self, Target};
use crate::tools::Tools;

/// Proves the newest backup of every place that is reached, and has each place checked.
///
/// # Errors
/// A proof failed: which, and how. A disk that is not plugged in is told, and no error.
pub fn run(tools: &Tools, places: &Places) -> Result<()> {
    files::make_folder(&places.state, 0o711)?;
    let _alone = state::alone(&places.state, "proof")?;
    let mut failed = Vec::new();
    for target in target::all(&places.secrets)? {
        if let Err(error) = one(tools, places, &target) {
            let title = target.place.title();
            match Fault::of(&error).why {
                Why::Absent => eprintln!("<5>{title}: {error:#}"),
                _ => failed.push(format!("{title}: {error:#}")),
            }
        }
    }
    tools.remove(&places.state.join("proof"))?;
    if !failed.is_empty() {
        bail!("{}", failed.join("; "));
    }
    Ok(())
}

fn one(tools: &Tools, places: &Places, target: &Target) -> Result<()> {
    let started = Instant::now();
    let opened = Opened::of_box(tools, &target.place, places)?;
    let proven = proven(tools, places, &opened);
    let proof = proof(&proven, started);
    let checked = opened.repository.check();
    let outcome = Outcome::of(&checked);
    Status::change_target(&places.state, &target.id, &target.place.title(), |status| {
        status.proof = Some(proof);
        status.checked = Some(outcome);
    })?;
    opened.close()?;
    let (_, differences) = proven?;
    if differences.count > 0 {
        bail!("{} things are not as they were recorded: {}", differences.count, differences.told.join("; "));
    }
    checked
}

/// The newest backup, and what of it did not come back as it was recorded.
fn proven(tools: &Tools, places: &Places, opened: &Opened<'_>) -> Result<(Found, Differences)> {
    let found = restore::find(&opened.repository, None)?;
    let differences = compared(tools, places, opened, &found)?;
    Ok((found, differences))
}

/// Restores it, and compares.
fn compared(tools: &Tools, places: &Places, opened: &Opened<'_>, found: &Found) -> Result<Differences> {
    let scratch = places.state.join("proof");
    tools.remove(&scratch)?;
    files::make_folder(&scratch, 0o711)?;
    let into = (scratch.as_path(), places.run.as_path());
    let compared = restore::restore(tools, &opened.repository, found, into, Use::ThrownAway, |_| Ok(()));
    tools.remove(&scratch)?;
    compared
}

fn proof(proven: &Result<(Found, Differences)>, started: Instant) -> Proof {
    let mut proof = Proof {
        at: files::now(),
        seconds: i64::try_from(started.elapsed().as_secs()).unwrap_or(i64::MAX),
        ..Proof::default()
    };
    match proven {
        Err(error) => proof.fault = Some(Fault::of(error)),
        Ok((found, differences)) => {
            let record = &found.record;
            let tables = record.databases.values().flat_map(|database| database.tables.values());
            proof.snapshot.clone_from(&found.id);
            proof.of = Some(record.at);
            proof.differences.clone_from(&differences.told);
            proof.count = differences.count;
            proof.files = record.files.count;
            proof.rows = tables.map(|table| table.rows).sum();
        }
    }
    proof
}
