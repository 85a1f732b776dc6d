//! The recovery key: the password of the box's backups, as it is kept, printed and typed.
//!
//! 20 random bytes and five of a sum, in 40 letters and digits that nobody takes for one another (Crockford's
//! base 32). What is printed *is* restic's password, dashes and all: who has the paper needs no Mazet to read a backup.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use mazet_host::files;
use sha2::{Digest as _, Sha256};

/// Letters and digits without I, L, O and U.
const ALPHABET: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";
/// Bytes of a key.
pub const BYTES: usize = 20;
/// Bytes of what is written: a multiple of five, so that no bit is left over.
const WRITTEN: usize = 25;
/// Characters of a group, as people read them.
const GROUP: usize = 4;

/// A recovery key.
#[derive(Clone, PartialEq, Eq)]
pub struct Key([u8; BYTES]);

/// Nobody sees it by chance.
impl std::fmt::Debug for Key {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Key")
    }
}

impl Key {
    /// One of these bytes.
    pub fn new(bytes: [u8; BYTES]) -> Self {
        Self(bytes)
    }

    /// Its bytes.
    pub fn bytes(&self) -> &[u8; BYTES] {
        &self.0
    }

    /// As it is printed, and given to restic.
    pub fn text(&self) -> String {
        let mut bytes = self.0.to_vec();
        bytes.extend(&sum(&self.0)[..WRITTEN - BYTES]);
        grouped(&bytes)
    }

    /// As somebody typed it.
    ///
    /// # Errors
    /// A character is missing, or wrong.
    pub fn typed(text: &str) -> Result<Self> {
        let bytes = ungrouped(text)?;
        let (key, rest) = bytes.split_at(BYTES);
        let mut own = [0; BYTES];
        own.copy_from_slice(key);
        if rest != &sum(&own)[..WRITTEN - BYTES] {
            bail!("this is no recovery key: a character is wrong, or it is a part of a divided key");
        }
        Ok(Self(own))
    }

    /// The box's own, made where there is none.
    ///
    /// # Errors
    /// When it cannot be read or written.
    pub fn of_box(path: &Path) -> Result<Self> {
        match fs::read_to_string(path) {
            Ok(text) => return Self::typed(&text).with_context(|| format!("reading {}", path.display())),
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            Err(error) => return Err(error).with_context(|| format!("reading {}", path.display())),
        }
        let mut bytes = [0; BYTES];
        getrandom::fill(&mut bytes).context("reading the kernel's random numbers")?;
        let key = Self(bytes);
        files::make_folder(path.parent().context("a file needs a folder")?, 0o700)?;
        files::write(path, key.text().as_bytes())?;
        Ok(key)
    }
}

fn sum(bytes: &[u8]) -> [u8; 32] {
    let mut hash = Sha256::new_with_prefix(b"mazet recovery key\0");
    hash.update(bytes);
    hash.finalize().into()
}

/// [`WRITTEN`] bytes in groups.
pub fn grouped(bytes: &[u8]) -> String {
    let bit = |at: usize| bytes.get(at / 8).map_or(0, |byte| (byte >> (7 - at % 8)) & 1);
    let letter = |at: usize| {
        let value = (0..5).fold(0, |value, place| (value << 1) | bit(at * 5 + place));
        char::from(ALPHABET[usize::from(value)])
    };
    let mut text = String::new();
    for at in 0..bytes.len() * 8 / 5 {
        if at > 0 && at % GROUP == 0 {
            text.push('-');
        }
        text.push(letter(at));
    }
    text
}

/// The bytes of what somebody typed: in capitals or not, with whatever stands between, O for 0, I and L for 1.
///
/// # Errors
/// A character is none of these, or there are too few or too many.
pub fn ungrouped(text: &str) -> Result<[u8; WRITTEN]> {
    let mut values = Vec::new();
    for one in text.chars().filter(|one| !one.is_whitespace() && *one != '-') {
        let one = match one.to_ascii_uppercase() {
            'O' => '0',
            'I' | 'L' => '1',
            other => other,
        };
        let place = ALPHABET.iter().position(|letter| char::from(*letter) == one);
        values.push(place.with_context(|| format!("{one:?} is in no recovery key"))?);
    }
    let wanted = WRITTEN * 8 / 5;
    if values.len() != wanted {
        bail!("a recovery key has {wanted} characters, and these are {}", values.len());
    }
    let mut bytes = [0_u8; WRITTEN];
    for (at, value) in values.iter().enumerate() {
        for place in 0..5 {
            let bit = at * 5 + place;
            bytes[bit / 8] |= u8::from((value >> (4 - place)) & 1 == 1) << (7 - bit % 8);
        }
    }
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_key_reads_back_however_it_is_typed() {
        let bytes = std::array::from_fn(|at| u8::try_from(at * 13 % 256).expect("a byte"));
        let key = Key::new(bytes);
        let text = key.text();
        assert_eq!(text.len(), 49);
        assert_eq!(Key::typed(&text).expect("a key"), key);
        let other = text.to_lowercase().replace('-', "  ").replace('0', "o").replace('1', "l");
        assert_eq!(Key::typed(&other).expect("a key"), key);
    }

    #[test]
    fn one_wrong_character_is_told() {
        let text = Key::new([7; BYTES]).text();
        for at in text.char_indices().filter(|(_, one)| *one != '-').map(|(at, _)| at) {
            let other = if &text[at..=at] == "Z" { "Y" } else { "Z" };
            let wrong = format!("{}{other}{}", &text[..at], &text[at + 1..]);
            assert!(Key::typed(&wrong).is_err(), "{wrong}");
        }
        assert!(Key::typed(&text[1..]).expect_err("short").to_string().contains("39"));
        assert!(Key::typed("é").is_err());
    }

    #[test]
    fn the_box_makes_its_key_once_and_for_itself() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("secrets/key");
        let key = Key::of_box(&path).expect("made");
        assert_eq!(Key::of_box(&path).expect("read"), key);
        let mode = |path: &Path| fs::metadata(path).expect("there").permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(path.parent().expect("a folder"))), (0o600, 0o700));
    }
}
