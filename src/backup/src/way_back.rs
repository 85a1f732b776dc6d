//! The way back, by command: what is in a place, and a backup put where a box's data belongs.

use std::io::{BufRead as _, IsTerminal as _, Read as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow, bail};
use clap::Args;
use mazet_host::files;
use rustix::fs::statvfs;
use serde_json::{Value, json};

use crate::cluster::Use;
use crate::divided;
use crate::fault::{Fault, Why};
use crate::key::Key;
use crate::opened::Opened;
use crate::places::Places;
use crate::restic::Keys;
use crate::restore::{self, Found, Step};
use crate::target::Place;
use crate::tools::Tools;
use crate::words;

/// Where from.
#[derive(Debug, Args)]
pub struct From {
    /// Folder with the backups: on a disk that is mounted
    #[arg(long, value_name = "FOLDER", conflicts_with = "place", required_unless_present = "place")]
    folder: Option<PathBuf>,
    /// File with the description of the place, in JSON
    #[arg(long, value_name = "FILE")]
    place: Option<PathBuf>,
    /// File with the recovery key; without it, standard input is read
    #[arg(long, value_name = "FILE")]
    key: Option<PathBuf>,
    /// File that is told, as JSON, what was found, how far it is, and why it failed: for the wizard
    #[arg(long, value_name = "FILE")]
    told: Option<PathBuf>,
    /// Which backup, by the first letters of its name; without it, the newest one
    #[arg(long, value_name = "NAME")]
    backup: Option<String>,
}

impl From {
    fn place(&self) -> Result<Place> {
        match (&self.folder, &self.place) {
            (Some(folder), _) => Ok(Place::Folder { path: std::path::absolute(folder)? }),
            (None, Some(file)) => {
                files::read_json(file)?.with_context(|| format!("there is no {}", file.display()))
            }
            (None, None) => bail!("say where the backups are: --folder or --place"),
        }
    }

    /// Tells the file that wants to know.
    fn tell(&self, what: &Value) -> Result<()> {
        match &self.told {
            Some(file) => files::write(file, what.to_string().as_bytes()),
            None => Ok(()),
        }
    }

    fn key(&self) -> Result<Key> {
        let text = match &self.key {
            Some(file) => {
                std::fs::read_to_string(file).with_context(|| format!("reading {}", file.display()))?
            }
            None => {
                if std::io::stdin().is_terminal() {
                    eprint!("recovery key: ");
                }
                line("reading the recovery key")?
            }
        };
        // A letter that is wrong, and a key of other backups, are the same to who typed it.
        divided::typed(&text).map_err(|error| Fault { why: Why::Key, said: error.to_string() }.into())
    }

    /// Reaches the place with the key, which is kept in a file of its own for as long as it takes.
    fn opened<T>(
        &self,
        tools: &Tools,
        places: &Places,
        then: impl FnOnce(&Opened<'_>, &Found) -> Result<T>,
    ) -> Result<T> {
        let (place, key) = (self.place()?, self.key()?);
        files::make_folder(&places.run, 0o711)?;
        let password = places.run.join("key");
        files::write(&password, key.text().as_bytes())?;
        let keys = Keys { password: password.clone(), cache: None, ..places.keys() };
        let result = Opened::reach(tools, &place, &keys, &places.run).and_then(|opened| {
            let found = restore::find(&opened.repository, self.backup.as_deref())?;
            let result = then(&opened, &found)?;
            opened.close()?;
            Ok(result)
        });
        let _ = std::fs::remove_file(password);
        result
    }
}

/// Prints what is there, and what a restore needs, as JSON.
///
/// # Errors
/// Place or key are wrong, or no backup is there.
pub fn look(tools: &Tools, places: &Places, from: &From) -> Result<()> {
    let looked = found(tools, places, from);
    match &looked {
        Ok(found) => from.tell(&json!({ "found": found }))?,
        Err(error) => from.tell(&json!({ "fault": words::why_not_back(&Fault::of(error)) }))?,
    }
    println!("{}", serde_json::to_string_pretty(&looked?).context("writing what is there")?);
    Ok(())
}

fn found(tools: &Tools, places: &Places, from: &From) -> Result<Value> {
    from.opened(tools, places, |_, found| {
        let record = &found.record;
        let free = statvfs(&places.data).map(|stat| stat.f_bavail.saturating_mul(stat.f_frsize)).ok();
        let all: Vec<_> = found
            .all
            .iter()
            .map(|one| json!({ "backup": one.id, "box": one.hostname, "time": one.time }))
            .collect();
        Ok(json!({
            "title": from.place()?.title(),
            "backup": found.id,
            "box": record.name,
            "image": record.image,
            "at": record.at,
            "services": record.services,
            "files": record.files.count,
            "bytes": record.files.bytes,
            "databases": record.databases.keys().collect::<Vec<_>>(),
            "bytes_needed": record.space(),
            "bytes_free": free,
            "backups": all,
        }))
    })
}

/// Puts a backup back, and says how far it is, on standard error.
///
/// # Errors
/// Place or key are wrong; there is too little room, or something else in `into`; or something did not come back as it
/// was recorded.
pub fn restore(tools: &Tools, places: &Places, from: &From, into: &Path) -> Result<()> {
    let restored = put_back(tools, places, from, into);
    match &restored {
        Ok(()) => from.tell(&json!({ "done": true }))?,
        Err(error) => from.tell(&json!({ "fault": words::why_not_back(&Fault::of(error)) }))?,
    }
    restored
}

fn put_back(tools: &Tools, places: &Places, from: &From, into: &Path) -> Result<()> {
    let mut last = 0;
    let differences = from.opened(tools, places, |opened, found| {
        let record = &found.record;
        eprintln!("{}, {} files, {} bytes", record.name, record.files.count, record.files.bytes);
        restore::restore(tools, &opened.repository, found, (into, &places.run), Use::Kept, |step| {
            tell(step, &mut last);
            from.tell(&json!({ "part": part(step) }))
        })
    })?;
    if differences.count > 0 {
        let told = differences.told.join("\n");
        return Err(anyhow!("{} things are not as they were recorded:\n{told}", differences.count));
    }
    eprintln!("everything is as it was recorded");
    Ok(())
}

/// A line of standard input.
fn line(doing: &'static str) -> Result<String> {
    let mut text = String::new();
    std::io::stdin().lock().take(1000).read_line(&mut text).context(doing)?;
    Ok(text)
}

/// Prints the key of the two parts on standard input, a line each.
///
/// # Errors
/// They are no parts of one key.
pub fn combine() -> Result<()> {
    let parts = [line("reading a part")?, line("reading a part")?];
    let parts: Vec<&str> = parts.iter().map(|part| part.trim()).collect();
    println!("{}", divided::combine(&parts)?.text());
    Ok(())
}

/// How much of a restore is done, 0 to 1: files first, then databases, which nobody knows how many of, and the comparison.
fn part(step: &Step) -> f64 {
    match step {
        Step::Files(part) => part * 0.7,
        Step::Database(_) => 0.8,
        Step::Comparing => 0.9,
    }
}

/// A line for every tenth, and for each database.
fn tell(step: &Step, last: &mut u64) {
    match step {
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
        Step::Files(part) => {
            let tenth = (part * 10.0) as u64;
            if tenth > *last {
                *last = tenth;
                eprintln!("files: {} %", tenth * 10);
            }
        }
        Step::Database(name) => eprintln!("database {name}: loaded"),
        Step::Comparing => eprintln!("comparing with what was recorded"),
    }
}
