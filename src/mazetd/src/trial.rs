//! Network settings on trial: they stay when a browser confirms them in time, else the earlier ones
//! come back. A wrong address must not lock the operator out.
//!
//! Before a change, the earlier settings are written down ([`begin`]), and `mazet-trial.timer` runs
//! ([`arm`]). [`keep`] ends the trial; when the time is over, or somebody does not want to wait for that
//! ([`give_up`]), `mazet-trial.service` goes back ([`lapse`]). After a restart of the machine the timer begins anew, as long as the file is there.

use std::fs::{self, File};
use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, bail};
use mazet_model::answers::Network;
use mazet_model::settings::{Settings, Wifi};
use rustix::fs::FlockOperation;
use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};

use crate::change::Busy;
use crate::network::Facts;
use crate::run::{Program, Runner};
use crate::{apply, files, system, wifi};

/// Minutes until the settings go back: `OnActiveSec` of [`TIMER`].
pub const MINUTES: u32 = 5;
/// Starts `mazet-trial.service` when they are over.
const TIMER: &str = "mazet-trial.timer";
/// Goes back.
const UNIT: &str = "mazet-trial.service";
/// Below the root; a folder for root alone.
const FOLDER: &str = "srv/mazet/trial";
/// A name of this start of the machine.
const BOOT: &str = "/proc/sys/kernel/random/boot_id";
/// Seconds since the start of the machine, sleep included.
const UPTIME: &str = "/proc/uptime";

/// How a trial stands, for people.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Standing {
    /// The trial that waits for somebody.
    pub pending: Option<Pending>,
    /// The last one went back, and nobody has read that yet.
    pub lapsed: Option<Lapsed>,
}

/// A trial that waits for somebody.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pending {
    /// Where the box should answer now, as a browser is told it: `192.168.1.10`, `mazet.local`.
    pub hosts: Vec<String>,
    /// Somebody gave it up: the earlier settings are coming back.
    pub going_back: bool,
}

/// A trial that nobody confirmed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Lapsed {
    /// When it went back, in seconds since 1970 UTC.
    pub at: u64,
    /// Where the box should have answered.
    pub hosts: Vec<String>,
}

/// What the box goes back to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Earlier {
    network: Network,
    wifi: Wifi,
    hosts: Vec<String>,
    /// The start of the machine in which the trial was armed, and its second.
    boot: String,
    until: u64,
    /// Somebody gave it up, and need not be told that it went back.
    #[serde(default)]
    given_up: bool,
}

/// The trial is over: it was kept, it went back, or there was none.
#[derive(Debug, thiserror::Error)]
#[error("nothing is on trial: the network settings were kept, or the earlier ones are back")]
pub struct Over;

/// The network has not followed the new settings yet: who asks came by the earlier ones.
#[derive(Debug, thiserror::Error)]
#[error("the network has not taken up the new settings yet: look again in a moment")]
pub struct Early;

/// Held while settings go on trial, are kept, or go back.
pub struct Lock {
    _file: File,
}

/// Waits for others that change the network.
///
/// # Errors
/// When the lock cannot be made.
pub fn lock(root: &Path) -> Result<Lock> {
    let file = lock_file(root)?;
    rustix::fs::flock(&file, FlockOperation::LockExclusive)
        .context("waiting for another change of the network")?;
    Ok(Lock { _file: file })
}

fn lock_file(root: &Path) -> Result<File> {
    let path = root.join("run/mazet/trial.lock");
    let folder = path.parent().context("it has a folder")?;
    if !folder.is_dir() {
        files::make_folder(folder, 0o711)?;
    }
    File::create(&path).with_context(|| format!("opening {}", path.display()))
}

/// Would this change need a trial? What the wired or the wireless network is told becomes another.
pub fn is_needed(earlier: &Settings, wished: &Settings) -> bool {
    earlier.network != wished.network || earlier.wifi != wished.wifi
}

