//! What goes wrong while answering, and the page that says so.

use axum::Extension;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use mazet_directory::Field;
use mazet_directory::csv::{self, What};
use mazet_model::settings::Language;
use serde_json::json;

use super::app::App;
use super::broker::BrokerError;
use super::form::Faults;
use super::pages::Page;
use crate::acts::Wrong;
use crate::acts::people::line_key;

/// A request that cannot be answered as asked. Shown by [`explain`], which knows the language.
#[derive(Debug)]
pub enum Failure {
    /// No such page here.
    NotFound,
    /// No session, or a form that is not ours.
    Forbidden,
    /// Signed in, and not allowed to do that.
    Denied,
    /// Too many tries: seconds until the next is looked at.
    TooMany(u64),
    /// A value that no form of ours sends.
    Bad,
    /// The directory does not answer.
    Directory(String),
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

impl From<mazet_directory::Error> for Failure {
    fn from(error: mazet_directory::Error) -> Self {
        use mazet_directory::Error;
        match error {
            Error::NotFound => Self::NotFound,
            Error::Forbidden => Self::Denied,
            Error::Invalid(_) => Self::Bad,
            Error::Refused => Self::Forbidden,
            Error::TooMany { retry_after } => Self::TooMany(retry_after.as_secs().max(1)),
            Error::Unavailable(_) => Self::Directory(error.to_string()),
            Error::Internal(text) => Self::Internal(anyhow::anyhow!(text)),
        }
    }
}

impl From<getrandom::Error> for Failure {
    fn from(error: getrandom::Error) -> Self {
        Self::Internal(anyhow::anyhow!("drawing a token: {error}"))
    }
}

/// Beside a 403 for who is signed in: it is about what they may do, not about their session.
#[derive(Clone, Copy)]
pub struct NotAllowed;

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        // To the journal; the visitor gets a page without internals.
        match &self {
            Self::Broker(error) => eprintln!("{error}"),
            Self::Directory(error) => eprintln!("{error}"),
            Self::Internal(error) => eprintln!("{error:#}"),
            Self::NotFound | Self::Forbidden | Self::Denied | Self::TooMany(_) | Self::Bad => {}
        }
        match self {
            Self::NotFound => StatusCode::NOT_FOUND,
            Self::Forbidden => StatusCode::FORBIDDEN,
            Self::Denied => return (StatusCode::FORBIDDEN, Extension(NotAllowed)).into_response(),
            Self::TooMany(seconds) => {
                let wait = [(header::RETRY_AFTER, seconds.to_string())];
                return (StatusCode::TOO_MANY_REQUESTS, wait).into_response();
            }
            Self::Bad => StatusCode::BAD_REQUEST,
            Self::Broker(_) | Self::Directory(_) => StatusCode::SERVICE_UNAVAILABLE,
            Self::Internal(_) => StatusCode::INTERNAL_SERVER_ERROR,
        }
        .into_response()
    }
}

/// What the directory refused, as faults of a form; other errors stay errors.
///
/// # Errors
/// The directory did not refuse a value but fail.
pub fn refused(app: &App, language: Language, error: mazet_directory::Error) -> Result<Faults, Failure> {
    let mazet_directory::Error::Invalid(mut list) = error else { return Err(error.into()) };
    // As the inputs stand in our forms: a name comes first.
    list.sort_by_key(|invalid| invalid.field != Field::Name);
    let mut faults = Faults::default();
    for invalid in list {
        let known = format!("invalid.{}", invalid.key());
        let has_text = app.pages.catalogue.get(language, &known).is_some();
        let key = if has_text { &known } else { "invalid.other" };
        faults.add(input(invalid.field), app.pages.catalogue.say(language, key, &[]));
    }
    Ok(faults)
}

/// The sentence of a value that cannot be taken.
pub fn sentence(app: &App, language: Language, wrong: &Wrong) -> String {
    let known = app.pages.catalogue.get(language, &wrong.key);
    let key = if known.is_some() { &wrong.key } else { "invalid.other" };
    let more = wrong.values.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    let values: Vec<(&str, &str)> = more.chain([("fault", wrong.value.as_str())]).collect();
    let text = app.pages.catalogue.say(language, key, &values);
    // A text with a gap for it says itself which value it is.
    let told = wrong.value.is_empty() || known.is_some_and(|text| text.contains("{fault}"));
    if told { text } else { format!("{} – {text}", wrong.value) }
}

/// The sentence of a line of a table that cannot be taken.
pub fn line(app: &App, language: Language, what: What) -> String {
    let key = line_key(what);
    let key = if app.pages.catalogue.get(language, &key).is_some() { &key } else { "invalid.other" };
    app.pages.catalogue.say(language, key, &[("count", &csv::MOST.to_string())])
}

/// The input that a value comes from: the same in every form.
fn input(field: Field) -> &'static str {
    match field {
        Field::Login => "login",
        Field::Name => "name",
        Field::Contact => "email",
        Field::Password => "password",
        Field::Code => "code",
        Field::Domain => "domains",
        Field::Address => "aliases",
        Field::Quota => "quota",
        Field::Language => "language",
        Field::Roles | Field::Person | Field::Group => "",
    }
}

/// The page that explains a status.
///
/// # Errors
/// The page itself cannot be rendered.
pub fn explain(app: &App, language: Language, refusal: &Response) -> anyhow::Result<Response> {
    let status = refusal.status();
    let (title, text) = match refusal.extensions().get() {
        Some(NotAllowed) => ("error.denied_title", "error.denied"),
        None => texts(status),
    };
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
        429 => ("error.many_title", "error.many"),
        413 => ("error.large_title", "error.large"),
        408 | 504 => ("error.late_title", "error.late"),
        400..500 => ("error.bad_title", "error.bad"),
        _ => ("error.failed_title", "error.failed"),
    }
}
