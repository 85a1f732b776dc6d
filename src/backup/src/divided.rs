//! The recovery key in three parts, any two of which give it back: Shamir's scheme over GF(256), by the crate blahaj
//! (a maintained descendant of `sharks`, whose polynomials were biased: RUSTSEC-2024-0398).
//!
//! A part is its number, 20 bytes, two bytes that tell of which key it is, and two of a sum: as many characters as a
//! key, in the same letters. One part alone says nothing of the key but those two bytes.

use anyhow::{Context as _, Result, anyhow, bail};
use blahaj::{Share, Sharks};
use sha2::{Digest as _, Sha256};

use crate::key::{BYTES, Key, grouped, ungrouped};

/// Parts that give the key back.
const ENOUGH: u8 = 2;
/// Parts that are made.
pub const PARTS: usize = 3;
/// Number and bytes of a part.
const SHARE: usize = 1 + BYTES;
/// Bytes that tell keys apart, and those of the sum.
const SIGN: usize = 2;

/// Divides a key: each call gives other parts, and parts of two calls do not go together.
pub fn divide(key: &Key) -> Vec<String> {
    let sign = sign(key);
    let shares = Sharks(ENOUGH).dealer(key.bytes()).take(PARTS);
    let part = |share: Share| {
        let mut bytes = Vec::from(&share);
        bytes.extend(sign);
        bytes.extend(sum(&bytes));
        grouped(&bytes)
    };
    shares.map(part).collect()
}

/// The key of two parts, as somebody typed them.
///
/// # Errors
/// One of them is none, they are the same, or not of one key.
pub fn combine(parts: &[&str]) -> Result<Key> {
    let read = parts
        .iter()
        .enumerate()
        .map(|(at, part)| self::read(part).with_context(|| format!("part {}", at + 1)));
    let mut read = read.collect::<Result<Vec<_>>>()?;
    read.sort_unstable();
    read.dedup_by_key(|bytes| bytes[0]);
    if read.len() < usize::from(ENOUGH) {
        bail!("two different parts are needed");
    }
    let other = || anyhow!("these are no parts of one key that were made together");
    let signs: Vec<&[u8]> = read.iter().map(|bytes| &bytes[SHARE..SHARE + SIGN]).collect();
    if signs.iter().any(|sign| *sign != signs[0]) {
        return Err(other());
    }
    let shares = read.iter().map(|bytes| Share::try_from(&bytes[..SHARE]).map_err(|said| anyhow!("{said}")));
    let shares = shares.collect::<Result<Vec<_>>>()?;
    let secret = Sharks(ENOUGH).recover(&shares).map_err(|said| anyhow!("{said}"))?;
    let key = Key::new(secret.try_into().map_err(|_| other())?);
    if signs[0] != sign(&key) {
        return Err(other());
    }
    Ok(key)
}

/// A key as somebody typed it: whole, or two parts one after the other.
///
/// # Errors
/// It is neither.
pub fn typed(text: &str) -> Result<Key> {
    let letters: Vec<char> = text.chars().filter(|one| !one.is_whitespace() && *one != '-').collect();
    let one = grouped(&[0; SHARE + 2 * SIGN]).replace('-', "").len();
    if letters.len() != 2 * one {
        return Key::typed(text);
    }
    let (first, second) = letters.split_at(one);
    combine(&[&first.iter().collect::<String>(), &second.iter().collect::<String>()])
}

fn read(part: &str) -> Result<Vec<u8>> {
    let bytes = ungrouped(part)?;
    let (own, rest) = bytes.split_at(SHARE + SIGN);
    if rest != sum(own) {
        bail!("this is no part of a key: a character is wrong, or it is a whole one");
    }
    Ok(own.to_vec())
}

fn sign(key: &Key) -> [u8; SIGN] {
    short(b"mazet key of parts\0", key.bytes())
}

fn sum(bytes: &[u8]) -> [u8; SIGN] {
    short(b"mazet part of key\0", bytes)
}

fn short(purpose: &[u8], bytes: &[u8]) -> [u8; SIGN] {
    let hash = Sha256::new_with_prefix(purpose).chain_update(bytes).finalize();
    [hash[0], hash[1]]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_two_parts_give_the_key_back_and_one_does_not() {
        let key = Key::new(std::array::from_fn(|at| u8::try_from(at).expect("a byte") * 11));
        let parts = divide(&key);
        for (one, other) in [(0, 1), (1, 0), (0, 2), (1, 2)] {
            assert_eq!(combine(&[&parts[one], &parts[other].to_lowercase()]).expect("a key"), key);
        }
        assert_eq!(combine(&[&parts[0], &parts[1], &parts[2]]).expect("a key"), key);
        assert!(combine(&[&parts[0], &parts[0]]).is_err());
        assert!(parts.iter().all(|part| part.len() == key.text().len() && Key::typed(part).is_err()));
    }

    #[test]
    fn two_parts_can_be_typed_in_the_place_of_the_key() {
        let key = Key::new([5; BYTES]);
        let parts = divide(&key);
        assert_eq!(typed(&key.text()).expect("a key"), key);
        assert_eq!(typed(&format!("{}\n {}", parts[2], parts[0].to_lowercase())).expect("a key"), key);
        assert!(typed(&parts[0]).is_err() && typed(&format!("{}{}", parts[0], parts[0])).is_err());
    }

    #[test]
    fn parts_of_other_keys_are_refused() {
        let (one, other) = (divide(&Key::new([1; BYTES])), divide(&Key::new([2; BYTES])));
        assert!(
            combine(&[&one[0], &other[1]]).expect_err("refused").to_string().contains("no parts of one key")
        );
        // The same key, divided twice.
        let again = divide(&Key::new([1; BYTES]));
        assert!(combine(&[&one[0], &again[1]]).is_err());
        assert!(combine(&[&one[0], &Key::new([1; BYTES]).text()]).is_err());
    }
}
