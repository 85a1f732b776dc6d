//! Random values from the kernel, and how such values are written.

use anyhow::{Context, Result};
use sha2::{Digest as _, Sha256};

/// `N` random bytes.
///
/// # Errors
/// When the kernel's generator cannot be read.
pub fn bytes<const N: usize>() -> Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).context("reading the kernel's random numbers")?;
    Ok(bytes)
}

/// Lower-case hexadecimal digits of `bytes`.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// A random UUID (RFC 9562, version 4).
///
/// # Errors
/// When the kernel's generator cannot be read.
pub fn uuid() -> Result<String> {
    Ok(written(bytes()?, 4))
}

/// The UUID that always stands for `text` (RFC 9562, version 8: from its SHA-256).
pub fn uuid_of(text: &str) -> String {
    let digest: [u8; 32] = Sha256::digest(text).into();
    let mut raw = [0; 16];
    raw.copy_from_slice(&digest[..16]);
    written(raw, 8)
}

/// With its version and variant, as it is written (RFC 9562, 4).
fn written(mut raw: [u8; 16], version: u8) -> String {
    raw[6] = (raw[6] & 0x0f) | (version << 4);
    raw[8] = (raw[8] & 0x3f) | 0x80;
    let digits = hex(&raw);
    [&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]].join("-")
}

#[cfg(test)]
mod tests {
    #[test]
    fn uuids_say_their_version_and_variant() {
        let uuid = super::uuid().expect("random");
        assert_eq!(uuid.len(), 36);
        assert_eq!(&uuid[14..15], "4");
        assert!(matches!(&uuid[19..20], "8" | "9" | "a" | "b"));
    }

    #[test]
    fn a_text_has_one_uuid() {
        // The first half of SHA-256("abc"), with version and variant (FIPS 180-4, example).
        assert_eq!(super::uuid_of("abc"), "ba7816bf-8f01-8fea-8141-40de5dae2223");
    }
}
