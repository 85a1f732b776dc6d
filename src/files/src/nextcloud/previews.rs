//! Small pictures: three addresses, by number or path of the file, in the person's own view.
//!
//! | address | the file |
//! |---|---|
//! | `/index.php/core/preview?fileId=7&x=256&y=256&a=1` | by its number |
//! | `/index.php/core/preview.png?file=/Photos/a.jpg&x=256&y=256` | by its path |
//! | `/index.php/apps/files/api/v1/thumbnail/256/256/Photos/a.jpg` | by its path |
//!
//! `a=1`: all of the picture, within x and y; else x and y are filled, and what is more is cut off. There
//! is none of what is no picture: these clients have symbols of their own.

use axum::Router;
use axum::extract::{Path, Query, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use axum::routing::get;

use super::Cloud;
use super::answer::{Fault, MISSING, Result, empty, typed};
use super::fields::{Fields, field};
use crate::pictures::Wish;
use crate::storage::{Entry, Error, View};

/// Longest side, in pixels: a screen's.
const LONGEST: u32 = 2048;
/// A side of which nothing is said, in pixels.
const SIDE: u32 = 32;

pub(super) fn router() -> Router<Cloud> {
    Router::new()
        .route("/index.php/core/preview", get(by_number))
        .route("/index.php/core/preview.png", get(by_path))
        .route("/index.php/apps/files/api/v1/thumbnail/{x}/{y}/{*path}", get(thumbnail))
}

/// Which file is meant.
enum Which {
    Number(i64),
    Path(String),
}

async fn by_number(State(cloud): State<Cloud>, headers: HeaderMap, query: Query<Fields>) -> Response {
    let which = field(&query, "fileId").and_then(|number| number.parse().ok()).map(Which::Number);
    cloud.pictured(&headers, which, wish(&query)).await
}

async fn by_path(State(cloud): State<Cloud>, headers: HeaderMap, query: Query<Fields>) -> Response {
    let which = field(&query, "file").map(|path| Which::Path(path.to_owned()));
    cloud.pictured(&headers, which, wish(&query)).await
}

async fn thumbnail(
    State(cloud): State<Cloud>,
    headers: HeaderMap,
    Path((x, y, path)): Path<(String, String, String)>,
) -> Response {
    cloud.pictured(&headers, Some(Which::Path(path)), wished(Some(&x), Some(&y), true)).await
}

/// None: no picture has that size.
fn wish(query: &Fields) -> Option<Wish> {
    let whole = field(query, "a").is_some_and(|a| a == "1" || a == "true");
    wished(field(query, "x"), field(query, "y"), !whole)
}

fn wished(x: Option<&str>, y: Option<&str>, crop: bool) -> Option<Wish> {
    let side = |text: Option<&str>| match text {
        None => Some(SIDE),
        Some(text) => text.parse::<u32>().ok().filter(|side| *side > 0).map(|side| side.min(LONGEST)),
    };
    Some(Wish { width: side(x)?, height: side(y)?, crop })
}

impl Cloud {
    /// Answers who says login and password.
    async fn pictured(&self, headers: &HeaderMap, which: Option<Which>, wish: Option<Wish>) -> Response {
        let login = match self.access.basic(headers).await {
            Ok(login) => login,
            Err(refused) => return refused.response(),
        };
        let (Some(which), Some(wish)) = (which, wish) else {
            return Fault::Request(StatusCode::BAD_REQUEST, "a picture has a file and a size").answer();
        };
        let answer = async { self.picture(headers, &self.storage.view(&login).await?, which, wish).await };
        answer.await.unwrap_or_else(Fault::answer)
    }

    async fn picture(&self, headers: &HeaderMap, view: &View, which: Which, wish: Wish) -> Result {
        let path = match which {
            Which::Number(id) => view.by_id(id).await?.path,
            Which::Path(path) => path,
        };
        let (file, entry) = view.open(&path).await.map_err(|error| match error {
            // A folder has none.
            Error::Kind => MISSING,
            error => error.into(),
        })?;
        let etag = etag(&entry, wish);
        if headers.get(header::IF_NONE_MATCH).is_some_and(|known| *known == etag) {
            return Ok(described(empty(StatusCode::NOT_MODIFIED), &etag));
        }
        let drawn = self.pictures.of(file, wish).await.map_err(Error::from)?;
        let drawn = drawn.ok_or(Fault::Request(StatusCode::NOT_FOUND, "there is no picture of it"))?;
        Ok(described(typed(StatusCode::OK, drawn.media, drawn.bytes), &etag))
    }
}

/// Letters, digits and quotes.
fn etag(entry: &Entry, wish: Wish) -> String {
    format!("\"{}-{}-{}-{}\"", entry.etag, wish.width, wish.height, u8::from(wish.crop))
}

fn described(mut answer: Response, etag: &str) -> Response {
    let headers = answer.headers_mut();
    if let Ok(etag) = HeaderValue::from_str(etag) {
        headers.insert(header::ETAG, etag);
    }
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static("default-src 'none'; sandbox"));
    answer
}
