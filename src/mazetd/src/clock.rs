//! The clock. A Raspberry Pi has none that runs while it is off.
//!
//! `mazetd clock` runs in the live system before any certificate is made: it puts the clock forward to
//! the latest moment that is known to have passed, then waits for a time server, for a bounded time.

use std::fs;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use mazet_model::image::IMAGE_JSON;
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::fs::inotify::{CreateFlags, WatchFlags, add_watch, init};
use rustix::time::{ClockId, clock_settime};

use crate::{files, medium};

/// systemd-timesyncd makes this file when it has set the clock.
const SET: &str = "/run/systemd/timesync/synchronized";
/// What the machine's own clock says: seconds since 1970 UTC. systemd puts the system's clock forward to
/// the day that the image was built, and never this one: a flat battery shows here alone.
const HARDWARE: &str = "/sys/class/rtc/rtc0/since_epoch";
/// Left when no time server answered in time.
const UNSET: &str = "/run/mazet/clock-unset";
/// How long the live system waits for a time server.
const PATIENCE: Duration = Duration::from_secs(20);
/// A file that says it is so much younger than the image is not believed.
const LONGEST_LIFE: Duration = Duration::from_secs(10 * 365 * 86_400);

/// What is known of the time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Clock {
    /// A time server set it since the start.
    pub synchronised: bool,
    /// The machine has a clock that runs while it is off.
    pub hardware: bool,
    /// That clock is not before the day that the image was built.
    pub plausible: bool,
}

impl Clock {
    /// As it is now.
    pub fn now() -> Self {
        let hardware = seconds(Path::new(HARDWARE)).map(|since| UNIX_EPOCH + since);
        Self {
            synchronised: Path::new(SET).exists(),
            hardware: hardware.is_some(),
            plausible: hardware.is_some_and(|time| time >= built()),
        }
    }

    /// Can something be judged by it, such as the end of a certificate?
    pub fn can_be_trusted(self) -> bool {
        self.synchronised || (self.hardware && self.plausible)
    }
}

/// Was the wait for a time server in vain, and is it still so?
pub fn could_not_be_set() -> bool {
    Path::new(UNSET).exists() && !Clock::now().can_be_trusted()
}

/// `mazetd clock`.
///
/// # Errors
/// When the clock cannot be put forward, or the wait fails.
pub fn run() -> Result<()> {
    forward(latest(built(), Path::new(medium::PATH)))?;
    if Clock::now().can_be_trusted() || wait(Path::new(SET), PATIENCE)? {
        return Ok(());
    }
    eprintln!("no time server answered: the clock is not right");
    files::write_atomically(Path::new(UNSET), b"", 0o644, None)
}

/// The whole seconds that a file of the kernel tells; none where it is missing.
fn seconds(path: &Path) -> Option<Duration> {
    fs::read_to_string(path).ok()?.trim().parse().ok().map(Duration::from_secs)
}

/// When the image was built.
fn built() -> SystemTime {
    fs::metadata(IMAGE_JSON).and_then(|meta| meta.modified()).unwrap_or(UNIX_EPOCH)
}

/// The latest moment that has passed for sure: the image was built, and files were written to the root
/// of the medium.
fn latest(built: SystemTime, medium: &Path) -> SystemTime {
    let written = |entry: fs::DirEntry| entry.metadata().and_then(|meta| meta.modified()).ok();
    let files = fs::read_dir(medium).into_iter().flatten().flatten().filter_map(written);
    files.filter(|time| *time < built + LONGEST_LIFE).fold(built, SystemTime::max)
}

fn forward(moment: SystemTime) -> Result<()> {
    if SystemTime::now() >= moment {
        return Ok(());
    }
    let since = moment.duration_since(UNIX_EPOCH).context("the image was built before 1970")?;
    let tv_sec = i64::try_from(since.as_secs()).context("the image was built too late")?;
    clock_settime(ClockId::Realtime, Timespec { tv_sec, tv_nsec: 0 }).context("putting the clock forward")
}

