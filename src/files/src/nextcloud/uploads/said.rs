//! What headers say of a file that comes, and what is said of it then.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;

use crate::nextcloud::answer::{Result, empty, tell};
use crate::storage::{Entry, Error, Only, View};

/// When the file was last changed, in seconds since 1970.
const MODIFIED: &str = "x-oc-mtime";

/// What is at `path`, if anything is.
pub(super) async fn existing(view: &View, path: &str) -> Result<Option<Entry>> {
    match view.stat(path).await {
        Ok(entry) => Ok(Some(entry)),
        Err(Error::NotFound) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// What must be at the path (RFC 9110 § 13.1): looked at now, and again when the file takes its place.
///
/// # Errors
/// When something else is there now.
pub(super) fn only(headers: &HeaderMap, there: Option<&Entry>) -> Result<Only> {
    let text = |name| headers.get(name).and_then(|value: &HeaderValue| value.to_str().ok()).map(str::trim);
    let good = match (text(header::IF_MATCH), text(header::IF_NONE_MATCH)) {
        (Some("*"), _) => there.is_some(),
        (Some(etag), _) => match there.filter(|entry| etag.trim_matches('"') == entry.etag) {
            Some(entry) => return Ok(Only::Unchanged(entry.etag.clone())),
            None => false,
        },
        (None, Some("*")) if there.is_none() => return Ok(Only::New),
        (None, Some("*")) => false,
        (None, _) => true,
    };
    if good { Ok(Only::Any) } else { Err(Error::Changed.into()) }
}

/// A number that a header says.
pub(super) fn number(headers: &HeaderMap, name: &str) -> Option<u64> {
    headers.get(name)?.to_str().ok()?.trim().parse().ok()
}

/// When the file was last changed, where the client says it.
pub(super) fn modified(headers: &HeaderMap) -> Option<SystemTime> {
    // What is 0, or later than the year 9999, is a client's mistake.
    let seconds = number(headers, MODIFIED).filter(|seconds| (1..253_402_214_400).contains(seconds))?;
    Some(UNIX_EPOCH + Duration::from_secs(seconds))
}

/// The answer when a file took its place.
pub(super) fn stored(headers: &HeaderMap, before: Option<&Entry>, entry: &Entry) -> Response {
    let mut answer = empty(if before.is_some() { StatusCode::NO_CONTENT } else { StatusCode::CREATED });
    tell(answer.headers_mut(), entry);
    if modified(headers).is_some() {
        answer.headers_mut().insert(HeaderName::from_static(MODIFIED), HeaderValue::from_static("accepted"));
    }
    answer
}
