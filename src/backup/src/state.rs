//! What was done, for pages and health checks: `status.json`. No secret is in it.

use std::collections::BTreeMap;
use std::fs::File;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use mazet_host::files;
use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};

use crate::fault::Fault;
use crate::prepare::Prepared;

/// Runs that growth is told from: a month of hours.
const HISTORY: usize = 750;
/// Seconds of a day.
pub const DAY: i64 = 24 * 60 * 60;

/// What was done at all places.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Status {
    /// When and how the last picture of the box failed, if it did.
    pub picture: Option<Outcome>,
    /// The last USB disk that was made anew.
    pub prepared: Option<Prepared>,
    /// Places by their names on this box.
    pub targets: BTreeMap<String, Target>,
}

/// What was done at one place.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Target {
    /// What people know it by.
    pub title: String,
    /// Whether it answered when it was tried.
    pub trial: Option<Outcome>,
    /// The last try.
    pub last: Option<Outcome>,
    /// The last good backup.
    pub good: Option<Good>,
    /// What the last backups added.
    pub history: Vec<Grown>,
    /// Bytes that all backups take there.
    pub size: Option<u64>,
    /// Room there, where it can be told.
    pub room: Option<Room>,
    /// When old backups were last removed from it.
    pub pruned: Option<Outcome>,
    /// Whether all was there at the last check.
    pub checked: Option<Outcome>,
    /// The last proof.
    pub proof: Option<Proof>,
}

/// How something went.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    /// Seconds since 1970.
    pub at: i64,
    /// None: well.
    pub fault: Option<Fault>,
}

/// A good backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Good {
    /// The moment that it shows, in seconds since 1970.
    pub at: i64,
    /// restic's name of it.
    pub snapshot: String,
    /// Files.
    pub files: u64,
    /// Bytes of all files.
    pub bytes: u64,
    /// Bytes that the place has more of.
    pub added: u64,
    /// Seconds that it took.
    pub seconds: i64,
}

/// What a backup added.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grown {
    /// Seconds since 1970.
    pub at: i64,
    /// Bytes.
    pub added: u64,
}

/// Room of a disk, in bytes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Room {
    /// Free.
    pub free: u64,
    /// In all.
    pub total: u64,
}

/// A proof.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Proof {
    /// When, in seconds since 1970.
    pub at: i64,
    /// restic's name of the backup; empty: it could not even be read.
    pub snapshot: String,
    /// The moment that it shows, where that is known.
    pub of: Option<i64>,
    /// Why nothing could be proven; none: it was compared.
    pub fault: Option<Fault>,
    /// The first things that were not as recorded.
    pub differences: Vec<String>,
    /// All of them.
    pub count: usize,
    /// Files compared.
    pub files: u64,
    /// Rows compared.
    pub rows: u64,
    /// Seconds that it took.
    pub seconds: i64,
}

impl Proof {
    /// Did everything come back as it was?
    pub fn passed(&self) -> bool {
        self.fault.is_none() && self.count == 0
    }
}

impl Outcome {
    /// How `result` went, now.
    pub fn of<T>(result: &Result<T>) -> Self {
        Self { at: files::now(), fault: result.as_ref().err().map(Fault::of) }
    }
}

impl Target {
    /// Bytes a day that it grew by, over the days that are known; none: less than a day is known.
    pub fn growth(&self) -> Option<u64> {
        let (first, last) = (self.history.first()?, self.history.last()?);
        // What the first one added is all that there was.
        let added: u64 = self.history.iter().skip(1).map(|grown| grown.added).sum();
        let seconds =
            u64::try_from(last.at - first.at).ok().filter(|seconds| *seconds >= DAY.unsigned_abs())?;
        Some(added.saturating_mul(DAY.unsigned_abs()) / seconds)
    }

    /// Adds a good backup.
    pub fn add(&mut self, good: Good) {
        self.history.push(Grown { at: good.at, added: good.added });
        let surplus = self.history.len().saturating_sub(HISTORY);
        self.history.drain(..surplus);
        self.good = Some(good);
    }
}

impl Status {
    /// What is written in the folder `state`.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read(state: &Path) -> Result<Self> {
        Ok(files::read_json(&state.join("status.json"))?.unwrap_or_default())
    }

    /// Changes it: a backup and a proof may run at once.
    ///
    /// # Errors
    /// When it cannot be read or written.
    pub fn change(state: &Path, change: impl FnOnce(&mut Self)) -> Result<()> {
        let path = state.join("status.lock");
        let lock = File::create(&path).with_context(|| format!("opening {}", path.display()))?;
        flock(&lock, FlockOperation::LockExclusive).with_context(|| format!("locking {}", path.display()))?;
        let mut status = Self::read(state)?;
        change(&mut status);
        files::write_json(&state.join("status.json"), &status)
    }

    /// The same for one place.
    ///
    /// # Errors
    /// When it cannot be read or written.
    pub fn change_target(
        state: &Path,
        id: &str,
        title: &str,
        change: impl FnOnce(&mut Target),
    ) -> Result<()> {
        Self::change(state, |status| {
            let target = status.targets.entry(id.to_owned()).or_default();
            title.clone_into(&mut target.title);
            change(target);
        })
    }
}

/// One of its kind at a time: held until it is dropped.
///
/// # Errors
/// Another one holds it.
pub fn alone(folder: &Path, name: &str) -> Result<File> {
    let path = folder.join(format!("{name}.lock"));
    let lock = File::create(&path).with_context(|| format!("opening {}", path.display()))?;
    if flock(&lock, FlockOperation::NonBlockingLockExclusive).is_err() {
        bail!("another {name} runs already");
    }
    Ok(lock)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn good(at: i64, added: u64) -> Good {
        Good { at, snapshot: String::new(), files: 1, bytes: 1, added, seconds: 1 }
    }

    #[test]
    fn growth_is_of_what_came_after_the_first_backup() {
        let mut target = Target::default();
        assert_eq!(target.growth(), None);
        target.add(good(0, 1_000_000));
        target.add(good(DAY / 2, 10));
        assert_eq!(target.growth(), None);
        target.add(good(2 * DAY, 30));
        assert_eq!(target.growth(), Some(20));
        for hour in 0..2000 {
            target.add(good(3 * DAY + hour * 3600, 1));
        }
        assert_eq!(target.history.len(), HISTORY);
    }

    #[test]
    fn what_is_written_is_read_and_only_one_runs() {
        let folder = tempfile::tempdir().expect("a folder");
        Status::change_target(folder.path(), "a", "USB: a", |target| target.add(good(7, 8)))
            .expect("changed");
        Status::change(folder.path(), |status| status.picture = None).expect("changed");
        let status = Status::read(folder.path()).expect("read");
        assert_eq!(status.targets["a"].good, Some(good(7, 8)));
        let held = alone(folder.path(), "backup").expect("alone");
        assert!(alone(folder.path(), "backup").is_err());
        drop(held);
        alone(folder.path(), "backup").expect("alone again");
    }
}
