//! What goes wrong while answering, and how it is said.

use axum::Extension;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use crate::storage::{BadName, Error, Full};

/// A request that cannot be answered as asked. [`super::guard::explain`], which knows the language, makes
/// its page.
#[derive(Debug)]
pub enum Failure {
    /// No such page, file, link.
    NotFound,
    /// A share link that leads nowhere (any more): whatever the reason, the same answer.
    NoLink,
    /// Nobody whom the directory knows, or they are locked out.
    Nobody,
    /// A form that is not from our pages.
    Foreign,
    /// A value that no form of ours sends.
    Bad,
    /// Too many tries: seconds until the next is looked at.
    TooMany(u64),
    /// Another request works on the same upload, or it is further on than the request says.
    Busy,
    /// The files do not do it.
    Files(Error),
    /// The program is at fault.
    Internal(String),
}

/// Catalogue key of what went wrong, beside an answer without a page.
#[derive(Clone, Copy)]
pub struct Told(pub &'static str);

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::Files(error)
    }
}

impl From<handlebars::RenderError> for Failure {
    fn from(error: handlebars::RenderError) -> Self {
        Self::Internal(format!("rendering a page: {error}"))
    }
}

impl From<getrandom::Error> for Failure {
    fn from(error: getrandom::Error) -> Self {
        Self::Internal(format!("drawing a token: {error}"))
    }
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        Self::Files(error.into())
    }
}

impl Failure {
    /// The status, and the catalogue key of the text.
    pub fn told(&self) -> (StatusCode, &'static str) {
        match self {
            Self::NotFound => (StatusCode::NOT_FOUND, "fault.not_found"),
            Self::NoLink => (StatusCode::NOT_FOUND, "fault.no_link"),
            Self::Nobody => (StatusCode::FORBIDDEN, "fault.nobody"),
            Self::Foreign => (StatusCode::FORBIDDEN, "fault.foreign"),
            Self::Bad => (StatusCode::BAD_REQUEST, "fault.bad"),
            Self::TooMany(_) => (StatusCode::TOO_MANY_REQUESTS, "fault.many"),
            Self::Busy => (StatusCode::CONFLICT, "fault.busy"),
            Self::Files(error) => told(error),
            Self::Internal(_) => (StatusCode::INTERNAL_SERVER_ERROR, "fault.failed"),
        }
    }
}

/// The status that says what the files refused, and the catalogue key of its text.
pub fn told(error: &Error) -> (StatusCode, &'static str) {
    match error {
        Error::NotFound => (StatusCode::NOT_FOUND, "fault.not_found"),
        Error::NoFolder => (StatusCode::CONFLICT, "fault.no_folder"),
        Error::Denied => (StatusCode::FORBIDDEN, "fault.denied"),
        Error::Exists => (StatusCode::CONFLICT, "fault.exists"),
        Error::Kind => (StatusCode::CONFLICT, "fault.kind"),
        Error::Loop => (StatusCode::CONFLICT, "fault.loop"),
        Error::NoSpace(Full::Quota) => (StatusCode::INSUFFICIENT_STORAGE, "fault.quota"),
        Error::NoSpace(Full::Disk) => (StatusCode::INSUFFICIENT_STORAGE, "fault.disk"),
        Error::Locked => (StatusCode::LOCKED, "fault.locked"),
        Error::BadName(BadName::Empty) => (StatusCode::UNPROCESSABLE_ENTITY, "fault.name_empty"),
        Error::BadName(BadName::Character) => (StatusCode::UNPROCESSABLE_ENTITY, "fault.name_character"),
        Error::BadName(BadName::Long) => (StatusCode::UNPROCESSABLE_ENTITY, "fault.name_long"),
        Error::Changed => (StatusCode::CONFLICT, "fault.changed"),
        Error::Length { .. } => (StatusCode::BAD_REQUEST, "fault.length"),
        Error::Unavailable(_) => (StatusCode::SERVICE_UNAVAILABLE, "fault.unavailable"),
        Error::Disk(_) | Error::Internal(_) => (StatusCode::INTERNAL_SERVER_ERROR, "fault.failed"),
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        // To the journal; the visitor gets a page without internals.
        match &self {
            Self::Files(error @ (Error::Unavailable(_) | Error::Disk(_) | Error::Internal(_))) => {
                eprintln!("{error}");
            }
            Self::Internal(error) => eprintln!("{error}"),
            _ => {}
        }
        let (status, key) = self.told();
        let mut response = (status, Extension(Told(key))).into_response();
        if let Self::TooMany(seconds) = self {
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}
