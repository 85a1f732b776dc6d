//! `mazet doctor`: what this host lacks, and the exact command that mends it.
//!
//! The checks are pure functions over a [`Host`], so tests can describe an Ubuntu that
//! forbids user namespaces. [`host::ThisHost`] is the only part that looks at the machine.

mod checks;
pub mod host;

use serde::Serialize;

pub use host::{FileSystem, Host, Kvm, ThisHost, User};

use std::path::PathBuf;

/// Lowest Rust that compiles Mazet, as `(major, minor)`; `rust-version` in `Cargo.toml`.
pub const RUST_MINIMUM: (u32, u32) = (1, 85);

/// Free space that the cache needs for a first build, in bytes: packages, trees, layers.
pub const CACHE_BYTES: u64 = 10 * 1_000_000_000;

/// Free space that the images folder needs for a build, in bytes: an image and its copy in the making.
pub const IMAGES_BYTES: u64 = 2 * 1_000_000_000;

/// Where a build writes.
#[derive(Debug, Clone)]
pub struct Folders {
    /// The cache: `$XDG_CACHE_HOME/mazet` or `~/.cache/mazet`.
    pub cache: PathBuf,
    /// Finished images.
    pub images: PathBuf,
}

/// How grave a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// As it should be.
    Good,
    /// Works, but slower or with less.
    Note,
    /// Something that a build needs is not there.
    Missing,
}

/// The answer of one check.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// What was looked at.
    pub check: &'static str,
    /// How grave it is.
    pub state: State,
    /// What was found, as a sentence without its full stop.
    pub found: String,
    /// Commands that mend it, in order; empty when there is nothing to mend.
    pub mend: Vec<String>,
}

/// Everything that `doctor` found, in the order of the checks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// One entry a check.
    pub findings: Vec<Finding>,
}

/// Looks at everything a build needs.
pub fn examine(host: &impl Host, folders: &Folders) -> Report {
    let mut findings = vec![
        checks::programs(host),
        checks::keyring(host),
        checks::rust(host, "cargo"),
        checks::rust(host, "rustc"),
    ];
    findings.extend(checks::namespaces(host));
    findings.extend(checks::space(host, folders));
    findings.push(checks::emulation(host));
    findings.push(checks::kvm(host));
    findings.push(checks::other_clock(host));
    Report { findings }
}

impl Report {
    /// True when nothing needed is missing. Otherwise the command exits with 3.
    pub fn is_healthy(&self) -> bool {
        self.findings.iter().all(|finding| finding.state != State::Missing)
    }

    /// The report for people: one line a check, the mending commands below it, a verdict.
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        for finding in &self.findings {
            let word = match finding.state {
                State::Good => "ok     ",
                State::Note => "note   ",
                State::Missing => "MISSING",
            };
            text.push_str(&format!("{word} {}: {}\n", finding.check, finding.found));
            for command in &finding.mend {
                text.push_str(&format!("            {command}\n"));
            }
        }
        let missing = self.findings.iter().filter(|finding| finding.state == State::Missing).count();
        text.push_str(&match missing {
            0 => "\nThis host can build images.\n".to_owned(),
            1 => "\n1 thing is missing. Run the command below it, then `./mazet doctor` again.\n".to_owned(),
            n => {
                format!(
                    "\n{n} things are missing. Run the commands below them, then `./mazet doctor` again.\n"
                )
            }
        });
        text
    }
}

#[cfg(test)]
mod tests;
