//! How far a stick is, how fast it goes, and how long it will take.

use std::time::Duration;

use serde::Serialize;

/// What is being done to a stick.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Phase {
    /// Writing.
    Writing,
    /// Reading back and comparing.
    Verifying,
}

impl Phase {
    /// For people.
    pub fn name(self) -> &'static str {
        match self {
            Self::Writing => "writing",
            Self::Verifying => "verifying",
        }
    }
}

/// How far one stick is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// What is being done.
    pub phase: Phase,
    /// Bytes done in this phase.
    pub done: u64,
    /// Bytes of this phase.
    pub total: u64,
}

/// Speed over the last seconds of one phase.
#[derive(Debug, Default)]
pub struct Meter {
    phase: Option<Phase>,
    /// (when, bytes done), the oldest within [`WINDOW`] first.
    seen: Vec<(Duration, u64)>,
}

/// Sticks write in bursts: a shorter time would jump up and down.
const WINDOW: Duration = Duration::from_secs(10);

/// What a [`Meter`] reads.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Speed {
    /// Bytes a second; 0 as long as it is not known.
    pub bytes_per_second: u64,
    /// Whole seconds that this phase will still take, if the speed stays.
    pub seconds_left: Option<u64>,
}

impl Meter {
    /// Notes `progress` at `now`, any clock that only goes forward.
    pub fn note(&mut self, now: Duration, progress: Progress) -> Speed {
        if self.phase != Some(progress.phase) {
            self.phase = Some(progress.phase);
            self.seen.clear();
        }
        let old = |(then, _): &(Duration, u64)| now.saturating_sub(*then) > WINDOW;
        // One older than the window stays, so that a slow stick has a speed too.
        while self.seen.len() > 1 && old(&self.seen[1]) {
            self.seen.remove(0);
        }
        self.seen.push((now, progress.done));
        let (then, before) = self.seen[0];
        let milliseconds = now.saturating_sub(then).as_millis();
        let bytes = u128::from(progress.done.saturating_sub(before));
        let speed = (bytes * 1000).checked_div(milliseconds).unwrap_or(0);
        let bytes_per_second = u64::try_from(speed).unwrap_or(u64::MAX);
        let left = progress.total.saturating_sub(progress.done);
        let seconds_left = (bytes_per_second > 0).then(|| left.div_ceil(bytes_per_second));
        Speed { bytes_per_second, seconds_left }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(meter: &mut Meter, seconds: u64, phase: Phase, done: u64) -> (u64, Option<u64>) {
        let speed = meter.note(Duration::from_secs(seconds), Progress { phase, done, total: 1000 });
        (speed.bytes_per_second, speed.seconds_left)
    }

    #[test]
    fn the_speed_is_that_of_the_last_seconds() {
        let mut meter = Meter::default();
        assert_eq!(at(&mut meter, 0, Phase::Writing, 0), (0, None));
        assert_eq!(at(&mut meter, 2, Phase::Writing, 200), (100, Some(8)));
        assert_eq!(at(&mut meter, 4, Phase::Writing, 210), (52, Some(16)));
        // Then a slow stretch: the quick beginning falls out of the window.
        assert_eq!(at(&mut meter, 24, Phase::Writing, 230), (1, Some(770)));
    }

    #[test]
    fn each_phase_begins_anew() {
        let mut meter = Meter::default();
        at(&mut meter, 0, Phase::Writing, 0);
        at(&mut meter, 10, Phase::Writing, 1000);
        assert_eq!(at(&mut meter, 11, Phase::Verifying, 100), (0, None));
        assert_eq!(at(&mut meter, 12, Phase::Verifying, 600), (500, Some(1)));
    }
}
