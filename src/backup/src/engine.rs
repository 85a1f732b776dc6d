//! A backup: one picture of the box, to every place that answers.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use mazet_host::files;
use serde::Serialize;

use crate::cluster::{Cluster, Use};
use crate::databases::{self, Database};
use crate::fault::{Fault, Why};
use crate::key::Key;
use crate::opened::Opened;
use crate::picture::{self, Picture, RECORD, Way};
use crate::places::Places;
use crate::plan::Plan;
use crate::record::{DATABASES, Record};
use crate::restic::Progress;
use crate::state::{self, Good, Outcome, Status};
use crate::target::{self, Target};
use crate::tools::Tools;

/// How often what no backup needs any more is removed, in seconds.
const PRUNED_AFTER: i64 = state::DAY;

/// How far it is, for a page.
#[derive(Debug, Serialize)]
struct Told<'t> {
    target: &'t str,
    #[serde(flatten)]
    progress: &'t Progress,
}

/// Backs up to every place of the box.
///
/// # Errors
/// When no picture can be taken, or no place takes it and one of them is there. While another place has the backup, one
/// that fails is told, and no error, as a disk that is not plugged in: the health check counts the hours.
pub fn run(tools: &Tools, places: &Places, way: Way) -> Result<()> {
    files::make_folder(&places.state, 0o711)?;
    let _alone = state::alone(&places.state, "backup")?;
    let targets = target::all(&places.secrets)?;
    let plan = Plan::of(&places.root)?;
    Key::of_box(&places.key())?;
    // What was done at places that are no longer wanted says nothing.
    Status::change(&places.state, |status| {
        status.targets.retain(|id, _| targets.iter().any(|target| target.id == *id));
    })?;
    let mut failed = Vec::new();
    let mut good = 0;
    let mut reached = Vec::new();
    for target in &targets {
        match Opened::of_box(tools, &target.place, places) {
            // One disk after the other: they are mounted at the same folder.
            Ok(opened) => {
                let _ = opened.close();
                reached.push(target);
            }
            Err(error) => note(places, target, &Fault::of(&error), &mut failed)?,
        }
    }
    if !reached.is_empty() {
        let taken = take(tools, places, &plan, way);
        Status::change(&places.state, |status| status.picture = Some(Outcome::of(&taken)))?;
        let (picture, record) = taken?;
        for target in reached {
            match send(tools, places, target, &picture, &record) {
                Ok(()) => good += 1,
                Err(error) => note(places, target, &Fault::of(&error), &mut failed)?,
            }
        }
    }
    let _ = std::fs::remove_file(places.progress());
    if good == 0 && !failed.is_empty() {
        bail!("{}", failed.join("; "));
    }
    failed.iter().for_each(|told| eprintln!("<4>{told}"));
    Ok(())
}

/// Keeps why a place got no backup.
fn note(places: &Places, target: &Target, fault: &Fault, failed: &mut Vec<String>) -> Result<()> {
    let title = target.place.title();
    let told = format!("{title}: {fault}");
    if fault.why == Why::Absent {
        eprintln!("<5>{told}");
    } else {
        failed.push(told);
    }
    let outcome = Outcome { at: files::now(), fault: Some(fault.clone()) };
    Status::change_target(&places.state, &target.id, &title, |status| status.last = Some(outcome))
}

/// A picture with its record.
fn take<'t>(tools: &'t Tools, places: &Places, plan: &Plan, way: Way) -> Result<(Picture<'t>, Record)> {
    let picture = Picture::take(tools, &places.data, &places.state.join("picture"), way)?;
    let at = files::now();
    let folder = picture::record_folder(picture.path())?;
    let databases = dumped(tools, places, plan, picture.path(), &folder.join(DATABASES))?;
    let known = places.state.join("known");
    let record = Record::write(plan, at, picture.path(), &folder, &known, databases)?;
    picture.close()?;
    Ok((picture, record))
}

/// Dumps of what was in the databases when the picture was taken.
fn dumped(
    tools: &Tools,
    places: &Places,
    plan: &Plan,
    picture: &Path,
    into: &Path,
) -> Result<BTreeMap<String, Database>> {
    if plan.databases.is_empty() {
        return Ok(BTreeMap::new());
    }
    let cluster = cluster(picture)?;
    let server = Cluster::start(tools, &cluster, &places.run.join("postgresql"), Use::ThrownAway)?;
    let dumped = databases::dump(&server, &plan.databases, into)?;
    server.stop()?;
    Ok(dumped)
}

/// The files of PostgreSQL in a picture: `postgresql/<version>/main`, the newest version's.
fn cluster(picture: &Path) -> Result<PathBuf> {
    let folder = picture.join("postgresql");
    let versions = std::fs::read_dir(&folder).with_context(|| format!("reading {}", folder.display()))?;
    let number = |path: &PathBuf| path.file_name()?.to_str()?.parse::<u32>().ok();
    let all = versions.filter_map(|entry| Some(entry.ok()?.path()));
    let newest = all.filter(|path| path.join("main").exists()).max_by_key(number);
    Ok(newest.with_context(|| format!("there is no cluster in {}", folder.display()))?.join("main"))
}

fn send(
    tools: &Tools,
    places: &Places,
    target: &Target,
    picture: &Picture<'_>,
    record: &Record,
) -> Result<()> {
    let started = Instant::now();
    let title = target.place.title();
    let opened = Opened::of_box(tools, &target.place, places)?;
    let mut folders = record.folders.clone();
    // What a manifest names and no service made yet is not there.
    folders.retain(|folder| picture.path().join(folder).exists());
    folders.push(RECORD.into());
    let path = places.progress();
    let summary = opened.repository.back_up(picture.path(), &folders, &record.name, |progress| {
        // Without it, the page says less.
        let _ = files::write_json(&path, &Told { target: &target.id, progress });
        Ok(())
    })?;
    let good = Good {
        at: record.at,
        snapshot: summary.snapshot_id,
        files: summary.total_files_processed,
        bytes: summary.total_bytes_processed,
        added: summary.data_added_packed,
        seconds: i64::try_from(started.elapsed().as_secs()).unwrap_or(i64::MAX),
    };
    Status::change_target(&places.state, &target.id, &title, |status| {
        status.last = Some(Outcome { at: files::now(), fault: None });
        status.add(good);
    })?;
    tidy(places, target, &opened)?;
    let room = opened.room();
    opened.close()?;
    Status::change_target(&places.state, &target.id, &title, |status| status.room = room)
}

/// Forgets what is too old, and once a day removes what that held. A place that lets nothing be removed is as good a
/// place: that is told, and no failure.
fn tidy(places: &Places, target: &Target, opened: &Opened<'_>) -> Result<()> {
    let status = Status::read(&places.state)?;
    let pruned =
        status.targets.get(&target.id).and_then(|status| status.pruned.as_ref()).map_or(0, |last| last.at);
    let prune = files::now() - pruned >= PRUNED_AFTER;
    let forgotten = opened.repository.forget(prune);
    let size = if prune { opened.repository.size().ok() } else { None };
    if let Err(error) = &forgotten {
        eprintln!("<4>{}: {error:#}", target.place.title());
    }
    let outcome = Outcome::of(&forgotten);
    Status::change_target(&places.state, &target.id, &target.place.title(), |status| {
        if prune || outcome.fault.is_some() {
            status.pruned = Some(outcome);
        }
        status.size = size.or(status.size);
    })
}
