//! The health check of the manifest.

use anyhow::{Result, bail};

use crate::filesystem::Room;
use crate::state::{DAY, Seen, State};

/// A file system with less room than a part of this is nearly full.
const LEAST_PART: u64 = 10;
/// As is one with fewer bytes: 5 GiB.
const LEAST_BYTES: u64 = 5 << 30;
/// Two months without a scrub, which is monthly, are too long.
const SCRUB: i64 = 62 * DAY;
/// A look is due every five minutes.
const LOOK: i64 = DAY / 12;
/// Disks are asked daily.
const ASK: i64 = 3 * DAY;

/// Fails when something is not well at the moment `now`. A box that is younger than an interval has this time.
///
/// # Errors
/// What is not well, in sentences.
pub fn check(state: &State, now: i64) -> Result<()> {
    // The first look comes minutes after the first start.
    let Some(since) = state.since else { return Ok(()) };
    let mut told = Vec::new();
    if let Some(seen) = &state.seen {
        look(seen, now, &mut told);
    }
    smart(state, since, now, &mut told);
    scrub(state, since, now, &mut told);
    if let Some(fault) = state.replacement.as_ref().and_then(|one| one.fault.as_ref()) {
        told.push(format!("the replacement of a disk failed: {fault}"));
    }
    if !told.is_empty() {
        bail!("{}", told.join("; "));
    }
    Ok(())
}

fn look(seen: &Seen, now: i64, told: &mut Vec<String>) {
    if let Some(fault) = &seen.fault {
        told.push(format!("the disks cannot be looked at: {fault}"));
    } else if now - seen.at > LOOK {
        told.push(format!("the disks were last looked at {} hours ago", (now - seen.at) / 3600));
    }
    for part in seen.missing() {
        told.push(format!(
            "a disk of the mirror is missing: {}",
            name(&part.disk.model, part.disk.identity())
        ));
    }
    for part in seen.devices.iter().filter(|part| part.device.errors.sum() > 0) {
        let errors = part.device.errors;
        let name = name(&part.disk.model, part.disk.identity());
        told.push(format!(
            "errors of the disk {name}: {} reading, {} writing, {} of content",
            errors.read,
            errors.write.saturating_add(errors.flush),
            errors.corruption.saturating_add(errors.generation)
        ));
    }
    if seen.unmirrored && seen.missing().next().is_none() {
        told.push("something is on one disk of the mirror alone".to_owned());
    }
    if is_nearly_full(seen.room) {
        told.push(format!("the file system is nearly full: {} MB are free", seen.room.free / 1_000_000));
    }
}

fn smart(state: &State, since: i64, now: i64, told: &mut Vec<String>) {
    let at = state.smart.as_ref().map_or(since, |smart| smart.at);
    if now - at > ASK {
        told.push(format!("the disks were last asked how they are {} days ago", (now - at) / DAY));
    }
    let disks = state.smart.iter().flat_map(|smart| &smart.disks);
    for disk in disks.filter(|disk| disk.passed == Some(false)) {
        told.push(format!(
            "the disk {} says that it is failing",
            name(&disk.disk.model, disk.disk.identity())
        ));
    }
}

fn scrub(state: &State, since: i64, now: i64, told: &mut Vec<String>) {
    if let Some(scrub) = state.scrub.as_ref().filter(|scrub| scrub.uncorrectable > 0) {
        told.push(format!("the last scrub found {} errors that cannot be put right", scrub.uncorrectable));
    }
    let at = state.scrubbed.unwrap_or(since);
    if now - at > SCRUB {
        told.push(format!("no scrub came to its end for {} days", (now - at) / DAY));
    }
}

fn name(model: &str, identity: &str) -> String {
    match (model, identity) {
        ("", "") => "whose name is not known".to_owned(),
        ("", identity) => identity.to_owned(),
        (model, identity) => format!("{model} ({identity})"),
    }
}

