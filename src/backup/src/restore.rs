//! A backup, put back into an empty `/srv`: files by restic, databases into a cluster that is made for them.
//!
//! What was interrupted goes on: `mazet-backup/restore.json` says of which backup it is and which databases are
//! whole; files that are there already, restic leaves. The cluster gets its name when all is in it, and the note goes
//! at the very end: what is half is never taken for a whole.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use mazet_host::files;
use mazet_host::run::said;
use mazet_model::backup::RESTORING;
use rustix::fs::statvfs;
use serde::{Deserialize, Serialize};

use crate::cluster::{Cluster, Use};
use crate::databases;
use crate::fault::{Fault, Why};
use crate::picture::RECORD;
use crate::record::{self, DATABASES, Differences, Record};
use crate::restic::{Repository, Snapshot};
use crate::tools::Tools;

/// What is in every new file system.
const NOTHING: &str = "lost+found";

/// A backup, before anything is done with it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// restic's name of it.
    pub id: String,
    /// What it says of itself.
    pub record: Record,
    /// All backups of that place, the newest first.
    pub all: Vec<Snapshot>,
}

/// How far a restore is.
#[derive(Debug, Clone, PartialEq)]
pub enum Step {
    /// Files are put back, 0 to 1.
    Files(f64),
    /// A database is whole.
    Database(String),
    /// Everything is compared with what was recorded.
    Comparing,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Note {
    /// restic's name of the backup.
    snapshot: String,
    /// All files are there.
    files: bool,
    /// The new cluster was made, and started.
    #[serde(default)]
    cluster: bool,
    /// Databases that are whole.
    databases: BTreeSet<String>,
}

/// The backup of that name (its first letters are enough), or the newest one.
///
/// # Errors
/// [`Fault`]: the place or the key is wrong, or there is none.
pub fn find(repository: &Repository<'_>, wanted: Option<&str>) -> Result<Found> {
    repository.open()?;
    let all = repository.snapshots()?;
    let fits = |one: &&Snapshot| wanted.is_none_or(|wanted| one.id.starts_with(wanted));
    let Some(found) = all.iter().find(fits) else {
        let said = wanted.map(|wanted| format!("none begins with {wanted}")).unwrap_or_default();
        return Err(Fault { why: Why::Empty, said }.into());
    };
    let id = found.id.clone();
    let text = repository.file(&id, &format!("/{RECORD}/{}", record::FILE))?;
    let record: Record = serde_json::from_str(&text).context("reading what the backup says of itself")?;
    Ok(Found { id, record, all })
}

/// Puts a backup into `into`, compares all of it with its record, and says what differs.
///
/// # Errors
/// When `into` has something else in it, or too little room; when a file or a database cannot be put back. Run
/// again, it goes on.
pub fn restore(
    tools: &Tools,
    repository: &Repository<'_>,
    found: &Found,
    (into, run): (&Path, &Path),
    purpose: Use,
    mut told: impl FnMut(&Step) -> Result<()>,
) -> Result<Differences> {
    let mut note = begin(into, found)?;
    if !note.files {
        let mut progress = |progress: &crate::restic::Progress| told(&Step::Files(progress.percent_done));
        repository.restore(&found.id, into, &mut progress)?;
        note.files = true;
        keep(into, &note)?;
    }
    let folder = into.join(RECORD);
    let record = Record::read(&folder)?;
    let mut differences = Differences::default();
    if !record.databases.is_empty() {
        load(tools, &record, into, run, (purpose, &mut note), &mut told, &mut differences)?;
    }
    told(&Step::Comparing)?;
    record::compare_files(&record, &folder, into, &mut differences)?;
    files::remove(&folder)?;
    fs::remove_file(into.join(RESTORING)).context("ending the restore")?;
    Ok(differences)
}

/// Is `into` empty, or has what this restore began; and is there room?
fn begin(into: &Path, found: &Found) -> Result<Note> {
    let path = into.join(RESTORING);
    let began: Option<Note> = files::read_json(&path)?;
    match began {
        Some(note) if note.snapshot == found.id => {
            room(into, found.record.space().saturating_sub(taken(into)))?;
            return Ok(note);
        }
        Some(note) => bail!(
            "in {}, a restore of another backup began ({}): end it with --backup {}, or empty the folder",
            into.display(),
            note.snapshot,
            note.snapshot
        ),
        None => {}
    }
    let entries = fs::read_dir(into).with_context(|| format!("reading {}", into.display()))?;
    for entry in entries {
        let name = entry.with_context(|| format!("reading {}", into.display()))?.file_name();
        if name != NOTHING {
            bail!(
                "{} is not empty ({}): a restore writes over nothing",
                into.display(),
                name.to_string_lossy()
            );
        }
    }
    room(into, found.record.space())?;
    let path = into.join(RESTORING);
    files::make_folder(path.parent().context("a file needs a folder")?, 0o711)?;
    let note = Note { snapshot: found.id.clone(), ..Note::default() };
    keep(into, &note)?;
    Ok(note)
}

fn keep(into: &Path, note: &Note) -> Result<()> {
    files::write_json(&into.join(RESTORING), note)
}

/// Are `wanted` bytes free?
///
/// # Errors
/// They are not: how many are missing.
pub fn room(folder: &Path, wanted: u64) -> Result<()> {
    let stat = statvfs(folder).with_context(|| format!("looking at {}", folder.display()))?;
    let free = stat.f_bavail.saturating_mul(stat.f_frsize);
    if free < wanted {
        let megabytes = |bytes: u64| bytes.div_ceil(1_000_000);
        let missing = megabytes(wanted - free);
        bail!(
            "{} MB are needed, and {missing} MB of them are missing on {}",
            megabytes(wanted),
            folder.display()
        );
    }
    Ok(())
}

/// Bytes that are there already.
fn taken(folder: &Path) -> u64 {
    let Ok(entries) = fs::read_dir(folder) else { return 0 };
    let size = |entry: fs::DirEntry| match entry.metadata() {
        Ok(metadata) if metadata.is_dir() => taken(&entry.path()),
        Ok(metadata) => metadata.len(),
        Err(_) => 0,
    };
    entries.flatten().map(size).sum()
}

/// Databases, into a cluster that has another name until all of them are whole.
fn load(
    tools: &Tools,
    record: &Record,
    into: &Path,
    run: &Path,
    (purpose, note): (Use, &mut Note),
    told: &mut impl FnMut(&Step) -> Result<()>,
    differences: &mut Differences,
) -> Result<()> {
    let whole = into.join("postgresql").join(version(tools)?).join("main");
    let half = whole.with_file_name("main.restored");
    // Everything was in it, and the comparison was interrupted.
    let data = if whole.exists() { &whole } else { &half };
    if !note.cluster {
        // Interrupted while it was made: PostgreSQL does not see that it is half.
        tools.remove(&half)?;
        note.databases.clear();
    }
    let server = Cluster::start(tools, data, &run.join("postgresql"), purpose)?;
    note.cluster = true;
    keep(into, note)?;
    let names = record.databases.keys().map(String::as_str);
    databases::load(&server, names, &into.join(RECORD).join(DATABASES), |name, is_whole| {
        if is_whole {
            note.databases.insert(name.to_owned());
            keep(into, note)?;
            told(&Step::Database(name.to_owned()))?;
        }
        Ok(note.databases.contains(name))
    })?;
    record::compare_databases(record, &server, differences)?;
    server.stop()?;
    if data == &half {
        fs::rename(&half, &whole).with_context(|| format!("naming {}", whole.display()))?;
    }
    Ok(())
}

/// The version of the newest PostgreSQL that is there: `17`.
fn version(tools: &Tools) -> Result<PathBuf> {
    let doing = "asking PostgreSQL for its version";
    let text = said(tools.postgresql("postgres").arg("--version"), doing)?;
    let number = text.split_whitespace().find_map(|word| word.split('.').next()?.parse::<u32>().ok());
    Ok(number.context(doing)?.to_string().into())
}
