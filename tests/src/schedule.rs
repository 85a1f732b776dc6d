//! Running scenarios side by side, and the table of their results.

use std::collections::BTreeMap;
use std::fs;
use std::io;
use std::num::NonZeroUsize;
use std::path::{Path, PathBuf};
use std::sync::{Condvar, Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use clap::Args;
use mazet_boot::junit::{self, Case};

use crate::lab::{Lab, Unreached};
use crate::scenario::{self, Scenario};

/// The note in its folder that a scenario passed: what it left can be used.
const PASSED: &str = "passed";
/// How the names of disks, and of images of disks, end.
const DISKS: [&str; 4] = ["qcow2", "raw", "img", "zst"];

/// Which scenarios run, and how.
#[derive(Debug, Clone, Args)]
pub struct Selection {
    /// The long scenarios too.
    #[arg(long)]
    pub long: bool,
    /// Only scenarios whose name holds this (and what they need); long ones count. Again for more.
    #[arg(long, value_name = "TEXT")]
    pub filter: Vec<String>,
    /// Take what an earlier run left for what is needed but not selected.
    #[arg(long)]
    pub reuse: bool,
    /// How many run side by side.
    #[arg(long, value_name = "COUNT", default_value = "2")]
    pub jobs: NonZeroUsize,
    /// Begin no scenario after so many seconds; those that were not begun are named, and count as nothing.
    #[arg(long, value_name = "SECONDS")]
    pub begin_within: Option<u64>,
    /// Remove the disks of what has passed as soon as no other scenario needs them; logs and pictures stay.
    #[arg(long, conflicts_with = "reuse")]
    pub tidy: bool,
    /// Write the results as JUnit XML.
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
}

/// How a scenario ended: its time, and the error that ended it.
type Ends = BTreeMap<&'static str, (Duration, Option<String>)>;

/// Scenarios still to run, those that run, and the ends of the others.
struct Board {
    waiting: Vec<Scenario>,
    running: Vec<&'static str>,
    ends: Ends,
    /// When none is begun any more, and those that were not.
    end: Option<Instant>,
    left: Vec<&'static str>,
    /// Disks go once they are of no more use.
    tidy: bool,
}

/// Runs the selected scenarios. Gives `true` when all passed.
///
/// # Errors
/// When nothing is selected or a report cannot be written.
pub fn run(lab: &Lab, selection: &Selection) -> Result<bool> {
    let selected = select(scenario::ALL, selection, |name| lab.artefacts.join(name).join(PASSED).exists());
    ensure!(!selected.is_empty(), "no scenario is called like that; `list` shows them");
    let order: Vec<&str> = selected.iter().map(|scenario| scenario.name).collect();
    let end = selection.begin_within.map(|seconds| Instant::now() + Duration::from_secs(seconds));
    let board = Mutex::new(Board {
        waiting: selected,
        running: Vec::new(),
        ends: Ends::new(),
        end,
        left: Vec::new(),
        tidy: selection.tidy,
    });
    let changed = Condvar::new();
    thread::scope(|scope| {
        for _ in 0..selection.jobs.get() {
            scope.spawn(|| work(lab, &board, &changed));
        }
    });
    let Board { ends, left, .. } = board.into_inner().unwrap_or_else(PoisonError::into_inner);
    if !left.is_empty() {
        eprintln!("not begun for want of time: {}", left.join(", "));
    }
    let order: Vec<&str> = order.into_iter().filter(|name| !left.contains(name)).collect();
    let cases = cases(&order, &ends);
    if let Some(file) = &selection.junit {
        fs::write(file, junit::report("mazet test", &cases))
            .with_context(|| format!("writing {}", file.display()))?;
    }
    print!("{}", table(&cases));
    Ok(cases.iter().all(|case| case.failure.is_none()))
}

/// The selected scenarios with all they need, in the list's order.
fn select(all: &[Scenario], selection: &Selection, left: impl Fn(&str) -> bool) -> Vec<Scenario> {
    let named = |scenario: &Scenario| selection.filter.iter().any(|text| scenario.name.contains(text));
    let default = |scenario: &Scenario| {
        selection.filter.is_empty() && !scenario.named && (selection.long || !scenario.long)
    };
    let chosen: Vec<&Scenario> = all.iter().filter(|scenario| default(scenario) || named(scenario)).collect();
    let needed = |scenario: &Scenario| {
        chosen.iter().any(|other| other.needs == Some(scenario.name))
            && !(selection.reuse && left(scenario.name))
    };
    let is_chosen = |scenario: &Scenario| chosen.iter().any(|other| other.name == scenario.name);
    all.iter().filter(|scenario| is_chosen(scenario) || needed(scenario)).copied().collect()
}

fn work(lab: &Lab, board: &Mutex<Board>, changed: &Condvar) {
    while let Some(scenario) = next(board, changed) {
        eprintln!("{}: begins", scenario.name);
        let started = Instant::now();
        let end = attempt(lab, scenario);
        let seconds = started.elapsed().as_secs();
        match &end {
            None => eprintln!("{}: passed in {seconds} s", scenario.name),
            Some(error) => eprintln!("{}: FAILED in {seconds} s\n{error}", scenario.name),
        }
        let mut board = board.lock().unwrap_or_else(PoisonError::into_inner);
        board.running.retain(|name| *name != scenario.name);
        board.ends.insert(scenario.name, (started.elapsed(), end));
        if board.tidy {
            for name in of_no_more_use(&board) {
                if let Err(error) = remove_disks(&lab.artefacts.join(name)) {
                    eprintln!("the disks of {name} stay: {error}");
                }
            }
        }
        changed.notify_all();
    }
}

/// What has passed, and no scenario that waits or runs needs.
fn of_no_more_use(board: &Board) -> Vec<&'static str> {
    let passed = board.ends.iter().filter(|(_, (_, error))| error.is_none()).map(|(name, _)| *name);
    let pending = |name: &str| scenario::ALL.iter().find(|scenario| scenario.name == name);
    let running = board.running.iter().filter_map(|name| pending(name));
    let needed: Vec<&str> =
        board.waiting.iter().chain(running).filter_map(|scenario| scenario.needs).collect();
    passed.filter(|name| !needed.contains(name)).collect()
}

