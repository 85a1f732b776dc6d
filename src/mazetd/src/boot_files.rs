//! `mazetd boot-files`: what firmware starts follows the box's own kernel.
//!
//! Run by the hooks of kernel and initrd updates, and at every start: after going back to a snapshot
//! it is then that the two differ. On hardware whose boot loader reads the box's own file system there
//! is nothing to do.

use std::fs::{self, File};
use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::install::boot;
use crate::protocol::Mode;
use crate::run::{Program, Runner};
use crate::{files, system};

/// The reason of a failure, for the health report; gone when it is mended.
pub const FAILED: &str = "/run/mazet/boot-files.failed";
/// The kernel for which the box restarted, so that it does so once.
const RESTARTED: &str = "/srv/mazet/boot-files.restarted";
/// Held while the FAT is written.
const LOCK: &str = "/run/mazet/boot-files.lock";

/// Puts it in step. `at_boot`: when another kernel than the box's own runs, restart.
///
/// # Errors
/// When the FAT cannot be written, or the restart did not help.
pub fn run(at_boot: bool, runner: &Runner) -> Result<()> {
    if system::mode() == Mode::Live {
        return Ok(());
    }
    let done = in_step(at_boot, runner);
    match &done {
        Ok(()) => remove(Path::new(FAILED))?,
        Err(error) => {
            let reason = format!("{error:#}\n");
            files::write_atomically(Path::new(FAILED), reason.as_bytes(), 0o644, None)?;
        }
    }
    done
}

fn in_step(at_boot: bool, runner: &Runner) -> Result<()> {
    let image = system::image(Path::new("/"))?;
    let boot = boot::of(&image.hardware)?;
    let _lock = lock()?;
    let Some(step) = boot.keep_in_step(&image).context("keeping the start files in step with the kernel")?
    else {
        return Ok(());
    };
    match &step.changed {
        Some(folder) => eprintln!("the machine starts kernel {} from {folder} now", step.kernel),
        None => eprintln!("the machine starts kernel {}, as it should", step.kernel),
    }
    if !at_boot {
        return Ok(());
    }
    let running = rustix::system::uname().release().to_string_lossy().into_owned();
    match next(&running, &step.kernel, Path::new(RESTARTED))? {
        Next::GoOn => Ok(()),
        Next::Restart => runner.run(Program::Systemctl, &["--no-block", "reboot"]).map(drop),
    }
}

#[derive(Debug, PartialEq, Eq)]
enum Next {
    GoOn,
    Restart,
}

/// One restart for one kernel: `mark` remembers it.
fn next(running: &str, wanted: &str, mark: &Path) -> Result<Next> {
    if running == wanted {
        remove(mark)?;
        return Ok(Next::GoOn);
    }
    if fs::read_to_string(mark).is_ok_and(|kept| kept == wanted) {
        bail!(
            "the machine started kernel {running} again, and not {wanted}, which is in place: \
             look at config.txt on its FAT"
        );
    }
    files::write_atomically(mark, wanted.as_bytes(), 0o644, None)?;
    eprintln!("kernel {running} runs instead of {wanted}: restarting once");
    Ok(Next::Restart)
}

fn lock() -> Result<File> {
    let file = File::create(LOCK).with_context(|| format!("opening {LOCK}"))?;
    rustix::fs::flock(&file, rustix::fs::FlockOperation::LockExclusive)
        .context("waiting for another \"mazetd boot-files\"")?;
    Ok(file)
}

fn remove(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("removing {}", path.display()))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn another_kernel_than_the_boxs_own_restarts_it_once() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let mark = folder.path().join("restarted");
        assert_eq!(next("6.1", "6.1", &mark).expect("in step"), Next::GoOn);
        assert_eq!(next("6.1", "6.2", &mark).expect("first time"), Next::Restart);
        let error = next("6.1", "6.2", &mark).expect_err("second time").to_string();
        assert!(error.contains("started kernel 6.1 again, and not 6.2"), "{error}");
        assert_eq!(next("6.1", "6.3", &mark).expect("another kernel"), Next::Restart);
        assert_eq!(next("6.3", "6.3", &mark).expect("helped"), Next::GoOn);
        assert!(!mark.exists());
    }
}
