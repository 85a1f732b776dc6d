//! The bytes of a file: ranges, ETags, names (RFC 9110 §§ 13, 14; RFC 6266, RFC 8187).

use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::sync::Arc;

use axum::body::{Body, Bytes};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};

use super::failure::Failure;
use super::kind::{self, Kind, Show};
use super::member::{Member, query_of};
use super::{Site, link};
use crate::storage::Entry;

/// Bytes that are read at a time.
const PIECE: u64 = 256 << 10;

/// What is sent can do nothing, whatever it is …
const SANDBOX: &str = "default-src 'none'; img-src 'self'; media-src 'self'; style-src 'unsafe-inline'; \
    sandbox; frame-ancestors 'self'";
/// … nor can a PDF, whose reader some browsers do not open in a sandbox.
const READER: &str =
    "default-src 'none'; object-src 'self'; style-src 'unsafe-inline'; frame-ancestors 'self'";

/// `GET /files/raw/{*path}`: shown where it can be; `?download`: saved.
///
/// # Errors
/// There is no such file.
pub async fn show(
    State(_): State<Arc<Site>>,
    member: Member,
    Path(path): Path<String>,
    uri: Uri,
    headers: HeaderMap,
) -> Result<Response, Failure> {
    let (file, entry) = member.view.open(&path).await?;
    answer(&headers, file, &entry, is_download(&uri)).await
}

/// Does the address ask for a file to be saved?
pub fn is_download(uri: &Uri) -> bool {
    !query_of(uri, "download").is_empty()
}

/// The first bytes of a file.
///
/// # Errors
/// The disk fails.
pub async fn head(file: &Arc<File>) -> Result<Bytes, Failure> {
    piece(file, kind::HEAD as u64).await
}

/// The first `most` bytes of a file.
///
/// # Errors
/// The disk fails.
pub async fn piece(file: &Arc<File>, most: u64) -> Result<Bytes, Failure> {
    read(file.clone(), 0, most).await.map_err(Failure::from)
}

/// A file, or what of it is asked for.
///
/// # Errors
/// The disk fails.
pub async fn answer(
    headers: &HeaderMap,
    file: File,
    entry: &Entry,
    download: bool,
) -> Result<Response, Failure> {
    let file = Arc::new(file);
    let kind = kind::of(&head(&file).await?);
    let etag = format!("\"{}\"", entry.etag);
    if names(headers, header::IF_NONE_MATCH, &etag) {
        let mut response = StatusCode::NOT_MODIFIED.into_response();
        describe(response.headers_mut(), entry, &etag);
        return Ok(response);
    }
    let range = match wanted(headers, &etag, entry.size) {
        Range::All => None,
        Range::Some(from, length) => Some((from, length)),
        Range::None => return Ok(unsatisfiable(entry.size)),
    };
    let (from, length) = range.unwrap_or((0, entry.size));
    let mut response = Response::new(body(file, from, length));
    if range.is_some() {
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
        let value = format!("bytes {from}-{}/{}", from + length - 1, entry.size);
        insert(response.headers_mut(), header::CONTENT_RANGE, &value);
    }
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_LENGTH, length.into());
    describe(headers, entry, &etag);
    guard(headers, entry, kind, download);
    Ok(response)
}

/// What is known of a file.
fn describe(headers: &mut HeaderMap, entry: &Entry, etag: &str) {
    insert(headers, header::ETAG, etag);
    insert(headers, header::LAST_MODIFIED, &httpdate::fmt_http_date(entry.modified));
    headers.insert(header::ACCEPT_RANGES, HeaderValue::from_static("bytes"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
}

/// What a file is taken for, and that it can do nothing.
fn guard(headers: &mut HeaderMap, entry: &Entry, kind: Kind, download: bool) {
    let inline = !download && kind.show != Show::Not;
    let policy = if kind.show == Show::Pdf { READER } else { SANDBOX };
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind.media));
    headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    headers.insert(header::X_FRAME_OPTIONS, HeaderValue::from_static("SAMEORIGIN"));
    insert(headers, header::CONTENT_DISPOSITION, &disposition(&entry.name, inline));
}

/// `attachment; filename="…"; filename*=UTF-8''…`.
pub fn disposition(name: &str, inline: bool) -> String {
    let how = if inline { "inline" } else { "attachment" };
    // What cannot stand in quotes everywhere: browsers take the other name.
    let plain = |c: char| if c.is_ascii_graphic() && !"\"\\%/;".contains(c) || c == ' ' { c } else { '_' };
    let plain: String = name.chars().map(plain).collect();
    format!("{how}; filename=\"{plain}\"; filename*=UTF-8''{}", link::piece(name))
}

/// Bytes of a file as a body.
pub fn body(file: Arc<File>, from: u64, length: u64) -> Body {
    Body::from_stream(futures_util::stream::try_unfold((file, from, length), |(file, at, left)| async move {
        if left == 0 {
            return Ok::<_, std::io::Error>(None);
        }
        let bytes = read(file.clone(), at, left.min(PIECE)).await?;
        let read = bytes.len() as u64;
        // It is shorter than it was: the visitor must not take what came for all of it.
        if read == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        Ok(Some((bytes, (file, at + read, left - read))))
    }))
}

