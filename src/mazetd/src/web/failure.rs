//! What goes wrong while answering, and the page that says so.

use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use mazet_model::settings::Language;
use serde_json::json;

use super::app::App;
use super::broker::BrokerError;
use super::pages::Page;

/// A request that cannot be answered as asked. Shown by [`explain`], which knows the language.
#[derive(Debug)]
pub enum Failure {
    /// No such page here.
    NotFound,
    /// No session, or a form that is not ours.
    Forbidden,
    /// The root half failed.
    Broker(BrokerError),
    /// The program is at fault.
    Internal(anyhow::Error),
}

impl From<BrokerError> for Failure {
    fn from(error: BrokerError) -> Self {
        Self::Broker(error)
    }
}

impl From<anyhow::Error> for Failure {
    fn from(error: anyhow::Error) -> Self {
        Self::Internal(error)
    }
}

impl From<getrandom::Error> for Failure {
    fn from(error: getrandom::Error) -> Self {
        Self::Internal(anyhow::anyhow!("drawing a token: {error}"))
    }
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        // To the journal; the visitor gets a page without internals.
        match &self {
            Self::Broker(error) => eprintln!("{error}"),
            Self::Internal(error) => eprintln!("{error:#}"),
            Self::NotFound | Self::Forbidden => {}
        }
        match self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::Broker(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
        .into_response()
    }
}

/// The page that explains a status.
///
/// # Errors
/// The page itself cannot be rendered.
pub fn explain(app: &App, language: Language, status: StatusCode) -> anyhow::Result<Response> {
    let (title, text) = texts(status);
    let page = Page::new(
        "error",
        title,
        "/",
        json!({ "title_key": title, "text_key": text, "status": status.as_u16() }),
    );
    app.pages.response(language, status, &page)
}

fn texts(status: StatusCode) -> (&'static str, &'static str) {
    match status.as_u16() {
        404 => ("error.not_found_title", "error.not_found"),
        401 | 403 => ("error.forbidden_title", "error.forbidden"),
        413 => ("error.large_title", "error.large"),
        408 | 504 => ("error.late_title", "error.late"),
        400..500 => ("error.bad_title", "error.bad"),
        _ => ("error.failed_title", "error.failed"),
    }
}
