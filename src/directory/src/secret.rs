//! Random codes and tokens, and what is kept of them: their SHA-256.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

use crate::Result;

/// Letters and digits that nobody takes for one another, as in claim codes.
const ALPHABET: &[u8; 30] = b"23456789ABCDEFGHJKMNPQRSTVWXYZ";
/// Bytes at the upper end are drawn again, so that all letters are as likely.
const FAIR: u8 = u8::MAX - u8::MAX % 30;

/// A one-time code as a person reads and types it: letters and digits in groups of four. Shown once;
/// only its hash is kept.
#[derive(Clone, PartialEq, Eq)]
pub struct Code(String);

impl Code {
    /// Draws a code of `length` characters, each worth 4.9 bits.
    pub(crate) fn draw(length: usize) -> Result<Self> {
        let mut code = String::with_capacity(length);
        while code.len() < length {
            let mut bytes = [0; 32];
            getrandom::fill(&mut bytes)?;
            let letters = bytes.iter().filter(|byte| **byte < FAIR);
            let letters = letters.map(|byte| char::from(ALPHABET[usize::from(*byte) % ALPHABET.len()]));
            code.extend(letters.take(length - code.len()));
        }
        Ok(Self(code))
    }

    /// What a person typed: case, spaces and dashes do not matter.
    pub fn typed(text: &str) -> Self {
        Self(mazet_model::claim::normalise(text))
    }

    /// For people: `ABCD-EFGH-JKMN`.
    pub fn grouped(&self) -> String {
        mazet_model::claim::grouped(&self.0)
    }

    /// Without the dashes: for addresses (`…/invitation#ABCDEFGHJKMN`).
    pub fn plain(&self) -> &str {
        &self.0
    }

    pub(crate) fn sha256(&self) -> Vec<u8> {
        sha256(&self.0)
    }
}

/// A code is a secret: it does not get into a log by accident.
impl fmt::Debug for Code {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Code(…)")
    }
}

/// A token of 256 random bits for a cookie, in base64url.
pub fn token() -> Result<String> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes)?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// What is kept of a secret with enough randomness of its own.
pub fn sha256(secret: &str) -> Vec<u8> {
    Sha256::digest(secret).to_vec()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_read_as_they_are_typed() {
        let code = Code::draw(12).expect("random");
        assert_eq!(code.grouped().len(), 14);
        assert_eq!(Code::typed(&format!(" {} ", code.grouped().to_lowercase())), code);
        assert_ne!(Code::draw(12).expect("random"), code);
        assert_eq!(format!("{code:?}"), "Code(…)");
    }
}
