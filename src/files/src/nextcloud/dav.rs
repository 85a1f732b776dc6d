//! Files: the box's WebDAV, with the properties and headers that these clients read.

use std::collections::BTreeSet;
use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode};

use super::answer::{Fault, Result, tell};
use super::path;
use super::properties::Properties;
use crate::shares::Shares;
use crate::storage::View;

/// Answers a request for the file at `path`, which has `prefix` before it in addresses.
pub(super) async fn answer(
    shares: &Shares,
    view: &View,
    prefix: &str,
    path: String,
    request: Request<Body>,
) -> Result {
    let made = match request.method().as_str() {
        "MKCOL" => Some(path),
        "MOVE" | "COPY" => destination(view, request.headers()).ok(),
        _ => None,
    };
    // One question for a whole folder.
    let properties = request.method().as_str() == "PROPFIND";
    let linked = if properties { shares.linked(view).await? } else { BTreeSet::new() };
    let live = Arc::new(Properties { linked });
    let answer = crate::dav::answer(view.clone(), prefix, Some(live), request).await;
    let mut response = answer.response;
    let entry = match (answer.written, made) {
        (Some(entry), _) => Some(entry),
        (None, Some(path)) if response.status().is_success() => view.stat(&path).await.ok(),
        _ => None,
    };
    if let Some(entry) = entry {
        tell(response.headers_mut(), &entry);
    }
    Ok(response)
}

/// The path that the header `Destination` means: an address, or the path of one (RFC 4918 § 10.3).
///
/// # Errors
/// When there is none, or it is not one of the person's files.
pub(super) fn destination(view: &View, headers: &HeaderMap) -> Result<String> {
    let bad = Fault::Request(StatusCode::BAD_REQUEST, "the header Destination is missing or wrong");
    let Some(address) = headers.get("destination").and_then(|value| value.to_str().ok()) else {
        return Err(bad);
    };
    let path = match address.split_once("://") {
        Some((_, rest)) => rest.find('/').map_or("", |at| &rest[at..]),
        None => address,
    };
    match path::place(path, view.login()) {
        Some(path::Place::File { path, .. }) => Ok(path),
        _ => Err(Fault::Request(StatusCode::CONFLICT, "the destination is not among the person's files")),
    }
}
