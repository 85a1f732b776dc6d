//! The operator's pages: lines of a report, in both languages.
//!
//! | module | page |
//! |---|---|
//! | [`overview`] | everything: mirror, disks, scrub, room, merging |
//! | [`disk`] | a disk, and what it says of itself |
//! | [`spare`] | another disk for one that is missing, and how far its replacement is |

mod disk;
mod overview;
mod spare;

use anyhow::{Context as _, Result, bail};
use mazet_host::confirmed::Confirmed;
use mazet_host::files;
use mazet_model::report::{Line, is_id};

use crate::places::Places;
use crate::progress::{self, UnderWay};
use crate::state::State;
use crate::tools::{Program, Tools};
use crate::{replace, watch};

/// Prints a page.
///
/// # Errors
/// There is none of this name, or something cannot be read.
pub fn print(tools: &Tools, places: &Places, name: &str) -> Result<()> {
    for line in lines(tools, places, name)? {
        println!("{}", serde_json::to_string(&line).context("writing a line")?);
    }
    Ok(())
}

/// The lines of a page.
///
/// # Errors
/// There is none of this name, or something cannot be read.
pub fn lines(tools: &Tools, places: &Places, name: &str) -> Result<Vec<Line>> {
    // What cannot be seen is told on the page.
    let _ = watch::run(tools, places);
    Confirmed::tidy(&places.confirmed)?;
    let state = State::read(&places.state)?;
    let under_way = UnderWay::read(tools, places, &state);
    let candidates = replace::candidates(tools, places).unwrap_or_default();
    match name {
        "overview" => Ok(overview::lines(&state, &under_way, &candidates, files::now())),
        "replace" => Ok(spare::lines(&state, &under_way, &candidates)),
        _ => bail!("there is no page {name:?}"),
    }
}

fn start(tools: &Tools, unit: &str) -> Result<()> {
    tools.said(Program::Systemctl, &["--no-block", "start", unit]).map(drop)
}

/// Does what the pages offer: `<act>` or `<act>:<row>`.
///
/// # Errors
/// It is none, or fails.
pub fn act(tools: &Tools, places: &Places, what: &str) -> Result<()> {
    let (name, row) = what.split_once(':').unwrap_or((what, ""));
    if !row.is_empty() && !is_id(row) {
        bail!("{row:?} is no name of a row");
    }
    match (name, row) {
        ("scrub", "") => start(tools, progress::SCRUB),
        ("merge", "") => start(tools, progress::MERGE),
        ("mirror", id) if !id.is_empty() => start(tools, progress::MIRROR),
        ("replace", id) if !id.is_empty() => {
            replace::allowed(tools, places, id)?;
            start(tools, &progress::replace(id))
        }
        ("go-on", id) if !id.is_empty() => {
            let known = State::read(&places.state)?.replacement;
            known.filter(|one| one.disk.id() == id).with_context(|| format!("{id} replaces no disk"))?;
            start(tools, &progress::replace(id))
        }
        ("seen", id) if !id.is_empty() => forget_errors(tools, places, id),
        _ => bail!("there is no act {what:?}"),
    }
}

/// Sets the counters of a disk back.
fn forget_errors(tools: &Tools, places: &Places, id: &str) -> Result<()> {
    let seen = State::read(&places.state)?.seen.unwrap_or_default();
    let part = seen.devices.iter().find(|part| disk::id(part) == id);
    let path = part.and_then(|part| part.device.path.as_deref());
    let path = path.with_context(|| format!("there is no disk {id} whose errors are counted"))?;
    tools.said(Program::Btrfs, &["device", "stats", "--reset", path])?;
    watch::run(tools, places)
}
