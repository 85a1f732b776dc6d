//! Debian's updates on this box: when they were looked for and installed, what waits, and whether the
//! machine should restart.
//!
//! What waits costs apt a second or more to find out, so a unit does it (`mazetd updates`, run by
//! `mazet-updates.service`) when the lists or the installed packages have changed since.

pub mod night;
mod roots;

use std::fs;
use std::path::Path;
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::run::{Program, Runner};

/// The unit that asks apt.
const UNIT: &str = "mazet-updates.service";
/// Where it leaves what apt said.
const STORED: &str = "run/mazet/updates.json";
/// Written when unattended-upgrades has run, below the root.
const INSTALLED: &str = "var/lib/apt/periodic/unattended-upgrades-stamp";
/// Written when the lists of packages were fetched.
const LISTED: &str = "var/lib/apt/periodic/update-success-stamp";
/// What changes with what apt would do: the installed packages, and the lists.
const INPUTS: [&str; 2] = ["var/lib/dpkg/status", "var/lib/apt/lists"];
/// Packages leave it there when only a restart brings their update to work.
const RESTART: &str = "run/reboot-required";
/// The newest kernel, as Debian links it.
const KERNEL: &str = "vmlinuz";

/// How the updates stand.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Updates {
    /// When the lists were fetched last, in seconds since 1970 UTC; none: never.
    pub listed: Option<u64>,
    /// When updates were installed by themselves last, even if there were none.
    pub installed: Option<u64>,
    /// What waits; none: it is being found out.
    pub waiting: Option<Waiting>,
    /// The machine should restart: an update of the kernel, or of what runs since the start, waits for it.
    pub restart: bool,
}

/// What waits.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Waiting {
    /// Packages that apt would install or bring up to date.
    pub packages: u32,
    /// Those of them from Debian's security archive, which the box installs by itself.
    pub security: u32,
}

/// What apt said, and of what.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored {
    of: Vec<Option<u64>>,
    waiting: Waiting,
}

/// How they stand; has [`UNIT`] find out what waits where that is not known.
///
/// # Errors
/// When systemd refuses.
pub fn standing(root: &Path, runner: &Runner) -> Result<Updates> {
    let read = fs::read(root.join(STORED)).ok();
    let stored = read.and_then(|text| serde_json::from_slice::<Stored>(&text).ok());
    let waiting = stored.filter(|stored| stored.of == inputs(root)).map(|stored| stored.waiting);
    if waiting.is_none() {
        runner.run(Program::Systemctl, &["start", "--no-block", UNIT])?;
    }
    let restart = is_restart_wanted(root);
    let (listed, installed) = (changed(&root.join(LISTED)), changed(&root.join(INSTALLED)));
    Ok(Updates { listed, installed, waiting, restart })
}

/// Does only a restart bring what was installed to work?
pub fn is_restart_wanted(root: &Path) -> bool {
    let running = rustix::system::uname().release().to_string_lossy().into_owned();
    root.join(RESTART).exists() || is_old(&running, &root.join(KERNEL))
}

/// Seconds since 1970 UTC.
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |passed| passed.as_secs())
}

/// `mazetd updates`: asks apt, and prints what [`standing`] reads.
///
/// # Errors
/// When apt fails.
pub fn look(root: &Path, runner: &Runner) -> Result<String> {
    let of = inputs(root);
    // Without a lock: an update that runs at this moment is not to be disturbed.
    let said = runner.run(
        Program::AptGet,
        &["--simulate", "--option", "Debug::NoLocking=true", "--quiet=2", "dist-upgrade"],
    )?;
    serde_json::to_string(&Stored { of, waiting: read(&said) }).context("writing what apt said")
}

/// `Inst libc6 [2.41-12] (2.41-12+deb13u1 Debian-Security:13/stable-security [amd64])`, a line a package.
fn read(said: &str) -> Waiting {
    let count = |part: &str| {
        let lines = said.lines().filter(|line| line.starts_with("Inst ") && line.contains(part));
        u32::try_from(lines.count()).unwrap_or(u32::MAX)
    };
    Waiting { packages: count(""), security: count("Debian-Security:") }
}

fn inputs(root: &Path) -> Vec<Option<u64>> {
    INPUTS.iter().map(|path| changed(&root.join(path))).collect()
}

/// When a file or folder was changed last, in seconds since 1970 UTC.
fn changed(path: &Path) -> Option<u64> {
    let time = fs::metadata(path).and_then(|metadata| metadata.modified()).ok()?;
    Some(time.duration_since(UNIX_EPOCH).ok()?.as_secs())
}

/// Does another kernel run than the one that `link` leads to?
fn is_old(running: &str, link: &Path) -> bool {
    let Ok(target) = fs::read_link(link) else { return false };
    let name = target.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    name.strip_prefix("vmlinuz-").is_some_and(|version| version != running)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    const SAID: &str = "Inst libc6 [2.41-12] (2.41-12+deb13u1 Debian-Security:13/stable-security [amd64])\n\
        Inst linux-image-6.12.99+deb13-amd64 (6.12.99-1 Debian:13.4/stable [amd64])\n\
        Conf libc6 (2.41-12+deb13u1 Debian-Security:13/stable-security [amd64])\n";

    #[test]
    fn what_apt_would_install_is_counted() {
        assert_eq!(read(SAID), Waiting { packages: 2, security: 1 });
        assert_eq!(read(""), Waiting::default());
    }

    #[test]
    fn apt_is_asked_again_only_when_something_changed() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let (root, bin) = (folder.path().join("root"), folder.path().join("bin"));
        let put = |path: &Path, text: &str| {
            fs::create_dir_all(path.parent().expect("a folder")).expect("made");
            fs::write(path, text).expect("written");
            fs::set_permissions(path, fs::Permissions::from_mode(0o755)).expect("mode");
        };
        put(
            &bin.join("systemctl"),
            &format!("#!/bin/sh\necho \"$@\" >> {}\n", folder.path().join("asked").display()),
        );
        put(&bin.join("apt-get"), &format!("#!/bin/sh\ncat <<EOF\n{SAID}EOF\n"));
        put(&root.join("var/lib/dpkg/status"), "Package: a\n");
        put(&root.join(INSTALLED), "");
        let runner = Runner::from_folder(bin);
        let first = standing(&root, &runner).expect("looked");
        assert_eq!((first.waiting, first.restart, first.listed), (None, false, None));
        assert!(first.installed.is_some());
        put(&root.join(STORED), &look(&root, &runner).expect("asked"));
        let found = standing(&root, &runner).expect("looked").waiting.expect("found out");
        assert_eq!(found.packages, 2);
        let asked = || fs::read_to_string(folder.path().join("asked")).expect("asked").lines().count();
        assert_eq!(asked(), 1);
        fs::create_dir_all(root.join("var/lib/apt/lists")).expect("new lists");
        assert_eq!(standing(&root, &runner).expect("looked").waiting, None);
        assert_eq!(asked(), 2);
    }

    #[test]
    fn another_kernel_than_the_newest_calls_for_a_restart() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let link = folder.path().join("vmlinuz");
        assert!(!is_old("6.12.1-amd64", &link), "no kernel of Debian's here");
        std::os::unix::fs::symlink("boot/vmlinuz-6.12.2-amd64", &link).expect("linked");
        assert!(is_old("6.12.1-amd64", &link));
        assert!(!is_old("6.12.2-amd64", &link));
    }
}
