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
    ];
    written.extend(of_the_system(None, target, root)?);
    if let Some(key) = &plan.wifi_key {
        written.push(put(root, wifi::KEY, &format!("{key}\n"), 0o600)?);
    }
    let group = files::group_id(root, "mazetd")?;
    let name = &plan.settings.machine.name;
    tls::take_over(Path::new(tls::LIVE_FOLDER), &state.join("tls"), name, Some(group))?;
    apply_below(root, runner)?;
    Ok(written)
}

/// Writes what a system needs whose box has its settings and secrets already, and applies these; the box stays the
/// machine `machine_id`, where it is known.
///
/// # Errors
/// When a file cannot be written or the settings not be applied.
pub fn keep(
    machine_id: Option<String>,
    target: &Target,
    root: &Path,
    runner: &Runner,
) -> Result<Vec<Written>> {
    let written = of_the_system(machine_id, target, root)?;
    apply_below(root, runner)?;
    Ok(written)
}

/// The files of the system itself.
fn of_the_system(machine_id: Option<String>, target: &Target, root: &Path) -> Result<Vec<Written>> {
    let id = match machine_id {
        Some(id) => id,
        None => random::hex(&random::bytes::<16>()?),
    };
    let mut written = vec![
        put(root, "etc/fstab", &fstab(target), 0o644)?,
        put(root, "etc/machine-id", &format!("{id}\n"), 0o444)?,
    ];
    written.extend(keeps_medium(target, root)?);
    Ok(written)
}

fn apply_below(root: &Path, runner: &Runner) -> Result<()> {
    let options = apply::Options { root: root.to_owned(), dry_run: false };
    apply::apply(&options, runner).map(drop).context("applying the settings")
}

/// Notes that the box lives on the medium that it is installed from, where it does.
fn keeps_medium(target: &Target, root: &Path) -> Result<Option<Written>> {
    if !target.disks.iter().any(|disk| disk.medium) {
        return Ok(None);
    }
    // Nothing of the image is in that folder: what comes next makes it.
    if let Some(folder) = root.join(system::KEEPS_MEDIUM).parent().filter(|folder| !folder.is_dir()) {
        files::make_folder(folder, 0o755)?;
    }
    put(root, system::KEEPS_MEDIUM, "", 0o644).map(Some)
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

#[cfg(test)]
mod tests {
    use super::super::boot::pi::Pi;
    use super::super::layout::TargetDisk;
    use super::*;

    #[test]
    fn a_box_on_its_own_card_knows_that_the_card_stays() {
        let target = |medium| Target {
            disks: vec![TargetDisk::new(&Pi, "mmcblk0", 1, "12AB34CD".to_owned(), medium)],
            uuid: "UUID".to_owned(),
        };
        let root = tempfile::tempdir().expect("temporary folder");
        assert_eq!(keeps_medium(&target(false), root.path()).expect("nothing to note"), None);
        assert!(!root.path().join(system::KEEPS_MEDIUM).exists());
        std::fs::create_dir(root.path().join("etc")).expect("made");
        let written = keeps_medium(&target(true), root.path()).expect("noted").expect("written");
        assert_eq!(written.path, Path::new(system::KEEPS_MEDIUM));
        assert!(root.path().join(system::KEEPS_MEDIUM).exists());
    }
}