/// Removes the disks in a scenario's folder and below it, and the note that they are those of one that passed.
fn remove_disks(folder: &Path) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let path = entry.path();
        let is_disk = path.extension().is_some_and(|end| DISKS.iter().any(|disk| end == *disk));
        if entry.file_type()?.is_dir() {
            remove_disks(&path)?;
        } else if is_disk || entry.file_name() == PASSED {
            fs::remove_file(path)?;
        }
    }
    Ok(())
}

/// Runs one scenario; a panic in it is its failure, not the run's. Where the emulator itself
/// stood still or died while the machine started, it runs once more, from its beginning, and says so.
fn attempt(lab: &Lab, scenario: Scenario) -> Option<String> {
    let story = || std::panic::catch_unwind(|| tell(lab, scenario));
    let emulators = |error: &anyhow::Error| error.downcast_ref().is_some_and(Unreached::is_emulators);
    let end = match story() {
        Ok(Err(error)) if emulators(&error) => {
            eprintln!(
                "{}: the emulator's fault, not that of what it ran; once more\n{error:#}",
                scenario.name
            );
            story()
        }
        end => end,
    };
    match end {
        Ok(Ok(())) => None,
        Ok(Err(error)) => Some(format!("{error:#}")),
        Err(_) => Some("it panicked; see above".to_owned()),
    }
}

fn tell(lab: &Lab, scenario: Scenario) -> Result<()> {
    let bench = lab.bench(scenario.name)?;
    (scenario.run)(&bench)?;
    fs::write(bench.path(PASSED), "").context("noting that it passed")
}

/// The next scenario whose need is fulfilled; waits for one that runs. One whose need
/// failed fails as well, unrun.
fn next(board: &Mutex<Board>, changed: &Condvar) -> Option<Scenario> {
    let mut board = board.lock().unwrap_or_else(PoisonError::into_inner);
    loop {
        if board.end.is_some_and(|end| Instant::now() >= end) {
            let waiting = std::mem::take(&mut board.waiting);
            board.left.extend(waiting.iter().map(|scenario| scenario.name));
        }
        fail_hopeless(&mut board);
        let ready = board.waiting.iter().position(|scenario| is_ready(scenario, &board));
        if let Some(index) = ready {
            let scenario = board.waiting.remove(index);
            board.running.push(scenario.name);
            return Some(scenario);
        }
        if board.waiting.is_empty() {
            changed.notify_all();
            return None;
        }
        board = changed.wait(board).unwrap_or_else(PoisonError::into_inner);
    }
}

fn fail_hopeless(board: &mut Board) {
    let failed = |name: &str| board.ends.get(name).is_some_and(|(_, error)| error.is_some());
    let hopeless = |scenario: &Scenario| scenario.needs.filter(|needed| failed(needed));
    let doomed: Vec<(&str, &str)> =
        board.waiting.iter().filter_map(|scenario| Some((scenario.name, hopeless(scenario)?))).collect();
    for (name, needed) in doomed {
        board.waiting.retain(|scenario| scenario.name != name);
        board.ends.insert(name, (Duration::ZERO, Some(format!("it needs {needed}, which failed"))));
    }
}

