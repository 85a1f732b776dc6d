//! What goes wrong, as RFC 9457 has it: `application/problem+json`, with a `type` that stays and a
//! `detail` in the language of who asks.

use axum::Extension;
use axum::http::{HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use mazet_model::settings::Language;
use serde_json::{Value, json};

use crate::acts::{self, Wrong};
use crate::web::app::App;
use crate::web::broker::BrokerError;
use crate::web::failure::{self, Failure, NotAllowed};
use crate::web::language::tag;

/// What kind of problem.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The body cannot be read.
    Malformed,
    /// No session, or no password that counts.
    SignIn,
    /// The session's CSRF token is missing or wrong.
    Token,
    /// An operator who has to set up a second factor first.
    SecondFactor,
    /// The role does not allow it.
    Denied,
    /// There is no such thing, or not for who asks.
    NotFound,
    /// Not with this method.
    Method,
    /// Somebody else was quicker, or is at it.
    Conflict,
    /// It cannot be done as things stand.
    NotNow,
    /// The body is too long.
    TooLarge,
    /// The body is of another kind.
    ContentType,
    /// Values cannot be taken.
    Invalid,
    /// A code or password is wrong.
    Refused,
    /// Too many tries.
    TooMany,
    /// The box is at fault.
    Failed,
    /// A part of the box does not answer.
    Unavailable,
    /// It took too long.
    Late,
}

/// A kind with its name in `type`, its status, and the catalogue keys of title and detail.
pub type Row = (Kind, &'static str, u16, &'static str, &'static str);

/// All of them: what `/api` explains and `type` names.
#[rustfmt::skip]
pub const KINDS: [Row; 17] = [
    (Kind::Malformed,    "malformed",     400, "problem.malformed_title",     "problem.malformed"),
    (Kind::SignIn,       "sign-in",       401, "problem.sign_in_title",       "problem.sign_in"),
    (Kind::Token,        "token",         403, "problem.token_title",         "problem.token"),
    (Kind::SecondFactor, "second-factor", 403, "problem.second_factor_title", "problem.second_factor"),
    (Kind::Denied,       "denied",        403, "problem.denied_title",        "problem.denied"),
    (Kind::Refused,      "refused",       403, "problem.refused_title",       "problem.refused"),
    (Kind::NotFound,     "not-found",     404, "problem.not_found_title",     "problem.not_found"),
    (Kind::Method,       "method",        405, "problem.method_title",        "problem.method"),
    (Kind::Late,         "late",          504, "problem.late_title",          "problem.late"),
    (Kind::Conflict,     "conflict",      409, "problem.conflict_title",      "problem.conflict"),
    (Kind::NotNow,       "not-now",       409, "problem.not_now_title",       "problem.not_now"),
    (Kind::TooLarge,     "too-large",     413, "problem.too_large_title",     "problem.too_large"),
    (Kind::ContentType,  "content-type",  415, "problem.content_type_title",  "problem.content_type"),
    (Kind::Invalid,      "invalid",       422, "problem.invalid_title",       "problem.invalid"),
    (Kind::TooMany,      "too-many",      429, "problem.too_many_title",      "problem.too_many"),
    (Kind::Failed,       "failed",        500, "problem.failed_title",        "problem.failed"),
    (Kind::Unavailable,  "unavailable",   503, "problem.unavailable_title",   "problem.unavailable"),
];

impl Kind {
    fn row(self) -> Row {
        let row = KINDS.into_iter().find(|row| row.0 == self);
        row.unwrap_or((self, "failed", 500, "problem.failed_title", "problem.failed"))
    }

    fn status(self) -> StatusCode {
        StatusCode::from_u16(self.row().2).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR)
    }

    /// Of a refusal that no handler of ours made.
    fn of(response: &Response) -> Self {
        if response.extensions().get::<NotAllowed>().is_some() {
            return Self::Denied;
        }
        match response.status().as_u16() {
            401 => Self::SignIn,
            403 => Self::Token,
            404 => Self::NotFound,
            405 => Self::Method,
            413 => Self::TooLarge,
            415 => Self::ContentType,
            429 => Self::TooMany,
            503 => Self::Unavailable,
            408 | 504 => Self::Late,
            400..500 => Self::Malformed,
            _ => Self::Failed,
        }
    }
}

