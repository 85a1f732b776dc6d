//! Who asks: what a handler of `/files/` is given.

use std::sync::Arc;

use axum::extract::{Form, FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse as _, Redirect, Response};
use hmac::{Hmac, Mac as _};
use mazet_model::settings::Language;
use serde_json::{Value, json};
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

use super::failure::{Failure, told};
use super::guard::{self, Key};
use super::view::Page;
use super::{Site, catalogue, language, link};
use crate::storage::{Error, View};

/// What can be said of the request before: known keys, never a text, so that a link of somebody else's
/// making shows one of ours.
const SAID: [&str; 14] = [
    "said.brought_back",
    "said.copied",
    "said.deleted",
    "said.emptied",
    "said.folder",
    "said.moved",
    "said.purged",
    "said.renamed",
    "said.restored",
    "said.rights",
    "said.taken_back",
    "said.unchanged",
    "said.upload_cancelled",
    "said.uploaded",
];

/// Somebody signed in, and where they are.
#[derive(Clone)]
pub struct Member {
    /// The pages.
    pub site: Arc<Site>,
    /// What they read.
    pub language: Language,
    /// What they see.
    pub view: View,
    /// What their forms carry.
    pub csrf: String,
    /// The path and query of their request.
    pub here: String,
    /// What was done by the request before, in their language; else empty.
    pub said: String,
}

impl FromRequestParts<Arc<Site>> for Member {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, site: &Arc<Site>) -> Result<Self, Failure> {
        // The front web server says who it is, and lets no visitor say it.
        let login = parts.headers.get("mazet-person").and_then(|login| login.to_str().ok());
        let login = login.filter(|login| !login.is_empty()).ok_or(Failure::Nobody)?;
        let Key(key) = parts.extensions.get().cloned().ok_or(Failure::Nobody)?;
        let view = site.storage.view(login).await.map_err(|error| match error {
            Error::NotFound => Failure::Nobody,
            other => other.into(),
        })?;
        let language = language::of(&parts.headers);
        let said = query_of(&parts.uri, "said");
        let said = SAID.into_iter().find(|key| *key == said);
        Ok(Self {
            site: Arc::clone(site),
            language,
            csrf: token(&key, login)?,
            view,
            here: guard::without(&parts.uri, "said="),
            said: said.map(|key| catalogue::say(language, key, &[])).unwrap_or_default(),
        })
    }
}

/// What a form must carry: only our page, in the browser that has the cookie, can know it. It holds for
/// one person.
fn token(key: &str, login: &str) -> Result<String, Failure> {
    let mac = Hmac::<Sha256>::new_from_slice(key.as_bytes());
    let mut mac = mac.map_err(|error| Failure::Internal(format!("making a form's token: {error}")))?;
    mac.update(b"files:");
    mac.update(login.as_bytes());
    Ok(guard::hex(&mac.finalize().into_bytes()))
}

/// Does the browser itself say that another site sent this?
fn is_foreign(headers: &HeaderMap) -> bool {
    headers.get("sec-fetch-site").is_some_and(|site| site != "same-origin" && site != "none")
}

/// The value of one field of an address's query, decoded; empty where there is none.
pub fn query_of(uri: &axum::http::Uri, name: &str) -> String {
    let pairs = axum::extract::Query::<Vec<(String, String)>>::try_from_uri(uri);
    let pairs = pairs.map(|query| query.0).unwrap_or_default();
    pairs.into_iter().find(|(key, _)| key == name).map(|(_, value)| value).unwrap_or_default()
}

impl Member {
    /// A text in their language.
    pub fn say(&self, key: &str, values: &[(&str, &str)]) -> String {
        catalogue::say(self.language, key, values)
    }

    /// The same at another page: for one that answers a form and has no address of its own.
    #[must_use]
    pub fn at(&self, here: &str) -> Self {
        Self { here: here.to_owned(), ..self.clone() }
    }

    /// The value of one field of the query.
    pub fn query(&self, name: &str) -> String {
        self.here.parse().map(|uri| query_of(&uri, name)).unwrap_or_default()
    }

