//! What a share link opens: `/s/<token>`, for everybody who has it.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use axum::extract::{Form, FromRequestParts, Path, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Redirect, Response};
use mazet_model::settings::Language;
use serde_json::{Value, json};

use super::failure::Failure;
use super::member::query_of;
use super::view::Page;
use super::{Site, about, catalogue, folder, language, link, raw as bytes, shown, zip as archive};
use crate::shares::Share;
use crate::storage::{Entry, Error, View};

/// The cookie that proves a password; it is sent to its link alone.
const COOKIE: &str = "__Secure-mazet-share";

/// Who follows a link.
pub struct Visitor {
    site: Arc<Site>,
    language: Language,
    address: IpAddr,
    token: String,
    share: Share,
    /// They need give no password (any more).
    open: bool,
    method: Method,
    headers: HeaderMap,
    uri: Uri,
}

impl FromRequestParts<Arc<Site>> for Visitor {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, site: &Arc<Site>) -> Result<Self, Failure> {
        let path = parts.uri.path().strip_prefix("/s/").unwrap_or_default();
        let token = path.split('/').next().unwrap_or_default().to_owned();
        let address = address(&parts.headers);
        let share = site.shares.find(&token, address).await.map_err(hidden)?;
        let proof = language::cookie(&parts.headers, COOKIE).unwrap_or_default();
        let open = !share.is_locked() || site.shares.is_proof(&share, proof);
        Ok(Self {
            site: Arc::clone(site),
            language: language::of(&parts.headers),
            address,
            token,
            share,
            open,
            method: parts.method.clone(),
            headers: parts.headers.clone(),
            uri: parts.uri.clone(),
        })
    }
}

/// Whose request it is: the front web server replaces this header.
fn address(headers: &HeaderMap) -> IpAddr {
    let header = headers.get("x-forwarded-for").and_then(|header| header.to_str().ok());
    let last = header.and_then(|header| header.rsplit(',').next()?.trim().parse::<IpAddr>().ok());
    last.map_or(IpAddr::V4(Ipv4Addr::LOCALHOST), |address| address.to_canonical())
}

/// A link that leads nowhere says no more than that.
fn hidden(error: Error) -> Failure {
    match error {
        Error::NotFound | Error::BadName(_) | Error::NoFolder | Error::Kind | Error::Denied => {
            Failure::NoLink
        }
        other => other.into(),
    }
}

/// `GET /s/{token}`.
///
/// # Errors
/// It leads nowhere.
pub async fn show(visitor: Visitor) -> Result<Response, Failure> {
    visitor.page("").await
}

/// `GET /s/{token}/at/{*path}`.
///
/// # Errors
/// There is nothing there.
pub async fn show_within(
    visitor: Visitor,
    Path((_, path)): Path<(String, String)>,
) -> Result<Response, Failure> {
    visitor.page(&path).await
}

/// `GET /s/{token}/raw`: the file itself.
///
/// # Errors
/// It leads nowhere.
pub async fn raw(visitor: Visitor) -> Result<Response, Failure> {
    visitor.raw("").await
}

/// `GET /s/{token}/raw/{*path}`: a file in the folder.
///
/// # Errors
/// There is nothing there.
pub async fn raw_within(
    visitor: Visitor,
    Path((_, path)): Path<(String, String)>,
) -> Result<Response, Failure> {
    visitor.raw(&path).await
}

/// `GET /s/{token}/zip`: the folder.
///
/// # Errors
/// It leads nowhere.
pub async fn zip(visitor: Visitor) -> Result<Response, Failure> {
    visitor.zip("").await
}

/// `GET /s/{token}/zip/{*path}`: a folder in the folder.
///
/// # Errors
/// There is nothing there.
pub async fn zip_within(
    visitor: Visitor,
    Path((_, path)): Path<(String, String)>,
) -> Result<Response, Failure> {
    visitor.zip(&path).await
}

/// `POST /s/{token}`: the password.
///
/// # Errors
/// The link leads nowhere, or there were too many tries.
pub async fn unlock(
    State(_): State<Arc<Site>>,
    visitor: Visitor,
    Form(fields): Form<Vec<(String, String)>>,
) -> Result<Response, Failure> {
    let password = fields.iter().find(|(name, _)| name == "password").map_or("", |(_, value)| value);
    let shares = &visitor.site.shares;
    match shares.is_password(&visitor.share, password, visitor.address).await? {
        Err(wait) => Err(Failure::TooMany(wait.as_secs().max(1))),
        Ok(false) => {
            let text = visitor.say("shared.wrong");
            visitor.locked(StatusCode::FORBIDDEN, &json!([{ "field": "password", "message": text }]))
        }
        Ok(true) => {
            let proof = shares.proof(&visitor.share);
            let path = format!("/s/{}", visitor.token);
            let cookie = format!("{COOKIE}={proof}; Path={path}; Secure; HttpOnly; SameSite=Lax");
            Ok(([(header::SET_COOKIE, cookie)], Redirect::to(&path)).into_response())
        }
    }
}

