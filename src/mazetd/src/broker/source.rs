//! Where the backup is that is put back, and what opens it: kept in memory for as long as the live system runs, and
//! never on the stick nor sent out. A unit, which has a network, looks what is there.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use mazet_model::manifest::Text;
use serde::Deserialize;
use serde_json::Value;

use crate::files;
use crate::protocol::{Backup, Looked};
use crate::run::{Program, Runner};

/// Everything of it is here.
pub const FOLDER: &str = "/run/mazet/restore";
/// What the units tell.
pub const TOLD: &str = "told.json";
/// The unit that looks.
const UNIT: &str = "mazet-backup-look.service";
/// Where units of packages and of Mazet are.
const UNITS: &str = "/usr/lib/systemd/system";
/// The longest description of a place, and the longest key, in bytes.
const LONGEST: usize = 4000;

#[derive(Debug, Deserialize)]
struct Told {
    found: Option<Backup>,
    fault: Option<Text>,
}

/// Keeps where to look, and has somebody look. Answered at once; [`looked`] tells what was found.
///
/// # Errors
/// When it cannot be kept, or systemd does not start the unit.
pub fn look(place: &Value, key: &str, runner: &Runner) -> Result<()> {
    let folder = Path::new(FOLDER);
    keep(folder, place, key)?;
    runner.run(Program::Systemctl, &["start", "--no-block", UNIT]).map(drop)
}

fn keep(folder: &Path, place: &Value, key: &str) -> Result<()> {
    files::make_folder(folder, 0o700)?;
    forget_told(folder)?;
    files::write_atomically(&folder.join("place.json"), place.to_string().as_bytes(), 0o600, None)?;
    files::write_atomically(&folder.join("key"), key.as_bytes(), 0o600, None)
}

/// Could this be a place and a key? What they really are, the unit says.
pub fn is_plain(place: &Value, key: &str) -> bool {
    let texts = place.as_object().is_some_and(|place| place.values().all(Value::is_string));
    texts && place.to_string().len() < LONGEST && key.len() < LONGEST
}

/// What was found, or why nothing was.
///
/// # Errors
/// When what the unit told cannot be read, or systemd does not answer.
pub fn looked(runner: &Runner) -> Result<Looked> {
    if !Path::new(UNITS).join(UNIT).exists() {
        return Ok(Looked::Unable);
    }
    let folder = Path::new(FOLDER);
    if is_at_work(&runner.run(Program::Systemctl, &["show", "--property=ActiveState,Job", UNIT])?) {
        return Ok(Looked::Looking);
    }
    Ok(match told(folder)? {
        Some(Told { found: Some(backup), .. }) => Looked::Found(Box::new(backup)),
        Some(Told { fault: Some(fault), .. }) => Looked::Fault(fault),
        // It was ended before it could say anything: its time was over, the memory was full.
        _ if folder.join("key").exists() => Looked::Fault(Text {
            fr: "La recherche s’est arrêtée sans réponse. Réessayez.".to_owned(),
            en: "The search ended without an answer. Try again.".to_owned(),
        }),
        _ => Looked::Nothing,
    })
}

/// Does systemd say that the unit runs, or is about to (org.freedesktop.systemd1(5))?
fn is_at_work(properties: &str) -> bool {
    let is = |name: &str, wanted: &dyn Fn(&str) -> bool| {
        properties
            .lines()
            .filter_map(|line| line.split_once('='))
            .any(|(of, value)| of == name && wanted(value))
    };
    is("ActiveState", &|state| ["activating", "active"].contains(&state))
        || is("Job", &|job| !["", "0"].contains(&job))
}

/// Why the last unit failed, if it did.
pub fn fault(folder: &Path) -> Option<Text> {
    told(folder).ok().flatten()?.fault
}

/// What was told before is not what comes next.
///
/// # Errors
/// When it cannot be removed.
pub fn forget_told(folder: &Path) -> Result<()> {
    match fs::remove_file(folder.join(TOLD)) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).context("forgetting what was found")
        }
        _ => Ok(()),
    }
}

fn told(folder: &Path) -> Result<Option<Told>> {
    let path = folder.join(TOLD);
    let Ok(text) = fs::read(&path) else { return Ok(None) };
    serde_json::from_slice(&text).map(Some).with_context(|| format!("reading {}", path.display()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_unit_is_at_work_while_it_runs_or_waits_for_its_turn() {
        assert!(is_at_work("ActiveState=activating\n") && is_at_work("Job=17\nActiveState=inactive\n"));
        assert!(!is_at_work("ActiveState=inactive\n") && !is_at_work("ActiveState=failed\nJob=0\n"));
    }

    #[test]
    fn what_was_found_before_is_forgotten_with_the_next_place() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let place = json!({ "kind": "usb", "uuid": "A-B", "name": "x", "folder": "mazet" });
        keep(folder.path(), &place, "key").expect("kept");
        fs::write(folder.path().join(TOLD), r#"{"fault":{"fr":"Non.","en":"No."}}"#).expect("written");
        assert_eq!(fault(folder.path()).map(|fault| fault.en).as_deref(), Some("No."));
        keep(folder.path(), &place, "another").expect("kept");
        assert_eq!(fault(folder.path()), None);
        assert!(
            is_plain(&place, "key") && !is_plain(&json!({ "kind": 1 }), "") && !is_plain(&json!("x"), "")
        );
    }
}