    /// Did they mean it? Asked of everything that changes something.
    ///
    /// # Errors
    /// [`Failure::Foreign`].
    pub fn meant(&self, headers: &HeaderMap, sent: &str) -> Result<(), Failure> {
        let same: bool = self.csrf.as_bytes().ct_eq(sent.as_bytes()).into();
        if same && !is_foreign(headers) { Ok(()) } else { Err(Failure::Foreign) }
    }

    /// A page with their menu.
    ///
    /// # Errors
    /// The page cannot be rendered.
    pub fn show(&self, template: &'static str, title: &str, data: Value) -> Result<Response, Failure> {
        self.show_with(StatusCode::OK, template, title, data)
    }

    /// The same with a status, and what is wrong: `data.faults`, a list of texts.
    ///
    /// # Errors
    /// The page cannot be rendered.
    pub fn show_with(
        &self,
        status: StatusCode,
        template: &'static str,
        title: &str,
        data: Value,
    ) -> Result<Response, Failure> {
        let mut all = json!({ "csrf": self.csrf, "said": self.said, "faults": [] });
        if let (Some(all), Value::Object(data)) = (all.as_object_mut(), data) {
            all.extend(data);
        }
        let page = Page { template, title, here: &self.here, menu: true, data: all };
        Ok(self.site.pages.response(self.language, status, &page)?)
    }

    /// What the files refused, in their words; what is no refusal but a failure stays one.
    ///
    /// # Errors
    /// The error, where it is not theirs to mend.
    pub fn refused(&self, error: Error) -> Result<(StatusCode, String), Failure> {
        let (status, key) = told(&error);
        match status {
            StatusCode::SERVICE_UNAVAILABLE | StatusCode::INTERNAL_SERVER_ERROR => Err(error.into()),
            _ => Ok((status, self.say(key, &[]))),
        }
    }
}

/// To another page, which says so.
pub fn and_go(path: &str, key: &str) -> Response {
    debug_assert!(SAID.contains(&key), "{key} is never said");
    let mark = if path.contains('?') { '&' } else { '?' };
    Redirect::to(&format!("{path}{mark}said={key}")).into_response()
}

/// A form sent by somebody signed in, which they meant to send.
pub struct Sent {
    /// Who.
    pub member: Member,
    fields: Vec<(String, String)>,
}

impl FromRequest<Arc<Site>> for Sent {
    type Rejection = Response;

    async fn from_request(request: Request, site: &Arc<Site>) -> Result<Self, Response> {
        let (mut parts, body) = request.into_parts();
        let member = Member::from_request_parts(&mut parts, site).await.map_err(Failure::into_response)?;
        let headers = parts.headers.clone();
        let form = Form::<Vec<(String, String)>>::from_request(Request::from_parts(parts, body), &()).await;
        let Form(fields) = form.map_err(|fault| fault.into_response())?;
        let sent = Self { member, fields };
        sent.member.meant(&headers, sent.get("csrf")).map_err(Failure::into_response)?;
        Ok(sent)
    }
}

impl Sent {
    /// A field's first value, empty where there is none.
    pub fn get(&self, name: &str) -> &str {
        self.fields.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }

    /// A field's first value without the blanks around it.
    pub fn text(&self, name: &str) -> &str {
        self.get(name).trim()
    }

    /// A path.
    ///
    /// # Errors
    /// [`Failure::Bad`].
    pub fn path(&self, name: &str) -> Result<String, Failure> {
        link::decoded(self.get(name)).ok_or(Failure::Bad)
    }

    /// Every value of a field, as paths.
    ///
    /// # Errors
    /// [`Failure::Bad`].
    pub fn paths(&self, name: &str) -> Result<Vec<String>, Failure> {
        let fields = self.fields.iter().filter(|(key, _)| key == name);
        fields.map(|(_, value)| link::decoded(value).ok_or(Failure::Bad)).collect()
    }

    /// Every value of a field that is a number.
    pub fn numbers(&self, name: &str) -> Vec<i64> {
        let fields = self.fields.iter().filter(|(key, _)| key == name);
        fields.filter_map(|(_, value)| value.parse().ok()).collect()
    }
}
