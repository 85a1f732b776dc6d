//! `mazetd updates install`, every night: Debian's security updates, and back again where they do harm.
//!
//! ```text
//! a good backup? ── no: told, nothing is installed
//!   │ system and data are kept as they are (`roots`)
//!   │ Debian's own program installs
//! well? ── no: the system as it was starts again; told
//!   │ a new kernel? the next start, by hand or in the hour that was chosen (`restart`), is counted (`install::boot::count`)
//! started, and well? ── no, or GRUB saw no good start: the same
//! ```

use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use mazet_model::manifest::{Check, Text};
use rustix::mount::MountFlags;
use serde::{Deserialize, Serialize};

use super::roots::{self, Roots};
use super::{is_restart_wanted, now};
use crate::health;
use crate::install::boot::count::{self, Try};
use crate::install::further::{Own, installed};
use crate::install::mounts::Mounted;
use crate::run::{Program, Runner, of_manifest};
use crate::{files, system};

/// What was done, below the root: on the data, which stays when the system goes back.
const KEPT: &str = "srv/mazet/updates.json";
/// Archives that the box installs from by itself, as apt calls them: security, and the kernels of Raspberry Pis.
const ARCHIVES: [&str; 2] = ["Debian-Security:", "Debian Backports:"];
/// Looks at the box's health after an update, and seconds between two: services take their time to start.
const LOOKS: u32 = 10;
const BETWEEN: Duration = Duration::from_secs(30);

/// What was done.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Kept {
    /// Why updates wait.
    pub held: Option<Held>,
    /// Installed, and not yet found good.
    pub tried: Option<Tried>,
    /// Gone back from; they are not installed again until there are others.
    pub undone: Option<Undone>,
}

/// Why updates wait.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Held {
    /// Since when, in seconds since 1970.
    pub since: u64,
    /// What must be well first.
    pub title: Text,
    /// What it said.
    pub said: String,
}

/// Installed, and not yet found good.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tried {
    /// When, in seconds since 1970.
    pub at: u64,
    /// Packages with their new versions.
    pub packages: BTreeSet<String>,
    /// What was not well before.
    pub bad: BTreeSet<String>,
}

/// Gone back from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Undone {
    /// When, in seconds since 1970.
    pub at: u64,
    /// Packages with their new versions.
    pub packages: BTreeSet<String>,
    /// What was not well with them; empty: the machine did not start.
    pub bad: BTreeSet<String>,
}

impl Kept {
    /// What is written below `root`.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn read(root: &Path) -> Result<Self> {
        let path = root.join(KEPT);
        match fs::read(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(Self::default()),
            text => serde_json::from_slice(&text.with_context(|| format!("reading {}", path.display()))?)
                .with_context(|| format!("reading {}", path.display())),
        }
    }

    fn write(&self, root: &Path) -> Result<()> {
        let text = serde_json::to_vec_pretty(self).context("writing what was done")?;
        files::write_atomically(&root.join(KEPT), &text, 0o644, None)
    }

    /// After going back from what was tried, with this not well.
    fn undo(self, at: u64, bad: BTreeSet<String>) -> Self {
        let packages = self.tried.map(|tried| tried.packages).unwrap_or_default();
        Self { undone: Some(Undone { at, packages, bad }), tried: None, ..self }
    }

    /// When nothing waits any more, as somebody installed it by hand or it was withdrawn: nothing is held or undone. None: so
    /// it is already.
    fn without_waiting(&self) -> Option<Self> {
        let is_told = self.held.is_some() || self.undone.is_some();
        is_told.then(|| Self { held: None, undone: None, tried: self.tried.clone() })
    }

    /// Was exactly this gone back from, or less than it? Then it would do the same harm.
    fn was_undone(&self, packages: &BTreeSet<String>) -> bool {
        self.undone.as_ref().is_some_and(|undone| packages.is_subset(&undone.packages))
    }
}

