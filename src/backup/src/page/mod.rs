//! The operator's pages: lines of a report, in both languages.
//!
//! | module | page |
//! |---|---|
//! | [`overview`] | what was done at each place, and what is under way |
//! | [`kind`] | the places of one kind |
//! | [`kit`] | the recovery kit, to be printed |
//! | [`disks`] | disks that are plugged in |
//! | [`anew`] | a disk that is made anew |

mod anew;
pub mod disks;
mod kind;
mod kit;
mod overview;

use anyhow::{Context as _, Result, bail};
use mazet_host::confirmed::Confirmed;
use mazet_host::files;
use mazet_host::run::said;
use mazet_model::report::{Line, is_id};

use crate::divided;
use crate::key::Key;
use crate::places::Places;
use crate::plan::Plan;
use crate::prepare;
use crate::state::Status;
use crate::target;
use crate::tools::{Program, Tools};

/// Backs up to every place.
const RUN: &str = "mazet-backup.service";
/// Proves.
const PROVE: &str = "mazet-backup-prove.service";
/// Tries one place.
const TRY: &str = "mazet-backup-try@";
/// Makes a disk anew.
const PREPARE: &str = "mazet-backup-prepare@";

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

fn lines(tools: &Tools, places: &Places, name: &str) -> Result<Vec<Line>> {
    if name == "overview" {
        let under_way = overview::UnderWay::read(tools, places);
        let status = Status::read(&places.state)?;
        return Ok(overview::lines(&status, &target::all(&places.secrets)?, &under_way, files::now()));
    }
    if let "kit" | "parts" = name {
        let key = Key::of_box(&places.key())?;
        let parts = if name == "parts" { divided::divide(&key) } else { Vec::new() };
        return Ok(kit::lines(&Plan::of(&places.root)?, &target::all(&places.secrets)?, &key, &parts));
    }
    if name == "prepare" {
        Confirmed::tidy(&places.confirmed())?;
        let status = Status::read(&places.state)?;
        return Ok(anew::lines(status.prepared.as_ref(), &prepare::candidates(tools, places)?));
    }
    let Some(kind) = target::KINDS.into_iter().find(|kind| *kind == name) else {
        bail!("there is no page {name:?}")
    };
    let targets = target::of_kind(&places.secrets, kind)?;
    // The trial needs it.
    let key = if kind == "sftp" { Some(kind::ssh_key(tools, places)?) } else { None };
    try_new(tools, places, &targets)?;
    let mut lines = Vec::from_iter(key);
    lines.extend(kind::lines(&Status::read(&places.state)?, &targets));
    if kind == "usb" {
        lines.extend(disks::lines(&disks::plugged(tools)?, &targets));
    }
    Ok(lines)
}

/// What was added is tried before it is shown.
fn try_new(tools: &Tools, places: &Places, targets: &[target::Target]) -> Result<()> {
    let status = Status::read(&places.state)?;
    let is_new =
        |target: &&target::Target| status.targets.get(&target.id).is_none_or(|known| known.trial.is_none());
    for target in targets.iter().filter(is_new) {
        // A place that does not do fails the unit, and says why in the status.
        let tried = start(tools, &format!("{TRY}{}.service", target.id), false);
        // The first backup need not wait for the hour.
        if let Err(error) = tried.and_then(|()| start(tools, RUN, true)) {
            eprintln!("<5>{error:#}");
        }
    }
    Ok(())
}

fn start(tools: &Tools, unit: &str, in_background: bool) -> Result<()> {
    let mut command = tools.command(Program::Systemctl);
    command.args(in_background.then_some("--no-block")).args(["start", unit]);
    said(&mut command, &format!("starting {unit}")).map(drop)
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
        ("back-up", "") => start(tools, RUN, true),
        ("prove", "") => start(tools, PROVE, true),
        // The verdict is on the page.
        ("try", id) if !id.is_empty() => start(tools, &format!("{TRY}{id}.service"), false).or(Ok(())),
        // How it went is on the page.
        ("prepare", id) if !id.is_empty() => {
            // The first backup need not wait for the hour.
            start(tools, &format!("{PREPARE}{id}.service"), false)
                .and_then(|()| start(tools, RUN, true))
                .or(Ok(()))
        }
        ("use", uuid) if !uuid.is_empty() => disks::choose(tools, places, uuid),
        _ => bail!("there is no act {what:?}"),
    }
}
