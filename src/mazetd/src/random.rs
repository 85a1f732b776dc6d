//! Random values from the kernel.

use anyhow::{Context, Result};

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
    let mut raw = bytes::<16>()?;
    raw[6] = (raw[6] & 0x0f) | 0x40;
    raw[8] = (raw[8] & 0x3f) | 0x80;
    let digits = hex(&raw);
    Ok([&digits[..8], &digits[8..12], &digits[12..16], &digits[16..20], &digits[20..]].join("-"))
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
}
