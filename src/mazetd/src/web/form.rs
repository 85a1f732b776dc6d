//! Forms: what was sent, that it was meant, and what is wrong with it.

use std::sync::{Arc, OnceLock};

use axum::extract::{Form, FromRequest, FromRequestParts, Multipart, Query, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, Uri, header};
use axum::response::{IntoResponse as _, Response};
use mazet_model::settings::Language;
use serde_json::{Value, json};

use super::app::App;
use super::broker::BrokerError;
use super::failure::{self, Failure};
use super::guard::Csrf;
use super::language;
use super::pages::Page;
use super::token::Token;
use crate::acts;
use crate::protocol::Notices;

/// The fields of a form, in order, repeated ones included; and the files that came with it.
#[derive(Default)]
pub struct Fields {
    pairs: Vec<(String, String)>,
    files: Vec<(String, Vec<u8>)>,
}

impl Fields {
    /// Read a form of at most the router's body limit, with files (RFC 7578) or without.
    ///
    /// # Errors
    /// Too long, or not a form: axum's own answer.
    pub async fn read(request: Request) -> Result<Self, Response> {
        let kind = request.headers().get(header::CONTENT_TYPE);
        if kind.is_some_and(|kind| kind.as_bytes().starts_with(b"multipart/form-data")) {
            return Self::read_with_files(request).await;
        }
        let Form(pairs) = Form::<Vec<(String, String)>>::from_request(request, &())
            .await
            .map_err(|fault| fault.into_response())?;
        Ok(Self { pairs, files: Vec::new() })
    }

    async fn read_with_files(request: Request) -> Result<Self, Response> {
        let parts = Multipart::from_request(request, &()).await;
        let mut parts = parts.map_err(|fault| fault.into_response())?;
        let mut fields = Self::default();
        while let Some(part) = parts.next_field().await.map_err(|fault| fault.into_response())? {
            let name = part.name().unwrap_or_default().to_owned();
            if part.file_name().is_some() {
                let bytes = part.bytes().await.map_err(|fault| fault.into_response())?;
                fields.files.push((name, bytes.to_vec()));
            } else {
                let text = part.text().await.map_err(|fault| fault.into_response())?;
                fields.pairs.push((name, text));
            }
        }
        Ok(fields)
    }

    /// The content of a field's first file; empty where none was chosen.
    pub fn file(&self, name: &str) -> &[u8] {
        self.files.iter().find(|(key, _)| key == name).map_or(&[], |(_, bytes)| bytes)
    }

    /// A field's first value, empty where there is none.
    pub fn get(&self, name: &str) -> &str {
        self.pairs.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }

    /// Is there such a field, even an empty one?
    pub fn has(&self, name: &str) -> bool {
        self.pairs.iter().any(|(key, _)| key == name)
    }

    /// A field's first value without the blanks around it.
    pub fn text(&self, name: &str) -> String {
        self.get(name).trim().to_owned()
    }

    /// Every value of a field.
    pub fn all<'f>(&'f self, name: &'f str) -> impl Iterator<Item = &'f str> {
        self.pairs.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// The fields with another value of one of them, which has this one alone.
    pub fn with(mut self, name: &str, value: String) -> Self {
        self.pairs.retain(|(key, _)| key != name);
        self.pairs.push((name.to_owned(), value));
        self
    }
}

/// Who may send forms: with a token that only their own browser and our page know.
pub trait Sender: FromRequestParts<Arc<App>, Rejection = Failure> {
    /// The token that their form must carry; none: they cannot send one yet.
    fn token(&self) -> Option<Token>;
}

/// A form, and who sent it. The one place where a form is read, and where it is seen that it was meant.
///
/// # Errors
/// They cannot be told, it is too long or no form, or it comes from elsewhere.
pub async fn sent<W: Sender>(request: Request, app: &Arc<App>) -> Result<(W, Fields), Response> {
    let foreign = is_foreign(request.headers());
    let (mut parts, body) = request.into_parts();
    let who = W::from_request_parts(&mut parts, app).await.map_err(Failure::into_response)?;
    let fields = Fields::read(Request::from_parts(parts, body)).await?;
    let ours = who.token().is_some_and(|token| token.is(fields.get("csrf")));
    if foreign || !ours {
        return Err(Failure::Forbidden.into_response());
    }
    Ok((who, fields))
}

/// A visitor behind the wall.
pub struct Visit {
    /// The server.
    pub app: Arc<App>,
    /// What they read.
    pub language: Language,
    /// Their session's CSRF token.
    pub csrf: Token,
    /// What they should know, once the broker was asked.
    pub notices: OnceLock<Notices>,
}

impl FromRequestParts<Arc<App>> for Visit {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Failure> {
        let Csrf(csrf) = parts.extensions.get::<Csrf>().cloned().ok_or(Failure::Forbidden)?;
        let language = language::of(&parts.headers).unwrap_or(Language::Fr);
        Ok(Self { app: Arc::clone(app), language, csrf, notices: OnceLock::new() })
    }
}

impl Visit {
    /// A text in the visitor's language.
    pub fn say(&self, key: &str, values: &[(&str, &str)]) -> String {
        self.app.pages.catalogue.say(self.language, key, values)
    }

