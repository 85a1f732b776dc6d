//! Answers in advance: what is written to the stick as `mazet.toml`. No secret is in clear there.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};
use mazet_model::answers::RawAnswers;
use mazet_model::claim;
use mazet_model::fault::{Fault, report};
use rustix::rand::{GetRandomFlags, getrandom};
use thiserror::Error;

/// Faults of the file that `--config` names: the user's to mend.
#[derive(Debug, Error)]
#[error("{}", report(.0))]
pub struct Faults(pub Vec<Fault>);

/// What goes onto a stick.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Prepared {
    /// The text of `mazet.toml`.
    pub text: String,
    /// The claim code that was made, to be shown once and kept by the user; none when the file
    /// brought its own.
    pub claim_code: Option<String>,
    /// The box's name, if it was given.
    pub name: Option<String>,
}

/// Reads the answers in `config`, or begins with none, and turns every secret into its hash. Where
/// no claim code was given, one is made: a box without a screen cannot be claimed otherwise.
///
/// # Errors
/// The file's [`Faults`]; or when it cannot be read.
pub fn prepare(config: Option<&Path>) -> Result<Prepared> {
    let mut raw = match config {
        Some(path) => {
            let text = fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
            RawAnswers::read(&path.display().to_string(), &text).whole().map_err(Faults)?
        }
        None => RawAnswers::default(),
    };
    let is_given = raw.machine.claim_code.is_some() || raw.machine.claim_code_hash.is_some();
    let claim_code = if is_given { None } else { Some(claim::grouped(&claim::draw(random_byte)?)) };
    if let Some(code) = &claim_code {
        raw.machine.claim_code = Some(code.clone());
    }
    let name = raw.machine.name.clone();
    let mut salt = [0; 16];
    fill(&mut salt)?;
    let answers = raw.seal(salt).context("hashing what is secret")?;
    let text = answers.to_toml().context("writing the answers")?;
    Ok(Prepared { text, claim_code, name })
}

fn random_byte() -> Result<u8> {
    let mut byte = [0];
    fill(&mut byte)?;
    Ok(byte[0])
}

/// Fills a few bytes; the kernel gives up to 256 at once (getrandom(2)).
fn fill(bytes: &mut [u8]) -> Result<()> {
    getrandom(bytes, GetRandomFlags::empty()).context("reading the kernel's random numbers")?;
    Ok(())
}

impl Prepared {
    /// What the user keeps: the code that was made, where to type it, and both as a QR code.
    pub fn to_text(&self) -> Option<String> {
        let code = self.claim_code.as_ref()?;
        let address = self.address();
        let picture = mazet_model::qr::half_blocks(&format!("{address}#{code}")).unwrap_or_default();
        Some(format!(
            "\nKeep this: the box asks for it before anything else, and nothing else can tell it.\n\n  \
             Claim code: {code}\n  Address:    {address}\n\n{picture}"
        ))
    }

    /// Where the wizard will be.
    pub fn address(&self) -> String {
        format!("https://{}.local/", self.name.as_deref().unwrap_or("mazet"))
    }
}

#[cfg(test)]
mod tests {
    use mazet_model::answers::{Answers, verify_claim_code};

    use super::*;

    fn config(text: &str) -> Result<Prepared> {
        let file = tempfile::NamedTempFile::new().expect("file");
        fs::write(file.path(), text).expect("written");
        prepare(Some(file.path()))
    }

    #[test]
    fn without_a_file_a_claim_code_is_made_and_only_its_hash_is_written() {
        let prepared = prepare(None).expect("prepared");
        let code = prepared.claim_code.clone().expect("a code");
        assert_eq!(code.len(), 9);
        assert!(!prepared.text.contains(&code) && !prepared.text.contains(&code.replace('-', "")));
        let read = Answers::read("mazet.toml", &prepared.text).whole().expect("sound");
        assert!(verify_claim_code(&code, &read.machine.claim_code_hash.expect("a hash")));
        let told = prepared.to_text().expect("a text");
        assert!(told.contains(&format!("Claim code: {code}")) && told.contains('█'), "{told}");
        assert_ne!(prepare(None).expect("prepared").claim_code, Some(code));
    }

    #[test]
    fn what_is_secret_in_the_file_is_not_on_the_stick() {
        let prepared = config(
            "language = \"fr\"\n[box]\nname = \"lavande\"\nclaim-code = \"ABCD-2345\"\n\
             [wifi]\ncountry = \"FR\"\nssid = \"Mazet\"\npassphrase = \"tuile lavande\"\n",
        )
        .expect("prepared");
        assert_eq!((prepared.claim_code.as_ref(), prepared.to_text()), (None, None));
        assert_eq!(prepared.address(), "https://lavande.local/");
        for secret in ["ABCD", "tuile", "passphrase"] {
            assert!(!prepared.text.contains(secret), "{}", prepared.text);
        }
        let read = Answers::read("mazet.toml", &prepared.text).whole().expect("sound");
        assert!(verify_claim_code("abcd 2345", &read.machine.claim_code_hash.expect("a hash")));
        assert_eq!(read.wifi.psk_hash.map(|hash| hash.len()), Some(64));
    }

    #[test]
    fn faults_are_told_with_their_place() {
        let error = config("langauge = \"fr\"\n").expect_err("faulty");
        let told = error.downcast_ref::<Faults>().expect("faults").to_string();
        assert!(told.contains(":1:1") && told.contains("did you mean `language`"), "{told}");
    }
}
