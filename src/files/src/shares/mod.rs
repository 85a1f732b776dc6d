//! Links that open a file or folder to who has them: to read, until a day, with a password, so many times.
//!
//! | module | subject |
//! |---|---|
//! | [`Share`] | rows of the database |
//! | `made` | what their makers do with them |
//! | `tries` | passwords that somebody guesses |
//! | `seen` | downloads that go on |
//!
//! Of a link's token the database keeps the SHA-256, and a random number from which the token is made with
//! a key that lies beside the files: the maker's sync client, which shows the address again, can be told it;
//! who reads the database alone learns none. What a link opens is seen with its maker's eyes: when they
//! lose the right to see it, or leave, their link leads nowhere.

mod made;
mod seen;
mod tries;

use std::net::IpAddr;
use std::time::{Duration, SystemTime};

use argon2::password_hash::PasswordHash;
use argon2::{Argon2, PasswordVerifier as _};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac as _};
use sha2::{Digest as _, Sha256};
use tokio::sync::Semaphore;
use tokio_postgres::Row;

use crate::storage::{Entry, Error, Result, Storage, View};

/// The key that tokens are made with.
const KEY: &str = "links.key";
/// Longest password, in bytes: no visitor may have a book hashed.
const LONGEST: usize = 256;
/// Shortest password that a link may be given, in bytes …
const SHORT: usize = 4;
/// … and longest.
const LONG: usize = 200;
/// So long a password that was given holds.
const UNLOCKED: Duration = Duration::from_secs(12 * 3600);

/// A link.
#[derive(Debug, Clone)]
pub struct Share {
    /// Its number.
    pub id: i64,
    /// What it is for.
    pub label: String,
    /// Login of who made it.
    pub by: String,
    /// When it ends; none: never.
    pub expires_at: Option<SystemTime>,
    /// Downloads so far.
    pub downloads: u32,
    /// Most of them; none: any number.
    pub most: Option<u32>,
    /// When it was made.
    pub created_at: SystemTime,
    node: i64,
    password: Option<String>,
    seed: Option<Vec<u8>>,
}

/// What somebody wants a link to be.
#[derive(Debug, Default)]
pub struct Wish {
    /// What it is for.
    pub label: String,
    /// When it ends.
    pub expires_at: Option<SystemTime>,
    /// Empty: none.
    pub password: String,
    /// Most downloads.
    pub most: Option<u32>,
}

/// What is to be another about a link; none: it stays.
#[derive(Debug, Default)]
pub struct Change {
    /// What it is for.
    pub label: Option<String>,
    /// When it ends, if it does.
    pub expires_at: Option<Option<SystemTime>>,
    /// Empty: it has none any more.
    pub password: Option<String>,
}

/// May a link have this password?
pub fn is_password_good(password: &str) -> bool {
    (SHORT..=LONG).contains(&password.len())
}

/// The links of all people.
pub struct Shares {
    storage: Storage,
    tries: tries::Tries,
    seen: seen::Seen,
    /// With which cookies are signed that prove a password; another one at each start.
    key: [u8; 32],
    /// With which tokens are made.
    tokens: [u8; 32],
    /// Passwords checked at a time: each takes 19 MiB.
    seats: Semaphore,
}

const COLUMNS: &str =
    "id, name, created_by, expires_at, downloads, max_downloads, created_at, node_id, password, seed";
/// What of them still leads somewhere.
const ALIVE: &str =
    "(expires_at is null or expires_at > now()) and (max_downloads is null or downloads < max_downloads)";

fn share(row: &Row) -> Share {
    Share {
        id: row.get(0),
        label: row.get(1),
        by: row.get(2),
        expires_at: row.get(3),
        downloads: row.get::<_, i32>(4).unsigned_abs(),
        most: row.get::<_, Option<i32>>(5).map(i32::unsigned_abs),
        created_at: row.get(6),
        node: row.get(7),
        password: row.get(8),
        seed: row.get(9),
    }
}

fn hash(token: &str) -> Vec<u8> {
    Sha256::digest(token.as_bytes()).to_vec()
}

impl Share {
    /// Must a password be given?
    pub fn is_locked(&self) -> bool {
        self.password.is_some()
    }

    /// Does it lead nowhere any more?
    pub fn is_over(&self) -> bool {
        let late = self.expires_at.is_some_and(|end| end <= SystemTime::now());
        late || self.most.is_some_and(|most| self.downloads >= most)
    }
}

impl Shares {
    /// Links into these files.
    ///
    /// # Errors
    /// The kernel has no random numbers, or the disk does not give the key.
    pub fn new(storage: Storage) -> Result<Self> {
        let mut key = [0; 32];
        getrandom::fill(&mut key).map_err(|error| Error::Internal(error.to_string()))?;
        let tokens = storage.secret(KEY)?;
        let (tries, seen) = (tries::Tries::default(), seen::Seen::default());
        Ok(Self { storage, tries, seen, key, tokens, seats: Semaphore::new(1) })
    }