/// Writes down what the box would go back to. A trial that waits already keeps what it began with.
/// `true`: there was none.
///
/// # Errors
/// When it cannot be written.
pub fn begin(root: &Path, earlier: &Settings, wished: &Settings) -> Result<bool> {
    let kept: Option<Earlier> = read(&file(root))?;
    let is_first = kept.is_none();
    let (network, wifi) = match kept {
        Some(kept) => (kept.network, kept.wifi),
        None => (earlier.network.clone(), earlier.wifi.clone()),
    };
    let folder = root.join(FOLDER);
    files::make_folder(&folder, 0o700)?;
    if is_first {
        copy(&root.join(wifi::KEY), &folder.join("wifi.psk"))?;
    }
    remove(&lapse_file(root))?;
    let until = seconds_up() + u64::from(MINUTES) * 60;
    let earlier = Earlier { network, wifi, hosts: hosts(wished), boot: boot(), until, given_up: false };
    files::write_atomically(&file(root), &serde_json::to_vec(&earlier)?, 0o600, None)?;
    Ok(is_first)
}

/// Has the time run, from now on.
///
/// # Errors
/// When systemd refuses.
pub fn arm(root: &Path, runner: &Runner) -> Result<()> {
    let path = file(root);
    let mut earlier: Earlier = read(&path)?.context("nothing is on trial")?;
    earlier.until = seconds_up() + u64::from(MINUTES) * 60;
    files::write_atomically(&path, &serde_json::to_vec(&earlier)?, 0o600, None)?;
    runner.run(Program::Systemctl, &["restart", TIMER]).map(drop)
}

/// Ends a trial whose change did not come about.
///
/// # Errors
/// When its files cannot be removed.
pub fn forget(root: &Path, runner: &Runner) -> Result<()> {
    remove(&file(root))?;
    remove(&root.join(FOLDER).join("wifi.psk"))?;
    runner.run(Program::Systemctl, &["stop", TIMER]).map(drop)
}

/// Somebody reached the box: the settings stay. `facts` is the network as it is now.
///
/// # Errors
/// [`Over`] when nothing is on trial, [`Busy`] while the change is under way, [`Early`] until the
/// network has followed it: who asks then has not come by the new settings. Else what failed.
pub fn keep(root: &Path, facts: &Facts, runner: &Runner) -> Result<()> {
    let (_lock, earlier) = pending(root)?;
    if !has_followed(&earlier.network, &system::settings(root)?.network, facts) {
        bail!(Early);
    }
    forget(root, runner)
}

/// Somebody wants the earlier settings now: the time is over. [`lapse`] goes back to them.
///
/// # Errors
/// [`Over`] when nothing is on trial, [`Busy`] while the change is under way. Else what failed.
pub fn give_up(root: &Path) -> Result<()> {
    let (_lock, earlier) = pending(root)?;
    let earlier = Earlier { until: 0, given_up: true, ..earlier };
    files::write_atomically(&file(root), &serde_json::to_vec(&earlier)?, 0o600, None)
}

/// [`give_up`], and has the unit go back; does not wait. Where it does not start, the timer starts it.
///
/// # Errors
/// As [`give_up`], or when systemd refuses.
pub fn order_back(root: &Path, runner: &Runner) -> Result<()> {
    give_up(root)?;
    runner.run(Program::Systemctl, &["start", "--no-block", UNIT]).map(drop)
}

/// What is on trial, held: nobody else changes the network meanwhile.
fn pending(root: &Path) -> Result<(Lock, Earlier)> {
    // Whoever is late hears so, even while something else changes the settings.
    if !file(root).exists() {
        bail!(Over);
    }
    let lock = lock_file(root)?;
    if rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive).is_err() {
        bail!(Busy);
    }
    let earlier = read::<Earlier>(&file(root))?.context(Over)?;
    Ok((Lock { _file: lock }, earlier))
}

/// Does the wired network show it? A fixed address is there, or is not there any more.
fn has_followed(earlier: &Network, now: &Network, facts: &Facts) -> bool {
    let fixed = |network: &Network| network.fixed().map(|(address, _, _)| address);
    let is_there = |wanted: IpAddr| {
        let mut addresses = facts.cards.iter().flat_map(|card| &card.addresses);
        addresses.any(|one| one.address == wanted && !one.given)
    };
    match (fixed(earlier), fixed(now)) {
        (_, Some(new)) => is_there(new),
        (Some(old), None) => !is_there(old),
        (None, None) => true,
    }
}