async fn read(file: Arc<File>, at: u64, most: u64) -> std::io::Result<Bytes> {
    let read = move || {
        let mut buffer = vec![0; usize::try_from(most).unwrap_or_default()];
        let mut filled = 0;
        while filled < buffer.len() {
            match file.read_at(&mut buffer[filled..], at + filled as u64)? {
                0 => break,
                read => filled += read,
            }
        }
        buffer.truncate(filled);
        Ok(Bytes::from(buffer))
    };
    tokio::task::spawn_blocking(read).await.map_err(std::io::Error::other)?
}

/// Part of a file that is asked for.
#[derive(Debug, PartialEq, Eq)]
enum Range {
    All,
    /// From, and how many bytes.
    Some(u64, u64),
    /// There is nothing at that place.
    None,
}

/// What is asked for. Several ranges at a time are not understood, which a server need not.
fn wanted(headers: &HeaderMap, etag: &str, size: u64) -> Range {
    let Some(range) = headers.get(header::RANGE).and_then(|range| range.to_str().ok()) else {
        return Range::All;
    };
    // The rest of another version is of no use.
    if headers.contains_key(header::IF_RANGE)
        && headers.get(header::IF_RANGE).is_none_or(|known| known != etag)
    {
        return Range::All;
    }
    let Some((from, to)) = range.strip_prefix("bytes=").and_then(|range| range.split_once('-')) else {
        return Range::All;
    };
    match (from.trim().parse::<u64>(), to.trim().parse::<u64>()) {
        (Ok(from), Ok(to)) if from <= to && from < size => Range::Some(from, to.min(size - 1) - from + 1),
        (Ok(from), Ok(to)) if from > to => Range::All,
        (Ok(from), Err(_)) if to.trim().is_empty() && from < size => Range::Some(from, size - from),
        (Ok(_), Ok(_)) => Range::None,
        (Ok(_), Err(_)) if to.trim().is_empty() => Range::None,
        (Err(_), Ok(last)) if from.trim().is_empty() && last > 0 && size > 0 => {
            let last = last.min(size);
            Range::Some(size - last, last)
        }
        (Err(_), Ok(_)) if from.trim().is_empty() => Range::None,
        _ => Range::All,
    }
}

fn unsatisfiable(size: u64) -> Response {
    let range = [(header::CONTENT_RANGE, format!("bytes */{size}"))];
    (StatusCode::RANGE_NOT_SATISFIABLE, range).into_response()
}

/// Is the ETag in a header's list?
fn names(headers: &HeaderMap, header: HeaderName, etag: &str) -> bool {
    let lists = headers.get_all(header);
    let mut known = lists.iter().filter_map(|list| list.to_str().ok()).flat_map(|list| list.split(','));
    known.any(|known| {
        let known = known.trim();
        known == "*" || known.strip_prefix("W/").unwrap_or(known) == etag
    })
}

fn insert(headers: &mut HeaderMap, name: HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        headers.insert(name, value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_read_as_rfc_9110_has_them() {
        let of = |range: &str| {
            let headers = HeaderMap::from_iter([(header::RANGE, range.parse().expect("a header"))]);
            wanted(&headers, "\"e\"", 100)
        };
        assert_eq!(of("bytes=0-9"), Range::Some(0, 10));
        assert_eq!(of("bytes=90-"), Range::Some(90, 10));
        assert_eq!(of("bytes=90-1000"), Range::Some(90, 10));
        assert_eq!(of("bytes=-10"), Range::Some(90, 10));
        assert_eq!(of("bytes=-1000"), Range::Some(0, 100));
        assert_eq!(of("bytes=100-"), Range::None);
        assert_eq!(of("bytes=100-200"), Range::None);
        assert_eq!(of("bytes=-0"), Range::None);
        for not_understood in ["bytes=5-4", "bytes=0-1,5-6", "lines=1-2", "bytes=a-b", "bytes=-"] {
            assert_eq!(of(not_understood), Range::All, "{not_understood}");
        }
    }

    #[test]
    fn the_rest_of_another_version_is_not_sent() {
        let mut headers = HeaderMap::from_iter([(header::RANGE, HeaderValue::from_static("bytes=5-"))]);
        headers.insert(header::IF_RANGE, HeaderValue::from_static("\"other\""));
        assert_eq!(wanted(&headers, "\"e\"", 10), Range::All);
        headers.insert(header::IF_RANGE, HeaderValue::from_static("\"e\""));
        assert_eq!(wanted(&headers, "\"e\"", 10), Range::Some(5, 5));
    }

    #[test]
    fn a_name_cannot_leave_its_header() {
        let written = disposition("a\"b\r\nSet-Cookie: x=é;😀.txt", false);
        assert_eq!(
            written,
            "attachment; filename=\"a_b__Set-Cookie: x=___.txt\"; \
             filename*=UTF-8''a%22b%0D%0ASet-Cookie%3A%20x%3D%C3%A9%3B%F0%9F%98%80.txt"
        );
        assert!(HeaderValue::from_str(&written).is_ok());
    }
}
