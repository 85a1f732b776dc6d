//! What is under way now, and how far it is: from systemd and btrfs(8).

use crate::places::Places;
use crate::state::State;
use crate::tools::{Program, Tools};

/// The unit that scrubs.
pub const SCRUB: &str = "mazet-disks-scrub.service";
/// The unit that merges.
pub const MERGE: &str = "mazet-disks-merge.service";
/// The unit that gives everything a second copy.
pub const MIRROR: &str = "mazet-disks-mirror.service";

/// The unit that replaces a disk by the one of this name.
pub fn replace(id: &str) -> String {
    format!("mazet-disks-replace@{id}.service")
}

/// What is under way.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UnderWay {
    /// A scrub, and how much of it is done, where that is known.
    pub scrub: Option<Part>,
    /// Merging.
    pub merge: bool,
    /// Giving everything a second copy.
    pub mirror: Option<Part>,
    /// A replacement.
    pub replace: Option<Part>,
}

/// A percentage as it was told: `18.6`; empty: nobody knows.
pub type Part = String;

impl UnderWay {
    /// As systemd and btrfs tell it; what cannot be told is left out.
    pub fn read(tools: &Tools, places: &Places, state: &State) -> Self {
        let runs = |unit: &str| {
            let said =
                tools.said(Program::Systemctl, &["show", "--value", "--property", "ActiveState", unit]);
            said.is_ok_and(|said| said.trim() == "activating")
        };
        let data = places.data();
        // btrfs ends with 1 while it balances: what it says counts.
        let said = |words: [&str; 2], option: Option<&str>| {
            let arguments: Vec<&str> = words.into_iter().chain(option).chain([data.as_str()]).collect();
            let output = tools.ended(Program::Btrfs, &arguments);
            output.map(|output| String::from_utf8_lossy(&output.stdout).into_owned()).unwrap_or_default()
        };
        let replacing = state.replacement.as_ref().is_some_and(|one| runs(&replace(&one.disk.id())));
        Self {
            scrub: runs(SCRUB).then(|| scrubbed(&said(["scrub", "status"], None))),
            merge: runs(MERGE),
            mirror: (replacing || runs(MIRROR)).then(|| balanced(&said(["balance", "status"], None))),
            replace: replacing.then(|| replaced(&said(["replace", "status"], Some("-1")))),
        }
    }
}

/// `Bytes scrubbed:   1.03GiB  (58.40%)`
fn scrubbed(said: &str) -> Part {
    let line = said.lines().find(|line| line.trim_start().starts_with("Bytes scrubbed:"));
    let part = line.and_then(|line| line.split_once('(')?.1.split_once('%'));
    part.map(|(part, _)| part.to_owned()).unwrap_or_default()
}

/// `18.6% done, 0 write errs, 0 uncorr. read errs`
fn replaced(said: &str) -> Part {
    let part = said.lines().find_map(|line| line.trim().split_once("% done"));
    part.map(|(part, _)| part.to_owned()).unwrap_or_default()
}

/// `1 out of about 2 chunks balanced (2 considered),  50% left`
fn balanced(said: &str) -> Part {
    let left = said.lines().find_map(|line| line.trim().strip_suffix("% left")?.rsplit(' ').next());
    let left = left.and_then(|left| left.parse::<u64>().ok());
    left.map(|left| 100_u64.saturating_sub(left).to_string()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_far_it_is_is_read_from_what_btrfs_says() {
        assert_eq!(replaced("18.6% done, 0 write errs, 0 uncorr. read errs\n"), "18.6");
        assert_eq!(replaced("Started on 30.Nov 17:24:35, finished on 30.Nov 17:24:37, 0 write errs"), "");
        let balance =
            "Balance on '/m' is running\n1 out of about 2 chunks balanced (2 considered),  50% left\n";
        assert_eq!(
            (balanced(balance), balanced("No balance found on '/m'\n")),
            ("50".to_owned(), String::new())
        );
        assert_eq!(scrubbed("Total to scrub:   1.76GiB\nBytes scrubbed:   1.03GiB  (58.40%)\n"), "58.40");
        assert_eq!(scrubbed("no stats available\n"), "");
    }
}