/// Nobody confirmed: goes back (the work of `mazet-trial.service`). Nothing when the time was begun anew
/// meanwhile, or when nothing is on trial any more.
///
/// # Errors
/// When the earlier settings cannot be put in force; the trial stays then, to be tried again.
pub fn lapse(root: &Path, runner: &Runner) -> Result<()> {
    let _lock = lock(root)?;
    let Some(earlier) = read::<Earlier>(&file(root))? else { return Ok(()) };
    if earlier.boot == boot() && seconds_up() < earlier.until {
        return Ok(());
    }
    let mut settings = system::settings(root)?;
    (settings.network, settings.wifi) = (earlier.network, earlier.wifi);
    copy(&root.join(FOLDER).join("wifi.psk"), &root.join(wifi::KEY))?;
    apply::change_settings(root, &settings, runner).context("going back to the earlier network settings")?;
    wifi::reconnect(runner)?;
    if !earlier.given_up {
        let at = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
        let lapsed = Lapsed { at, hosts: earlier.hosts };
        files::write_atomically(&lapse_file(root), &serde_json::to_vec(&lapsed)?, 0o600, None)?;
    }
    remove(&file(root))?;
    remove(&root.join(FOLDER).join("wifi.psk"))?;
    let why = if earlier.given_up { "were given up" } else { "were not confirmed" };
    eprintln!("the network settings on trial {why}: the earlier ones are back");
    Ok(())
}

/// How it stands.
///
/// # Errors
/// When what is written down cannot be read.
pub fn standing(root: &Path) -> Result<Standing> {
    let pending = read::<Earlier>(&file(root))?
        .map(|earlier| Pending { hosts: earlier.hosts, going_back: earlier.given_up });
    Ok(Standing { pending, lapsed: read(&lapse_file(root))? })
}

/// Somebody read that the box went back.
///
/// # Errors
/// When that cannot be forgotten.
pub fn seen(root: &Path) -> Result<()> {
    remove(&lapse_file(root))
}

/// Where the box answers with these settings: its fixed address where it has one, and its name.
pub fn hosts(settings: &Settings) -> Vec<String> {
    let fixed = settings.network.fixed().map(|(address, _, _)| match address {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => format!("[{address}]"),
    });
    fixed.into_iter().chain([settings.home()]).collect()
}

fn file(root: &Path) -> PathBuf {
    root.join(FOLDER).join("earlier.json")
}

fn lapse_file(root: &Path) -> PathBuf {
    root.join(FOLDER).join("lapsed.json")
}

fn boot() -> String {
    fs::read_to_string(BOOT).unwrap_or_default().trim().to_owned()
}

fn seconds_up() -> u64 {
    let text = fs::read_to_string(UPTIME).unwrap_or_default();
    text.split('.').next().and_then(|seconds| seconds.parse().ok()).unwrap_or_default()
}

/// A file that is not there is nothing; one that cannot be read is a fault.
fn read<T: DeserializeOwned>(path: &Path) -> Result<Option<T>> {
    match fs::read(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        text => {
            let text = text.with_context(|| format!("reading {}", path.display()))?;
            Ok(Some(serde_json::from_slice(&text).with_context(|| format!("reading {}", path.display()))?))
        }
    }
}

/// A secret, or that there is none.
fn copy(from: &Path, to: &Path) -> Result<()> {
    match fs::read(from) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => remove(to),
        content => {
            let content = content.with_context(|| format!("reading {}", from.display()))?;
            files::make_folder(to.parent().context("it has a folder")?, 0o700)?;
            files::write_atomically(to, &content, 0o600, None)
        }
    }
}

fn remove(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        removed => {
            removed.with_context(|| format!("removing {}", path.display()))?;
            files::sync_folder(path.parent().context("it has a folder")?)
        }
    }
}
