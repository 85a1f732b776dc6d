//! A backup put onto the new disks: a unit does it, which has a network; it tells how far it is in a file.

use std::collections::BTreeSet;
use std::fs;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use mazet_model::backup::RESTORING;
use mazet_model::wizard::RestorePlan;
use serde::Deserialize;

use super::boot::Boot;
use super::layout::Target;
use super::mounts;
use super::progress::{StageReporter, while_running};
use crate::broker::source::{self, FOLDER};
use crate::run::{Program, Runner, finish};
use crate::{boxes, disks, files};

/// The unit.
const UNIT: &str = "mazet-backup-restore.service";
/// Steps of a stage.
const WHOLE: u64 = 1000;

/// What a backup that is being put back says of itself.
#[derive(Debug, Deserialize)]
struct Note {
    snapshot: String,
}

/// The btrfs on the disks of `plan` onto which the same backup was being put back when the power went: its UUID. On a card
/// that the live system runs from, everything begins anew.
///
/// # Errors
/// When the disks cannot be listed.
pub fn begun(plan: &RestorePlan, boot: &dyn Boot, runner: &Runner) -> Result<Option<String>> {
    let disks: BTreeSet<&String> = plan.disks.iter().collect();
    let on_these = |(_, names): &(String, Vec<String>)| names.iter().collect::<BTreeSet<_>>() == disks;
    let Some((uuid, names)) = disks::boxes(runner)?.into_iter().find(on_these) else { return Ok(None) };
    let target = boxes::target(&uuid, &names, boot);
    // What cannot be read is made anew.
    let note = mounts::mount_data(&target).and_then(|data| {
        let note = backup_of(data.path())?;
        data.unmount()?;
        Ok(note)
    });
    Ok(note.unwrap_or_default().filter(|backup| *backup == plan.backup).map(|_| uuid))
}

/// The backup that is being put back onto this data.
///
/// # Errors
/// When what is said of it cannot be read.
pub fn backup_of(data: &Path) -> Result<Option<String>> {
    let path = data.join(RESTORING);
    let text = match fs::read(&path) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        text => text.with_context(|| format!("reading {}", path.display()))?,
    };
    let note: Note = serde_json::from_slice(&text).with_context(|| format!("reading {}", path.display()))?;
    Ok(Some(note.snapshot))
}

/// What the unit tells.
#[derive(Debug, Deserialize)]
struct Told {
    part: Option<f64>,
}

/// Puts the backup of `plan` onto the data of `target`.
///
/// # Errors
/// When its place cannot be reached any more, the disk is too small, or something did not come back as it was recorded.
pub fn put_back(
    plan: &RestorePlan,
    target: &Target,
    runner: &Runner,
    stage: &StageReporter<'_>,
) -> Result<()> {
    let folder = Path::new(FOLDER);
    for (name, text) in [("target", &target.uuid), ("backup", &plan.backup)] {
        files::write_atomically(&folder.join(name), text.as_bytes(), 0o600, None)?;
    }
    let told = told(folder);
    source::forget_told(folder)?;
    let arguments = ["start", UNIT];
    let child = runner.spawn(Program::Systemctl, &arguments)?;
    let output = while_running(child, || {
        if let Some(part) = part(&told) {
            stage.at(part, WHOLE);
        }
    })?;
    let ended = finish(Program::Systemctl, &arguments, &output);
    match (ended, source::fault(folder)) {
        (Ok(_), None) => Ok(()),
        (_, Some(fault)) => bail!("{} ({})", fault.en, fault.fr),
        (Err(error), None) => Err(error),
    }
}

fn told(folder: &Path) -> PathBuf {
    folder.join(source::TOLD)
}

fn part(told: &Path) -> Option<u64> {
    let Told { part } = serde_json::from_slice(&fs::read(told).ok()?).ok()?;
    // Between 0 and 1.
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, clippy::cast_precision_loss)]
    part.map(|part| (part.clamp(0.0, 1.0) * WHOLE as f64) as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_restore_that_was_cut_off_says_of_which_backup_it_is() {
        let data = tempfile::tempdir().expect("temporary folder");
        assert_eq!(backup_of(data.path()).expect("read"), None);
        let note = data.path().join(RESTORING);
        fs::create_dir(note.parent().expect("a folder")).expect("made");
        fs::write(&note, r#"{"snapshot":"1a2b","files":true,"databases":[]}"#).expect("written");
        assert_eq!(backup_of(data.path()).expect("read").as_deref(), Some("1a2b"));
        fs::write(&note, "{").expect("written");
        assert!(backup_of(data.path()).is_err());
    }

    #[test]
    fn how_far_it_is_stands_in_the_file() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let file = told(folder.path());
        assert_eq!(part(&file), None);
        fs::write(&file, r#"{"part":0.25}"#).expect("written");
        assert_eq!(part(&file), Some(250));
        fs::write(&file, r#"{"done":true}"#).expect("written");
        assert_eq!(part(&file), None);
    }
}
