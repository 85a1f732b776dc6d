//! What is there twice takes its room once: duperemove(8), nightly.
//!
//! Only folders that services have copied into backups are looked at: databases are not among them, and would become
//! slower by it. The kernel compares what is merged byte by byte (ioctl_fideduperange(2)): whoever writes meanwhile
//! loses nothing.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context as _, Result, bail};
use clap::ValueEnum;
use mazet_host::files;
use mazet_host::run::last_words;
use mazet_model::alternatives::prefer;
use mazet_model::image::{IMAGE_JSON, ImageInfo, SERVICES_DIR};
use mazet_model::manifest::Manifest;
use mazet_model::settings::Settings;
use mazet_model::sites;
use serde::{Deserialize, Serialize};

use crate::filesystem;
use crate::places::Places;
use crate::state::State;
use crate::tools::{Program, Tools};

/// A machine sold with 2 GB has more than this in bytes, after what firmware and kernel keep for themselves.
const LEAST_MEMORY: u64 = 1_800_000_000;

/// Whether it is done: the option `merge`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum When {
    /// Where there is memory for it.
    Auto,
    /// On any machine.
    Always,
    /// Nowhere.
    Never,
}

/// How it went.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Merge {
    /// When, in seconds since 1970.
    pub at: i64,
    /// Seconds that it took.
    pub seconds: u64,
    /// Bytes that were taken before.
    pub before: u64,
    /// Bytes that were taken after.
    pub after: u64,
    /// Bytes that all nights together gave back.
    pub saved: u64,
    /// Why it was left out.
    pub skipped: Option<Skipped>,
    /// Why it failed.
    pub fault: Option<String>,
}

/// How duperemove says, and ends with 1, that nothing is there twice.
const NOTHING: &str = "No dedupe candidates found";

/// Why it was left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Skipped {
    /// There is too little memory.
    Memory,
    /// The settings say so.
    Never,
}

/// Merges, and keeps how it went.
///
/// # Errors
/// When it fails, or this cannot be written down.
pub fn run(tools: &Tools, places: &Places, when: When) -> Result<()> {
    let memory = fs::read_to_string("/proc/meminfo").context("asking for the memory")?;
    let saved = State::read(&places.state)?.merge.map_or(0, |merge| merge.saved);
    let mut merge = Merge { saved, skipped: skipped(when, bytes_of_memory(&memory)), ..Merge::default() };
    if merge.skipped.is_none() {
        once(tools, places, &mut merge)?;
    }
    merge.at = files::now();
    let fault = merge.fault.clone();
    State::change(&places.state, |state| state.merge = Some(merge))?;
    match fault {
        Some(fault) => bail!("merging: {fault}"),
        None => Ok(()),
    }
}

fn once(tools: &Tools, places: &Places, merge: &mut Merge) -> Result<()> {
    let started = Instant::now();
    let folders = folders(&places.root)?;
    let here = |folder: &PathBuf| places.data.join(folder);
    let there: Vec<PathBuf> = folders.iter().map(here).filter(|folder| folder.is_dir()).collect();
    let used = || -> Result<u64> {
        // What was freed counts as soon as it is written down.
        tools.said(Program::Btrfs, &["filesystem", "sync", &places.data()])?;
        filesystem::used(&places.data)
    };
    merge.before = used()?;
    if !there.is_empty() {
        let hashes = format!("--hashfile={}", places.state.join("hashes.db").display());
        let mut arguments =
            vec!["-r".to_owned(), "-d".to_owned(), "--io-threads=1".to_owned(), "--cpu-threads=1".to_owned()];
        arguments.push(hashes);
        arguments.extend(there.iter().map(|folder| folder.to_string_lossy().into_owned()));
        let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
        let output = tools.ended(Program::Duperemove, &arguments)?;
        let said = last_words(&output);
        if !output.status.success() && !said.contains(NOTHING) {
            merge.fault = Some(said);
        }
    }
    merge.after = used()?;
    merge.saved = merge.saved.saturating_add(merge.before.saturating_sub(merge.after));
    merge.seconds = started.elapsed().as_secs();
    Ok(())
}

fn skipped(when: When, memory: u64) -> Option<Skipped> {
    match when {
        When::Never => Some(Skipped::Never),
        When::Auto if memory < LEAST_MEMORY => Some(Skipped::Memory),
        When::Auto | When::Always => None,
    }
}

/// `MemTotal` of proc_meminfo(5), in bytes.
fn bytes_of_memory(meminfo: &str) -> u64 {
    let total = meminfo.lines().find_map(|line| line.strip_prefix("MemTotal:"));
    let kibibytes = total.and_then(|total| total.split_whitespace().next()?.parse::<u64>().ok());
    kibibytes.unwrap_or(0).saturating_mul(1024)
}

/// Folders that services which are on have copied into backups, relative to `/srv`, none inside another one.
fn folders(root: &Path) -> Result<Vec<PathBuf>> {
    let text = |path: &str| {
        let path = root.join(path.trim_start_matches('/'));
        fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))
    };
    let image: ImageInfo = serde_json::from_str(&text(IMAGE_JSON)?).context("reading what the image says")?;
    let settings: Settings = toml::from_str(&text("/srv/mazet/box.toml")?).context("reading the settings")?;
    let manifest = |name: &String| -> Result<Manifest> {
        let manifest = text(&format!("{SERVICES_DIR}/{name}.toml"))?;
        Manifest::parse(&manifest).with_context(|| format!("reading the manifest of {name}"))
    };
    let mut services = image.services.iter().map(manifest).collect::<Result<Vec<_>>>()?;
    prefer(&mut services, &image.alternatives);
    let filled = sites::expand(&settings, &services).context("filling in the box's web sites")?;
    let on = filled.iter().filter(|manifest| settings.is_on(manifest));
    Ok(outermost(on.flat_map(|manifest| &manifest.backup.copy).map(String::as_str)))
}

fn outermost<'a>(all: impl Iterator<Item = &'a str>) -> Vec<PathBuf> {
    let is_plain = |inner: &&str| inner.split('/').all(|part| !["", ".", ".."].contains(&part));
    let inner = all.filter_map(|path| path.strip_prefix("/srv/")).map(|path| path.trim_end_matches('/'));
    let sorted: BTreeSet<&Path> = inner.filter(is_plain).map(Path::new).collect();
    let mut kept: Vec<PathBuf> = Vec::new();
    for path in sorted {
        if !kept.iter().any(|outer| path.starts_with(outer)) {
            kept.push(path.to_owned());
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_machine_with_little_memory_merges_only_when_it_is_told_to() {
        let memory = bytes_of_memory("MemTotal:         987654 kB\nMemFree:  1 kB\n");
        assert_eq!(memory, 987_654 * 1024);
        assert_eq!(skipped(When::Auto, memory), Some(Skipped::Memory));
        assert_eq!(skipped(When::Always, memory), None);
        assert_eq!(skipped(When::Auto, 2_000_000_000), None);
        assert_eq!(skipped(When::Never, u64::MAX), Some(Skipped::Never));
        assert_eq!(bytes_of_memory(""), 0);
    }

    #[test]
    fn no_folder_is_looked_at_twice_or_outside_of_the_data() {
        let all = ["/srv/files", "/srv/files/a", "/etc", "/srv/../etc", "/srv/", "/srv/mail/"];
        assert_eq!(outermost(all.into_iter()), [PathBuf::from("files"), PathBuf::from("mail")]);
    }
}