    /// A page in the visitor's language.
    ///
    /// # Errors
    /// The page cannot be rendered.
    pub fn page(&self, status: StatusCode, page: &Page) -> Result<Response, Failure> {
        Ok(self.app.pages.response(self.language, status, page)?)
    }

    /// What a refusal of the broker means to the visitor; other failures stay failures.
    ///
    /// # Errors
    /// The broker did not refuse but fail.
    pub fn refusal(&self, error: BrokerError) -> Result<Faults, Failure> {
        refusal(&self.app, self.language, error)
    }
}

/// What a refusal of the broker means to who reads `language`; other failures stay failures.
///
/// # Errors
/// The broker did not refuse but fail.
pub fn refusal(app: &App, language: Language, error: BrokerError) -> Result<Faults, Failure> {
    let (key, detail) = match error {
        BrokerError::Refused { key, detail } => (key, detail),
        BrokerError::Faulty(list) => {
            let mut faults = Faults::default();
            for wrong in acts::websites::wrongs(&list) {
                faults.add(&wrong.field, failure::sentence(app, language, &wrong));
            }
            return Ok(faults);
        }
        other => return Err(other.into()),
    };
    let known = format!("refused.{key}");
    let has_text = app.pages.catalogue.get(language, &known).is_some();
    let key = if has_text { known.as_str() } else { "refused.failed" };
    let mut faults = Faults::default();
    faults.add("", app.pages.catalogue.say(language, key, &[("detail", &detail)]));
    Ok(faults)
}

/// A form sent by a visitor behind the wall, with their session's CSRF token.
pub struct Posted {
    /// Who.
    pub visit: Visit,
    /// What.
    pub fields: Fields,
}

impl Sender for Visit {
    fn token(&self) -> Option<Token> {
        Some(self.csrf.clone())
    }
}

impl FromRequest<Arc<App>> for Posted {
    type Rejection = Response;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Response> {
        let (visit, fields) = sent(request, app).await?;
        Ok(Self { visit, fields })
    }
}

/// Does the browser itself say that another site sent this?
pub fn is_foreign(headers: &HeaderMap) -> bool {
    headers.get("sec-fetch-site").is_some_and(|site| site != "same-origin" && site != "none")
}

/// The value of one field of a path's query, decoded; empty where there is none.
pub fn query(path: &str, name: &str) -> String {
    let pairs =
        path.parse::<Uri>().ok().and_then(|uri| Query::<Vec<(String, String)>>::try_from_uri(&uri).ok());
    let found = pairs.into_iter().flat_map(|Query(pairs)| pairs).find(|(key, _)| key == name);
    found.map(|(_, value)| value).unwrap_or_default()
}

/// What is wrong with a form, in the visitor's words, field by field.
#[derive(Default)]
pub struct Faults(Vec<(String, String)>);

impl Faults {
    /// A fault of a field (the id of its input; empty for the whole form).
    pub fn add(&mut self, field: &str, message: String) {
        self.0.push((field.to_owned(), message));
    }

    /// Takes over the faults of another part of the form.
    pub fn join(&mut self, other: Self) {
        self.0.extend(other.0);
    }

    /// The faults of these fields are those of `to`, which they are written in here.
    #[must_use]
    pub fn at(mut self, fields: &[&str], to: &str) -> Self {
        for (field, _) in &mut self.0 {
            if fields.contains(&field.as_str()) {
                to.clone_into(field);
            }
        }
        self
    }

    /// Nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// The first fault of a field; empty where there is none.
    pub fn of(&self, field: &str) -> &str {
        self.0.iter().find(|(name, _)| name == field).map_or("", |(_, message)| message)
    }

    /// For the list of faults at the top of a page.
    pub fn list(&self) -> Value {
        self.0.iter().map(|(field, message)| json!({ "field": field, "message": message })).collect()
    }

    /// 422 where something is wrong.
    pub fn status(&self) -> StatusCode {
        if self.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY }
    }
}
