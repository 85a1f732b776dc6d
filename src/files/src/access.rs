//! Who asks.
//!
//! Behind the pages' location (`/files/`) the front web server has asked `mazetd web` who it is, and says
//! so in a header that it takes from everybody else. Everywhere else, clients that know no pages say login
//! and password (RFC 7617), and that header is worth nothing.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, Response, StatusCode, header};
use mazet_database::Place;
use mazet_directory::remembered::Remembered;
use mazet_directory::{Directory, basic};

use crate::storage::{self, Storage, View};

/// The front web server's word, behind [`PAGES`] alone.
pub const PERSON: &str = "mazet-person";
/// The pages' location.
pub const PAGES: &str = "/files/";
/// Checks login and password.
#[derive(Clone)]
pub struct Access {
    inner: Arc<Inner>,
}

struct Inner {
    directory: Directory,
    storage: Storage,
    remembered: Remembered,
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
        let (directory, remembered) = (Directory::new(place, 4)?, Remembered::new()?);
        let inner = Inner { directory, storage: storage.clone(), remembered };
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
        let now = self.inner.storage.versions().await?;
        let login = self.checked_at(&login, &password, address(headers), Some(now.directory)).await?;
        Ok(self.inner.storage.view_at(&login, now).await?)
    }

    /// The login, as the directory writes it, of who has that login and password.
    ///
    /// # Errors
    /// When it is wrong.
    pub async fn checked(&self, login: &str, password: &str, from: IpAddr) -> Result<String, Refused> {
        self.checked_at(login, password, from, None).await
    }

    async fn checked_at(
        &self,
        login: &str,
        password: &str,
        from: IpAddr,
        version: Option<i64>,
    ) -> Result<String, Refused> {
        let Inner { directory, remembered, .. } = &*self.inner;
        Ok(remembered.check_at(directory, login, password, from, version).await?)
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

/// Who the front web server says it is. Only where it asked: behind [`PAGES`].
pub fn person(path: &str, headers: &HeaderMap) -> Option<String> {
    if !path.starts_with(PAGES) {
        return None;
    }
    let login = headers.get(PERSON)?.to_str().ok()?.trim();
    (!login.is_empty()).then(|| login.to_owned())
}

fn credentials(headers: &HeaderMap) -> Option<(String, String)> {
    basic::credentials(headers.get(header::AUTHORIZATION)?.to_str().ok()?)
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
    fn the_front_web_servers_word_counts_on_pages_alone() {
        let headers = headers(header::HeaderName::from_static(PERSON), "ada");
        assert_eq!(person("/files/x", &headers).as_deref(), Some("ada"));
        for path in ["/dav/", "/remote.php/dav/", "/files", "/", "/s/files/"] {
            assert_eq!(person(path, &headers), None, "{path}");
        }
    }
}