/// What it needs has passed, or is not part of this run (an earlier one left it).
fn is_ready(scenario: &Scenario, board: &Board) -> bool {
    let pending = |name: &str| {
        board.running.contains(&name) || board.waiting.iter().any(|waiting| waiting.name == name)
    };
    scenario.needs.is_none_or(|needed| !pending(needed))
}

fn cases(order: &[&str], ends: &Ends) -> Vec<Case> {
    let case = |name: &&str| {
        let (time, error) =
            ends.get(*name).cloned().unwrap_or((Duration::ZERO, Some("it never ran".to_owned())));
        Case { name: (*name).to_owned(), time, failure: error.map(|error| ("failed".to_owned(), error)) }
    };
    order.iter().map(case).collect()
}

fn table(cases: &[Case]) -> String {
    let mut text = String::new();
    for case in cases {
        let (word, why) = match &case.failure {
            None => ("passed", String::new()),
            Some((_, error)) => ("FAILED", format!("  {}", error.lines().next().unwrap_or_default())),
        };
        text.push_str(&format!("{:<28} {word} {:>5} s{why}\n", case.name, case.time.as_secs()));
    }
    let failed = cases.iter().filter(|case| case.failure.is_some()).count();
    text.push_str(&format!("{} passed, {failed} failed\n", cases.len() - failed));
    text
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use mazet_boot::firmware::Firmware;
    use mazet_boot::kvm::Accelerator;
    use mazet_boot::stage::Stage;
    use mazet_boot::{Failure, Runner, Verdict};

    use crate::lab::{Bench, reached};

    use super::*;

    fn scenario(name: &'static str, needs: Option<&'static str>, long: bool) -> Scenario {
        Scenario { name, about: "", long, named: false, needs, run: |_| Ok(()) }
    }

    fn selection(long: bool, filter: &[&str], reuse: bool) -> Selection {
        let filter = filter.iter().map(|text| (*text).to_owned()).collect();
        Selection {
            long,
            filter,
            reuse,
            tidy: false,
            jobs: NonZeroUsize::MIN,
            begin_within: None,
            junit: None,
        }
    }

    fn board(waiting: Vec<Scenario>) -> Board {
        Board { waiting, running: Vec::new(), ends: Ends::new(), end: None, left: Vec::new(), tidy: false }
    }

    fn names(selected: &[Scenario]) -> Vec<&str> {
        selected.iter().map(|scenario| scenario.name).collect()
    }

    fn lab(folder: &Path) -> Lab {
        Lab {
            image: folder.join("image"),
            artefacts: folder.to_owned(),
            mazet: "mazet".into(),
            tools: Runner::default(),
            test_tree: Runner::default(),
            pi: None,
            axe: None,
            accelerator: Accelerator::Emulation,
        }
    }

    #[test]
    fn what_is_needed_is_selected_too() {
        let all = [scenario("a", None, false), scenario("b", Some("a"), false), scenario("c", None, true)];
        assert_eq!(names(&select(&all, &selection(false, &[], false), |_| false)), ["a", "b"]);
        assert_eq!(names(&select(&all, &selection(true, &[], false), |_| false)), ["a", "b", "c"]);
        assert_eq!(names(&select(&all, &selection(false, &["c"], false), |_| false)), ["c"]);
        assert_eq!(names(&select(&all, &selection(false, &["b"], false), |_| true)), ["a", "b"]);
        assert_eq!(names(&select(&all, &selection(false, &["b"], true), |_| true)), ["b"]);
        assert_eq!(names(&select(&all, &selection(false, &["b"], true), |_| false)), ["a", "b"]);
    }

    #[test]
    fn a_failed_need_fails_what_needs_it() {
        let folder = tempfile::tempdir().expect("folder");
        let mut waiting = vec![scenario("a", None, false), scenario("b", Some("a"), false)];
        waiting[0].run = |_| anyhow::bail!("broken");
        let board = Mutex::new(board(waiting));
        work(&lab(folder.path()), &board, &Condvar::new());
        let cases = cases(&["a", "b"], &board.into_inner().expect("board").ends);
        insta::assert_snapshot!(table(&cases), @r"
        a                            FAILED     0 s  broken
        b                            FAILED     0 s  it needs a, which failed
        0 passed, 2 failed
        ");
    }

    #[test]
    fn what_is_not_begun_in_time_is_named_and_counts_as_nothing() {
        let folder = tempfile::tempdir().expect("folder");
        let mut board = board(vec![scenario("a", None, false), scenario("b", Some("a"), false)]);
        board.end = Some(Instant::now());
        let board = Mutex::new(board);
        work(&lab(folder.path()), &board, &Condvar::new());
        let board = board.into_inner().expect("board");
        assert_eq!((board.left, board.ends.len()), (vec!["a", "b"], 0));
    }

    #[test]
    fn disks_stay_as_long_as_somebody_needs_them() {
        let passed = || (Duration::ZERO, None);
        let mut board = board(vec![scenario("installed", Some("installs"), false)]);
        board.ends =
            Ends::from([("installs", passed()), ("releases", (Duration::ZERO, Some("no".to_owned())))]);
        assert_eq!(of_no_more_use(&board), [""; 0], "one waits for it, and a failed one is looked at");
        board.waiting.clear();
        assert_eq!(of_no_more_use(&board), ["installs"]);
        let needy =
            scenario::ALL.iter().find(|scenario| scenario.needs.is_some()).expect("one that needs another");
        board.ends.insert(needy.needs.expect("need"), passed());
        board.running.push(needy.name);
        assert!(!of_no_more_use(&board).contains(&needy.needs.expect("need")), "one that runs needs it");
    }

    #[test]
    fn what_is_no_disk_stays() {
        let folder = tempfile::tempdir().expect("folder");
        fs::create_dir(folder.path().join("release")).expect("folder");
        let all = ["stick.qcow2", "release/pc.img.zst", "release/pc.json", "serial.log", PASSED];
        all.iter().for_each(|name| fs::write(folder.path().join(name), "x").expect("file"));
        remove_disks(folder.path()).expect("removed");
        let left: Vec<_> = all.iter().filter(|name| folder.path().join(name).exists()).collect();
        assert_eq!(left, [&"release/pc.json", &"serial.log"]);
    }

    fn unreached(failure: Failure) -> anyhow::Error {
        unreached_for(failure, "rcu: (t=2103 jiffies g=77 q=2 ncpus=2)")
    }

    fn unreached_for(failure: Failure, detail: &str) -> anyhow::Error {
        let verdict = Verdict {
            goal: "wizard".to_owned(),
            failure: Some(failure),
            stage: Stage::Initrd,
            detail: detail.to_owned(),
            time: Duration::from_secs(200),
            firmware: Firmware::Bios,
            accelerator: Accelerator::Emulation,
            log: "serial.log".into(),
            last_lines: Vec::new(),
        };
        reached(verdict).expect_err("it failed").into()
    }

    #[test]
    fn only_a_fault_of_the_emulator_is_tried_again_and_once() {
        static RUNS: AtomicUsize = AtomicUsize::new(0);
        let folder = tempfile::tempdir().expect("folder");
        let runs = |run| {
            RUNS.store(0, Ordering::Relaxed);
            let end = attempt(&lab(folder.path()), Scenario { run, ..scenario("a", None, false) });
            (end.is_none(), RUNS.load(Ordering::Relaxed))
        };
        let stalls_once = |_: &Bench| match RUNS.fetch_add(1, Ordering::Relaxed) {
            0 => Err(unreached(Failure::Stalled)).context("the first boot"),
            _ => Ok(()),
        };
        fn always(failure: Failure) -> Result<()> {
            RUNS.fetch_add(1, Ordering::Relaxed);
            Err(unreached(failure))
        }
        assert_eq!(runs(stalls_once), (true, 2));
        assert_eq!(runs(|_| always(Failure::Stalled)), (false, 2));
        assert_eq!(runs(|_| always(Failure::Initrd)), (false, 1));
        let dies_once = |_: &Bench| match RUNS.fetch_add(1, Ordering::Relaxed) {
            0 => Err(unreached_for(
                Failure::QemuStart,
                "QEMU ended: physmem.c:2671: f: Assertion `x < y' failed.",
            )),
            _ => Ok(()),
        };
        assert_eq!(runs(dies_once), (true, 2));
        assert_eq!(
            runs(|_| always(Failure::QemuStart)),
            (false, 1),
            "it may lack something that we did not give"
        );
    }

    #[test]
    fn nobody_begins_before_what_it_needs_has_ended() {
        let mut board = board(vec![]);
        board.running.push("a");
        let second = scenario("b", Some("a"), false);
        assert!(!is_ready(&second, &board));
        board.running.clear();
        board.ends.insert("a", (Duration::ZERO, None));
        assert!(is_ready(&second, &board));
    }
}