/// The nightly run.
///
/// # Errors
/// When the system cannot be kept as it is, so that nothing is installed; or the way back fails.
pub fn install(runner: &Runner) -> Result<()> {
    let root = Path::new("/");
    let mut kept = Kept::read(root)?;
    let packages = waiting(runner)?;
    if packages.is_empty() {
        if let Some(kept) = kept.without_waiting() {
            kept.write(root)?;
        }
        // Debian's program notes that it looked.
        return debian(runner);
    }
    if kept.was_undone(&packages) {
        eprintln!("<4>these updates did harm once, and wait for others: {}", list(&packages));
        return Ok(());
    }
    kept.held = gate(root, kept.held.take())?;
    if let Some(held) = &kept.held {
        eprintln!("<4>updates wait for {}: {}", held.title.en, held.said);
        return kept.write(root);
    }
    let before = kept.tried.take().filter(|_| is_kept(runner));
    let tried = match before {
        // One night's updates wait for a restart still: what was before them stays the way back.
        Some(before) => Tried { at: now(), packages: &before.packages | &packages, ..before },
        None => {
            let roots = Roots::open(runner)?;
            roots.keep().context("keeping the system as it is")?;
            roots.close()?;
            Tried { at: now(), packages, bad: bad(runner) }
        }
    };
    kept.tried = Some(tried.clone());
    kept.undone = None;
    kept.write(root)?;
    let installed = debian(runner);
    if let Err(error) = &installed {
        eprintln!("<3>{error:#}");
    }
    let harm = harm(runner, &tried.bad);
    if !harm.is_empty() {
        return go_back(root, kept, harm, runner);
    }
    installed?;
    if is_restart_wanted(root) {
        eprintln!("<5>the next start is counted: it tries what was installed");
        // Weeks may pass until then, and it would hold all that is deleted meanwhile.
        let roots = Roots::open(runner)?;
        roots.forget_data()?;
        roots.close()?;
        return count_starts(Try::Next);
    }
    found_good(root, kept, runner)
}

/// Nothing is tried any more, and what was kept of the time before takes no more room.
fn found_good(root: &Path, kept: Kept, runner: &Runner) -> Result<()> {
    Kept { tried: None, ..kept }.write(root)?;
    count_starts(Try::None)?;
    let roots = Roots::open(runner)?;
    roots.forget()?;
    roots.close()
}

/// After each start: was an update tried with it, and is all well?
///
/// # Errors
/// When the way back fails.
pub fn after_start(runner: &Runner) -> Result<()> {
    let root = Path::new("/");
    let kept = Kept::read(root)?;
    if roots::started_before()? {
        // GRUB went back: what it started is the system from now on.
        let roots = Roots::open(runner)?;
        roots.go_back()?;
        roots.close()?;
        eprintln!("<3>the machine did not start with the last updates: the system is as it was before them");
        kept.undo(now(), BTreeSet::new()).write(root)?;
        return count_starts(Try::None);
    }
    let Some(tried) = kept.tried.clone() else { return Ok(()) };
    if is_restart_wanted(root) {
        // This is not the start that tries it.
        return Ok(());
    }
    runner.said(Program::Systemctl, &["is-system-running", "--wait"])?;
    let harm = harm(runner, &tried.bad);
    if !harm.is_empty() {
        return go_back(root, kept, harm, runner);
    }
    found_good(root, kept, runner)
}

/// Restarts the machine, where only that brings an update to work.
///
/// # Errors
/// When systemd refuses.
pub fn restart(runner: &Runner) -> Result<()> {
    if !is_restart_wanted(Path::new("/")) {
        return Ok(());
    }
    eprintln!("<5>the machine restarts for its updates, in the hour that was chosen for this");
    runner.run(Program::Systemctl, &["--no-block", "reboot"]).map(drop)
}

/// What must be well before anything is installed, and is not.
fn gate(root: &Path, before: Option<Held>) -> Result<Option<Held>> {
    let (services, settings) = system::filled(root)?;
    let on = services.iter().filter(|manifest| settings.is_on(manifest));
    let gates = on.flat_map(|manifest| &manifest.checks).filter(|check| check.before_updates);
    for Check { name, title, command, .. } in gates {
        let said = match command.as_deref().map(of_manifest) {
            Some(Ok(None)) | None => continue,
            Some(Ok(Some(said))) => said,
            Some(Err(error)) => format!("{error:#}"),
        };
        let title = title.clone().unwrap_or_else(|| Text { fr: name.clone(), en: name.clone() });
        let since = before.map_or_else(now, |held| held.since);
        return Ok(Some(Held { since, title, said }));
    }
    Ok(None)
}

/// Updates that wait and are installed by themselves: `libc6 2.41-12+deb13u1`.
fn waiting(runner: &Runner) -> Result<BTreeSet<String>> {
    let said = runner.run(Program::AptGet, &["--simulate", "--quiet=2", "dist-upgrade"])?;
    Ok(packages(&said))
}

/// `Inst libc6 [2.41-12] (2.41-12+deb13u1 Debian-Security:13/stable-security [amd64])`
fn packages(said: &str) -> BTreeSet<String> {
    let package = |line: &str| {
        let rest = line.strip_prefix("Inst ")?;
        ARCHIVES.iter().find(|archive| rest.contains(**archive))?;
        let version = rest.split_once('(')?.1.split(' ').next()?;
        Some(format!("{} {version}", rest.split(' ').next()?))
    };
    said.lines().filter_map(package).collect()
}

