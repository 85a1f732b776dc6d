//! Who asks: somebody signed in on the pages, or a program with an application password made for the API.
//!
//! A session changes something only with its CSRF token in [`CSRF`]: a page of another site can make a
//! browser send the cookie, and cannot read the token. There is no CORS header anywhere.

use std::sync::Arc;

use axum::extract::Request;
use axum::http::{HeaderMap, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};
use mazet_directory::basic::credentials;
use mazet_directory::sessions::Session;
use mazet_directory::sign_in::{self, Keyed};

use super::problem::{Kind, Problem};
use crate::web::app::App;
use crate::web::form::is_foreign;
use crate::web::serve::Peer;
use crate::web::{member, session};

/// The header that carries a session's CSRF token.
pub const CSRF: &str = "x-csrf-token";

/// Who asks, put beside a request that passed the door.
#[derive(Clone)]
pub enum Entrant {
    /// Somebody signed in on the pages.
    Session(Arc<Session>),
    /// A program.
    Key(Arc<Keyed>),
}

/// Lets those pass who say who they are.
pub async fn enter(app: &App, mut request: Request, next: Next) -> Response {
    let peer = request.extensions().get::<Peer>().copied();
    let (method, headers) = (request.method().clone(), request.headers().clone());
    let entrant = if headers.contains_key(header::AUTHORIZATION) {
        by_key(app, peer, &headers).await
    } else {
        by_session(app, &method, &headers).await
    };
    match entrant {
        Ok(entrant) => {
            request.extensions_mut().insert(entrant);
            next.run(request).await
        }
        Err(problem) => problem.into_response(),
    }
}

async fn by_session(app: &App, method: &Method, headers: &HeaderMap) -> Result<Entrant, Problem> {
    let cookie = session::read(headers, session::COOKIE).ok_or(Kind::SignIn)?;
    let signed = member::find(app, cookie).await?.ok_or(Kind::SignIn)?;
    if signed.must_set_up() {
        return Err(Kind::SecondFactor.into());
    }
    let sent = headers.get(CSRF).and_then(|token| token.to_str().ok()).unwrap_or_default();
    if *method != Method::GET && *method != Method::HEAD && (is_foreign(headers) || !signed.1.is(sent)) {
        return Err(Kind::Token.into());
    }
    Ok(Entrant::Session(signed.0))
}

async fn by_key(app: &App, peer: Option<Peer>, headers: &HeaderMap) -> Result<Entrant, Problem> {
    let Peer(address) = peer.ok_or(Kind::SignIn)?;
    let (login, password) = basic(headers).ok_or(Kind::SignIn)?;
    match sign_in::api(app.directory()?, &login, &password, address).await {
        Ok(keyed) => Ok(Entrant::Key(Arc::new(keyed))),
        Err(mazet_directory::Error::Refused) => Err(Kind::SignIn.into()),
        Err(error) => Err(error.into()),
    }
}

/// Login and password of an `Authorization: Basic` header (RFC 7617, in UTF-8).
fn basic(headers: &HeaderMap) -> Option<(String, String)> {
    let header = headers.get(header::AUTHORIZATION)?.to_str().ok()?;
    credentials(header)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_basic_credentials_are_read() {
        let of = |value: &str| {
            let mut headers = HeaderMap::new();
            headers.insert(header::AUTHORIZATION, value.parse().expect("a header"));
            basic(&headers)
        };
        // RFC 7617 § 2, and with a colon in the password.
        let aladdin = Some(("Aladdin".to_owned(), "open sesame".to_owned()));
        assert_eq!(of("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ=="), aladdin);
        assert_eq!(of("basic YTpiOmM="), Some(("a".to_owned(), "b:c".to_owned())));
        for bad in ["Bearer QWxhZGRpbg==", "Basic", "Basic !", "Basic YQ=="] {
            assert_eq!(of(bad), None, "{bad}");
        }
    }
}
