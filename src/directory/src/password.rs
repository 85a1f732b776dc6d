//! Passwords: hashed, never kept.

use std::sync::Arc;

use argon2::password_hash::{PasswordHash, PasswordHasher as _, PasswordVerifier as _, SaltString};
use argon2::{Algorithm, Argon2, Params, Version};
use tokio::sync::Semaphore;

use crate::error::{Error, Fault, Field, Invalid, Result};

/// Memory in KiB, passes, lanes: OWASP's first choice for Argon2id, 19 MiB at most per login.
const COST: (u32, u32, u32) = (19_456, 2, 1);
/// Hashes made at a time, whatever the number of visitors: each takes 19 MiB.
const AT_A_TIME: usize = 2;
/// Shortest password, in characters (NIST SP 800-63B-4 § 3.1.1.2 asks for 15 where it stands alone; the
/// pages judge strength as well).
pub const SHORTEST: usize = 12;
/// Longest password, in bytes: no visitor may have a book hashed.
pub const LONGEST: usize = 256;
/// Hash of no password: checked where there is none, so that the answer takes as long.
const NOBODY: &str =
    "$argon2id$v=19$m=19456,t=2,p=1$bWF6ZXQgaGFzIG5vbmU$kTYDXkSbL6t9LmhwUVvYBAgpIQLHF0bYl6yMV/LqPFY";

/// Hashes and checks passwords on threads of its own, a few at a time.
#[derive(Clone)]
pub(crate) struct Hasher {
    seats: Arc<Semaphore>,
}

impl Hasher {
    pub(crate) fn new() -> Self {
        Self { seats: Arc::new(Semaphore::new(AT_A_TIME)) }
    }

    /// The PHC string of `password`.
    pub(crate) async fn hash(&self, password: &str) -> Result<String> {
        let password = password.to_owned();
        self.aside(move || hash(&password)).await?
    }

    /// Is it the password with the PHC string `known`? None is wrong, and takes as long.
    pub(crate) async fn verify(&self, password: &str, known: Option<String>) -> Result<bool> {
        let password = password.to_owned();
        self.aside(move || {
            let there = known.is_some();
            verify(&password, known.as_deref().unwrap_or(NOBODY)) && there
        })
        .await
    }

    async fn aside<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Result<T> {
        let failed = |_| Error::Internal("hashing a password was broken off".to_owned());
        let seat = Arc::clone(&self.seats).acquire_owned().await;
        let seat = seat.map_err(|_| Error::Internal("nobody hashes passwords any more".to_owned()))?;
        tokio::task::spawn_blocking(move || {
            let done = work();
            drop(seat);
            done
        })
        .await
        .map_err(failed)
    }
}

/// Refuses a password that is too short or too long. Whether it is easily guessed, the pages judge.
///
/// # Errors
/// [`Error::Invalid`].
pub fn check(password: &str) -> Result<()> {
    match () {
        () if password.is_empty() => Err(Invalid::error(Field::Password, Fault::Empty)),
        () if password.chars().count() < SHORTEST => Err(Invalid::error(Field::Password, Fault::Short)),
        () if password.len() > LONGEST => Err(Invalid::error(Field::Password, Fault::Long)),
        () => Ok(()),
    }
}

/// The PHC string of `password`: Argon2id (RFC 9106) with a random salt of 16 bytes.
///
/// # Errors
/// When the kernel has no random numbers.
pub fn hash(password: &str) -> Result<String> {
    // Neither the password nor a text derived from it may enter an error.
    let failed = || Error::Internal("hashing a password failed".to_owned());
    let mut salt = [0; 16];
    getrandom::fill(&mut salt)?;
    let salt = SaltString::encode_b64(&salt).map_err(|_| failed())?;
    let (memory, passes, lanes) = COST;
    let parameters = Params::new(memory, passes, lanes, None).map_err(|_| failed())?;
    let hasher = Argon2::new(Algorithm::Argon2id, Version::V0x13, parameters);
    Ok(hasher.hash_password(password.as_bytes(), &salt).map_err(|_| failed())?.to_string())
}

/// In constant time for the hash; the cost stands in `phc`.
fn verify(password: &str, phc: &str) -> bool {
    let password = if password.len() > LONGEST { "" } else { password };
    PasswordHash::new(phc)
        .is_ok_and(|known| Argon2::default().verify_password(password.as_bytes(), &known).is_ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_is_one_that_every_service_can_check() {
        let phc = hash("correct horse battery").expect("hashed");
        assert!(phc.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{phc}");
        assert!(verify("correct horse battery", &phc));
        assert!(!verify("correct horse", &phc));
        assert!(!verify("", &phc));
    }

    #[test]
    fn the_hash_of_nobody_costs_as_much_as_another() {
        let known = PasswordHash::new(NOBODY).expect("a PHC string");
        let parameters = Params::try_from(&known).expect("parameters");
        assert_eq!((parameters.m_cost(), parameters.t_cost(), parameters.p_cost()), COST);
        assert!(!verify("", NOBODY));
    }

    #[test]
    fn a_password_has_a_sound_length() {
        assert!(check("twelve chars").is_ok());
        assert!(check("eleven char").is_err());
        assert!(check(&"x".repeat(257)).is_err());
    }
}
