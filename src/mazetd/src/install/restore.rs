//! A backup put onto the new disks: a unit does it, which has a network; it tells how far it is in a file.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Result, bail};
use mazet_model::wizard::RestorePlan;
use serde::Deserialize;

use super::layout::Target;
use super::progress::{StageReporter, while_running};
use crate::broker::source::{self, FOLDER};
use crate::files;
use crate::run::{Program, Runner, finish};

/// The unit.
const UNIT: &str = "mazet-backup-restore.service";
/// Steps of a stage.
const WHOLE: u64 = 1000;

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
