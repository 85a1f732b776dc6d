//! Measuring from the pages: a unit of its own does it, and tells in a file how far it is.

use std::fs;
use std::path::Path;

use anyhow::{Context, Error, Result};
use mazet_model::manifest::{Text, Usage};
use serde::{Deserialize, Serialize};

use super::{Report, kept};
use crate::run::{Program, Runner};
use crate::{files, system};

/// The unit that measures.
const UNIT: &str = "mazet-measure.service";
/// How far it is; root's own.
const PROGRESS: &str = "/run/mazet/measure.json";

/// Services of which one must be chosen, and what is known to choose by.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Comparison {
    /// One entry a service, in the image's order; empty: there is no such choice.
    pub candidates: Vec<Candidate>,
    /// The last measurement on this machine.
    pub report: Option<Report>,
    /// The measurement under way.
    pub standing: Standing,
}

/// One of the services.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Candidate {
    /// Its name.
    pub name: String,
    /// What people read.
    pub title: Text,
    /// One sentence.
    pub summary: Text,
    /// It is the one that is on.
    pub on: bool,
    /// How common it is in the world.
    pub usage: Option<Usage>,
    /// It can be measured.
    pub measurable: bool,
}

/// How the measurement stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Standing {
    /// It is under way.
    pub running: bool,
    /// How far it is, or was.
    pub progress: Progress,
    /// Why the last one failed.
    pub error: Option<String>,
}

/// How far a measurement is.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Progress {
    /// The service that is measured now.
    pub service: String,
    /// The task of [`super::Task`]; empty while the service starts.
    pub task: String,
    /// Which service of [`Progress::of`] it is, from 0.
    pub number: usize,
    /// How many services there are.
    pub of: usize,
    /// Percent done, of all services.
    pub percent: u8,
    /// Why it failed.
    pub error: Option<String>,
}

impl Progress {
    /// Before the first task of a service.
    pub fn of(service: &str) -> Self {
        Self { service: service.to_owned(), ..Self::default() }
    }

    /// Tells that the service is at its task `number` of `count`.
    ///
    /// # Errors
    /// When that cannot be written down.
    pub fn at(&self, number: usize, count: usize, task: &str) -> Result<()> {
        write(&Self { task: task.to_owned(), percent: self.percent(number, count), ..self.clone() })
    }

    fn percent(&self, number: usize, count: usize) -> u8 {
        let (done, all) = (self.number * count + number, (self.of * count).max(1));
        u8::try_from(done * 100 / all).unwrap_or(100)
    }
}

/// Writes down how a measurement ended.
///
/// # Errors
/// When that cannot be written.
pub fn keep_outcome(failure: Option<&Error>) -> Result<()> {
    write(&Progress { error: failure.map(|error| format!("{error:#}")), percent: 100, ..Progress::default() })
}

fn write(progress: &Progress) -> Result<()> {
    let path = Path::new(PROGRESS);
    let folder = path.parent().context("it has a folder")?;
    if !folder.is_dir() {
        files::make_folder(folder, 0o711)?;
    }
    files::write_atomically(path, &serde_json::to_vec(progress)?, 0o600, None)
}

/// Has [`UNIT`] measure; does not wait. While one runs, nothing else begins.
///
/// # Errors
/// When systemd refuses.
pub fn order(runner: &Runner) -> Result<()> {
    runner.run(Program::Systemctl, &["start", "--no-block", UNIT]).map(drop)
}

/// What there is to choose by, for the services `alternative` of the box at `root`.
///
/// # Errors
/// When settings, manifests or systemd cannot be asked.
pub fn comparison(root: &Path, alternative: &str, runner: &Runner) -> Result<Comparison> {
    let settings = system::settings(root)?;
    let services = system::services(root)?;
    let group = services.iter().filter(|one| one.service.alternative.as_deref() == Some(alternative));
    let candidates: Vec<Candidate> = group
        .map(|manifest| Candidate {
            on: settings.is_on(manifest),
            name: manifest.service.name.clone(),
            title: manifest.service.title.clone(),
            summary: manifest.service.summary.clone(),
            usage: manifest.usage.clone(),
            measurable: manifest.trial.is_some(),
        })
        .collect();
    if candidates.is_empty() {
        return Ok(Comparison::default());
    }
    // No report, or one of another version of this program: there are no figures.
    let report = fs::read(kept(root, alternative)).ok();
    let report = report.and_then(|text| serde_json::from_slice(&text).ok());
    Ok(Comparison { candidates, report, standing: standing(runner)? })
}

fn standing(runner: &Runner) -> Result<Standing> {
    let properties = ["show", "--property=ActiveState,Job", UNIT];
    let said = runner.run(Program::Systemctl, &properties).context("asking for the measurement")?;
    let read = fs::read(PROGRESS).ok();
    let progress = read.and_then(|text| serde_json::from_slice(&text).ok()).unwrap_or_default();
    Ok(judge(&said, progress))
}

/// `said` is what systemd says of the unit, which alone knows whether it still runs. A failure is told
/// by the file: the unit itself never fails, since a measurement is no part of the box's health.
fn judge(said: &str, progress: Progress) -> Standing {
    let value = |name: &str| {
        let mut lines = said.lines().filter_map(|line| line.split_once('='));
        lines.find(|(key, _)| *key == name).map_or("", |(_, value)| value)
    };
    let waits = !matches!(value("Job"), "" | "0");
    let running = waits || matches!(value("ActiveState"), "activating" | "active" | "deactivating");
    let is_over = progress.service.is_empty();
    if running {
        // Of the run before, until this one says something of itself.
        return Standing {
            running,
            progress: if is_over { Progress::default() } else { progress },
            error: None,
        };
    }
    let killed = (!is_over).then(|| format!("{UNIT} was stopped before its end"));
    Standing { running, error: progress.error.clone().or(killed), progress }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn systemd_says_whether_it_runs_and_the_file_how_far_it_is() {
        let progress = Progress { percent: 40, task: "php".to_owned(), ..Progress::of("one") };
        let seen = judge("ActiveState=activating\n", progress.clone());
        assert_eq!(seen, Standing { running: true, progress: progress.clone(), error: None });
        assert!(judge("ActiveState=inactive\nJob=81\n", progress.clone()).running);
        let killed = judge("ActiveState=inactive\n", progress);
        assert_eq!(killed.error.as_deref(), Some("mazet-measure.service was stopped before its end"));
        let told = Progress { error: Some("ab failed".to_owned()), ..Progress::default() };
        assert_eq!(judge("ActiveState=inactive\n", told.clone()).error.as_deref(), Some("ab failed"));
        let again = judge("ActiveState=activating\n", told);
        assert_eq!((again.error, again.progress), (None, Progress::default()));
        assert_eq!(judge("ActiveState=inactive\n", Progress::default()), Standing::default());
    }

    #[test]
    fn the_percentage_is_of_all_services() {
        let second = Progress { number: 1, of: 2, ..Progress::of("two") };
        assert_eq!((second.percent(0, 4), second.percent(2, 4)), (50, 75));
        assert_eq!(Progress::of("one").percent(0, 0), 0);
    }
}
