//! Where a build's time goes: a recorder of stages, and what it writes.
//!
//! `--timings` prints the table and writes the same figures as JSON and as one HTML page that
//! asks nothing of any network. Times are for reading: no test holds them against a clock.

mod page;
mod processor;

use std::cell::RefCell;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context as _, Result};
pub use processor::Processor;
use serde::Serialize;

/// How a stage ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Outcome {
    /// The work was done.
    Built,
    /// The result of an earlier build was taken.
    Cached,
    /// It ended with an error.
    Failed,
}

impl Outcome {
    /// The word for it, as people read it.
    pub fn word(self) -> &'static str {
        match self {
            Self::Built => "built",
            Self::Cached => "cached",
            Self::Failed => "failed",
        }
    }
}

/// One stage that ran.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Stage {
    /// Its name.
    pub name: String,
    /// Wall-clock time in seconds.
    pub seconds: f64,
    /// How it ended.
    pub outcome: Outcome,
    /// Bytes that it made or fetched, where that says something.
    pub bytes: Option<u64>,
    /// It ran under processor emulation, which is many times slower.
    pub emulated: bool,
    /// Processor time of the programs that it ran, where that was measured.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub processor: Option<Processor>,
}

/// What a running stage tells of itself.
#[derive(Debug, Default)]
pub struct Note {
    /// The result of an earlier build was taken.
    pub cached: bool,
    /// Bytes that it made or fetched; 0 where that says nothing.
    pub bytes: u64,
    /// It runs under processor emulation.
    pub emulated: bool,
    /// Processor time of the programs that it ran, where that was measured.
    pub processor: Option<Processor>,
}

/// Records stages in the order in which they end.
#[derive(Debug)]
pub struct Timings {
    started: Instant,
    stages: RefCell<Vec<Stage>>,
}

impl Default for Timings {
    fn default() -> Self {
        Self::new()
    }
}

impl Timings {
    /// A recorder; the total counts from now.
    pub fn new() -> Self {
        Self { started: Instant::now(), stages: RefCell::default() }
    }

    /// Runs a stage and records it, also when it fails.
    ///
    /// # Errors
    /// Those of `work`.
    pub fn stage<T>(&self, name: &str, work: impl FnOnce(&mut Note) -> Result<T>) -> Result<T> {
        let mut note = Note::default();
        let started = Instant::now();
        let result = work(&mut note);
        let outcome = match (&result, note.cached) {
            (Err(_), _) => Outcome::Failed,
            (Ok(_), true) => Outcome::Cached,
            (Ok(_), false) => Outcome::Built,
        };
        self.stages.borrow_mut().push(Stage {
            name: name.to_owned(),
            seconds: started.elapsed().as_secs_f64(),
            outcome,
            bytes: (note.bytes > 0).then_some(note.bytes),
            emulated: note.emulated,
            processor: note.processor,
        });
        result
    }

    /// What was recorded until now.
    pub fn record(&self) -> Record {
        Record { total_seconds: self.started.elapsed().as_secs_f64(), stages: self.stages.borrow().clone() }
    }

    /// Writes `<image_name>.timings.json` and `<image_name>.timings.html` into `folder` and
    /// gives their paths.
    ///
    /// # Errors
    /// When one cannot be written.
    pub fn write(&self, folder: &Path, image_name: &str) -> Result<[PathBuf; 2]> {
        let record = self.record();
        let json = serde_json::to_string_pretty(&Named { image: image_name, record: &record })?;
        let write = |kind: &str, text: String| -> Result<PathBuf> {
            let path = folder.join(format!("{image_name}.timings.{kind}"));
            fs::write(&path, text).with_context(|| format!("writing {}", path.display()))?;
            Ok(path)
        };
        Ok([write("json", json + "\n")?, write("html", page::render(image_name, &record))?])
    }
}

#[derive(Serialize)]
struct Named<'a> {
    image: &'a str,
    #[serde(flatten)]
    record: &'a Record,
}

/// A finished recording.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Record {
    /// Wall-clock time of the whole build in seconds; more than the sum of its stages.
    pub total_seconds: f64,
    /// Every stage, in the order in which they ended.
    pub stages: Vec<Stage>,
}

impl Record {
    /// The table for a terminal, with a last line for the total.
    pub fn to_table(&self) -> String {
        let width = self.stages.iter().map(|stage| stage.name.chars().count()).max().unwrap_or(0).max(5);
        let mut table = format!("{:width$}  {:>11}  {:7}  {:>9}\n", "stage", "time", "", "bytes");
        for stage in &self.stages {
            let bytes = stage.bytes.map(human_bytes).unwrap_or_default();
            let (seconds, word) = (human_seconds(stage.seconds), stage.outcome.word());
            let emulated = match stage.processor {
                Some(Processor { native, .. }) if !stage.emulated => {
                    format!("  processor: {}", human_seconds(native))
                }
                Some(Processor { native, emulated }) => format!(
                    "  processor: {} native, {} emulated",
                    human_seconds(native),
                    human_seconds(emulated)
                ),
                None if stage.emulated => "  emulated".to_owned(),
                None => String::new(),
            };
            let line = format!("{:width$}  {seconds:>11}  {word:7}  {bytes:>9}{emulated}", stage.name);
            table.push_str(line.trim_end());
            table.push('\n');
        }
        table.push_str(&format!("{:width$}  {:>11}\n", "total", human_seconds(self.total_seconds)));
        table
    }
}

