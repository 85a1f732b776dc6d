//! What the broker does of web sites: it tells, writes orders down, and opens archives.

use std::fs::File;
use std::path::Path;

use anyhow::Result;

use super::order::Refusal;
use crate::protocol::Response;
use crate::run::Runner;
use crate::system;
use crate::websites::order::{Busy, Desk, Order, Refused, give};
use crate::websites::{self, archive, find};

/// The sites of the box at `root`.
///
/// # Errors
/// When settings or manifests cannot be read.
pub fn state(root: &Path) -> Result<Response> {
    websites::state(root, &Desk::running()).map(|state| Response::Websites(Box::new(state)))
}

/// Has an order carried out, or says why not.
///
/// # Errors
/// When settings cannot be read or the unit not be started.
pub fn order(order: &Order, runner: &Runner) -> Result<Response> {
    let error = match give(&Desk::running(), order, runner) {
        Ok(()) => return Ok(Response::Done),
        Err(error) => error,
    };
    if let Some(Refused(faults)) = error.downcast_ref() {
        return Ok(Response::Faulty { faults: faults.clone() });
    }
    if error.is::<Busy>() {
        return Ok(Refusal::new("websites-busy", error.to_string()).response());
    }
    Err(error)
}

/// Opens an archive; none is a refusal.
///
/// # Errors
/// When settings cannot be read.
pub fn open(root: &Path, id: u16, at: i64) -> Result<(Response, Option<File>)> {
    let name = name(root, id)?;
    match archive::open(root, &name, at) {
        Ok(file) => Ok((Response::Archive { name, bytes: file.metadata()?.len() }, Some(file))),
        Err(error) => Ok((Refusal::new("archive-missing", format!("{error:#}")).response(), None)),
    }
}

/// Deletes an archive.
///
/// # Errors
/// When settings cannot be read.
pub fn forget(root: &Path, id: u16, at: i64) -> Result<Response> {
    let gone = archive::forget(root, &name(root, id)?, at);
    Ok(match gone {
        Ok(()) => Response::Done,
        Err(error) => Refusal::new("archive-missing", format!("{error:#}")).response(),
    })
}

fn name(root: &Path, id: u16) -> Result<String> {
    let (site, _) = find(&system::settings(root)?, &system::services(root)?, id)?;
    Ok(site.name)
}
