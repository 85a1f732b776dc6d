//! Who asks.
//!
//! Behind the pages' location (`/files/`) the front web server has asked `mazetd web` who it is, and says
//! so in a header that it takes from everybody else. Everywhere else, clients that know no pages say login
//! and password (RFC 7617), and that header is worth nothing.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, Mac as _};
use mazet_database::Place;
use mazet_directory::{ApplicationPasswordId, Directory, sign_in};
use sha2::{Digest as _, Sha256};
use tokio::join;

use crate::storage::{self, Storage, View};

/// The front web server's word, behind [`PAGES`] alone.
pub const PERSON: &str = "mazet-person";
/// The pages' location.
pub const PAGES: &str = "/files/";
/// How long a password that was right is known; whether it still counts is asked each time.
const LIFE: Duration = Duration::from_secs(15 * 60);
/// Most passwords that are known at a time.
const MOST: usize = 1000;
/// Passwords that are checked at a time, by login.
const GATES: usize = 16;

/// Checks login and password.
#[derive(Clone)]
pub struct Access {
    inner: Arc<Inner>,
}

struct Inner {
    directory: Directory,
    storage: Storage,
    /// Of this process alone: what is known is no hash of a password for anybody else.
    key: [u8; 32],
    known: Mutex<HashMap<[u8; 32], Known>>,
    /// Many requests with a new password at a time: the first one checks it.
    gates: [tokio::sync::Mutex<()>; GATES],
}

/// A password that was right.
#[derive(Clone)]
struct Known {
    what: What,
    since: Instant,
}

/// What it was.
#[derive(Clone, PartialEq, Eq)]
enum What {
    Application(ApplicationPasswordId),
    /// The person's own; SHA-256 of the directory's hash of it.
    Own([u8; 32]),
}

/// Why somebody is not let in.
#[derive(Debug)]
pub enum Refused {
    /// Login or password are missing or wrong.
    Unknown,
    /// Too many tries.
    TooMany(Duration),
    /// The directory does not answer.
    Unavailable(String),
}

