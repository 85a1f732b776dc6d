//! Everything on the disks read once, and compared with its checksums: monthly.

use std::time::Instant;

use anyhow::{Result, bail};
use mazet_host::files;
use mazet_host::run::last_words;
use serde::{Deserialize, Serialize};

use crate::places::Places;
use crate::state::{DAY, State};
use crate::tools::{Program, Tools};

/// One that was cut off, by a restart, is gone on with for so long; then another one begins.
const FRESH: i64 = 20 * DAY;

/// How a scrub ended.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Scrub {
    /// When, in seconds since 1970.
    pub at: i64,
    /// Seconds that it took.
    pub seconds: u64,
    /// Bytes that were read.
    pub bytes: u64,
    /// Errors that were put right from the other disk.
    pub corrected: u64,
    /// Errors that could not be put right.
    pub uncorrectable: u64,
    /// Why it did not come to its end; none: it did.
    pub fault: Option<String>,
}

/// Scrubs the file system with the least priority, and keeps how it went.
///
/// # Errors
/// When it did not come to its end, or this cannot be written down.
pub fn run(tools: &Tools, places: &Places) -> Result<()> {
    let state = State::read(&places.state)?;
    let begun = state.scrub_begun.filter(|begun| files::now() - begun < FRESH);
    let (begun, way) = begun.map_or((files::now(), "start"), |begun| (begun, "resume"));
    State::change(&places.state, |state| state.scrub_begun = Some(begun))?;
    let scrub = once(tools, &places.data(), way)?;
    let fault = scrub.fault.clone();
    State::change(&places.state, |state| {
        state.scrub_begun = None;
        state.add_scrub(scrub);
    })?;
    match fault {
        Some(fault) => bail!("the scrub did not come to its end: {fault}"),
        None => Ok(()),
    }
}

fn once(tools: &Tools, data: &str, way: &str) -> Result<Scrub> {
    let started = Instant::now();
    // 2: nothing to resume; 3: there were errors that could not be put right.
    let output = tools.ended(Program::Btrfs, &["scrub", way, "-B", "-c", "3", "-R", data])?;
    if way == "resume" && output.status.code() == Some(2) {
        return once(tools, data, "start");
    }
    let mut scrub = read(&String::from_utf8_lossy(&output.stdout));
    scrub.at = files::now();
    scrub.seconds = started.elapsed().as_secs();
    // That of a file system whose disk is missing says 0, and "aborted".
    if let (Some(fault), Some(code)) = (&mut scrub.fault, output.status.code()) {
        if code != 0 {
            *fault = last_words(&output);
        }
    }
    Ok(scrub)
}

fn read(text: &str) -> Scrub {
    let value = |name: &str| {
        text.lines().find_map(|line| line.trim().strip_prefix(name)?.strip_prefix(':').map(str::trim))
    };
    let number = |name: &str| value(name).and_then(|number| number.parse::<u64>().ok()).unwrap_or(0);
    let status = value("Status").unwrap_or("it said nothing");
    Scrub {
        bytes: number("data_bytes_scrubbed").saturating_add(number("tree_bytes_scrubbed")),
        corrected: number("corrected_errors"),
        uncorrectable: number("uncorrectable_errors"),
        fault: (status != "finished").then(|| status.to_owned()),
        ..Scrub::default()
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;
    use crate::tests::places;

    const SAID: &str = include_str!("../fixtures/scrub.txt");

    #[test]
    fn the_result_is_read() {
        let scrub = read(SAID);
        assert_eq!((scrub.bytes, scrub.corrected, scrub.uncorrectable), (840_073_216, 0, 0));
        assert_eq!(scrub.fault, None);
        let damaged = SAID.replace("uncorrectable_errors: 0", "uncorrectable_errors: 3");
        assert_eq!(read(&damaged.replace("corrected_errors: 0", "corrected_errors: 9")).uncorrectable, 3);
        assert_eq!(read(&SAID.replace("finished", "aborted")).fault.as_deref(), Some("aborted"));
        assert_eq!(read("").fault.as_deref(), Some("it said nothing"));
    }

    #[test]
    fn one_that_was_cut_off_goes_on_and_where_there_is_nothing_to_go_on_with_it_begins_anew() {
        let folder = tempfile::tempdir().expect("a folder");
        let places = places(folder.path());
        let log = folder.path().join("log");
        fs::write(folder.path().join("said"), SAID).expect("written");
        let script = format!(
            "#!/bin/sh\necho \"$2\" >>{}\n[ \"$2\" = start ] || exit 2\ncat {}/said\n",
            log.display(),
            folder.path().display()
        );
        let program = folder.path().join("btrfs");
        fs::write(&program, script).expect("written");
        fs::set_permissions(&program, fs::Permissions::from_mode(0o755)).expect("mode");
        let tools = Tools::from_folder(folder.path().to_owned());
        run(&tools, &places).expect("well");
        State::change(&places.state, |state| state.scrub_begun = Some(files::now() - DAY)).expect("changed");
        run(&tools, &places).expect("well");
        assert_eq!(fs::read_to_string(&log).expect("read"), "start\nresume\nstart\n");
        let state = State::read(&places.state).expect("read");
        assert_eq!((state.scrub_begun, state.scrub.map(|scrub| scrub.bytes)), (None, Some(840_073_216)));
    }
}
