//! Boxes that lie on the machine's disks: which, and whose.
//!
//! Their settings are read from the data itself, which is mounted read-only for that moment.

use std::path::Path;

use anyhow::{Context, Result, bail};
use mazet_model::settings::Settings;

use crate::install::boot::Boot;
use crate::install::layout::{Target, TargetDisk};
use crate::install::{mounts, restore};
use crate::protocol::KnownBox;
use crate::run::Runner;
use crate::{disks, system};

/// All that there are, but for one that the live system runs from.
///
/// # Errors
/// When the disks cannot be listed.
pub fn scan(boot: &dyn Boot, runner: &Runner) -> Result<Vec<KnownBox>> {
    let found = disks::boxes(runner)?;
    Ok(found.into_iter().map(|(uuid, disks)| look(uuid, disks, boot)).collect())
}

/// One of them; what keeps its settings from being read is told.
fn look(uuid: String, disks: Vec<String>, boot: &dyn Boot) -> KnownBox {
    let target = target(&uuid, &disks, boot);
    let (name, organisation, fault) = match settings(&target) {
        Ok(settings) => (settings.machine.name, settings.organisation.name, None),
        Err(error) => (String::new(), String::new(), Some(format!("{error:#}"))),
    };
    KnownBox { uuid, disks, name, organisation, fault }
}

/// Where the box with that btrfs is, on these disks.
pub fn target(uuid: &str, disks: &[String], boot: &dyn Boot) -> Target {
    let disk = |name: &String| TargetDisk::new(boot, name, 0, String::new(), false);
    Target { disks: disks.iter().map(disk).collect(), uuid: uuid.to_owned() }
}

fn settings(target: &Target) -> Result<Settings> {
    let data = mounts::mount_data(target)?;
    if restore::backup_of(data.path())?.is_some() {
        bail!("a backup was being put back onto it: put it back again, and it goes on");
    }
    let path = data.path().join(in_data(system::BOX_TOML));
    let text = std::fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    let settings = toml::from_str(&text).with_context(|| format!("reading {}", path.display()))?;
    data.unmount()?;
    Ok(settings)
}

/// A path of the box, as it is on the subvolume that is mounted on its `/srv`.
pub fn in_data(path: &str) -> &Path {
    Path::new(path.trim_start_matches("srv/"))
}
