//! Large files, in pieces: a folder is made for the upload, numbered pieces are put into it, and the folder's
//! `.file` is moved to where the file is to be. Broken off, it goes on with the piece that was not whole.
//!
//! All pieces lie in one file, each where it came (mostly in order, several at a time). Where that is also
//! their order in the end, as it nearly always is, this file takes its place as it is, and nothing is
//! copied. Room for the whole is kept from the beginning.

mod live;
mod rows;
mod said;

use axum::body::Body;
use axum::http::{HeaderMap, Method, Request, StatusCode};
use axum::response::Response;
use futures_util::StreamExt as _;

use super::answer::typed;
use super::answer::{Fault, MISSING, Result, empty};
use super::dav;
use crate::storage::{Entry, View};
pub(super) use live::Live;
use rows::Upload;

/// Bytes that are collected before they are written.
const COLLECTED: usize = 256 << 10;
/// Bytes of a request that is no piece.
const LONGEST: usize = 64 << 10;
/// Uploads of one person that may be unfinished.
const MOST: i64 = 100;
/// The name under which the whole file is moved.
const WHOLE: &str = ".file";

/// Answers a request for `piece` of the upload `name`.
pub(super) async fn answer(
    live: &Live,
    view: &View,
    (name, piece): (&str, &str),
    request: Request<Body>,
) -> Result {
    let (parts, mut body) = request.into_parts();
    let headers = &parts.headers;
    if parts.method != Method::PUT {
        // A body that nobody reads ends the connection, in the middle of the client's next request.
        let read = axum::body::to_bytes(std::mem::take(&mut body), LONGEST).await;
        read.map_err(|_| Fault::Request(StatusCode::PAYLOAD_TOO_LARGE, "it is too long"))?;
    }
    if parts.method.as_str() == "MKCOL" {
        return if piece.is_empty() { begin(live, view, name, headers).await } else { Err(MISSING) };
    }
    let upload = rows::find(view, name).await?.ok_or(MISSING)?;
    match (parts.method.as_str(), piece) {
        ("PROPFIND", "") => list(view, &upload, parts.uri.path()).await,
        ("DELETE", "") => {
            live.end(view, &upload).await?;
            Ok(empty(StatusCode::NO_CONTENT))
        }
        ("MOVE", WHOLE) => finish(live, view, &upload, headers).await,
        ("PUT", piece) => take(live, view, &upload, number(piece)?, headers, body).await,
        ("DELETE", piece) => {
            live.forget(view, &upload, number(piece)?).await?;
            Ok(empty(StatusCode::NO_CONTENT))
        }
        _ => Err(Fault::Request(StatusCode::METHOD_NOT_ALLOWED, "an upload is made of pieces")),
    }
}

fn number(piece: &str) -> Result<i32> {
    let digits = !piece.is_empty() && piece.len() <= 16 && piece.bytes().all(|byte| byte.is_ascii_digit());
    let number = digits.then(|| piece.parse().ok()).flatten();
    number.ok_or(Fault::Request(StatusCode::BAD_REQUEST, "pieces have numbers"))
}

async fn begin(live: &Live, view: &View, name: &str, headers: &HeaderMap) -> Result {
    if rows::find(view, name).await?.is_some() {
        return Err(Fault::Request(StatusCode::METHOD_NOT_ALLOWED, "there is such an upload"));
    }
    live.sweep(&view.storage).await?;
    if rows::count(view).await? >= MOST {
        return Err(Fault::Request(StatusCode::TOO_MANY_REQUESTS, "too many uploads are unfinished"));
    }
    // Older clients say where it goes at the end only.
    let path =
        if headers.contains_key("destination") { dav::destination(view, headers)? } else { String::new() };
    view.may_write(&path)?;
    let total = said::number(headers, "oc-total-length");
    let upload = rows::make(view, name, &path, total).await?;
    match live.begin(view, &upload).await {
        Ok(()) => Ok(empty(StatusCode::CREATED)),
        Err(error) => {
            live.end(view, &upload).await?;
            Err(error)
        }
    }
}

async fn list(view: &View, upload: &Upload, path: &str) -> Result {
    let pieces = rows::pieces(view, upload).await?;
    let whole: Vec<_> = pieces.iter().filter(|one| one.whole).map(|one| (one.number, one.length)).collect();
    Ok(listed(path.trim_end_matches('/'), &whole))
}

/// The pieces of an upload, as a folder: number and bytes of each. Clients ask for these two properties
/// alone.
fn listed(folder: &str, pieces: &[(i32, u64)]) -> Response {
    let response = |href: &str, properties: &str| {
        format!(
            "<d:response><d:href>{href}</d:href><d:propstat><d:prop>{properties}</d:prop>\
             <d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response>"
        )
    };
    let mut all = response(&format!("{folder}/"), "<d:resourcetype><d:collection/></d:resourcetype>");
    for (number, bytes) in pieces {
        let properties = format!("<d:resourcetype/><d:getcontentlength>{bytes}</d:getcontentlength>");
        all.push_str(&response(&format!("{folder}/{number:05}"), &properties));
    }
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<d:multistatus xmlns:d=\"DAV:\">{all}</d:multistatus>\n"
    );
    typed(StatusCode::MULTI_STATUS, "application/xml; charset=utf-8", body)
}

fn broken_off(_: axum::Error) -> Fault {
    Fault::Request(StatusCode::BAD_REQUEST, "the bytes stopped coming")
}

/// Takes a piece.
async fn take(
    live: &Live,
    view: &View,
    upload: &Upload,
    number: i32,
    headers: &HeaderMap,
    body: Body,
) -> Result {
    let length = said::number(headers, "content-length").filter(|length| *length > 0);
    let length = length.ok_or(Fault::Request(StatusCode::LENGTH_REQUIRED, "a piece has a length"))?;
    let mut piece = live.place(view, upload, number, length).await?;
    let (mut body, mut collected) = (body.into_data_stream(), Vec::new());
    while let Some(bytes) = body.next().await {
        collected.extend_from_slice(&bytes.map_err(broken_off)?);
        if collected.len() >= COLLECTED {
            collected = piece.write(collected).await?;
        }
    }
    piece.write(collected).await?;
    piece.finish().await?;
    Ok(empty(StatusCode::CREATED))
}

/// The file takes its place.
async fn finish(live: &Live, view: &View, upload: &Upload, headers: &HeaderMap) -> Result {
    let path = dav::destination(view, headers)?;
    view.may_write(&path)?;
    let before = said::existing(view, &path).await?;
    let only = said::only(headers, before.as_ref())?;
    let total = said::number(headers, "oc-total-length").or(upload.total);
    let whole = live.close(view, upload, total).await?;
    let incoming = whole.incoming(view, &path).await?.only(only);
    let entry: Entry = incoming.finish(said::modified(headers)).await?;
    Ok(said::stored(headers, before.as_ref(), &entry))
}
