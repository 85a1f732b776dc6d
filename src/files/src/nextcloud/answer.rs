//! What these clients are answered.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::response::Response;

use super::xml;
use crate::storage::{Entry, Error};

/// An answer, or why there is none.
pub(super) type Result<T = Response> = std::result::Result<T, Fault>;

/// Why a request is not done.
#[derive(Debug)]
pub(super) enum Fault {
    /// By what the storage said.
    Storage(Error),
    /// By the request itself: status, and why.
    Request(StatusCode, &'static str),
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        Self::Storage(error)
    }
}

/// Nothing is there.
pub(super) const MISSING: Fault = Fault::Request(StatusCode::NOT_FOUND, "there is no such file or folder");

impl Fault {
    /// The status that says it.
    pub(super) fn status(&self) -> StatusCode {
        match self {
            Self::Request(status, _) => *status,
            Self::Storage(error) => status(error),
        }
    }

    /// What the client shows: it must not tell about the machine, whose log is told instead.
    pub(super) fn told(&self) -> String {
        match self {
            Self::Request(_, why) => (*why).to_owned(),
            Self::Storage(error @ (Error::Disk(_) | Error::Internal(_) | Error::Unavailable(_))) => {
                eprintln!("answering a sync client: {error}");
                "the box failed".to_owned()
            }
            Self::Storage(error) => error.to_string(),
        }
    }

    /// The answer, with the body that says why (in the form of sabre/dav, which these clients read).
    pub(super) fn answer(self) -> Response {
        let status = self.status();
        let body = format!(
            "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<d:error xmlns:d=\"DAV:\" xmlns:s=\"http://sabredav.org/ns\">\
             <s:exception></s:exception><s:message>{}</s:message></d:error>\n",
            xml::escaped(&self.told())
        );
        typed(status, "application/xml; charset=utf-8", body)
    }
}

fn status(error: &Error) -> StatusCode {
    match error {
        Error::NotFound => StatusCode::NOT_FOUND,
        Error::NoFolder | Error::Kind | Error::Loop => StatusCode::CONFLICT,
        Error::Denied => StatusCode::FORBIDDEN,
        Error::Exists | Error::Changed => StatusCode::PRECONDITION_FAILED,
        Error::NoSpace(_) => StatusCode::INSUFFICIENT_STORAGE,
        Error::Locked => StatusCode::LOCKED,
        Error::BadName(_) | Error::Length { .. } => StatusCode::BAD_REQUEST,
        Error::Unavailable(_) => StatusCode::SERVICE_UNAVAILABLE,
        _ => StatusCode::INTERNAL_SERVER_ERROR,
    }
}

/// An answer without a body.
pub(super) fn empty(status: StatusCode) -> Response {
    let mut answer = Response::new(Body::empty());
    *answer.status_mut() = status;
    answer
}

/// An answer with a body of that media type.
pub(super) fn typed(status: StatusCode, media: &'static str, body: impl Into<Body>) -> Response {
    let mut answer = Response::new(body.into());
    *answer.status_mut() = status;
    answer.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(media));
    answer
}

/// Tells the client which file it is now: number and ETag, under the names that these clients read.
pub(super) fn tell(headers: &mut HeaderMap, entry: &Entry) {
    let mut set = |name: &'static str, value: String| {
        // Letters, digits and quotes.
        if let Ok(value) = HeaderValue::from_str(&value) {
            headers.insert(HeaderName::from_static(name), value);
        }
    };
    set("etag", format!("\"{}\"", entry.etag));
    set("oc-etag", format!("\"{}\"", entry.etag));
    set("oc-fileid", file_id(entry.id));
}

/// The number of a file as these clients keep it: at least eight digits, and letters that say whose.
pub(super) fn file_id(id: i64) -> String {
    format!("{id:08}mazet")
}