    /// The link with a token. One that is over is found by those alone whose download of it goes on.
    ///
    /// # Errors
    /// [`Error::NotFound`], whatever the reason.
    pub async fn find(&self, token: &str, address: IpAddr) -> Result<Share> {
        let client = self.storage.files().await?;
        let statement =
            client.prepare_cached(&format!("select {COLUMNS} from share where sha256 = $1")).await?;
        let row = client.query_opt(&statement, &[&hash(token)]).await?;
        let share = row.as_ref().map(share).ok_or(Error::NotFound)?;
        let late = share.expires_at.is_some_and(|end| end <= SystemTime::now());
        if share.is_over() && (late || !self.seen.knows(share.id, address).await) {
            return Err(Error::NotFound);
        }
        Ok(share)
    }

    /// What a link opens, with its maker's eyes.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it is gone, or its maker does not see it any more.
    pub async fn opened(&self, share: &Share) -> Result<(View, Entry)> {
        let view = self.storage.view(&share.by).await?;
        let entry = view.by_id(share.node).await?;
        Ok((view, entry))
    }

    /// What is at `path` below what a link opens, and nowhere else.
    ///
    /// # Errors
    /// [`Error::NotFound`].
    pub async fn within(&self, share: &Share, path: &str) -> Result<(View, Entry)> {
        let (view, root) = self.opened(share).await?;
        if path.is_empty() {
            return Ok((view, root));
        }
        let entry = view.stat(&format!("{}/{path}", root.path)).await?;
        if !view.is_within(entry.id, share.node).await? {
            return Err(Error::NotFound);
        }
        Ok((view, entry))
    }

    /// Counts a download of `entry`, where it is a new one: the parts of one that goes on count once.
    ///
    /// # Errors
    /// [`Error::NotFound`] when the link is used up.
    pub async fn count(&self, share: &Share, entry: &Entry, address: IpAddr, is_part: bool) -> Result<()> {
        let mut seen = self.seen.lock().await;
        let which = (share.id, entry.id, address);
        if is_part && seen.goes_on(which) {
            return Ok(());
        }
        let client = self.storage.files().await?;
        let update = format!("update share set downloads = downloads + 1 where id = $1 and {ALIVE}");
        if client.execute(&update, &[&share.id]).await? == 0 {
            return Err(Error::NotFound);
        }
        seen.began(which);
        Ok(())
    }

    /// Is this the password? Seconds until the next try, when there were too many.
    ///
    /// # Errors
    /// When it cannot be checked.
    pub async fn is_password(
        &self,
        share: &Share,
        password: &str,
        address: IpAddr,
    ) -> Result<std::result::Result<bool, Duration>> {
        let Some(known) = share.password.clone() else { return Ok(Ok(true)) };
        // Counted before it is looked at: many at a time are as many tries.
        if let Err(wait) = self.tries.count(share.id, address) {
            return Ok(Err(wait));
        }
        let password = if password.len() > LONGEST { String::new() } else { password.to_owned() };
        let _seat = self.seats.acquire().await.map_err(|error| Error::Internal(error.to_string()))?;
        let check = move || {
            let known = PasswordHash::new(&known);
            known.is_ok_and(|known| Argon2::default().verify_password(password.as_bytes(), &known).is_ok())
        };
        let right =
            tokio::task::spawn_blocking(check).await.map_err(|error| Error::Internal(error.to_string()))?;
        if right {
            self.tries.was_right(share.id, address);
        }
        Ok(Ok(right))
    }

    /// What proves, for some hours, that the password was given.
    pub fn proof(&self, share: &Share) -> String {
        let end = seconds(SystemTime::now() + UNLOCKED);
        format!("{end}.{}", URL_SAFE_NO_PAD.encode(self.mac(share, end).finalize().into_bytes()))
    }

    /// Does it?
    pub fn is_proof(&self, share: &Share, proof: &str) -> bool {
        let Some((end, mac)) = proof.split_once('.') else { return false };
        let (Ok(end), Ok(mac)) = (end.parse::<u64>(), URL_SAFE_NO_PAD.decode(mac)) else { return false };
        end > seconds(SystemTime::now()) && self.mac(share, end).verify_slice(&mac).is_ok()
    }

    fn mac(&self, share: &Share, end: u64) -> Hmac<Sha256> {
        let mut mac = keyed(&self.key);
        mac.update(
            format!("{}.{end}.{}", share.id, share.password.as_deref().unwrap_or_default()).as_bytes(),
        );
        mac
    }
}

fn keyed(key: &[u8; 32]) -> Hmac<Sha256> {
    let mut block = [0; 64];
    block[..32].copy_from_slice(key);
    Hmac::<Sha256>::new(&block.into())
}

fn seconds(time: SystemTime) -> u64 {
    time.duration_since(std::time::UNIX_EPOCH).map_or(0, |since| since.as_secs())
}
