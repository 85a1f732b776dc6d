//! What was seen and done, for pages and the health check: `state.json`. No secret is in it.

use std::fs::File;
use std::path::Path;

use anyhow::{Context as _, Result};
use mazet_host::files;
use mazet_host::listing::Disk;
use rustix::fs::{FlockOperation, flock};
use serde::{Deserialize, Serialize};

use crate::filesystem::{Device, Room};
use crate::merge::Merge;
use crate::replace::Replacement;
use crate::scrub::Scrub;
use crate::smart::Smart;

/// Seconds of a day.
pub const DAY: i64 = 24 * 60 * 60;
/// Days of which the room is kept.
const HISTORY: usize = 400;
/// Growth is told from so many seconds: what is longer ago says little.
const LONG: i64 = 90 * DAY;
/// And from no fewer.
const SHORT: i64 = 7 * DAY;

/// What was seen and done.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct State {
    /// When the box was first seen with this, in seconds since 1970.
    pub since: Option<i64>,
    /// The last look.
    pub seen: Option<Seen>,
    /// Room, once a day.
    pub rooms: Vec<RoomAt>,
    /// What the disks said of themselves.
    pub smart: Option<Smart>,
    /// When the scrub began that is under way, or was cut off.
    pub scrub_begun: Option<i64>,
    /// The last scrub.
    pub scrub: Option<Scrub>,
    /// When a scrub last came to its end.
    pub scrubbed: Option<i64>,
    /// The last merging.
    pub merge: Option<Merge>,
    /// The last replacement of a disk.
    pub replacement: Option<Replacement>,
}

/// A look at the file system.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Seen {
    /// When, in seconds since 1970.
    pub at: i64,
    /// Why nothing could be seen; what follows is of the time before.
    pub fault: Option<String>,
    /// The devices.
    pub devices: Vec<Part>,
    /// Something is on one device alone, although there are several.
    pub unmirrored: bool,
    /// Room.
    pub room: Room,
}

/// A device of the file system, and the disk that it is on.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Part {
    /// The device.
    pub device: Device,
    /// Its disk; of one that is missing, the one that it was on.
    pub disk: Disk,
    /// When its errors last became more, in seconds since 1970.
    pub grew: Option<i64>,
}

/// Room at a moment.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoomAt {
    /// Seconds since 1970.
    pub at: i64,
    /// Bytes that were free.
    pub free: u64,
    /// Bytes in all.
    pub total: u64,
}

impl Seen {
    /// Devices that are missing.
    pub fn missing(&self) -> impl Iterator<Item = &Part> {
        self.devices.iter().filter(|part| part.device.path.is_none())
    }
}

impl State {
    /// What is written in `folder`.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read(folder: &Path) -> Result<Self> {
        Ok(files::read_json(&folder.join("state.json"))?.unwrap_or_default())
    }

    /// Changes it: a look and a scrub may run at once.
    ///
    /// # Errors
    /// When it cannot be read or written.
    pub fn change(folder: &Path, change: impl FnOnce(&mut Self)) -> Result<()> {
        let path = folder.join("state.lock");
        let lock = File::create(&path).with_context(|| format!("opening {}", path.display()))?;
        flock(&lock, FlockOperation::LockExclusive).with_context(|| format!("locking {}", path.display()))?;
        let mut state = Self::read(folder)?;
        change(&mut state);
        files::write_json(&folder.join("state.json"), &state)
    }

    /// Adds a look at the file system.
    pub fn add_seen(&mut self, seen: Seen) {
        self.since.get_or_insert(seen.at);
        let is_new = self.rooms.last().is_none_or(|last| seen.at - last.at >= DAY);
        if is_new && seen.fault.is_none() {
            self.rooms.push(RoomAt { at: seen.at, free: seen.room.free, total: seen.room.total });
            let surplus = self.rooms.len().saturating_sub(HISTORY);
            self.rooms.drain(..surplus);
        }
        self.seen = Some(seen);
    }

    /// Adds a scrub.
    pub fn add_scrub(&mut self, scrub: Scrub) {
        if scrub.fault.is_none() {
            self.scrubbed = Some(scrub.at);
        }
        self.scrub = Some(scrub);
    }

    /// Bytes a day that the room became less by, over the last weeks; none: too few days are known, or another disk
    /// came meanwhile. Negative: there is more.
    pub fn growth(&self) -> Option<i64> {
        let last = self.rooms.last()?;
        let fits = |room: &&RoomAt| last.at - room.at <= LONG && room.total == last.total;
        let first = self.rooms.iter().find(fits)?;
        let days = (last.at - first.at) / DAY;
        if last.at - first.at < SHORT {
            return None;
        }
        Some((i64::try_from(first.free).ok()? - i64::try_from(last.free).ok()?) / days)
    }

    /// When it will be full, in seconds since 1970; none: never, if it goes on like this.
    pub fn full_at(&self) -> Option<i64> {
        let growth = self.growth().filter(|growth| *growth > 0)?;
        let room = self.seen.as_ref()?.room;
        let days = i64::try_from(room.free).ok()? / growth;
        self.rooms.last()?.at.checked_add(days.checked_mul(DAY)?)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(at: i64, free: u64) -> Seen {
        Seen { at, room: Room { free, total: 1000 }, ..Seen::default() }
    }

    #[test]
    fn the_day_when_it_will_be_full_is_told_from_the_last_weeks() {
        let mut state = State::default();
        for day in 0..200 {
            state.add_seen(seen(day * DAY, 900));
        }
        assert_eq!((state.growth(), state.full_at()), (Some(0), None));
        for day in 200..300 {
            state.add_seen(seen(day * DAY, 900 - u64::try_from(day - 200).expect("a day") * 2));
        }
        assert_eq!(state.growth(), Some(2));
        assert_eq!(state.full_at(), Some(299 * DAY + 702 / 2 * DAY));
        state.rooms.truncate(3);
        assert_eq!(state.growth(), None);
    }

    #[test]
    fn room_is_kept_once_a_day_and_not_for_ever() {
        let mut state = State::default();
        state.add_seen(seen(7, 1));
        state.add_seen(seen(8, 1));
        assert_eq!((state.rooms.len(), state.since), (1, Some(7)));
        for day in 1..1000 {
            state.add_seen(seen(7 + day * DAY, 1));
        }
        assert_eq!((state.rooms.len(), state.since), (HISTORY, Some(7)));
        let fault = Some("no btrfs".to_owned());
        state.add_seen(Seen { fault, ..seen(2000 * DAY, 0) });
        assert_eq!(state.rooms.len(), HISTORY);
    }

    #[test]
    fn another_disk_makes_the_count_begin_anew() {
        let mut state = State::default();
        for day in 0..20 {
            state.add_seen(seen(day * DAY, 900));
        }
        state.rooms[19].total = 2000;
        assert_eq!(state.growth(), None);
    }

    #[test]
    fn what_is_written_is_read() {
        let folder = tempfile::tempdir().expect("a folder");
        State::change(folder.path(), |state| state.add_seen(seen(7, 1))).expect("changed");
        let scrub = Scrub { at: 9, fault: Some("aborted".to_owned()), ..Scrub::default() };
        State::change(folder.path(), |state| state.add_scrub(scrub.clone())).expect("changed");
        let state = State::read(folder.path()).expect("read");
        assert_eq!((state.seen, state.scrubbed), (Some(seen(7, 1)), None));
        assert_eq!(state.scrub, Some(scrub));
    }
}