impl Visitor {
    fn say(&self, key: &str) -> String {
        catalogue::say(self.language, key, &[])
    }

    fn render(
        &self,
        status: StatusCode,
        template: &'static str,
        title: &str,
        data: Value,
    ) -> Result<Response, Failure> {
        let page = Page { template, title, here: self.uri.path(), menu: false, data };
        Ok(self.site.pages.response(self.language, status, &page)?)
    }

    fn locked(&self, status: StatusCode, faults: &Value) -> Result<Response, Failure> {
        let title = self.say("shared.locked_title");
        self.render(
            status,
            "shared-password",
            &title,
            json!({ "action": format!("/s/{}", self.token), "faults": faults }),
        )
    }

    /// What is at `path` below what the link opens.
    async fn at(&self, path: &str) -> Result<(View, Entry), Failure> {
        if !self.open {
            return Err(Failure::NoLink);
        }
        self.site.shares.within(&self.share, path).await.map_err(hidden)
    }

    fn address_of(&self, how: &str, path: &str) -> String {
        let start = format!("/s/{}", self.token);
        match (how, path) {
            ("at", "") => start,
            (how, "") => format!("{start}/{how}"),
            (how, path) => format!("{start}/{how}/{}", link::encoded(path)),
        }
    }

    async fn page(&self, path: &str) -> Result<Response, Failure> {
        if !self.open {
            return self.locked(StatusCode::OK, &json!([]));
        }
        let (view, entry) = self.at(path).await?;
        let download = if entry.is_folder {
            self.address_of("zip", path)
        } else {
            format!("{}?download=1", self.address_of("raw", path))
        };
        let mut data = json!({
            "entry": about::facts(self.language, &entry),
            "up": if path.is_empty() { Value::Null } else { self.address_of("at", link::parent(path)).into() },
            "download": download,
            "left": self.share.most.map(|most| self.left(most)),
            "until": self.share.expires_at.map(|end| self.until(end)),
            "preview": self.preview(&view, &entry, path).await?,
            "pages": Value::Null,
            "entries": Value::Null,
        });
        if entry.is_folder {
            self.list(&view, &entry, path, &mut data).await?;
        }
        self.render(StatusCode::OK, "shared", &entry.name, data)
    }

    /// Where downloads are counted, looking would be one.
    async fn preview(&self, view: &View, entry: &Entry, path: &str) -> Result<Value, Failure> {
        if self.share.most.is_some() {
            return Ok(Value::Null);
        }
        about::preview(view, entry, &self.address_of("raw", path)).await
    }

    async fn list(&self, view: &View, folder: &Entry, path: &str, data: &mut Value) -> Result<(), Failure> {
        let mut entries = view.list(&folder.path).await.map_err(hidden)?;
        folder::sort(&mut entries, folder::By::Name);
        let number = query_of(&self.uri, "page").parse().unwrap_or(1);
        let row = |entry: &Entry| {
            let mut row = about::facts(self.language, entry);
            row["href"] = self.address_of("at", &link::within(path, &entry.name)).into();
            row
        };
        data["entries"] = folder::of_page(&entries, number).iter().map(row).collect();
        data["pages"] = folder::pages(&self.address_of("at", path), folder::By::Name, entries.len(), number);
        Ok(())
    }

    fn left(&self, most: u32) -> String {
        let left = most.saturating_sub(self.share.downloads);
        catalogue::count(self.language, "shared.left", left as usize)
    }

    fn until(&self, end: std::time::SystemTime) -> String {
        catalogue::say(self.language, "shared.until", &[("date", &shown::moment(self.language, end))])
    }

    /// Counts a download; a look at something is none, where they are not limited.
    async fn count(&self, entry: &Entry, is_download: bool) -> Result<(), Failure> {
        if self.method == Method::HEAD || !is_download && self.share.most.is_none() {
            return Ok(());
        }
        let is_part = self.headers.contains_key(header::RANGE);
        self.site.shares.count(&self.share, entry, self.address, is_part).await.map_err(hidden)
    }

    async fn raw(&self, path: &str) -> Result<Response, Failure> {
        let (view, entry) = self.at(path).await?;
        let (file, entry) = view.open(&entry.path).await.map_err(hidden)?;
        let download = bytes::is_download(&self.uri) || self.share.most.is_some();
        let answer = bytes::answer(&self.headers, file, &entry, download).await?;
        // What sends no byte is no download.
        if answer.status().is_success() {
            self.count(&entry, download).await?;
        }
        Ok(answer)
    }

    async fn zip(&self, path: &str) -> Result<Response, Failure> {
        let (view, entry) = self.at(path).await?;
        if !entry.is_folder {
            return Err(Failure::NoLink);
        }
        self.count(&entry, true).await?;
        let name = entry.name.clone();
        if self.method == Method::HEAD {
            return Ok(StatusCode::OK.into_response());
        }
        Ok(archive::answer(&view, vec![entry], &name))
    }
}
