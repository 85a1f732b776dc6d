//! What the user sees while work goes on: bars on a terminal, plain lines elsewhere. On stderr:
//! stdout is data.

use std::io::IsTerminal as _;
use std::time::Duration;

use indicatif::{ProgressBar, ProgressStyle};

/// Talks to the user.
#[derive(Debug, Clone)]
pub struct Ui {
    terminal: bool,
}

impl Ui {
    /// A terminal gets bars, anything else plain lines.
    pub fn new() -> Self {
        Self { terminal: std::io::stderr().is_terminal() }
    }

    /// One line.
    pub fn say(&self, line: impl AsRef<str>) {
        eprintln!("{}", line.as_ref());
    }

    /// A step that takes a while, of unknown length.
    pub fn step(&self, what: &str) -> Bar {
        let bar = if self.terminal { ProgressBar::new_spinner() } else { ProgressBar::hidden() };
        bar.set_message(what.to_owned());
        bar.enable_steady_tick(Duration::from_millis(120));
        if !self.terminal {
            eprintln!("… {what}");
        }
        Bar { bar, what: what.to_owned(), terminal: self.terminal }
    }
}

impl Default for Ui {
    fn default() -> Self {
        Self::new()
    }
}

/// A step under way.
#[derive(Debug)]
pub struct Bar {
    bar: ProgressBar,
    what: String,
    terminal: bool,
}

impl Bar {
    /// Its length is known now, in bytes.
    pub fn start(&self, total: u64) {
        self.bar.set_length(total);
        let template = "  {msg} {wide_bar} {bytes}/{total_bytes} {bytes_per_sec} {eta}";
        if let Ok(style) = ProgressStyle::with_template(template) {
            self.bar.set_style(style);
        }
        if !self.terminal {
            eprintln!("  {}: {} MiB", self.what, total >> 20);
        }
    }

    /// So many bytes more.
    pub fn add(&self, bytes: u64) {
        self.bar.inc(bytes);
    }

    /// It is over.
    pub fn finish(&self) {
        self.bar.finish_and_clear();
    }
}

impl Drop for Bar {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}
