//! Processor time of a stage: Mazet's own and that of what it runs, native and under emulation.
//!
//! The kernel counts the time of ended children together. What an emulator used of it is seen by
//! looking at its processes while they run, some fifty times a second: one that lives shorter than
//! that is missed, so that the emulated part is a little larger than what is said here.

use std::collections::BTreeMap;
use std::fs;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde::Serialize;

/// Time between two looks at the emulator's processes.
const LOOK: Duration = Duration::from_millis(20);

/// Processor time in seconds, user and system, of Mazet and all programs together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize)]
pub struct Processor {
    /// All but the emulator's.
    pub native: f64,
    /// The emulator's.
    pub emulated: f64,
}

impl Processor {
    /// Does `work` and tells what it and the programs that it ran and waited for have used.
    /// `emulator`: the file name of the emulator among them.
    pub fn of<T>(emulator: Option<&str>, work: impl FnOnce() -> T) -> (T, Self) {
        let before = used();
        let done = AtomicBool::new(false);
        let (result, emulated) = std::thread::scope(|scope| {
            let looking = emulator.map(|name| scope.spawn(|| look(name, &done)));
            let result = work();
            done.store(true, Ordering::Relaxed);
            (result, looking.and_then(|thread| thread.join().ok()).unwrap_or_default())
        });
        let all = used() - before;
        (result, Self { native: (all - emulated).max(0.0), emulated: emulated.min(all) })
    }
}

/// Adds up what the processes of an emulator use until `done`, in seconds.
fn look(emulator: &str, done: &AtomicBool) -> f64 {
    let mut seen: BTreeMap<String, f64> = BTreeMap::new();
    while !done.load(Ordering::Relaxed) {
        for process in fs::read_dir("/proc").into_iter().flatten().flatten().map(|entry| entry.path()) {
            let program = fs::read_link(process.join("exe")).unwrap_or_default();
            if program.file_name().is_some_and(|name| name == emulator) {
                let stat = fs::read_to_string(process.join("stat")).unwrap_or_default();
                // A number may come again: the start time makes a process one of its own.
                let key = format!("{} {}", process.display(), field(&stat, START));
                let used = field(&stat, USER) + field(&stat, USER + 1);
                seen.entry(key).and_modify(|time| *time = time.max(used)).or_insert(used);
            }
        }
        std::thread::sleep(LOOK);
    }
    // Plus zero: the sum of nothing is a negative one.
    (seen.values().sum::<f64>() + 0.0) / rustix::param::clock_ticks_per_second() as f64
}

/// Processor time of this process and all its ended children in seconds.
fn used() -> f64 {
    let stat = fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let ticks: f64 = [USER, USER + 1, CHILDREN, CHILDREN + 1].map(|number| field(&stat, number)).iter().sum();
    ticks / rustix::param::clock_ticks_per_second() as f64
}

/// Numbers of fields in proc_pid_stat(5), each followed by its system half.
const USER: usize = 14;
const CHILDREN: usize = 16;
const START: usize = 22;

/// A field of a process's status line, by its number; the second, the name, may hold anything.
fn field(stat: &str, number: usize) -> f64 {
    let fields = stat.rsplit_once(')').map(|(_, rest)| rest).unwrap_or_default();
    fields.split_whitespace().nth(number - 3).and_then(|field| field.parse().ok()).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::process::Command;

    use super::*;

    #[test]
    fn fields_are_found_behind_any_name() {
        let stat = "7 (a) b) S 1 2 3 4 5 6 7 8 9 10 140 150 160 170 18 19 20 21 2200";
        assert_eq!(field(stat, USER), 140.0);
        assert_eq!(field(stat, CHILDREN + 1), 170.0);
        assert_eq!(field(stat, START), 2200.0);
    }

    #[test]
    fn what_a_program_uses_is_told_apart_by_its_name() {
        // Busy until its own clock says 0.3 s of processor time.
        let run = || Command::new("perl").args(["-e", "1 while (times)[0] < 0.3"]).status().is_ok();
        let name = fs::read_link("/usr/bin/perl").unwrap_or_else(|_| "perl".into());
        let name = name.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let (ran, as_emulator) = Processor::of(Some(&name), run);
        assert!(ran && as_emulator.emulated > 0.1, "{as_emulator:?}");
        let (ran, native) = Processor::of(Some("nobody"), run);
        assert!(ran && native.native > 0.2 && native.emulated == 0.0, "{native:?}");
    }
}
