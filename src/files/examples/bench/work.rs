//! What is measured.

use std::fs;
use std::path::PathBuf;

use serde::Serialize;
use tempfile::TempDir;

use super::load::{nextcloud, signed_in};
use super::sides::{Side, Sides};

/// Bytes of a small file.
const SMALL: usize = 2000;
/// What browsers and sync clients do at a time.
const AT_A_TIME: usize = 6;

/// How much there is of everything.
pub struct Sizes {
    pub small: usize,
    /// MiB.
    pub large: usize,
    pub listed: usize,
}

/// One line of the table: seconds.
#[derive(Debug, Serialize)]
pub struct Line {
    what: String,
    mazet: f64,
    mod_dav: Option<f64>,
    /// mod_dav where what it writes is flushed.
    flushed: Option<f64>,
}

/// The work, and files for it.
pub struct Work<'a> {
    sides: &'a Sides,
    sizes: Sizes,
    rounds: usize,
    scratch: TempDir,
}

impl<'a> Work<'a> {
    pub fn new(sides: &'a Sides, sizes: Sizes, rounds: usize) -> Self {
        let scratch = tempfile::tempdir().expect("a folder");
        let small = scratch.path().join("small");
        for name in names(sizes.small) {
            let path = small.join(&name);
            fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            fs::write(path, name.repeat(SMALL / name.len())).expect("written");
        }
        let piece: Vec<u8> =
            (0..1 << 20).map(|at: u32| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
        fs::write(scratch.path().join("large"), piece.repeat(sizes.large)).expect("written");
        Self { sides, sizes, rounds, scratch }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.scratch.path().join(name)
    }

    /// The best of all rounds of both sides, taken in turn.
    fn line(&self, what: &str, sides: &[Side; 2], work: impl FnMut(&Side, usize) -> f64) -> Line {
        self.compared(what, &sides.each_ref(), work)
    }

    /// The first is the program; a third one is mod_dav where it flushes.
    fn compared(&self, what: &str, sides: &[&Side], mut work: impl FnMut(&Side, usize) -> f64) -> Line {
        let mut best = vec![f64::INFINITY; sides.len()];
        for round in 0..self.rounds {
            for (side, best) in sides.iter().zip(&mut best) {
                *best = best.min(work(side, round));
            }
        }
        eprintln!("{what}: {best:.3?} s");
        let theirs = |number: usize| best.get(number).copied();
        Line { what: what.to_owned(), mazet: best[0], mod_dav: theirs(1), flushed: theirs(2) }
    }

    /// Who is asked directly, for what is written.
    fn writers(&self) -> Vec<&Side> {
        self.sides.direct.iter().chain(&self.sides.flushed).collect()
    }

    pub fn large(&self, lines: &mut Vec<Line>) {
        let (large, size) = (self.path("large"), self.sizes.large);
        for (sides, how) in [(&self.sides.direct, ""), (&self.sides.behind, ", behind nginx")] {
            let writers = if how.is_empty() { self.writers() } else { sides.iter().collect() };
            let up = format!("{size} MiB up{how}");
            lines.push(self.compared(&up, &writers, |side, _| side.put("large", &large)));
            lines.push(self.line(&format!("{size} MiB down{how}"), sides, |side, _| side.get("large")));
        }
    }

    pub fn small(&self, lines: &mut Vec<Line>) {
        let (direct, count) = (&self.sides.direct, self.sizes.small);
        let (names, list) = (names(count), self.path("list"));
        let from = self.path("small");
        for (at_a_time, how) in [(1, "one at a time"), (AT_A_TIME, "6 at a time")] {
            let up = format!("{count} small files up, {how}");
            lines.push(self.compared(&up, &self.writers(), |side, round| {
                let folder = format!("up{at_a_time}-{round}");
                side.make_folder(&folder);
                for number in 0..count.div_ceil(100) {
                    side.make_folder(&format!("{folder}/{number:03}"));
                }
                let seconds = side.many(&folder, &names, Some(&from), at_a_time, &list);
                assert_eq!(files_in(&side.folder.join(&folder)), count);
                seconds
            }));
            let down = format!("{count} small files down, {how}");
            lines.push(self.line(&down, direct, |side, _| {
                side.many(&format!("up{at_a_time}-0"), &names, None, at_a_time, &list)
            }));
        }
    }

    /// A folder of very many files, laid there on the disk.
    pub async fn folder(&self, lines: &mut Vec<Line>) {
        for side in &self.sides.direct {
            side.make_folder("many");
            for number in 0..self.sizes.listed {
                fs::write(side.folder.join(format!("many/{number:05}.txt")), "x").expect("written");
            }
        }
        self.sides.home.storage.scan().await.expect("scanned");
        let what = format!("listing {} files", self.sizes.listed);
        lines.push(self.line(&what, &self.sides.direct, |side, _| side.list("many/")));
    }

    /// A tree that is as it was, by rclone.
    pub fn unchanged(&self, lines: &mut Vec<Line>) {
        let from = self.path("small");
        let what = format!("sync of {} unchanged files (rclone)", self.sizes.small);
        lines.push(self.line(&what, &self.sides.behind, |side, _| side.rclone(&from, "up1-0")));
    }

    /// All that is there, by the Nextcloud client, which mod_dav does not serve.
    pub async fn synced(&self, lines: &mut Vec<Line>) {
        let (home, folder) = (self.path("home"), self.path("synced"));
        for path in [&home, &folder] {
            fs::create_dir_all(path).expect("made");
        }
        for kept in ["large", "many", "up6-0", "up1-1", "up6-1"] {
            let _ = fs::remove_dir_all(self.sides.direct[0].folder.join(kept));
            let _ = fs::remove_file(self.sides.direct[0].folder.join(kept));
        }
        self.sides.home.storage.scan().await.expect("scanned");
        let only = |what: String, seconds| {
            eprintln!("{what}: {seconds:.3} s");
            Line { what, mazet: seconds, mod_dav: None, flushed: None }
        };
        let count = self.sizes.small;
        let first = nextcloud(&self.sides.https, &home, &folder);
        assert!(files_in(&folder.join("up1-0")) == count);
        lines.push(only(format!("first sync of {count} files down (nextcloudcmd)"), first));
        let again = nextcloud(&self.sides.https, &home, &folder);
        lines.push(only(format!("sync of {count} unchanged files (nextcloudcmd)"), again));
    }

    /// Everybody signs in at once: each check of a password takes memory.
    pub fn logins(&self) {
        let started: Vec<_> = ["paul", "nino", "zoe"]
            .iter()
            .map(|login| signed_in(&self.sides.direct[0], login).spawn().expect("curl"))
            .collect();
        for mut child in started {
            assert!(child.wait().expect("ended").success());
        }
    }
}

/// Names of so many files, 100 in a folder.
fn names(count: usize) -> Vec<String> {
    (0..count).map(|number| format!("{:03}/{number:05}.txt", number / 100)).collect()
}

fn files_in(folder: &std::path::Path) -> usize {
    let entries = fs::read_dir(folder).expect("readable").map(|entry| entry.expect("readable").path());
    entries.map(|path| if path.is_dir() { files_in(&path) } else { 1 }).sum()
}
