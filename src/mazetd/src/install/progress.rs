//! Telling how far an installation is.

use std::process::{Child, Output};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, bail};

use crate::protocol::{Progress, Stage};

/// Stages in order: catalogue keys below `install.stage.`.
const STAGES: [&str; 6] = ["partition", "format", "unpack", "boot", "settings", "check"];

/// How often it is looked at how far a program is.
const LOOK: Duration = Duration::from_millis(500);

/// Waits for a program, and looks now and then how far it is.
///
/// # Errors
/// When it cannot be waited for.
pub fn while_running(child: Child, look: impl Fn()) -> Result<Output> {
    let output = thread::scope(|scope| {
        let waiting = scope.spawn(|| child.wait_with_output());
        while !waiting.is_finished() {
            look();
            thread::park_timeout(LOOK);
        }
        waiting.join()
    });
    let Ok(output) = output else { bail!("the thread that waits for a program broke off") };
    output.context("waiting for a program")
}

/// The progress of an installation that has just begun.
pub fn first_progress() -> Progress {
    let stages =
        STAGES.iter().map(|&name| Stage { name: name.to_owned(), percent: 0, done: false }).collect();
    Progress { stages, finished: false, error: None }
}

/// Writes down how far an installation is.
#[derive(Debug)]
pub struct Reporter {
    progress: Arc<Mutex<Progress>>,
}

impl Reporter {
    /// Reports into `progress`.
    pub fn new(progress: Arc<Mutex<Progress>>) -> Self {
        Self { progress }
    }

    /// Begins the stage `name`.
    pub fn stage(&self, name: &'static str) -> StageReporter<'_> {
        StageReporter { reporter: self, name }
    }

    fn change(&self, name: &str, change: impl FnOnce(&mut Stage)) {
        let mut progress = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(stage) = progress.stages.iter_mut().find(|stage| stage.name == name) {
            change(stage);
        }
    }
}

/// One stage of a [`Reporter`].
#[derive(Debug)]
pub struct StageReporter<'r> {
    reporter: &'r Reporter,
    name: &'static str,
}

impl StageReporter<'_> {
    /// `part` of `whole` (in any unit) is done. Never goes back, never says 100 before the end.
    pub fn at(&self, part: u64, whole: u64) {
        let percent = u8::try_from(part.saturating_mul(100) / whole.max(1)).unwrap_or(99).min(99);
        self.reporter.change(self.name, |stage| stage.percent = stage.percent.max(percent));
    }

    /// The stage is over.
    pub fn done(&self) {
        self.reporter.change(self.name, |stage| {
            stage.percent = 100;
            stage.done = true;
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stage_never_goes_back_and_is_full_only_when_done() {
        let progress = Arc::new(Mutex::new(first_progress()));
        let reporter = Reporter::new(Arc::clone(&progress));
        let stage = reporter.stage("unpack");
        let seen = || progress.lock().expect("not poisoned").stages[2].clone();
        stage.at(50, 100);
        stage.at(40, 100);
        assert_eq!((seen().percent, seen().done), (50, false));
        stage.at(300, 100);
        assert_eq!((seen().percent, seen().done), (99, false));
        stage.done();
        assert_eq!((seen().percent, seen().done), (100, true));
    }
}
