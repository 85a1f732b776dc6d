//! What took how long: every stage of a build.

use std::time::Instant;

use anyhow::Result;
use serde::Serialize;

/// What a stage says of itself.
#[derive(Debug, Clone, Default)]
pub struct Note {
    /// Its result was there already.
    pub cached: bool,
    /// Size of what it made or moved, in bytes.
    pub bytes: u64,
}

/// One finished stage.
#[derive(Debug, Clone, Serialize)]
pub struct Timed {
    /// Name.
    pub name: String,
    /// Wall-clock time in seconds.
    pub seconds: f64,
    /// Its result was there already.
    pub cached: bool,
    /// Size of what it made or moved, in bytes.
    pub bytes: u64,
}

/// Notes every stage.
#[derive(Debug, Default)]
pub struct Timer {
    /// Finished stages, in order.
    pub stages: Vec<Timed>,
}

impl Timer {
    /// Runs a stage.
    ///
    /// # Errors
    /// Those of the stage.
    pub fn stage<T>(&mut self, name: &str, work: impl FnOnce(&mut Note) -> Result<T>) -> Result<T> {
        let start = Instant::now();
        let mut note = Note::default();
        let result = work(&mut note);
        let seconds = start.elapsed().as_secs_f64();
        self.stages.push(Timed { name: name.to_owned(), seconds, cached: note.cached, bytes: note.bytes });
        result
    }
}