/// A problem.
#[derive(Debug, Clone)]
pub struct Problem {
    kind: Kind,
    /// Catalogue key of another detail than the kind's own, with values for its gaps.
    detail: Option<(String, Vec<(&'static str, String)>)>,
    wrong: Vec<Wrong>,
    /// Seconds until the next try is looked at.
    wait: Option<u64>,
}

impl Problem {
    /// With a detail of its own.
    pub fn with(kind: Kind, key: &str, values: &[(&'static str, &str)]) -> Self {
        let values = values.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
        Self { detail: Some((key.to_owned(), values)), ..kind.into() }
    }

    /// Values that cannot be taken.
    pub fn invalid(wrong: Vec<Wrong>) -> Self {
        Self { wrong, ..Kind::Invalid.into() }
    }

    /// Nothing, or values that cannot be taken.
    ///
    /// # Errors
    /// There are some.
    pub fn none(wrong: Vec<Wrong>) -> Result<(), Self> {
        if wrong.is_empty() { Ok(()) } else { Err(Self::invalid(wrong)) }
    }
}

impl From<Kind> for Problem {
    fn from(kind: Kind) -> Self {
        Self { kind, detail: None, wrong: Vec::new(), wait: None }
    }
}

impl From<mazet_directory::Error> for Problem {
    fn from(error: mazet_directory::Error) -> Self {
        match acts::wrongs(error) {
            Ok(wrong) => Self::invalid(wrong),
            Err(mazet_directory::Error::Refused) => Kind::Refused.into(),
            Err(other) => Failure::from(other).into(),
        }
    }
}

impl From<BrokerError> for Problem {
    fn from(error: BrokerError) -> Self {
        match error {
            // What the broker refuses of settings: somebody was quicker, or is at it.
            BrokerError::Refused { key, detail } if key.starts_with("settings-") => {
                Self::with(Kind::Conflict, &format!("refused.{key}"), &[("detail", &detail)])
            }
            BrokerError::Refused { key, detail } if key == "websites-busy" => {
                Self::with(Kind::Conflict, "refused.websites-busy", &[("detail", &detail)])
            }
            BrokerError::Refused { key, .. } if key == "archive-missing" || key == "report-gone" => {
                Kind::NotFound.into()
            }
            BrokerError::Refused { key, detail } if key.starts_with("report-") => {
                Self::with(Kind::NotNow, &format!("refused.{key}"), &[("detail", &detail)])
            }
            BrokerError::Faulty(faults) => Self::invalid(faults.iter().map(Wrong::setting).collect()),
            // Network settings on trial, that nobody can confirm yet, or any more.
            BrokerError::Refused { key, detail } if key.starts_with("trial-") => {
                Self::with(Kind::NotNow, &format!("refused.{key}"), &[("detail", &detail)])
            }
            // What was given will not do. The detail names a variable or a length, never the secret itself.
            BrokerError::Refused { key, detail }
                if ["wifi", "dns-account", "mail-password"].contains(&&*key) =>
            {
                Self::with(Kind::Invalid, &format!("refused.{key}"), &[("detail", &detail)])
            }
            other => Failure::from(other).into(),
        }
    }
}

impl From<Failure> for Problem {
    fn from(failure: Failure) -> Self {
        match failure {
            Failure::NotFound => Kind::NotFound.into(),
            Failure::Forbidden => Kind::Token.into(),
            Failure::Denied => Kind::Denied.into(),
            Failure::TooMany(seconds) => Self { wait: Some(seconds), ..Kind::TooMany.into() },
            Failure::Bad => Kind::Malformed.into(),
            // These go to the journal, and say nothing of the box's inside to who asks.
            Failure::Broker(error) => {
                eprintln!("{error}");
                Kind::Unavailable.into()
            }
            Failure::Directory(error) => {
                eprintln!("{error}");
                Kind::Unavailable.into()
            }
            Failure::Internal(error) => {
                eprintln!("{error:#}");
                Kind::Failed.into()
            }
        }
    }
}

/// A bare refusal; [`explain`], which knows the language, gives it its body.
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        (self.kind.status(), Extension(self)).into_response()
    }
}

/// The body of a refusal. `keyed`: who asks came with a password.
pub fn explain(app: &App, language: Language, keyed: bool, refusal: &Response) -> Response {
    let known = refusal.extensions().get::<Problem>().cloned();
    let problem = known.unwrap_or_else(|| Kind::of(refusal).into());
    let (_, _, status, _, _) = problem.kind.row();
    let body = json(app, language, keyed, &problem);
    let mut response = (problem.kind.status(), body.to_string()).into_response();
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    headers.insert(header::CONTENT_LANGUAGE, HeaderValue::from_static(tag(language)));
    if status == 401 {
        let challenge = HeaderValue::from_static("Basic realm=\"Mazet\", charset=\"UTF-8\"");
        headers.insert(header::WWW_AUTHENTICATE, challenge);
    }
    if let Some(seconds) = problem.wait {
        headers.insert(header::RETRY_AFTER, HeaderValue::from(seconds));
    }
    if let Some(allow) = refusal.headers().get(header::ALLOW) {
        headers.insert(header::ALLOW, allow.clone());
    }
    response
}

fn json(app: &App, language: Language, keyed: bool, problem: &Problem) -> Value {
    let (kind, name, status, title, detail) = problem.kind.row();
    let say = |key: &str, values: &[(&str, &str)]| app.pages.catalogue.say(language, key, values);
    let detail = match &problem.detail {
        Some((key, values)) => {
            let values: Vec<(&str, &str)> =
                values.iter().map(|(name, text)| (*name, text.as_str())).collect();
            say(key, &values)
        }
        None if keyed && kind == Kind::Denied => say("problem.denied_key", &[]),
        None => say(detail, &[("seconds", &problem.wait.unwrap_or_default().to_string())]),
    };
    let mut body = json!({
        "type": format!("/api#{name}"),
        "title": say(title, &[]),
        "status": status,
        "detail": detail,
    });
    if kind == Kind::Invalid {
        let fault = |one: &Wrong| {
            let detail = failure::sentence(app, language, one);
            json!({ "field": one.field, "code": one.key, "detail": detail })
        };
        body["errors"] = problem.wrong.iter().map(fault).collect();
    }
    body
}