/// Seconds for people: `0.04 s`, `12.3 s`, `4 min 05 s`.
pub fn human_seconds(seconds: f64) -> String {
    if seconds < 10.0 {
        return format!("{seconds:.2} s");
    }
    if seconds < 120.0 {
        return format!("{seconds:.1} s");
    }
    // Truncation is meant: whole seconds.
    let whole = seconds as u64;
    format!("{} min {:02} s", whole / 60, whole % 60)
}

/// Bytes for people, in binary units: `812 B`, `3.4 MiB`.
pub fn human_bytes(bytes: u64) -> String {
    let units = ["KiB", "MiB", "GiB", "TiB"];
    if bytes < 1024 {
        return format!("{bytes} B");
    }
    let mut amount = bytes as f64 / 1024.0;
    let mut unit = 0;
    while amount >= 1024.0 && unit + 1 < units.len() {
        amount /= 1024.0;
        unit += 1;
    }
    format!("{amount:.1} {}", units[unit])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record() -> Record {
        let stage = |name: &str, seconds, outcome, bytes, emulated| Stage {
            name: name.to_owned(),
            seconds,
            outcome,
            bytes,
            emulated,
            processor: None,
        };
        Record {
            total_seconds: 251.2,
            stages: vec![
                stage("resolve", 3.217, Outcome::Built, None, false),
                stage("layer base", 0.0041, Outcome::Cached, Some(181_000_000), false),
                stage("boot <to wizard>", 245.5, Outcome::Failed, None, true),
            ],
        }
    }

    #[test]
    fn native_and_emulated_time_stand_apart() {
        let mut record = record();
        record.stages.truncate(1);
        record.stages[0].emulated = true;
        record.stages[0].processor = Some(Processor { native: 31.25, emulated: 2.5 });
        insta::assert_snapshot!(record.to_table(), @r"
        stage           time               bytes
        resolve       3.22 s  built               processor: 31.2 s native, 2.50 s emulated
        total     4 min 11 s
        ");
    }

    #[test]
    fn the_table_is_aligned_and_ends_with_the_total() {
        insta::assert_snapshot!(record().to_table(), @r"
        stage                    time               bytes
        resolve                3.22 s  built
        layer base             0.00 s  cached   172.6 MiB
        boot <to wizard>   4 min 05 s  failed              emulated
        total              4 min 11 s
        ");
    }

    #[test]
    fn stages_are_recorded_with_what_they_tell() {
        let timings = Timings::new();
        let value = timings.stage("fetch", |note| {
            note.cached = true;
            note.bytes = 12;
            Ok(7)
        });
        assert_eq!(value.expect("it works"), 7);
        let failed = timings.stage::<()>("squash", |_| anyhow::bail!("no room"));
        assert_eq!(failed.expect_err("it fails").to_string(), "no room");
        let stages = timings.record().stages;
        let seen: Vec<_> =
            stages.iter().map(|stage| (stage.name.as_str(), stage.outcome, stage.bytes)).collect();
        assert_eq!(seen, [("fetch", Outcome::Cached, Some(12)), ("squash", Outcome::Failed, None)]);
    }

    #[test]
    fn a_stage_may_hold_stages() {
        let timings = Timings::new();
        timings.stage("layers", |_| timings.stage("layer box", |_| Ok(()))).expect("both work");
        assert_eq!(timings.record().stages.len(), 2);
    }

    #[test]
    fn both_files_are_written_and_the_page_asks_no_network() {
        let folder = tempfile::tempdir().expect("a temporary folder");
        let timings = Timings::new();
        timings.stage("a & <b>", |_| Ok(())).expect("works");
        let [json, html] = timings.write(folder.path(), "pc").expect("written");
        assert_eq!(json, folder.path().join("pc.timings.json"));
        let text = fs::read_to_string(json).expect("readable");
        let value: serde_json::Value = serde_json::from_str(&text).expect("JSON");
        assert_eq!((&value["image"], &value["stages"][0]["outcome"]), (&"pc".into(), &"built".into()));
        let page = fs::read_to_string(html).expect("readable");
        assert!(page.contains("a &amp; &lt;b&gt;"), "{page}");
        for request in ["src=", "href=", "url(", "@import", "<script"] {
            assert!(!page.contains(request), "the page holds {request}");
        }
    }

    #[test]
    fn the_page_is_as_it_was_drawn() {
        insta::assert_snapshot!(page::render("pc", &record()));
    }

    #[test]
    fn amounts_are_rounded_for_people() {
        assert_eq!(human_bytes(1023), "1023 B");
        assert_eq!(human_bytes(1024 * 1024), "1.0 MiB");
        assert_eq!(human_seconds(119.96), "120.0 s");
        assert_eq!(human_seconds(121.9), "2 min 01 s");
    }
}