impl Access {
    /// Passwords of the directory at `place`, for the files of `storage`.
    ///
    /// # Errors
    /// When the kernel gives no random numbers, or the pool cannot be put together.
    pub fn new(place: &Place, storage: &Storage) -> anyhow::Result<Self> {
        let mut key = [0; 32];
        getrandom::fill(&mut key)?;
        let inner = Inner {
            directory: Directory::new(place, 4)?,
            storage: storage.clone(),
            key,
            known: Mutex::default(),
            gates: Default::default(),
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The directory, as the files' role sees it.
    pub(crate) fn directory(&self) -> &Directory {
        &self.inner.directory
    }

    /// The login of who asks with these headers (RFC 7617).
    ///
    /// # Errors
    /// When nobody does, or may not.
    pub async fn basic(&self, headers: &HeaderMap) -> Result<String, Refused> {
        let (login, password) = credentials(headers).ok_or(Refused::Unknown)?;
        self.checked(&login, &password, address(headers)).await
    }

    /// What the person sees who asks with these headers.
    ///
    /// # Errors
    /// When nobody does, or may not.
    pub async fn view(&self, headers: &HeaderMap) -> Result<View, Refused> {
        let (login, password) = credentials(headers).ok_or(Refused::Unknown)?;
        let told = login.trim().to_lowercase();
        // Asked at the same time; what they see counts once they may.
        let asked = (self.checked(&login, &password, address(headers)), self.inner.storage.folk(&told));
        let (checked, folk) = join!(asked.0, asked.1);
        let login = checked?;
        let folk = if login == told { folk? } else { self.inner.storage.folk(&login).await? };
        Ok(self.inner.storage.view_of(&login, &folk).await?)
    }

    /// The login, as the directory writes it, of who has that login and password.
    ///
    /// # Errors
    /// When it is wrong.
    pub async fn checked(&self, login: &str, password: &str, from: IpAddr) -> Result<String, Refused> {
        let login = login.trim().to_lowercase();
        let key = self.key_of(&login, password);
        if self.still(&login, &key).await? {
            return Ok(login);
        }
        let gate = usize::from(Sha256::digest(&login)[0]) % GATES;
        let _held = self.inner.gates[gate].lock().await;
        // Who waited finds what the one before found.
        if self.still(&login, &key).await? {
            return Ok(login);
        }
        let signed = sign_in::application(&self.inner.directory, &login, password, from).await?;
        let what = match signed.application {
            Some(id) => What::Application(id),
            None => What::Own(self.own(&signed.login).await?.ok_or(Refused::Unknown)?),
        };
        self.keep(key, what);
        Ok(signed.login)
    }

    fn key_of(&self, login: &str, password: &str) -> [u8; 32] {
        let mut mac = Hmac::<Sha256>::new_from_slice(&self.inner.key).unwrap_or_else(|_| unreachable!());
        mac.update(login.as_bytes());
        mac.update(&[0]);
        mac.update(password.as_bytes());
        mac.finalize().into_bytes().into()
    }

    /// Was this right a while ago, and does it still count?
    async fn still(&self, login: &str, key: &[u8; 32]) -> Result<bool, Refused> {
        let known = {
            let mut all = self.inner.known.lock().unwrap_or_else(PoisonError::into_inner);
            all.retain(|_, known| known.since.elapsed() < LIFE);
            all.get(key).cloned()
        };
        let Some(known) = known else { return Ok(false) };
        let counts = match &known.what {
            What::Application(id) => self.has(login, *id).await?,
            What::Own(digest) => self.own(login).await?.is_some_and(|now| now == *digest),
        };
        if !counts {
            self.inner.known.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
        }
        Ok(counts)
    }

    fn keep(&self, key: [u8; 32], what: What) {
        let mut all = self.inner.known.lock().unwrap_or_else(PoisonError::into_inner);
        if all.len() >= MOST {
            let oldest = all.iter().min_by_key(|(_, known)| known.since).map(|(key, _)| *key);
            oldest.map(|oldest| all.remove(&oldest));
        }
        all.insert(key, Known { what, since: Instant::now() });
    }

    /// Does the application password still exist, of somebody who may sign in?
    async fn has(&self, login: &str, id: ApplicationPasswordId) -> Result<bool, Refused> {
        let client = self.inner.storage.directory().await?;
        let statement =
            "select 1 from service_application_login where login = $1 and application_password_id = $2";
        let statement = client.prepare_cached(statement).await?;
        Ok(client.query_opt(&statement, &[&login, &id.0]).await?.is_some())
    }

    /// SHA-256 of the directory's hash of somebody's own password, where that is enough.
    async fn own(&self, login: &str) -> Result<Option<[u8; 32]>, Refused> {
        let client = self.inner.storage.directory().await?;
        let statement = client.prepare_cached("select password from service_login where login = $1").await?;
        let row = client.query_opt(&statement, &[&login]).await?;
        Ok(row.map(|row| Sha256::digest(row.get::<_, &str>(0)).into()))
    }
}

impl Refused {
    /// What the client is told.
    pub fn response(&self) -> Response<Body> {
        let (status, name, value) = match self {
            Self::Unknown => {
                let ask = HeaderValue::from_static("Basic realm=\"Mazet\", charset=\"UTF-8\"");
                (StatusCode::UNAUTHORIZED, header::WWW_AUTHENTICATE, ask)
            }
            Self::TooMany(after) => {
                (StatusCode::TOO_MANY_REQUESTS, header::RETRY_AFTER, after.as_secs().max(1).into())
            }
            Self::Unavailable(why) => {
                eprintln!("asking the directory: {why}");
                (StatusCode::SERVICE_UNAVAILABLE, header::RETRY_AFTER, 5.into())
            }
        };
        let mut response = Response::new(Body::empty());
        *response.status_mut() = status;
        response.headers_mut().insert(name, value);
        response
    }
}

impl From<mazet_directory::Error> for Refused {
    fn from(error: mazet_directory::Error) -> Self {
        match error {
            mazet_directory::Error::TooMany { retry_after } => Self::TooMany(retry_after),
            mazet_directory::Error::Unavailable(_) | mazet_directory::Error::Internal(_) => {
                Self::Unavailable(error.to_string())
            }
            _ => Self::Unknown,
        }
    }
}

impl From<storage::Error> for Refused {
    fn from(error: storage::Error) -> Self {
        match error {
            storage::Error::NotFound => Self::Unknown,
            error => Self::Unavailable(error.to_string()),
        }
    }
}

impl From<tokio_postgres::Error> for Refused {
    fn from(error: tokio_postgres::Error) -> Self {
        Self::Unavailable(error.to_string())
    }
}

/// Who the front web server says it is. Only where it asked: behind [`PAGES`].
pub fn person(path: &str, headers: &HeaderMap) -> Option<String> {
    if !path.starts_with(PAGES) {
        return None;
    }
    let login = headers.get(PERSON)?.to_str().ok()?.trim();
    (!login.is_empty()).then(|| login.to_owned())
}

fn credentials(headers: &HeaderMap) -> Option<(String, String)> {
    let header = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    let (scheme, told) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let told = String::from_utf8(STANDARD.decode(told.trim()).ok()?).ok()?;
    let (login, password) = told.split_once(':')?;
    Some((login.to_owned(), password.to_owned()))
}

/// The visitor of the front web server, which replaces this header.
pub fn address(headers: &HeaderMap) -> IpAddr {
    let header = headers.get("x-forwarded-for").and_then(|header| header.to_str().ok());
    let last = header.and_then(|header| header.rsplit(',').next()?.trim().parse::<IpAddr>().ok());
    last.map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: header::HeaderName, value: &str) -> HeaderMap {
        HeaderMap::from_iter([(name, HeaderValue::from_str(value).expect("a value"))])
    }

    #[test]
    fn login_and_password_are_told_apart_at_the_first_colon() {
        let told = credentials(&headers(header::AUTHORIZATION, "basic YWRhOmE6YsOp"));
        assert_eq!(told, Some(("ada".to_owned(), "a:bé".to_owned())));
        for bad in ["Bearer YWRhOmE=", "Basic !!", "Basic YWRh", "Basic"] {
            assert_eq!(credentials(&headers(header::AUTHORIZATION, bad)), None, "{bad}");
        }
    }

    #[test]
    fn the_front_web_servers_word_counts_on_pages_alone() {
        let headers = headers(header::HeaderName::from_static(PERSON), "ada");
        assert_eq!(person("/files/x", &headers).as_deref(), Some("ada"));
        for path in ["/dav/", "/remote.php/dav/", "/files", "/", "/s/files/"] {
            assert_eq!(person(path, &headers), None, "{path}");
        }
    }
}
