//! Forms for who is not signed in: a token in a cookie of its own, and the same in the form.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{FromRequest, FromRequestParts, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use mazet_directory::sessions::Visit;
use mazet_directory::{Directory, Error};
use mazet_model::settings::Language;
use serde_json::{Value, json};

use super::app::App;
use super::failure::{self, Failure};
use super::form::{Faults, Fields};
use super::member::{Signed, by_field};
use super::pages::Page;
use super::serve::Peer;
use super::token::Token;
use super::{form, language, said, session};

/// Keeps the form's token.
pub const COOKIE: &str = "__Host-mazet-form";

/// Who is not signed in.
pub struct Stranger {
    /// The server.
    pub app: Arc<App>,
    /// What they read.
    pub language: Language,
    /// Where they come from.
    pub address: IpAddr,
    /// What their browser says it is.
    pub agent: String,
    /// The headers of their request.
    pub headers: HeaderMap,
    /// The path and query of their request.
    pub here: String,
    /// What was done by the request before, in their language; else empty.
    pub said: String,
    /// They are signed in after all.
    pub signed: bool,
}

impl FromRequestParts<Arc<App>> for Stranger {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Failure> {
        let Peer(address) = *parts.extensions.get::<Peer>().ok_or(Failure::Forbidden)?;
        let language = language::of(&parts.headers).unwrap_or(Language::Fr);
        let agent = parts.headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok());
        let agent = agent.unwrap_or_default().to_owned();
        let signed = parts.extensions.get::<Signed>().is_some();
        let (here, said) = said::take(&parts.uri);
        let said = said.map(|key| app.pages.catalogue.say(language, key, &[])).unwrap_or_default();
        let headers = parts.headers.clone();
        Ok(Self { app: Arc::clone(app), language, address, agent, headers, here, said, signed })
    }
}

impl Stranger {
    /// A text in their language.
    pub fn say(&self, key: &str, values: &[(&str, &str)]) -> String {
        self.app.pages.catalogue.say(self.language, key, values)
    }

    /// The directory.
    ///
    /// # Errors
    /// The live system has none.
    pub fn directory(&self) -> Result<&Directory, Failure> {
        self.app.directory()
    }

    /// The value of one field of the query, decoded; empty where there is none.
    pub fn query(&self, name: &str) -> String {
        form::query(&self.here, name)
    }

    /// A page with a form: `form` holds what its inputs show, by input id.
    ///
    /// # Errors
    /// The page cannot be rendered, or there is no randomness.
    pub fn form(
        &self,
        template: &'static str,
        title: &'static str,
        form: &Value,
        faults: &Faults,
        more: Value,
    ) -> Result<Response, Failure> {
        // A browser that has a token keeps it: two tabs.
        let token = match session::read(&self.headers, COOKIE).and_then(Token::parse) {
            Some(token) => token,
            None => Token::draw()?,
        };
        let mut data = json!({
            "csrf": token.as_str(),
            "said": self.said,
            "form": form,
            "fault": by_field(form, faults),
            "faults": faults.list(),
        });
        if let (Some(data), Value::Object(more)) = (data.as_object_mut(), more) {
            data.extend(more);
        }
        let page = Page::new(template, title, &self.here, data);
        let response = self.app.pages.response(self.language, faults.status(), &page)?;
        Ok(([(header::SET_COOKIE, session::cookie(COOKIE, token.as_str()))], response).into_response())
    }

    /// From where they come, for the directory.
    pub fn visit(&self) -> Visit {
        Visit { address: self.address, agent: self.agent.clone() }
    }

    /// What the directory says of a try, for the input `field`: `wrong` is the catalogue key of a wrong
    /// one. With the status that the form goes back with, and the seconds to wait if any.
    ///
    /// # Errors
    /// The directory did not refuse but fail.
    pub fn tried(&self, error: Error, field: &str, wrong: &str) -> Result<Try, Failure> {
        let mut faults = Faults::default();
        match error {
            Error::Refused => {
                faults.add(field, self.say(wrong, &[]));
                Ok(Try { faults, wait: None })
            }
            Error::TooMany { retry_after } => {
                let seconds = retry_after.as_secs().max(1);
                faults.add(field, self.say("signin.limited", &[("seconds", &seconds.to_string())]));
                Ok(Try { faults, wait: Some(seconds) })
            }
            other => Ok(Try { faults: failure::refused(&self.app, self.language, other)?, wait: None }),
        }
    }
}

/// What became of a try.
pub struct Try {
    /// What is told.
    pub faults: Faults,
    /// Seconds until the next is looked at.
    wait: Option<u64>,
}

impl Try {
    /// The form once more, with the status and the headers of the answer.
    pub fn answer(&self, form: Response) -> Response {
        match self.wait {
            Some(seconds) => {
                let wait = [(header::RETRY_AFTER, seconds.to_string())];
                (StatusCode::TOO_MANY_REQUESTS, wait, form).into_response()
            }
            None => form,
        }
    }
}

/// A form that somebody sent who is not signed in.
pub struct Knock {
    /// Who.
    pub stranger: Stranger,
    /// What.
    pub fields: Fields,
}

impl form::Sender for Stranger {
    fn token(&self) -> Option<Token> {
        session::read(&self.headers, COOKIE).and_then(Token::parse)
    }
}

impl FromRequest<Arc<App>> for Knock {
    type Rejection = Response;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Response> {
        let (stranger, fields) = form::sent(request, app).await?;
        Ok(Self { stranger, fields })
    }
}