/// Is there too little room?
pub fn is_nearly_full(room: Room) -> bool {
    room.total > 0 && (room.free < room.total / LEAST_PART || room.free < LEAST_BYTES)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filesystem::{Device, Errors};
    use crate::scrub::Scrub;
    use crate::smart::{Smart, Told};
    use crate::state::Part;
    use mazet_host::listing::Disk;

    const NOW: i64 = 1_790_000_000;

    fn part(id: u64, serial: &str) -> Part {
        let device = Device { id, path: Some(format!("/dev/sd{id}")), bytes: 9, ..Device::default() };
        let disk = Disk { model: "Example".to_owned(), serial: serial.to_owned(), ..Disk::default() };
        Part { device, disk, grew: None }
    }

    fn well() -> State {
        let room = Room { free: 100 << 30, total: 200 << 30 };
        State {
            since: Some(NOW - 300 * DAY),
            seen: Some(Seen {
                at: NOW - 300,
                devices: vec![part(1, "W-1"), part(2, "W-2")],
                room,
                ..Seen::default()
            }),
            smart: Some(Smart { at: NOW - DAY, disks: Vec::new() }),
            scrub: Some(Scrub::default()),
            scrubbed: Some(NOW - 31 * DAY),
            ..State::default()
        }
    }

    fn told(change: impl FnOnce(&mut State)) -> String {
        let mut state = well();
        change(&mut state);
        check(&state, NOW).err().map(|error| error.to_string()).unwrap_or_default()
    }

    fn seen(state: &mut State) -> &mut Seen {
        state.seen.as_mut().expect("seen")
    }

    #[test]
    fn what_is_well_is_well_and_a_new_box_has_time() {
        assert_eq!(told(|_| ()), "");
        check(&State::default(), NOW).expect("new");
        assert_eq!(
            told(|state| {
                (state.since, state.smart, state.scrub, state.scrubbed) = (Some(NOW - DAY), None, None, None);
            }),
            ""
        );
    }

    #[test]
    fn disks_that_are_missing_or_have_errors_are_told() {
        let missing = told(|state| seen(state).devices[1].device.path = None);
        assert_eq!(missing, "a disk of the mirror is missing: Example (W-2)");
        let errors = told(|state| {
            seen(state).devices[0].device.errors = Errors { read: 2, corruption: 1, ..Errors::default() };
        });
        assert_eq!(errors, "errors of the disk Example (W-1): 2 reading, 0 writing, 1 of content");
        assert_eq!(
            told(|state| seen(state).unmirrored = true),
            "something is on one disk of the mirror alone"
        );
        // That follows from the missing disk.
        let both = told(|state| {
            seen(state).unmirrored = true;
            seen(state).devices[1].device.path = None;
        });
        assert_eq!(both, missing);
    }

    #[test]
    fn little_room_is_told() {
        let full = |free, total| told(|state| seen(state).room = Room { free, total });
        assert_eq!(full(19 << 30, 200 << 30), "the file system is nearly full: 20401 MB are free");
        assert_eq!(full(4 << 30, 20 << 30), "the file system is nearly full: 4294 MB are free");
        assert_eq!(full(5 << 30, 20 << 30), "");
    }

    #[test]
    fn failing_disks_and_scrubs_are_told() {
        let disk = |passed| Told { disk: part(1, "W-1").disk, passed, ..Told::default() };
        let smart =
            |passed| told(|state| state.smart = Some(Smart { at: NOW - DAY, disks: vec![disk(passed)] }));
        assert_eq!(smart(Some(false)), "the disk Example (W-1) says that it is failing");
        assert_eq!(smart(None) + &smart(Some(true)), "");
        let bad = told(|state| state.scrub = Some(Scrub { uncorrectable: 3, ..Scrub::default() }));
        assert_eq!(bad, "the last scrub found 3 errors that cannot be put right");
        assert_eq!(told(|state| state.scrubbed = None), "no scrub came to its end for 300 days");
        assert_eq!(told(|state| state.smart = None), "the disks were last asked how they are 300 days ago");
        assert_eq!(
            told(|state| seen(state).at = NOW - 3 * 3600),
            "the disks were last looked at 3 hours ago"
        );
    }
}
