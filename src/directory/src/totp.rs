//! Time-based one-time passwords: RFC 6238 with SHA-1, six digits, thirty seconds, which every
//! authenticator knows.

use std::time::{SystemTime, UNIX_EPOCH};

use data_encoding::BASE32_NOPAD;
use hmac::{Hmac, Mac as _};
use sha1::Sha1;
use subtle::ConstantTimeEq as _;

use crate::Result;

/// Bytes of a secret: as many as SHA-1 gives (RFC 4226 § 4).
pub const BYTES: usize = 20;
/// Seconds that a code lives.
pub const STEP: u64 = 30;
/// Digits of a code.
pub const DIGITS: usize = 6;
/// Codes of so many steps before and after now count too: clocks differ.
const DRIFT: u64 = 1;

/// A shared secret.
#[derive(Clone, PartialEq, Eq)]
pub struct Secret([u8; BYTES]);

impl Secret {
    /// Draws one.
    ///
    /// # Errors
    /// When the kernel has no random numbers.
    pub fn draw() -> Result<Self> {
        let mut bytes = [0; BYTES];
        getrandom::fill(&mut bytes)?;
        Ok(Self(bytes))
    }

    pub(crate) fn of(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    pub(crate) fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// For typing into an authenticator: 32 letters and digits (base32).
    pub fn base32(&self) -> String {
        BASE32_NOPAD.encode(&self.0)
    }

    /// For its QR code: `otpauth://totp/…`. `issuer` is the box's name, `account` the login.
    pub fn uri(&self, issuer: &str, account: &str) -> String {
        let (issuer, account) = (percent(issuer), percent(account));
        format!("otpauth://totp/{issuer}:{account}?secret={}&issuer={issuer}", self.base32())
    }

    /// The code of a time step.
    pub fn code(&self, step: u64) -> String {
        // HMAC takes keys of any length.
        let Ok(mut mac) = Hmac::<Sha1>::new_from_slice(&self.0) else { return String::new() };
        mac.update(&step.to_be_bytes());
        let digest = mac.finalize().into_bytes();
        let at = usize::from(digest[19] & 15);
        let word = u32::from_be_bytes([digest[at], digest[at + 1], digest[at + 2], digest[at + 3]]);
        format!("{:0DIGITS$}", (word & 0x7fff_ffff) % 1_000_000)
    }

    /// The step whose code `typed` is, if it is one that counts at step `now` and is later than
    /// `last`: no code counts twice. In constant time.
    pub fn check(&self, typed: &str, now: u64, last: u64) -> Option<u64> {
        let typed: String = typed.chars().filter(char::is_ascii_digit).collect();
        let mut found = None;
        for step in now.saturating_sub(DRIFT)..=now + DRIFT {
            let same: bool = self.code(step).as_bytes().ct_eq(typed.as_bytes()).into();
            if same && step > last {
                found = Some(step);
            }
        }
        found
    }
}

/// The present time step.
pub fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs() / STEP
}

fn percent(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~".contains(&byte);
    let encode = |byte: u8| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") };
    text.bytes().map(encode).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret() -> Secret {
        Secret(*b"12345678901234567890")
    }

    /// RFC 6238, appendix B, the last six of its eight digits.
    #[test]
    fn codes_are_those_of_the_rfc() {
        for (seconds, code) in
            [(59, "287082"), (1_111_111_109, "081804"), (1_234_567_890, "005924"), (20_000_000_000, "353130")]
        {
            assert_eq!(secret().code(seconds / STEP), code, "{seconds}");
        }
    }

    #[test]
    fn a_code_counts_once_and_not_for_long() {
        let code = secret().code(100);
        assert_eq!(secret().check(&code, 101, 0), Some(100));
        assert_eq!(secret().check(&format!("{} {}", &code[..3], &code[3..]), 99, 0), Some(100));
        assert_eq!(secret().check(&code, 102, 0), None);
        assert_eq!(secret().check(&code, 100, 100), None);
        assert_eq!(secret().check("", 100, 0), None);
    }

    #[test]
    fn authenticators_read_the_address() {
        assert_eq!(
            secret().uri("Les Amis", "ada"),
            "otpauth://totp/Les%20Amis:ada?secret=GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ&issuer=Les%20Amis"
        );
    }
}
