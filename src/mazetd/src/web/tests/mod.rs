//! The whole site, asked as a browser would, over a broker made for the test.

mod api;
mod authority;
mod broker;
mod connection;
mod eyes;
mod installed;
mod leaving;
mod machine;
mod mail;
mod managers;
mod members;
mod pages;
mod reports;
mod roles;
mod texts;
mod wall;
mod websites;
mod wifi;
mod wizard;

use std::net::{IpAddr, Ipv4Addr};
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::http::{HeaderMap, Request, StatusCode, header};
use http_body_util::BodyExt as _;
use tower::ServiceExt as _;

use super::app::App;
use super::serve::Peer;
use super::{claim, routes, session};
use crate::protocol::Mode;
use broker::FakeBroker;

/// Where the tests' visitors come from.
const LOCAL: IpAddr = IpAddr::V4(Ipv4Addr::LOCALHOST);
/// The code that the test's broker takes.
const CODE: &str = "ABCD-EFGH";

/// A site with its broker, and a browser that keeps cookies.
struct Browser {
    router: Router,
    broker: FakeBroker,
    cookies: Vec<(String, String)>,
    language: &'static str,
}

/// What came back.
struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
    bytes: Vec<u8>,
}

impl Answer {
    /// Where a redirect leads; the status otherwise, so that a failed assertion shows it.
    fn leads_to(&self) -> String {
        let location = self.headers.get(header::LOCATION).map(|to| to.to_str().unwrap().to_owned());
        location.unwrap_or_else(|| self.status.to_string())
    }

    /// The hidden CSRF field of the page's form.
    fn csrf(&self) -> String {
        let (_, rest) = self.body.split_once("name=\"csrf\" value=\"").expect("a form with a token");
        rest[..64].to_owned()
    }
}

impl Browser {
    fn new(mode: Mode) -> Self {
        let broker = FakeBroker::start(mode);
        let app = App::new(&broker.path(), mode, None).unwrap();
        Self { router: routes::router(Arc::clone(&app)), broker, cookies: Vec::new(), language: "en" }
    }

    /// A browser that gave the claim code.
    async fn claimed() -> Self {
        let mut browser = Self::new(Mode::Live);
        assert_eq!(browser.claim(CODE).await.leads_to(), "/");
        browser
    }

    async fn claim(&mut self, code: &str) -> Answer {
        let csrf = self.get("/claim").await.csrf();
        self.send("/claim", &[("csrf", &csrf), ("code", code)]).await
    }

    async fn get(&mut self, path: &str) -> Answer {
        self.ask(Request::get(path), String::new()).await
    }

    /// Send a form as it is.
    async fn send(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let request = Request::post(path).header("content-type", "application/x-www-form-urlencoded");
        self.ask(request, encode(fields)).await
    }

    /// Send a form with the CSRF token that the step pages carry.
    async fn fill(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let csrf = self.get("/language").await.csrf();
        let fields: Vec<_> = [("csrf", csrf.as_str())].into_iter().chain(fields.iter().copied()).collect();
        self.send(path, &fields).await
    }

    async fn ask(&mut self, request: axum::http::request::Builder, body: String) -> Answer {
        let request = request
            .header("cookie", cookie_header(&self.cookies))
            .header("accept-language", self.language)
            .extension(Peer(LOCAL))
            .body(Body::from(body))
            .unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        answer(response, &mut self.cookies).await
    }
}

/// A browser's cookies, as it sends them.
fn cookie_header(cookies: &[(String, String)]) -> String {
    cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ")
}

/// What came back, its cookies kept.
async fn answer(response: axum::response::Response, cookies: &mut Vec<(String, String)>) -> Answer {
    let (parts, body) = response.into_parts();
    let bytes = body.collect().await.unwrap().to_bytes().to_vec();
    let body = String::from_utf8_lossy(&bytes).into_owned();
    for cookie in parts.headers.get_all(header::SET_COOKIE) {
        let (name, rest) = cookie.to_str().unwrap().split_once('=').unwrap();
        let value = rest.split(';').next().unwrap();
        cookies.retain(|(kept, _)| kept != name);
        if !rest.contains("Max-Age=0") {
            cookies.push((name.to_owned(), value.to_owned()));
        }
    }
    Answer { status: parts.status, headers: parts.headers, body, bytes }
}

/// A form's body (WHATWG URL § 5): everything but letters and digits escaped.
fn encode(fields: &[(&str, &str)]) -> String {
    let escape = |text: &str| -> String {
        let byte = |byte: u8| match byte.is_ascii_alphanumeric() {
            true => char::from(byte).to_string(),
            false => format!("%{byte:02X}"),
        };
        text.bytes().map(byte).collect()
    };
    let pairs: Vec<String> =
        fields.iter().map(|(name, value)| format!("{}={}", escape(name), escape(value))).collect();
    pairs.join("&")
}
