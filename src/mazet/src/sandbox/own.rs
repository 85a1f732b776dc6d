//! This very program, so that it can start itself again.
//!
//! Its path is no name for it: while it runs, cargo may put another program there. It holds itself
//! open instead, and what it starts inherits the descriptor.

use std::env;
use std::fs::{self, File};
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use anyhow::{Context as _, Result};
use rustix::io::FdFlags;

static HELD: OnceLock<File> = OnceLock::new();

/// A path that starts this very program, whatever became of its file: good in this process, and in
/// every process started by it for as long as none closes the descriptor.
///
/// # Errors
/// When the program cannot be opened.
pub fn program() -> Result<String> {
    let held = match HELD.get() {
        Some(held) => held,
        None => {
            let file = open(Path::new("/proc/self/exe"))?;
            HELD.get_or_init(|| file)
        }
    };
    Ok(format!("/proc/self/fd/{}", held.as_raw_fd()))
}

/// For tests, which use this library and are no Mazet: starts `mazet` in the place of this program.
///
/// # Errors
/// When it cannot be opened.
pub fn stand_in(mazet: &Path) -> Result<()> {
    let file = open(mazet)?;
    HELD.get_or_init(|| file);
    Ok(())
}

fn open(program: &Path) -> Result<File> {
    let open = || -> std::io::Result<File> {
        let file = File::open(program)?;
        rustix::io::fcntl_setfd(&file, FdFlags::empty())?;
        Ok(file)
    };
    open().context("finding Mazet's own program")
}

/// A path for programs that close inherited descriptors, such as sudo(8), or that name this program
/// to people: its own file, or what the kernel shows of this process where another file took its
/// place. Good for as long as this process lives.
///
/// # Errors
/// When the kernel does not tell.
pub fn path() -> Result<PathBuf> {
    let doing = "finding Mazet's own program";
    let running = fs::metadata("/proc/self/exe").context(doing)?;
    let named = env::current_exe().context(doing)?;
    let same =
        fs::metadata(&named).is_ok_and(|file| (file.dev(), file.ino()) == (running.dev(), running.ino()));
    Ok(if same { named } else { PathBuf::from(format!("/proc/{}/exe", std::process::id())) })
}
