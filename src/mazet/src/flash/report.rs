//! What is told while sticks are written: bars on a terminal, plain lines elsewhere, or one JSON
//! object a line for programs.

use std::io::IsTerminal as _;
use std::time::{Duration, Instant};

use indicatif::{MultiProgress, ProgressBar, ProgressStyle};
use serde_json::{Value, json};

use super::fault::Fault;
use super::progress::{Meter, Phase, Progress, Speed};
use super::session::Event;

/// How it is told.
enum Manner {
    Bars(MultiProgress, Vec<ProgressBar>),
    Lines,
    Json,
}

/// Tells of several sticks.
pub struct Report {
    names: Vec<String>,
    meters: Vec<Meter>,
    /// What was told of each last: phase, and quarters or tenths of seconds of it.
    told: Vec<Option<(Phase, u64)>>,
    start: Instant,
    manner: Manner,
}

impl Report {
    /// For the sticks called `names`; as JSON on standard output, or for people on standard error.
    pub fn new(names: Vec<String>, json: bool) -> Self {
        let manner = if json {
            Manner::Json
        } else if std::io::stderr().is_terminal() {
            let all = MultiProgress::new();
            let bars = names.iter().map(|name| all.add(bar(name))).collect();
            Manner::Bars(all, bars)
        } else {
            Manner::Lines
        };
        let (meters, told) = (names.iter().map(|_| Meter::default()).collect(), vec![None; names.len()]);
        Self { names, meters, told, start: Instant::now(), manner }
    }

    /// Tells of one event of the stick at `place`.
    pub fn tell(&mut self, place: usize, event: &Event<'_>) {
        let now = self.start.elapsed();
        let name = self.names[place].clone();
        match event {
            Event::Progress(progress) => self.progress(place, &name, now, *progress),
            Event::Ended(end) => self.ended(place, &name, end),
        }
    }

    fn progress(&mut self, place: usize, name: &str, now: Duration, progress: Progress) {
        let speed = self.meters[place].note(now, progress);
        let is_news = self.is_news(place, now, progress);
        match &self.manner {
            Manner::Bars(_, bars) => {
                let bar = &bars[place];
                bar.set_length(progress.total);
                bar.set_position(progress.done);
                bar.set_message(format!("{:<9} {}", progress.phase.name(), human(speed)));
            }
            Manner::Lines if is_news => {
                let percent = progress.done * 100 / progress.total.max(1);
                eprintln!("{name}: {} {percent} %, {}", progress.phase.name(), human(speed));
            }
            Manner::Json if is_news => println!("{}", progress_json(name, progress, speed)),
            Manner::Lines | Manner::Json => {}
        }
    }

    /// Plain lines come at each quarter, JSON ten times a second; both at the end of a phase.
    fn is_news(&mut self, place: usize, now: Duration, progress: Progress) -> bool {
        let step = match self.manner {
            Manner::Json => now.as_millis() / 100,
            _ => u128::from(progress.done * 4 / progress.total.max(1)),
        };
        let step = Some((progress.phase, u64::try_from(step).unwrap_or(u64::MAX)));
        let is_news = self.told[place] != step || progress.done == progress.total;
        self.told[place] = step;
        is_news
    }

    fn ended(&self, place: usize, name: &str, end: &Result<(), Fault>) {
        let words = match end {
            Ok(()) => format!("{name}: written and read back: it can be unplugged"),
            Err(fault) => format!("{name}: {fault}"),
        };
        match &self.manner {
            Manner::Json => println!("{}", end_json(name, end)),
            Manner::Lines => eprintln!("{words}"),
            Manner::Bars(all, bars) => {
                bars[place].finish_and_clear();
                // Without a terminal there is nobody to miss it.
                let _ = all.println(words);
            }
        }
    }
}

fn bar(name: &str) -> ProgressBar {
    let bar = ProgressBar::new(1).with_prefix(name.to_owned());
    let style = ProgressStyle::with_template("  {prefix} {wide_bar} {bytes}/{total_bytes} {msg}");
    match style {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}

/// `21.4 MB/s, 0:19 left`.
fn human(speed: Speed) -> String {
    let tenths = speed.bytes_per_second / 100_000;
    let left =
        speed.seconds_left.map_or_else(String::new, |left| format!(", {}:{:02} left", left / 60, left % 60));
    format!("{}.{} MB/s{left}", tenths / 10, tenths % 10)
}

fn progress_json(name: &str, progress: Progress, speed: Speed) -> Value {
    json!({
        "device": name,
        "phase": progress.phase,
        "done": progress.done,
        "total": progress.total,
        "bytes_per_second": speed.bytes_per_second,
        "seconds_left": speed.seconds_left,
    })
}

fn end_json(name: &str, end: &Result<(), Fault>) -> Value {
    match end {
        Ok(()) => json!({ "device": name, "phase": "done" }),
        Err(fault) => {
            json!({ "device": name, "phase": "failed", "error": fault.to_string(), "offset": fault.offset() })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speed_and_time_left_are_for_people() {
        let speed = |bytes_per_second, seconds_left| Speed { bytes_per_second, seconds_left };
        assert_eq!(human(speed(21_450_000, Some(79))), "21.4 MB/s, 1:19 left");
        assert_eq!(human(speed(0, None)), "0.0 MB/s");
    }

    #[test]
    fn programs_read_one_object_a_line() {
        let progress = Progress { phase: Phase::Writing, done: 5, total: 10 };
        let speed = Speed { bytes_per_second: 2, seconds_left: Some(3) };
        assert_eq!(
            progress_json("sdb", progress, speed).to_string(),
            r#"{"bytes_per_second":2,"device":"sdb","done":5,"phase":"writing","seconds_left":3,"total":10}"#
        );
        let fault = Fault::Differs { offset: 7, written: 1, read: 2 };
        let told = end_json("sdb", &Err(fault));
        assert_eq!((told["phase"].as_str(), told["offset"].as_u64()), (Some("failed"), Some(7)));
        assert_eq!(end_json("sdb", &Ok(())).to_string(), r#"{"device":"sdb","phase":"done"}"#);
    }
}
