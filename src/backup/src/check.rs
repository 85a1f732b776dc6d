//! The health check of the manifest.

use std::path::Path;
use std::time::UNIX_EPOCH;

use anyhow::{Result, bail};

use crate::fault::Why;
use crate::state::{DAY, Room, Status, Target as Done};
use crate::target::Target;

/// A place with less room than a part of this is nearly full.
const LEAST: u64 = 10;
/// Too long without a proof, which is weekly, or for a disk that is taken in turn with another: in seconds.
const LONG: i64 = 15 * DAY;

/// Updates wait for a backup that is younger, in seconds.
const RECENT: i64 = 26 * 3600;

/// Fails when something is not well at the moment `now` on a box that is there since `since`: a new one has a day.
///
/// # Errors
/// What is not well, in sentences.
pub fn check(status: &Status, targets: &[Target], since: i64, now: i64) -> Result<()> {
    let is_new = now - since <= DAY;
    if targets.is_empty() && !is_new {
        bail!("no place for backups was chosen: if this machine dies, everything is lost");
    }
    let mut told = Vec::new();
    if let Some(fault) = status.picture.as_ref().and_then(|picture| picture.fault.as_ref()) {
        told.push(format!("no picture of the box can be taken: {fault}"));
    }
    let known: Vec<(&Target, Option<&Done>)> =
        targets.iter().map(|target| (target, status.targets.get(&target.id))).collect();
    let newest = known.iter().filter_map(|(_, done)| Some(done.as_ref()?.good.as_ref()?.at)).max();
    match newest {
        None if is_new => {}
        None => told.push("there is no good backup yet".to_owned()),
        Some(at) if now - at > DAY => {
            told.push(format!("the last good backup is {} hours old", (now - at) / 3600));
        }
        Some(_) => {}
    }
    for (target, done) in known {
        if let Some(done) = done {
            place(&target.place.title(), done, now, &mut told);
        }
    }
    if !told.is_empty() {
        bail!("{}", told.join("; "));
    }
    Ok(())
}

/// Fails when no good backup is younger than 26 hours: a day, and the time that one takes.
///
/// # Errors
/// How old the newest one is, in a sentence.
pub fn recent(status: &Status, now: i64) -> Result<()> {
    match newest(status) {
        Some(at) if now - at < RECENT => Ok(()),
        Some(at) => bail!("the last good backup is {} hours old", (now - at) / 3600),
        None => bail!("there is no good backup yet"),
    }
}

fn newest(status: &Status) -> Option<i64> {
    status.targets.values().filter_map(|done| Some(done.good.as_ref()?.at)).max()
}

fn place(title: &str, done: &Done, now: i64, told: &mut Vec<String>) {
    if let Some(fault) = done.last.as_ref().and_then(|last| last.fault.as_ref()) {
        let since = done.good.as_ref().map_or(i64::MAX, |good| now - good.at);
        if fault.why != Why::Absent && since > DAY {
            told.push(format!("{title}: no good backup for a day: {fault}"));
        } else if fault.why == Why::Absent && since > LONG {
            told.push(format!("{title}: not plugged in for two weeks"));
        }
    }
    if done.room.as_ref().is_some_and(is_nearly_full) {
        told.push(format!("{title}: nearly full"));
    }
    match &done.proof {
        Some(proof) if !proof.passed() => {
            let why = proof.fault.as_ref().map_or_else(|| proof.differences.join(", "), ToString::to_string);
            told.push(format!("{title}: its newest backup could not be proven: {why}"));
        }
        Some(proof) if now - proof.at > LONG => {
            told.push(format!("{title}: last proven {} days ago", (now - proof.at) / DAY));
        }
        _ => {}
    }
    if let Some(fault) = done.checked.as_ref().and_then(|checked| checked.fault.as_ref()) {
        told.push(format!("{title}: the check of its backups failed: {fault}"));
    }
}

