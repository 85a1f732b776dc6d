//! The wizard's answers, kept so that neither a reload nor a power cut asks again.
//!
//! Kept on the stick where it can be written (it is mounted read-only but for that moment),
//! and below `/run` in any case.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use mazet_model::answers as advance;
use serde::{Deserialize, Serialize};

use crate::protocol::{Answers, Wifi};
use crate::{files, medium};

/// Name of the file on the stick.
pub const FILE: &str = "mazet-wizard.json";

/// What is kept.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kept {
    /// The wizard's answers, with the password's hash.
    pub answers: Answers,
    /// Serial numbers (kernel names where there is none) of disks whose erasing began with
    /// consent: after a power cut their half-made contents need no second consent.
    #[serde(default)]
    pub begun: Vec<String>,
    /// Hash of the operator's password for `shadow(5)`, made with the one in the answers.
    #[serde(default)]
    pub unix_password: Option<String>,
}

impl Kept {
    /// Answers given in advance stand where nobody has answered.
    pub fn fill(&mut self, advance: &advance::Answers) {
        let answers = &mut self.answers;
        answers.language = answers.language.or(advance.language);
        fill(&mut answers.organisation, advance.association.name.as_ref());
        fill(&mut answers.box_name, advance.machine.name.as_ref());
        fill(&mut answers.timezone, advance.timezone.as_ref());
        if answers.wifi.is_none() && advance.wifi.ssid.is_some() {
            let wifi = advance.wifi.clone();
            answers.wifi = Some(Wifi { country: wifi.country, ssid: wifi.ssid, key: wifi.psk_hash });
        }
    }
}

fn fill(answer: &mut Option<String>, advance: Option<&String>) {
    *answer = answer.take().or_else(|| advance.cloned());
}

/// Where answers are kept.
#[derive(Debug, Clone)]
pub struct Store {
    /// Folder of the stick's file system.
    medium: PathBuf,
    /// File in memory.
    memory: PathBuf,
    /// The medium must be remounted around a write.
    remount: bool,
}

impl Store {
    /// The store of a live system.
    pub fn live() -> Self {
        Self { medium: medium::PATH.into(), memory: "/run/mazet/wizard.json".into(), remount: true }
    }

    /// A store below `folder`, whose "stick" needs no remounting.
    #[cfg(test)]
    pub fn below(folder: &Path) -> Self {
        let medium = folder.join("medium");
        fs::create_dir_all(&medium).expect("a folder for tests");
        Self { medium, memory: folder.join("wizard.json"), remount: false }
    }

    /// What was kept: the copy in memory, else the stick's, else nothing.
    pub fn load(&self) -> Kept {
        let read = |path: &Path| -> Option<Kept> { serde_json::from_slice(&fs::read(path).ok()?).ok() };
        read(&self.memory).or_else(|| read(&self.medium.join(FILE))).unwrap_or_default()
    }

    /// Keeps `kept`. `Ok(false)`: in memory only, the stick cannot be written.
    ///
    /// # Errors
    /// When not even the memory can be written.
    pub fn save(&self, kept: &Kept) -> Result<bool> {
        let text = serde_json::to_vec_pretty(kept).context("writing the answers")?;
        files::write_atomically(&self.memory, &text, 0o600, None)?;
        let on_stick = self.on_medium(|file| files::write_atomically(file, &text, 0o600, None));
        if let Err(error) = &on_stick {
            eprintln!("keeping the wizard's answers in memory only: {error:#}");
        }
        Ok(on_stick.is_ok())
    }

    /// Forgets everything, on the stick too.
    ///
    /// # Errors
    /// When a file that is there cannot be removed.
    pub fn forget(&self) -> Result<()> {
        remove(&self.memory)?;
        if self.medium.join(FILE).exists() {
            self.on_medium(remove)?;
        }
        Ok(())
    }

    /// Runs `change` on the stick's file while the stick can be written.
    fn on_medium(&self, change: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
        if !self.remount {
            return change(&self.medium.join(FILE));
        }
        medium::change(&self.medium, || change(&self.medium.join(FILE)))
    }
}

fn remove(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("removing {}", path.display()))
        }
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kept() -> Kept {
        let answers = Answers { organisation: Some("Les Amis".to_owned()), ..Answers::default() };
        Kept { answers, begun: vec!["S1".to_owned()], unix_password: None }
    }

    #[test]
    fn answers_come_back_from_the_stick_after_a_power_cut() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let store = Store::below(folder.path());
        assert!(store.save(&kept()).expect("kept"));
        fs::remove_file(folder.path().join("wizard.json")).expect("memory lost");
        assert_eq!(store.load(), kept());
    }

    #[test]
    fn a_stick_that_cannot_be_written_leaves_the_answers_in_memory() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let store = Store { medium: folder.path().join("none"), ..Store::below(folder.path()) };
        assert!(!store.save(&kept()).expect("kept in memory"));
        assert_eq!(store.load(), kept());
    }

    #[test]
    fn a_finished_installation_leaves_no_answers_behind() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let store = Store::below(folder.path());
        store.save(&kept()).expect("kept");
        store.forget().expect("forgotten");
        assert_eq!(store.load(), Kept::default());
        assert_eq!(fs::read_dir(folder.path().join("medium")).expect("listed").count(), 0);
    }
}
