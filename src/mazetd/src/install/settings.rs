//! The settings and secrets of the new box, and all files rendered from them.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use mazet_model::wizard::InstallPlan;
use sha2::{Digest as _, Sha256};

use super::check::{Place, Written};
use super::layout::Target;
use crate::run::Runner;
use crate::{account, apply, files, random, system, tls, wifi};

/// Writes the box's own files below `root` and applies its settings there.
///
/// # Errors
/// When a file cannot be written or the settings not be applied.
pub fn install(plan: &InstallPlan, target: &Target, root: &Path, runner: &Runner) -> Result<Vec<Written>> {
    let state = root.join("srv/mazet");
    files::make_folder(&state, 0o755)?;
    files::make_folder(&state.join("secrets"), 0o700)?;
    let settings = toml::to_string(&plan.settings).context("writing the settings as TOML")?;
    let phc = format!("{}\n", plan.operator_password);
    let shadow = format!("{}\n", plan.operator_unix_password);
    let mut written = vec![
        put(root, system::BOX_TOML, &settings, 0o644)?,
        put(root, "srv/mazet/secrets/operator.phc", &phc, 0o600)?,
        put(root, account::PASSWORD, &shadow, 0o600)?,
        put(root, "etc/fstab", &fstab(target), 0o644)?,
        put(root, "etc/machine-id", &format!("{}\n", random::hex(&random::bytes::<16>()?)), 0o444)?,
    ];
    if target.disks.iter().any(|disk| disk.medium) {
        written.push(put(root, system::KEEPS_MEDIUM, "", 0o644)?);
    }
    if let Some(key) = &plan.wifi_key {
        written.push(put(root, wifi::KEY, &format!("{key}\n"), 0o600)?);
    }
    let group = files::group_id(root, "mazetd")?;
    let name = &plan.settings.machine.name;
    tls::take_over(Path::new(tls::LIVE_FOLDER), &state.join("tls"), name, Some(group))?;
    let options = apply::Options { root: root.to_owned(), dry_run: false };
    apply::apply(&options, runner).context("applying the settings")?;
    Ok(written)
}

fn put(root: &Path, path: &str, content: &str, mode: u32) -> Result<Written> {
    files::write_atomically(&root.join(path), content.as_bytes(), mode, None)?;
    let digest = Sha256::digest(content).into();
    Ok(Written { place: Place::Box, path: PathBuf::from(path), digest })
}

/// Only `root`: `/srv` is mounted by `mazet-data.service`, which a missing disk does not stop.
fn fstab(target: &Target) -> String {
    format!(
        "# The box's data (/srv) is not here: mazet-data.service mounts it.\n\
         UUID={} / btrfs subvol=root,compress=zstd,noatime 0 0\n",
        target.uuid
    )
}
