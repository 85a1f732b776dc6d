//! Secrets in clear become hashes, before anything is written to a stick.

use argon2::password_hash::{PasswordHash, PasswordHasher as _, PasswordVerifier as _, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};
use sha1::Sha1;
use thiserror::Error;

use super::{Answers, Machine, RawAnswers, VERSION, Wifi};
use crate::claim;

/// Memory in KiB, passes, lanes: OWASP's first choice for Argon2id, 19 MiB.
const COST: (u32, u32, u32) = (19_456, 2, 1);
/// The most memory (KiB) and passes that a given hash may ask of the box: a Pi has 512 MiB.
const DEAREST: (u32, u32) = (65_536, 8);
/// Rounds of PBKDF2 for a WPA2 key (IEEE 802.11-2020, J.4.1).
const WPA_ROUNDS: u32 = 4096;

/// Why a secret cannot be hashed. The secret is in no message.
#[derive(Debug, Error, PartialEq, Eq)]
pub enum SealError {
    /// The claim code.
    #[error("hashing the claim code failed: use letters without accents and digits, 64 at most")]
    ClaimCode,
    /// The Wi-Fi passphrase.
    #[error("a Wi-Fi passphrase has 8 to 63 letters without accents, digits, signs and spaces")]
    Passphrase,
    /// A passphrase of no network.
    #[error("a Wi-Fi passphrase needs the network's name: add `ssid` to [wifi]")]
    NoNetwork,
}

impl RawAnswers {
    /// The answers with every secret hashed. `salt` is random.
    ///
    /// # Errors
    /// See [`SealError`]; never for answers that were read without a fault.
    pub fn seal(self, salt: [u8; 16]) -> Result<Answers, SealError> {
        let claim_code_hash = match self.machine.claim_code {
            Some(code) => Some(claim_code_hash(&code, salt)?),
            None => self.machine.claim_code_hash,
        };
        let psk_hash = match (self.wifi.passphrase, &self.wifi.ssid) {
            (Some(passphrase), Some(ssid)) => Some(psk_hash(&passphrase, ssid)?),
            (Some(_), None) => return Err(SealError::NoNetwork),
            (None, _) => self.wifi.psk_hash,
        };
        Ok(Answers {
            version: Some(VERSION),
            language: self.language,
            timezone: self.timezone,
            machine: Machine { name: self.machine.name, claim_code_hash },
            association: self.association,
            network: self.network,
            wifi: Wifi { country: self.wifi.country, ssid: self.wifi.ssid, psk_hash },
            ssh: self.ssh,
            log: self.log,
        })
    }
}

/// The Argon2id hash (RFC 9106, PHC string) of a claim code as typed.
///
/// # Errors
/// [`SealError::ClaimCode`].
pub fn claim_code_hash(code: &str, salt: [u8; 16]) -> Result<String, SealError> {
    let failed = |_| SealError::ClaimCode;
    let code = claim::normalise(code);
    if !(claim::LENGTH..=64).contains(&code.len()) {
        return Err(SealError::ClaimCode);
    }
    let (memory, passes, lanes) = COST;
    let parameters = Params::new(memory, passes, lanes, None).map_err(|_| SealError::ClaimCode)?;
    let salt = SaltString::encode_b64(&salt).map_err(failed)?;
    let hasher = Argon2::new(Algorithm::Argon2id, Version::V0x13, parameters);
    Ok(hasher.hash_password(code.as_bytes(), &salt).map_err(failed)?.to_string())
}

/// Is `typed` the claim code that `hash` was made of? Takes as long as Argon2 does.
pub fn verify_claim_code(typed: &str, hash: &str) -> bool {
    let Ok(hash) = PasswordHash::new(hash) else { return false };
    Argon2::default().verify_password(claim::normalise(typed).as_bytes(), &hash).is_ok()
}

/// A WPA2 key (PMK) as 64 hexadecimal digits: PBKDF2-HMAC-SHA1 of passphrase and network's name.
///
/// # Errors
/// [`SealError::Passphrase`].
pub fn psk_hash(passphrase: &str, ssid: &str) -> Result<String, SealError> {
    if !is_passphrase(passphrase) {
        return Err(SealError::Passphrase);
    }
    let mut key = [0; 32];
    pbkdf2::pbkdf2_hmac::<Sha1>(passphrase.as_bytes(), ssid.as_bytes(), WPA_ROUNDS, &mut key);
    Ok(key.iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Can it be a WPA2 passphrase? 8 to 63 printable ASCII characters (IEEE 802.11-2020, J.4.1).
pub fn is_passphrase(text: &str) -> bool {
    (8..=63).contains(&text.len()) && text.bytes().all(|byte| (32..=126).contains(&byte))
}

/// An Argon2id hash that the box can check without running out of memory.
pub(super) fn is_phc(text: &str) -> bool {
    let Ok(hash) = PasswordHash::new(text) else { return false };
    let Ok(parameters) = Params::try_from(&hash) else { return false };
    hash.algorithm == argon2::ARGON2ID_IDENT
        && hash.hash.is_some()
        && hash.salt.is_some()
        && parameters.m_cost() <= DEAREST.0
        && parameters.t_cost() <= DEAREST.1
}
