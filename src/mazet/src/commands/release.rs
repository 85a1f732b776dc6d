//! `mazet build --release` and `mazet verify`.

use std::io::{self, IsTerminal as _, Write as _};
use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::{Result, bail};
use minisign::{PublicKey, SecretKey};
use serde_json::json;

use super::{CHECK_FAILED, Setting};
use crate::build::Built;
use crate::cli;
use crate::release::key::{self, Keys};
use crate::release::verify::{Extent, Trust};
use crate::release::{self as made, verify as checks};

/// Writes what a release needs beside the image that was built; gives the files.
///
/// # Errors
/// When there is no key to sign with, or a file cannot be written.
pub fn publish(setting: &Setting, words: &cli::Build, built: &Built) -> Result<Vec<PathBuf>> {
    let key = secret(setting, words)?;
    let _bar = setting.ui.step("compressing, mapping, signing");
    made::publish(&built.image, &key)
}

/// The key that is named, or the builder's own, made on first use.
fn secret(setting: &Setting, words: &cli::Build) -> Result<SecretKey> {
    if let Some(path) = &words.key {
        return key::read_secret(path);
    }
    let keys = Keys::find()?;
    if !keys.secret().exists() {
        if !words.new_key && !agrees(&keys)? {
            bail!("nothing is signed: name a key with --key FILE, or let one be made with --new-key");
        }
        keys.make()?;
        let public = keys.public();
        setting.ui.say(format!("made a key; give {} to those who verify your images", public.display()));
    }
    key::read_secret(&keys.secret())
}

fn agrees(keys: &Keys) -> Result<bool> {
    if !(io::stdin().is_terminal() && io::stderr().is_terminal()) {
        return Ok(false);
    }
    eprint!("There is no key to sign with yet. Make {} now? [y/N] ", keys.secret().display());
    io::stderr().flush()?;
    let mut answer = String::new();
    io::stdin().read_line(&mut answer)?;
    Ok(matches!(answer.trim().to_lowercase().as_str(), "y" | "yes" | "o" | "oui"))
}

/// The keys that are trusted: those named, else the user's.
///
/// # Errors
/// When one cannot be read.
pub fn trusted(words: &[String]) -> Result<Vec<PublicKey>> {
    if words.is_empty() {
        Keys::find()?.trusted()
    } else {
        words.iter().map(|word| key::public_of(word)).collect()
    }
}

/// `mazet verify`: exit code 3 for an image that nobody signed, or that is not what was signed.
///
/// # Errors
/// When no key can be read.
pub fn verify(words: &cli::Verify) -> Result<ExitCode> {
    let keys = trusted(&words.public_key)?;
    let image = words.image.display();
    let (good, told, files) = match checks::verify(&words.image, &keys, Extent::Everything) {
        Ok(verified) => match verified.trust {
            Trust::Signed(comment) => {
                (true, format!("{image}: signed and whole ({comment})"), verified.files)
            }
            Trust::Unsigned => (false, format!("{image}: not signed"), verified.files),
        },
        Err(error) => (false, format!("{error:#}"), Vec::new()),
    };
    if words.json {
        println!("{:#}", json!({ "verified": good, "message": told, "files": files }));
    } else {
        files.iter().for_each(|file| println!("{}: right", file.display()));
        println!("{told}");
    }
    Ok(if good { ExitCode::SUCCESS } else { ExitCode::from(CHECK_FAILED) })
}
