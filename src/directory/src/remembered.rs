//! Passwords that were right a while ago, for clients that say login and password with each request: an
//! Argon2id hash each time would take a core. Whether one still counts is asked each time.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use hmac::{Hmac, Mac as _};
use sha2::{Digest as _, Sha256};

use crate::error::{Error, Result};
use crate::{ApplicationPasswordId, Directory, sign_in};

/// How long a password that was right is known.
const LIFE: Duration = Duration::from_secs(15 * 60);
/// Most passwords that are known at a time.
const MOST: usize = 1000;
/// Passwords that are checked at a time, by login.
const GATES: usize = 16;

/// What this process remembers. It has no hash of a password that means something to another one.
pub struct Remembered {
    key: [u8; 32],
    known: Mutex<HashMap<[u8; 32], Known>>,
    /// Many requests with a new password at a time: the first one checks it.
    gates: [tokio::sync::Mutex<()>; GATES],
}

#[derive(Clone)]
struct Known {
    what: What,
    since: Instant,
    /// The directory's version ([`Directory::version`]) at which it counted; none: nobody said.
    counted: Option<i64>,
}

/// Which password it was.
#[derive(Clone, PartialEq, Eq)]
enum What {
    Application(ApplicationPasswordId),
    /// The person's own; SHA-256 of the directory's hash of it.
    Own([u8; 32]),
}

impl Remembered {
    /// Nothing is known yet.
    ///
    /// # Errors
    /// When the kernel has no random numbers.
    pub fn new() -> Result<Self> {
        let mut key = [0; 32];
        getrandom::fill(&mut key)?;
        Ok(Self { key, known: Mutex::default(), gates: Default::default() })
    }

    /// The login, as the directory writes it, of who has that login and password ([`sign_in::application`]).
    ///
    /// # Errors
    /// [`Error::Refused`], [`Error::TooMany`].
    pub async fn check(
        &self,
        directory: &Directory,
        login: &str,
        password: &str,
        from: IpAddr,
    ) -> Result<String> {
        self.check_at(directory, login, password, from, None).await
    }

    /// The same for who knows the directory's version ([`Directory::version`]) of this moment: what counted at
    /// that version counts, and need not be asked for.
    ///
    /// # Errors
    /// As [`check`](Self::check).
    pub async fn check_at(
        &self,
        directory: &Directory,
        login: &str,
        password: &str,
        from: IpAddr,
        version: Option<i64>,
    ) -> Result<String> {
        let login = login.trim().to_lowercase();
        let key = self.key_of(&login, password);
        if self.still(directory, &login, &key, version).await? {
            return Ok(login);
        }
        let gate = usize::from(Sha256::digest(&login)[0]) % GATES;
        let _held = self.gates[gate].lock().await;
        // Who waited finds what the one before found.
        if self.still(directory, &login, &key, version).await? {
            return Ok(login);
        }
        let signed = sign_in::application(directory, &login, password, from).await?;
        let what = match signed.application {
            Some(id) => What::Application(id),
            None => What::Own(own(directory, &signed.login).await?.ok_or(Error::Refused)?),
        };
        self.keep(key, what);
        Ok(signed.login)
    }

    fn key_of(&self, login: &str, password: &str) -> [u8; 32] {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.key).unwrap_or_else(|_| unreachable!());
        for part in [login.as_bytes(), &[0], password.as_bytes()] {
            mac.update(part);
        }
        mac.finalize().into_bytes().into()
    }

    /// Was this right a while ago, and does it still count?
    async fn still(
        &self,
        directory: &Directory,
        login: &str,
        key: &[u8; 32],
        version: Option<i64>,
    ) -> Result<bool> {
        let known = {
            let mut all = self.known.lock().unwrap_or_else(PoisonError::into_inner);
            all.retain(|_, known| known.since.elapsed() < LIFE);
            all.get(key).cloned()
        };
        let Some(known) = known else { return Ok(false) };
        if version.is_some() && known.counted == version {
            return Ok(true);
        }
        let counts = match &known.what {
            What::Application(id) => has(directory, login, *id).await?,
            What::Own(digest) => own(directory, login).await?.is_some_and(|now| now == *digest),
        };
        let mut all = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if !counts {
            all.remove(key);
        } else if let Some(known) = all.get_mut(key) {
            // Asked after the version was: what changed since has another one.
            known.counted = version;
        }
        Ok(counts)
    }

    fn keep(&self, key: [u8; 32], what: What) {
        let mut all = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MOST {
            let oldest = all.iter().min_by_key(|(_, known)| known.since).map(|(key, _)| *key);
            oldest.map(|oldest| all.remove(&oldest));
        }
        all.insert(key, Known { what, since: Instant::now(), counted: None });
    }
}

/// Does the application password still exist, of somebody who may sign in?
async fn has(directory: &Directory, login: &str, id: ApplicationPasswordId) -> Result<bool> {
    let statement =
        "select 1 from service_application_login where login = $1 and application_password_id = $2";
    let client = directory.client().await?;
    Ok(client.query_opt(&client.prepare_cached(statement).await?, &[&login, &id.0]).await?.is_some())
}

/// SHA-256 of the directory's hash of somebody's own password, where that is enough.
async fn own(directory: &Directory, login: &str) -> Result<Option<[u8; 32]>> {
    let statement = "select password from service_login where login = $1";
    let client = directory.client().await?;
    let row = client.query_opt(&client.prepare_cached(statement).await?, &[&login]).await?;
    Ok(row.map(|row| Sha256::digest(row.get::<_, &str>(0)).into()))
}
