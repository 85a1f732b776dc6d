//! Another clock for the second build, and the proof that it was in force.
//!
//! Debian's libfaketime, preloaded, shifts what programs read from the clock. [`crate::sandbox`]
//! lends it to the trees, where the bytes of an image are made. Time that only passes
//! (`CLOCK_MONOTONIC`) and the times of files stay true; so do the clocks of the host's mmdebstrap,
//! whose trees are in no image, and of emulated programs.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result, bail, ensure};

use crate::arch::Architecture;
use crate::run::Command;
use crate::sandbox::Sandbox;

/// The hidden subcommand that [`tell`]s.
pub const SUBCOMMAND: &str = "internal-clock";
/// How far the clock is ahead: another year, another month, another day of the week.
const DAYS: u64 = 400;
/// Seconds of a day.
const DAY: u64 = 24 * 3600;

/// A clock that is [`DAYS`] ahead.
#[derive(Debug, Clone)]
pub struct Clock {
    library: PathBuf,
}

impl Clock {
    /// The library of this host.
    ///
    /// # Errors
    /// When it is not installed: the message says how to.
    pub fn find() -> Result<Self> {
        let library = library(Architecture::builder()?);
        if !library.exists() {
            bail!(
                "the second build needs another clock, and {} is not there: apt-get install libfaketime",
                library.display()
            );
        }
        Ok(Self { library })
    }

    /// What puts a program, and all that it starts, under this clock.
    pub fn environment(&self) -> [(&'static str, OsString); 4] {
        [
            ("LD_PRELOAD", self.library.clone().into()),
            ("FAKETIME", format!("+{DAYS}d").into()),
            ("FAKETIME_DONT_FAKE_MONOTONIC", "1".into()),
            // Else file times that were set to a fixed date would be read as others.
            ("NO_FAKE_STAT", "1".into()),
        ]
    }

    /// Holds what a program said in [`tell`] against the true clock.
    ///
    /// # Errors
    /// When one of its clocks is not ahead by this clock's days.
    pub fn check(&self, told: &str) -> Result<()> {
        ahead(told, now()?)
    }
}

/// The library's path on a Debian of this architecture: the one for programs with threads.
pub fn library(architecture: Architecture) -> PathBuf {
    Path::new("/usr/lib").join(architecture.gnu).join("faketime/libfaketimeMT.so.1")
}

/// Every line of `told` ends with seconds since 1970 that are [`DAYS`] after `now`, give or take a day.
fn ahead(told: &str, now: u64) -> Result<()> {
    ensure!(told.lines().count() >= 2, "the second build's clocks were not told:\n{told}");
    for line in told.lines() {
        let seconds: u64 = line.rsplit(' ').next().unwrap_or_default().parse().context("reading a clock")?;
        let days = seconds.saturating_sub(now).div_ceil(DAY);
        ensure!(
            (DAYS..=DAYS + 1).contains(&days),
            "the second build had the clock of the first: {line}, where {DAYS} days after {now} were expected"
        );
    }
    Ok(())
}

/// Prints the clocks, in seconds since 1970 UTC, that this program sees, that programs of `tools`
/// see, and that programs of `base` (the base layer's tree) see when they are started from `tools`,
/// as its package scripts are.
///
/// # Errors
/// When one cannot be asked.
pub fn tell(tools: &Path, base: Option<&Path>) -> Result<()> {
    println!("mazet {}", now()?);
    let ask = |command: Command| Ok::<_, anyhow::Error>(command.text()?.trim().to_owned());
    let doing = "asking for the clock in a sandbox";
    println!("tools {}", ask(Sandbox::new(tools).command(doing, "date")?.arg("+%s"))?);
    if let Some(base) = base {
        let sandbox = Sandbox { inner: Some(base.to_owned()), ..Sandbox::new(tools).share(base) };
        println!("base {}", ask(sandbox.command(doing, "chroot")?.arg(base).args(["date", "+%s"]))?);
    }
    Ok(())
}

fn now() -> Result<u64> {
    Ok(SystemTime::now().duration_since(UNIX_EPOCH).context("the clock is before 1970")?.as_secs())
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: u64 = 1_800_000_000;

    #[test]
    fn clocks_that_are_ahead_pass() {
        let told = format!("mazet {}\ntools {}\n", NOW + DAYS * DAY, NOW + DAYS * DAY + 3);
        ahead(&told, NOW + 1).expect("both are ahead");
        ahead(&told, NOW - 1).expect("both are ahead");
    }

    #[test]
    fn one_true_clock_is_seen() {
        let told = format!("mazet {}\ntools {NOW}\n", NOW + DAYS * DAY);
        let error = ahead(&told, NOW).expect_err("the second is true").to_string();
        assert!(error.contains("had the clock of the first: tools 1800000000"), "{error}");
        assert!(ahead("", NOW).is_err());
    }
}
