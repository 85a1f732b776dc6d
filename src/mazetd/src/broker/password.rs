//! The operator's password: hashed, never kept.

use anyhow::{Result, anyhow};
use argon2::password_hash::{PasswordHasher as _, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};

use sha_crypt::{CustomizedPasswordHasher as _, Params as ShaCryptParams, ShaCrypt};

use crate::random;

/// Memory in KiB, passes, lanes: OWASP's first choice for Argon2id, 19 MiB at most per login.
const COST: (u32, u32, u32) = (19_456, 2, 1);

/// The PHC string of `password`: Argon2id (RFC 9106) with a random salt of 16 bytes.
///
/// # Errors
/// When the kernel has no random numbers or the password is too long for Argon2.
pub fn hash(password: &str) -> Result<String> {
    // Neither the password nor a text derived from it may enter an error.
    let failed = |_| anyhow!("hashing the password failed");
    let salt = SaltString::encode_b64(&random::bytes::<16>()?).map_err(failed)?;
    let (memory, passes, lanes) = COST;
    let parameters = Params::new(memory, passes, lanes, None).map_err(|_| anyhow!("wrong Argon2 cost"))?;
    let hasher = Argon2::new(Algorithm::Argon2id, Version::V0x13, parameters);
    Ok(hasher.hash_password(password.as_bytes(), &salt).map_err(failed)?.to_string())
}

/// Rounds of SHA-512-crypt: about as long as the Argon2id above on the same machine.
const ROUNDS: u32 = 100_000;

/// The line of `shadow(5)` for `password`: SHA-512-crypt (`$6$`, crypt(5)) with a random salt of 96
/// bits. Debian's login knows Argon2 no more than it knows our pages.
///
/// # Errors
/// When the kernel has no random numbers.
pub fn unix_hash(password: &str) -> Result<String> {
    let parameters = ShaCryptParams::new(ROUNDS).map_err(|_| anyhow!("wrong cost of SHA-512-crypt"))?;
    let salt = random::bytes::<12>()?;
    let hashed =
        ShaCrypt::SHA512.hash_password_customized(password.as_bytes(), &salt, None, None, parameters);
    Ok(hashed.map_err(|_| anyhow!("hashing the password failed"))?.to_string())
}

#[cfg(test)]
mod tests {
    use argon2::password_hash::{PasswordHash, PasswordVerifier as _};

    use super::*;

    #[test]
    fn the_hash_verifies_and_two_hashes_differ() {
        let text = hash("correct horse battery").expect("hashed");
        assert!(text.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{text}");
        let parsed = PasswordHash::new(&text).expect("a PHC string");
        assert!(Argon2::default().verify_password(b"correct horse battery", &parsed).is_ok());
        assert!(Argon2::default().verify_password(b"correct horse", &parsed).is_err());
        assert_ne!(text, hash("correct horse battery").expect("hashed"));
    }

    #[test]
    fn the_hash_for_shadow_is_one_that_crypt_knows() {
        use sha_crypt::PasswordVerifier as _;
        let text = unix_hash("correct horse battery").expect("hashed");
        assert!(text.starts_with("$6$rounds=100000$"), "{text}");
        assert!(!text.contains([':', '\n']), "{text}");
        let parsed = sha_crypt::PasswordHash::new(text.as_str()).expect("crypt(5)");
        assert!(ShaCrypt::SHA512.verify_password(b"correct horse battery", &parsed).is_ok());
        assert!(ShaCrypt::SHA512.verify_password(b"correct horse", &parsed).is_err());
    }
}
