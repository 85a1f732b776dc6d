//! The first boot's log, on the medium's FAT: for a machine without a screen, and for who helps from afar.
//!
//! Written when it was asked for (`[log] write = true` in `mazet.toml`), when a unit failed before the
//! wizard, and when an installation failed. Known secrets are taken out.

use std::fs;
use std::path::Path;

use anyhow::Result;
use mazet_model::image::ImageInfo;

use crate::advance::Advance;
use crate::broker::CODE_FILE;
use crate::protocol::Mode;
use crate::run::{Program, Runner};
use crate::{files, medium, system, wifi};

/// Its name at the root of the FAT.
pub const FILE: &str = "mazet-log.txt";
/// Lines of the journal that are kept: the last ones.
const LINES: &str = "5000";
/// Shorter words are no secret, and could stand anywhere.
const SHORTEST: usize = 8;
/// Stands where a secret stood.
const REMOVED: &str = "[removed]";

/// `mazetd log`: at the end of a live system's start, where it was asked for or something failed.
///
/// # Errors
/// When the journal cannot be read, or the medium not be written.
pub fn after_start(runner: &Runner) -> Result<()> {
    if system::mode() == Mode::Installed {
        return Ok(());
    }
    let advance = Advance::kept();
    let failed = failed_units(runner)?;
    if !failed.is_empty() {
        write(&advance, &format!("units failed: {}", failed.join(", ")), runner)
    } else if advance.answers.log.write {
        write(&advance, "asked for in mazet.toml; no unit failed", runner)
    } else {
        Ok(())
    }
}

/// Writes the log now. `reason` is its first line.
///
/// # Errors
/// When the journal cannot be read, or the medium not be written.
pub fn write(advance: &Advance, reason: &str, runner: &Runner) -> Result<()> {
    let image = system::image(Path::new("/"))?;
    let arguments = ["--boot", "--no-pager", "--no-hostname", "--output=short-monotonic", "--lines", LINES];
    let journal = runner.run(Program::Journalctl, &arguments)?;
    let text = clean(&text(reason, &image, &journal), &secrets(advance));
    let path = Path::new(medium::PATH);
    medium::change(path, || files::write_atomically(&path.join(FILE), text.as_bytes(), 0o644, None))
}

fn failed_units(runner: &Runner) -> Result<Vec<String>> {
    let arguments = ["list-units", "--failed", "--plain", "--no-legend", "--no-pager"];
    let said = runner.run(Program::Systemctl, &arguments)?;
    Ok(said.lines().filter_map(|line| line.split_whitespace().next()).map(str::to_owned).collect())
}

fn text(reason: &str, image: &ImageInfo, journal: &str) -> String {
    format!(
        "Mazet {}, image {} ({}), kernel {}\n{reason}\n\n{journal}",
        image.version, image.name, image.digest, image.kernel
    )
}

/// What must not leave the machine, as far as this program knows it: claim code, hashes, Wi-Fi key. No
/// program of ours writes them to the journal; this is for those of others.
fn secrets(advance: &Advance) -> Vec<String> {
    let read = |path: &str| fs::read_to_string(path).ok();
    let answers = &advance.answers;
    let mut secrets: Vec<String> =
        [read(CODE_FILE), answers.machine.claim_code_hash.clone(), answers.wifi.psk_hash.clone()]
            .into_iter()
            .flatten()
            .collect();
    let configuration = read(wifi::CONFIGURATION).unwrap_or_default();
    secrets
        .extend(configuration.lines().filter_map(|line| line.trim().strip_prefix("psk=")).map(str::to_owned));
    let undashed: Vec<String> = secrets.iter().map(|secret| secret.replace('-', "")).collect();
    secrets.extend(undashed);
    secrets
}

/// The text without the secrets, and without characters that a terminal would obey.
fn clean(text: &str, secrets: &[String]) -> String {
    let mut text: String = text.chars().filter(|c| *c == '\n' || *c == '\t' || !c.is_control()).collect();
    for secret in secrets.iter().map(|secret| secret.trim()).filter(|secret| secret.len() >= SHORTEST) {
        text = text.replace(secret, REMOVED);
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_secret_stands_in_the_log() {
        let secrets = ["ABCD-2345\n".to_owned(), "0123456789abcdef".to_owned(), String::new()];
        let journal = "[1.0] someone: the code ABCD-2345 and psk=0123456789abcdef\n\x1b[31m[2.0] red\n";
        assert_eq!(
            clean(journal, &secrets),
            "[1.0] someone: the code [removed] and psk=[removed]\n[31m[2.0] red\n"
        );
    }

    #[test]
    fn every_secret_that_was_given_in_advance_is_known() {
        let mut advance = Advance::default();
        advance.answers.machine.claim_code_hash = Some("$argon2id$x-y".to_owned());
        advance.answers.wifi.psk_hash = Some("01ab".repeat(16));
        let secrets = secrets(&advance);
        for secret in ["$argon2id$x-y", &"01ab".repeat(16)] {
            assert!(secrets.iter().any(|known| known == secret), "{secret} is not among {secrets:?}");
        }
    }
}