/// When the folder of a box's backups was made: with the box, or with its first image that has them.
pub fn since(state: &Path) -> i64 {
    let made = std::fs::metadata(state).and_then(|metadata| metadata.created());
    let passed = made.ok().and_then(|made| made.duration_since(UNIX_EPOCH).ok());
    passed.and_then(|passed| i64::try_from(passed.as_secs()).ok()).unwrap_or(0)
}

/// Is there less room than a tenth?
pub fn is_nearly_full(room: &Room) -> bool {
    room.free < room.total / LEAST
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::Fault;
    use crate::state::{Good, Outcome, Proof};
    use crate::target::Place;

    const NOW: i64 = 1_790_000_000;

    fn targets() -> Vec<Target> {
        vec![Target { id: "a".to_owned(), place: Place::Folder { path: "/a".into() } }]
    }

    #[test]
    fn updates_wait_for_a_backup_of_the_day() {
        let status = well();
        let at = NOW - 3600;
        recent(&status, at + 26 * 3600 - 1).expect("young enough");
        let old = recent(&status, at + 26 * 3600).expect_err("too old").to_string();
        assert_eq!(old, "the last good backup is 26 hours old");
        assert!(recent(&Status::default(), NOW).is_err());
    }

    fn well() -> Status {
        let mut status = Status::default();
        let done = status.targets.entry("a".to_owned()).or_default();
        let snapshot = "1234".to_owned();
        done.add(Good { at: NOW - 3600, snapshot, files: 1, bytes: 1, added: 1, seconds: 1 });
        status
    }

    fn proof(at: i64, count: usize) -> Proof {
        let differences = vec!["/srv/a: is missing".to_owned(); count];
        Proof { at, differences, count, ..Proof::default() }
    }

    fn told(change: impl FnOnce(&mut Done)) -> String {
        let mut status = well();
        change(status.targets.get_mut("a").expect("a place"));
        check(&status, &targets(), 0, NOW).err().map(|error| error.to_string()).unwrap_or_default()
    }

    #[test]
    fn a_box_with_a_backup_of_the_last_hour_is_well() {
        check(&well(), &targets(), 0, NOW).expect("well");
        assert_eq!(told(|done| done.proof = Some(proof(NOW, 0))), "");
    }

    #[test]
    fn what_is_not_well_is_told() {
        let none = |since| check(&Status::default(), &[], since, NOW);
        assert!(none(0).expect_err("bad").to_string().starts_with("no place"));
        none(NOW - 3600).expect("new");
        assert!(
            check(&Status::default(), &targets(), 0, NOW)
                .expect_err("bad")
                .to_string()
                .contains("no good backup")
        );
        let old = told(|done| done.good.as_mut().expect("a backup").at = NOW - 25 * 3600);
        assert_eq!(old, "the last good backup is 25 hours old");
        assert_eq!(told(|done| done.room = Some(Room { free: 9, total: 100 })), "/a: nearly full");
        let failed = told(|done| done.proof = Some(proof(NOW, 1)));
        assert_eq!(failed, "/a: its newest backup could not be proven: /srv/a: is missing");
        assert_eq!(told(|done| done.proof = Some(proof(NOW - 16 * DAY, 0))), "/a: last proven 16 days ago");
        let last = |why| Some(Outcome { at: NOW, fault: Some(Fault { why, said: String::new() }) });
        assert_eq!(told(|done| done.last = last(Why::Silent)), "");
        let silent = told(|done| {
            done.last = last(Why::Silent);
            done.good.as_mut().expect("a backup").at = NOW - DAY - 1;
        });
        assert!(silent.ends_with("/a: no good backup for a day: the place does not answer"), "{silent}");
        let fault = Some(Fault { why: Why::Other, said: "pack is damaged".to_owned() });
        assert!(told(|done| done.checked = Some(Outcome { at: NOW, fault })).ends_with("pack is damaged"));
    }
}
