//! Fetching packages: each once, several at a time, verified, into a cache that all builds share.
//!
//! A download lands in `<sha256>.part`, is resumed from there after an interruption, and gets its
//! name only when its digest is right: what bears a name in the cache is whole.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context as _, Result};
use thiserror::Error;
use ureq::Agent;

use crate::digest::Digest;
use crate::lock::Entry;
use crate::mirror::Mirror;
use crate::ui::Bar;

/// Downloads at the same time.
const PARALLEL: usize = 8;
/// Tries of one download.
const TRIES: usize = 3;

/// Why a package could not be had.
#[derive(Debug, Error)]
pub enum FetchError {
    /// The mirror gave other bytes than the lock names.
    #[error(
        "{package}: the mirror gave a file with SHA-256 {found} where the lock says {wanted}; it was thrown away: try again, then another --mirror"
    )]
    WrongHash {
        /// Package and version.
        package: String,
        /// What came.
        found: Digest,
        /// What the lock says.
        wanted: Digest,
    },
    /// The mirror does not hold that version any more.
    #[error(
        "{package}: the mirror no longer holds this version ({address}): resolve anew (build without --locked), or give a --mirror that keeps old versions"
    )]
    Vanished {
        /// Package and version.
        package: String,
        /// Where it was looked for.
        address: String,
    },
    /// Nobody answers.
    #[error(
        "{package}: no network, or the mirror does not answer ({reason}): what was fetched so far is kept; try again when connected"
    )]
    NoNetwork {
        /// Package and version.
        package: String,
        /// What the network said.
        reason: String,
    },
    /// No space left.
    #[error(
        "{package}: the disk of {} is full: free at least {missing_mib} MiB (./mazet cache clean may help) and run again; what was fetched so far is kept",
        folder.display()
    )]
    DiskFull {
        /// Package and version.
        package: String,
        /// The cache.
        folder: PathBuf,
        /// How much this package alone still needs.
        missing_mib: u64,
    },
    /// Not in the cache, and the network may not be asked.
    #[error("{count} packages are not in the cache, {first} first: build once without --offline")]
    Offline {
        /// How many.
        count: usize,
        /// One of them.
        first: String,
    },
}

/// Where a package lies in the cache.
pub fn path(debs: &Path, entry: &Entry) -> PathBuf {
    debs.join(format!("{}.deb", entry.sha256))
}

/// Packages that are not in the cache yet.
pub fn missing<'a>(debs: &Path, entries: &'a [Entry]) -> Vec<&'a Entry> {
    let mut wanted: Vec<_> = entries.iter().filter(|entry| !path(debs, entry).exists()).collect();
    wanted.sort_by_key(|entry| (entry.sha256, entry.part));
    wanted.dedup_by_key(|entry| entry.sha256);
    // The largest first: the last one to end is then a small one.
    wanted.sort_by_key(|entry| std::cmp::Reverse(entry.size));
    wanted
}

/// Fetches what is missing; gives the number of bytes fetched.
///
/// # Errors
/// A [`FetchError`]; the first one ends all downloads.
pub fn fetch(debs: &Path, mirror: Option<&Mirror>, entries: &[Entry], bar: &Bar) -> Result<u64> {
    let wanted = missing(debs, entries);
    let (Some(first), total) = (wanted.first(), wanted.iter().map(|entry| entry.size).sum::<u64>()) else {
        return Ok(0);
    };
    let Some(mirror) = mirror else {
        return Err(FetchError::Offline { count: wanted.len(), first: label(first) }.into());
    };
    fs::create_dir_all(debs).with_context(|| format!("making {}", debs.display()))?;
    bar.start(total);
    let agent: Agent = Agent::config_builder()
        .timeout_connect(Some(Duration::from_secs(30)))
        .timeout_recv_response(Some(Duration::from_secs(60)))
        .http_status_as_error(false)
        .build()
        .into();
    let next = AtomicUsize::new(0);
    let stop = AtomicBool::new(false);
    let failure = Mutex::new(None);
    std::thread::scope(|scope| {
        for _ in 0..PARALLEL.min(wanted.len()) {
            scope.spawn(|| {
                while let Some(entry) = wanted.get(next.fetch_add(1, Ordering::Relaxed)) {
                    if stop.load(Ordering::Relaxed) {
                        return;
                    }
                    if let Err(error) = fetch_one(debs, mirror, entry, &agent, bar) {
                        stop.store(true, Ordering::Relaxed);
                        failure.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(error);
                    }
                }
            });
        }
    });
    bar.finish();
    match failure.into_inner().unwrap_or_else(PoisonError::into_inner) {
        Some(error) => Err(error),
        None => Ok(total),
    }
}

