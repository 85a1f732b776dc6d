//! WebDAV (RFC 4918) over a person's view, below any prefix.
//!
//! The protocol is the crate dav-server's: it asks our file system and our locks, both made for one
//! request. Version 0.8, since later ones need a newer compiler than Debian 13 has.
//!
//! | module | subject |
//! |---|---|
//! | `request` | what the file system knows of the request, and what came of it |
//! | `fs` | folders, names, properties |
//! | `file` | a file that is read or written |
//! | `meta` | what is said of a file or folder |
//! | `locks` | locks |

mod file;
mod fs;
mod locks;
mod meta;
mod request;

use std::sync::Arc;

use axum::body::Body;
use axum::http::{HeaderValue, Method, Request, Response, StatusCode, header};
use dav_server::DavHandler;

use crate::storage::{Entry, Error, View};
use request::Context;

/// Bytes that are read of a file at a time.
const PIECE: usize = 128 << 10;

/// Properties that a kind of client asks for beside those of WebDAV.
pub trait Live: Send + Sync {
    /// The property of that namespace and name, as one XML element that declares its namespace; none
    /// where it is not one of these.
    fn property(&self, view: &View, entry: &Entry, namespace: &str, name: &str) -> Option<String>;
}

/// What came of a request.
pub struct Answer {
    /// What the client is told.
    pub response: Response<Body>,
    /// The file that was written.
    pub written: Option<Entry>,
}

/// Answers a request whose path begins with `prefix` (`/dav`, without a slash at its end), by what `view`
/// shows.
pub async fn answer(view: View, prefix: &str, live: Option<Arc<dyn Live>>, request: Request<Body>) -> Answer {
    if let Some(status) = refused(&request) {
        return Answer { response: empty(status), written: None };
    }
    let method = request.method().clone();
    let context = Arc::new(Context::new(view.with_locks_known(), prefix, live, &request));
    let handler = DavHandler::builder()
        .strip_prefix(prefix)
        .filesystem(Box::new(fs::Files(context.clone())))
        .locksystem(Box::new(locks::Locks(context.clone())))
        .principal(context.view.login())
        .autoindex(false)
        .read_buf_size(PIECE)
        .build_handler();
    let mut response = handler.handle(request).await.map(Body::new);
    if let Some(error) = context.failure() {
        tell(&mut response, &error);
    }
    if method == Method::GET {
        harmless(&mut response);
    }
    let written = context.written();
    if written.is_some() && context.modified.is_some() {
        response.headers_mut().insert("x-oc-mtime", HeaderValue::from_static("accepted"));
    }
    Answer { response, written }
}

/// What is not done at all: writing a part of a file (RFC 9110 § 14.5).
fn refused(request: &Request<Body>) -> Option<StatusCode> {
    if request.method() == Method::PATCH {
        return Some(StatusCode::METHOD_NOT_ALLOWED);
    }
    let part = request.method() == Method::PUT && request.headers().contains_key(header::CONTENT_RANGE);
    part.then_some(StatusCode::BAD_REQUEST)
}

/// The crate knows fewer ways to fail than we do: where it refused, the client is told the true reason.
fn tell(response: &mut Response<Body>, error: &Error) {
    let status = response.status();
    if !status.is_client_error() && !status.is_server_error() {
        return;
    }
    if let Some(better) = status_of(error) {
        *response.status_mut() = better;
    }
    if let Error::Disk(_) | Error::Internal(_) | Error::Unavailable(_) = error {
        eprintln!("{error}");
    }
}

/// The status that tells an error, where it is always the same.
fn status_of(error: &Error) -> Option<StatusCode> {
    Some(match error {
        Error::Denied | Error::Loop => StatusCode::FORBIDDEN,
        Error::NoSpace(_) => StatusCode::INSUFFICIENT_STORAGE,
        Error::Locked => StatusCode::LOCKED,
        Error::Changed => StatusCode::PRECONDITION_FAILED,
        Error::BadName(_) | Error::Length { .. } => StatusCode::BAD_REQUEST,
        Error::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
        Error::Disk(_) | Error::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        Error::NotFound | Error::NoFolder | Error::Exists | Error::Kind => return None,
    })
}

/// A file is somebody's, and may be a page: in a browser it must not act as one of the box's own.
fn harmless(response: &mut Response<Body>) {
    let headers = response.headers_mut();
    let policy = HeaderValue::from_static("default-src 'none'; sandbox");
    headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    headers.insert(header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("private, no-cache"));
}

fn empty(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}
