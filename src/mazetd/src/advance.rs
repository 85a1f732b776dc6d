//! Answers given in advance: `mazet.toml` on the medium that the live system runs from.
//!
//! `mazetd answers` reads it before the network starts, and renders anew what the live system has of
//! the services' templates (host name, wired network). What it read, with every mistake in it, stands
//! in [`KEPT`] for the broker and the console.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use mazet_model::answers::{self, Answers};
use mazet_model::fault::Fault;
use mazet_model::settings::Settings;
use serde::{Deserialize, Serialize};

use crate::protocol::{Mode, Wifi};
use crate::{apply, files, medium, system, wifi};

/// What was read; it may hold a Wi-Fi key: root's own, mode 0600.
pub const KEPT: &str = "/run/mazet/advance.json";

/// What a `mazet.toml` says.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Advance {
    /// Its sound values.
    pub answers: Answers,
    /// Its mistakes.
    pub faults: Vec<Fault>,
}

impl Advance {
    /// Reads the file on the medium at `medium`; none is no mistake.
    pub fn read(medium: &Path) -> Self {
        let bytes = match fs::read(medium.join(answers::FILE)) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Self::default(),
            Err(error) => return Self::unreadable(format!("it cannot be read ({error})"), "write it again"),
        };
        let Ok(text) = String::from_utf8(bytes) else {
            let hint = "save it as UTF-8, or write it again with an editor of plain text";
            return Self::unreadable("it is no UTF-8 text".to_owned(), hint);
        };
        let read = Answers::read(answers::FILE, &text);
        Self { answers: read.answers, faults: read.faults }
    }

    fn unreadable(message: String, hint: &str) -> Self {
        let fault = Fault::new(answers::FILE, "", 0..0, message, Some(hint.to_owned()));
        Self { answers: Answers::default(), faults: vec![fault] }
    }

    /// What `mazetd answers` kept; nothing where it did not run.
    pub fn kept() -> Self {
        let read = || serde_json::from_slice(&fs::read(KEPT).ok()?).ok();
        read().unwrap_or_default()
    }

    /// The live system's settings, with these answers.
    pub fn live_settings(&self) -> Settings {
        let mut settings = Settings::live();
        let answers = &self.answers;
        if let Some(name) = &answers.machine.name {
            settings.machine.name.clone_from(name);
        }
        if let Some(timezone) = &answers.timezone {
            settings.machine.timezone.clone_from(timezone);
        }
        settings.machine.language = answers.language.unwrap_or(settings.machine.language);
        settings.network = answers.network.clone();
        settings
    }
}

/// `mazetd answers`: reads them and makes the live system follow.
///
/// # Errors
/// When a file cannot be written. Mistakes in the answers are no error.
pub fn run() -> Result<()> {
    if system::mode() == Mode::Installed {
        return Ok(());
    }
    let advance = Advance::read(Path::new(medium::PATH));
    for fault in &advance.faults {
        eprint!("{fault}");
    }
    let text = serde_json::to_vec(&advance).context("writing the answers")?;
    files::write_atomically(Path::new(KEPT), &text, 0o600, None)?;
    if advance.answers == Answers::default() {
        return Ok(());
    }
    let given = &advance.answers.wifi;
    let wifi = Wifi { country: given.country.clone(), ssid: given.ssid.clone(), key: given.psk_hash.clone() };
    wifi::configure(Some(&wifi))?;
    let root = Path::new("/");
    apply::write_live(root, &advance.live_settings(), &system::services(root)?)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn medium(bytes: &[u8]) -> tempfile::TempDir {
        let medium = tempfile::tempdir().expect("temporary folder");
        fs::write(medium.path().join(answers::FILE), bytes).expect("written");
        medium
    }

    #[test]
    fn the_live_system_takes_name_and_address_and_goes_on_without_a_mistake() {
        let text = b"language = \"en\"\n[box]\nname = \"lavande\"\n[network]\nmethod = \"static\"\n\
            address = \"192.168.1.10/24\"\n[wifi]\ncountry = \"France\"\n";
        let advance = Advance::read(medium(text).path());
        assert_eq!(
            advance.faults.iter().map(|fault| (fault.line, fault.column)).collect::<Vec<_>>(),
            [(8, 11)]
        );
        let settings = advance.live_settings();
        assert_eq!(settings.machine.name, "lavande");
        assert_eq!(settings.machine.timezone, "Europe/Paris");
        assert!(settings.network.fixed().is_some());
    }

    #[test]
    fn no_file_is_no_mistake_and_a_file_of_another_encoding_is_one() {
        let empty = tempfile::tempdir().expect("temporary folder");
        assert_eq!(Advance::read(empty.path()), Advance::default());
        let advance = Advance::read(medium(b"\xff\xfel\0a\0n\0").path());
        assert_eq!(advance.answers, Answers::default());
        assert_eq!(
            advance.faults[0].to_string(),
            "error: it is no UTF-8 text\n --> mazet.toml:1:1\n  |\n1 |\n  | ^\n  \
             = hint: save it as UTF-8, or write it again with an editor of plain text\n"
        );
    }
}