fn label(entry: &Entry) -> String {
    format!("{} {}", entry.name, entry.version)
}

fn fetch_one(debs: &Path, mirror: &Mirror, entry: &Entry, agent: &Agent, bar: &Bar) -> Result<()> {
    let part = debs.join(format!("{}.part", entry.sha256));
    let address = format!("{}/{}", mirror.base(entry.archive), encode(&entry.path));
    let mut tries = 0;
    loop {
        tries += 1;
        match attempt(&part, &address, entry, agent, bar) {
            Ok(()) => break,
            Err(error) if tries < TRIES && is_transient(&error) => {}
            Err(error) => return Err(error),
        }
    }
    fs::rename(&part, path(debs, entry)).with_context(|| format!("naming {}", part.display()))
}

fn is_transient(error: &anyhow::Error) -> bool {
    matches!(error.downcast_ref(), Some(FetchError::NoNetwork { .. } | FetchError::WrongHash { .. }))
}

fn attempt(part: &Path, address: &str, entry: &Entry, agent: &Agent, bar: &Bar) -> Result<()> {
    let have = fs::metadata(part).map_or(0, |meta| meta.len());
    if have < entry.size {
        download(part, have, address, entry, agent, bar)?;
    }
    let found = Digest::of_file(part)?;
    if found == entry.sha256 {
        return Ok(());
    }
    fs::remove_file(part).with_context(|| format!("throwing away {}", part.display()))?;
    Err(FetchError::WrongHash { package: label(entry), found, wanted: entry.sha256 }.into())
}

fn download(part: &Path, have: u64, address: &str, entry: &Entry, agent: &Agent, bar: &Bar) -> Result<()> {
    let no_network = |reason: String| FetchError::NoNetwork { package: label(entry), reason };
    let mut request = agent.get(address);
    if have > 0 {
        request = request.header("Range", format!("bytes={have}-"));
    }
    let response = request.call().map_err(|error| no_network(error.to_string()))?;
    let (resumed, status) = (response.status() == 206, response.status());
    if status == 404 || status == 410 {
        return Err(FetchError::Vanished { package: label(entry), address: address.to_owned() }.into());
    }
    if !status.is_success() {
        return Err(no_network(format!("{address} answered {status}")).into());
    }
    let mut file = open(part, resumed).with_context(|| format!("opening {}", part.display()))?;
    // One byte more than promised is enough to see a file that is too long.
    let mut body = response.into_body().into_reader().take(entry.size + 1);
    let mut buffer = vec![0; 1 << 16];
    loop {
        let count = body.read(&mut buffer).map_err(|error| no_network(error.to_string()))?;
        if count == 0 {
            return Ok(());
        }
        file.write_all(&buffer[..count]).map_err(|error| write_error(error, part, entry))?;
        bar.add(count as u64);
    }
}

fn open(part: &Path, resumed: bool) -> io::Result<File> {
    if resumed { OpenOptions::new().append(true).open(part) } else { File::create(part) }
}

fn write_error(error: io::Error, part: &Path, entry: &Entry) -> anyhow::Error {
    if error.kind() != io::ErrorKind::StorageFull {
        return anyhow::Error::new(error).context(format!("writing {}", part.display()));
    }
    let have = fs::metadata(part).map_or(0, |meta| meta.len());
    let folder = part.parent().unwrap_or(part).to_owned();
    let missing_mib = entry.size.saturating_sub(have).div_ceil(1 << 20);
    FetchError::DiskFull { package: label(entry), folder, missing_mib }.into()
}

/// Characters of a pool path that an address must not hold as they are.
fn encode(path: &str) -> String {
    path.replace('+', "%2B").replace('~', "%7E").replace(':', "%3A")
}