/// Waits until `file` is there, for `patience` at most. `false`: it is not.
fn wait(file: &Path, patience: Duration) -> Result<bool> {
    let end = Instant::now() + patience;
    let folders: Vec<PathBuf> = file.ancestors().skip(1).take(2).map(Path::to_owned).collect();
    let watch = init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK).context("watching for the time server")?;
    loop {
        // The folder itself comes later, with timesyncd: the one above it is watched too.
        for folder in folders.iter().filter(|folder| folder.is_dir()) {
            add_watch(&watch, folder, WatchFlags::CREATE | WatchFlags::MOVED_TO)
                .with_context(|| format!("watching {}", folder.display()))?;
        }
        if file.exists() {
            return Ok(true);
        }
        let left = end.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Ok(false);
        }
        something_happens(&watch, left)?;
    }
}

/// Waits for a report of the kernel, for `left` at most, and forgets it.
fn something_happens(watch: &OwnedFd, left: Duration) -> Result<()> {
    let limit = Timespec {
        tv_sec: i64::try_from(left.as_secs()).unwrap_or(i64::MAX),
        tv_nsec: left.subsec_nanos().into(),
    };
    match poll(&mut [PollFd::new(watch, PollFlags::IN)], Some(&limit)) {
        Err(rustix::io::Errno::INTR) => return Ok(()),
        other => drop(other.context("waiting for the time server")?),
    }
    let mut report = [0; 4096];
    while rustix::io::read(watch, &mut report).is_ok_and(|length| length > 0) {}
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::fs::File;
    use std::thread;

    use super::*;

    #[test]
    fn the_latest_moment_is_the_youngest_file_that_can_be_believed() {
        let medium = tempfile::tempdir().expect("temporary folder");
        let built = UNIX_EPOCH + Duration::from_secs(1_700_000_000);
        assert_eq!(latest(built, medium.path()), built);
        let put = |name: &str, time| {
            let file = File::create(medium.path().join(name)).expect("made");
            file.set_modified(time).expect("dated");
        };
        put("config.txt", built - Duration::from_secs(60));
        put("mazet.toml", built + Duration::from_secs(3600));
        put("future", built + LONGEST_LIFE + Duration::from_secs(60));
        assert_eq!(latest(built, medium.path()), built + Duration::from_secs(3600));
        assert_eq!(latest(built, Path::new("/nonexistent")), built);
    }

    #[test]
    fn the_wait_ends_when_the_time_server_has_answered() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let file = folder.path().join("timesync/synchronized");
        let there = file.clone();
        let waiting = thread::spawn(move || wait(&there, Duration::from_secs(60)).expect("watched"));
        fs::create_dir(folder.path().join("timesync")).expect("made");
        fs::write(&file, "").expect("written");
        assert!(waiting.join().expect("ended"));
        assert!(wait(&file, Duration::ZERO).expect("looked"));
    }

    #[test]
    fn the_wait_is_bounded() {
        let folder = tempfile::tempdir().expect("temporary folder");
        assert!(!wait(&folder.path().join("none"), Duration::from_millis(10)).expect("watched"));
    }

    #[test]
    fn the_hardwares_clock_is_read_where_there_is_one() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let file = folder.path().join("since_epoch");
        assert_eq!(seconds(&file), None);
        fs::write(&file, "978307200\n").expect("written");
        assert_eq!(seconds(&file), Some(Duration::from_secs(978_307_200)));
    }

    #[test]
    fn a_clock_of_its_own_or_a_time_server_can_be_trusted() {
        let clock = |synchronised, hardware, plausible| Clock { synchronised, hardware, plausible };
        assert!(clock(true, false, true).can_be_trusted());
        assert!(clock(false, true, true).can_be_trusted());
        assert!(!clock(false, true, false).can_be_trusted());
        assert!(!clock(false, false, true).can_be_trusted());
    }
}