/// Has Debian's own program install what Debian's settings say.
fn debian(runner: &Runner) -> Result<()> {
    runner.run(Program::AptDaily, &["install"]).map(drop).context("installing updates")
}

fn is_kept(runner: &Runner) -> bool {
    Roots::open(runner).is_ok_and(|roots| roots.is_kept())
}

/// What is not well now.
fn bad(runner: &Runner) -> BTreeSet<String> {
    health::report(runner).bad().map(|finding| finding.subject.clone()).collect()
}

/// What is not well and was before, once services had their time.
fn harm(runner: &Runner, before: &BTreeSet<String>) -> BTreeSet<String> {
    let mut harm = BTreeSet::new();
    for look in 0..LOOKS {
        if look > 0 {
            // Nothing says when the last service will be up: it is looked again.
            std::thread::sleep(BETWEEN);
        }
        harm = &bad(runner) - before;
        if harm.is_empty() {
            break;
        }
    }
    harm
}

/// The system as it was starts now.
fn go_back(root: &Path, kept: Kept, harm: BTreeSet<String>, runner: &Runner) -> Result<()> {
    eprintln!("<3>with the last updates this is not well: {}; the system goes back", list(&harm));
    let roots = Roots::open(runner)?;
    roots.go_back().context("going back to the system as it was before the updates")?;
    roots.close()?;
    kept.undo(now(), harm).write(root)?;
    count_starts(Try::None)?;
    runner.run(Program::Systemctl, &["--no-block", "reboot"]).map(drop)
}

/// Tells the boot loader of each of the box's disks, where it counts.
fn count_starts(next: Try) -> Result<()> {
    let (_, boot) = installed()?;
    if !boot.counts() {
        return Ok(());
    }
    for disk in &Own::of_root()?.target()?.disks {
        let fat = Mounted::new(&disk.fat, "count", "vfat", MountFlags::NOATIME, "utf8")?;
        let path = fat.path().join(count::FILE);
        if fs::read(&path).map(|block| count::read(&block)).ok() != Some(next) {
            files::write_atomically(&path, &count::block(next), 0o644, None)?;
        }
        fat.unmount()?;
    }
    Ok(())
}

/// All of them, in one line.
pub fn list(all: &BTreeSet<String>) -> String {
    all.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn set(all: &[&str]) -> BTreeSet<String> {
        all.iter().map(|one| (*one).to_owned()).collect()
    }

    #[test]
    fn security_updates_are_told_by_name_and_version() {
        let said = "Inst libc6 [2.41-12] (2.41-12+deb13u1 Debian-Security:13/stable-security [amd64])\n\
            Inst linux-image-amd64 (6.12.99-1 Debian:13.4/stable [amd64])\n\
            Conf libc6 (2.41-12+deb13u1 Debian-Security:13/stable-security [amd64])\n";
        assert_eq!(packages(said), set(&["libc6 2.41-12+deb13u1"]));
    }

    #[test]
    fn what_did_harm_waits_until_there_is_something_else() {
        let tried = Tried { at: 1, packages: set(&["a 2", "b 2"]), bad: set(&[]) };
        let kept = Kept { tried: Some(tried), ..Kept::default() }.undo(7, set(&["units"]));
        assert_eq!((kept.tried.as_ref(), kept.undone.as_ref().map(|undone| undone.at)), (None, Some(7)));
        assert!(kept.was_undone(&set(&["a 2", "b 2"])) && kept.was_undone(&set(&["b 2"])));
        assert!(!kept.was_undone(&set(&["a 3", "b 2"])));
        assert!(!Kept::default().was_undone(&set(&["a 2"])));
    }

    #[test]
    fn what_waits_no_more_is_told_no_more() {
        assert_eq!(Kept::default().without_waiting(), None);
        let tried = Some(Tried { at: 1, ..Tried::default() });
        let title = Text { fr: "a".to_owned(), en: "a".to_owned() };
        let held = Some(Held { since: 7, title, said: "no".to_owned() });
        let kept = Kept { held, tried: tried.clone(), ..Kept::default() };
        assert_eq!(kept.without_waiting(), Some(Kept { tried, ..Kept::default() }));
        let undone = Kept::default().undo(7, set(&["units"]));
        assert_eq!(undone.without_waiting(), Some(Kept::default()));
    }

    #[test]
    fn what_was_done_is_read_again() {
        let root = tempfile::tempdir().expect("temporary folder");
        fs::create_dir_all(root.path().join("srv/mazet")).expect("made");
        assert_eq!(Kept::read(root.path()).expect("read"), Kept::default());
        let kept = Kept::default().undo(7, set(&["units"]));
        kept.write(root.path()).expect("written");
        assert_eq!(Kept::read(root.path()).expect("read"), kept);
    }
}
