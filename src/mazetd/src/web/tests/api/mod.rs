//! The API, asked as a program would.

mod bodies;
mod curl;
mod description;
mod keys;
mod roles;

use mazet_directory::sessions::Session;
use mazet_directory::{application_passwords, sessions};
use serde_json::Value;

use super::installed::{Installed, Visitor};
use super::*;

/// Something that asks the API.
pub struct Program {
    router: Router,
    /// Headers of every request: who asks.
    pub who: Vec<(&'static str, String)>,
    pub language: &'static str,
    pub address: IpAddr,
}

/// What came back.
pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    /// Null where it was no JSON.
    pub body: Value,
    pub text: String,
}

impl Reply {
    /// The problem's name: what stands after `/api#`.
    pub fn problem(&self) -> &str {
        self.body["type"].as_str().and_then(|kind| kind.strip_prefix("/api#")).unwrap_or_default()
    }

    /// `field: code` of every fault.
    pub fn errors(&self) -> Vec<String> {
        let all = self.body["errors"].as_array().cloned().unwrap_or_default();
        let text = |one: &Value, name: &str| one[name].as_str().unwrap_or_default().to_owned();
        all.iter().map(|one| format!("{}: {}", text(one, "field"), text(one, "code"))).collect()
    }
}

impl Program {
    pub async fn get(&self, path: &str) -> Reply {
        self.ask("get", path, None, "").await
    }

    pub async fn send(&self, method: &str, path: &str, body: &Value) -> Reply {
        self.ask(method, path, Some("application/json"), &body.to_string()).await
    }

    /// Without a body.
    pub async fn order(&self, method: &str, path: &str) -> Reply {
        self.ask(method, path, None, "").await
    }

    pub async fn ask(&self, method: &str, path: &str, media: Option<&str>, body: &str) -> Reply {
        let mut request = Request::builder()
            .method(method.to_uppercase().as_str())
            .uri(path)
            .header("accept-language", self.language)
            .extension(Peer(self.address));
        for (name, value) in &self.who {
            request = request.header(*name, value);
        }
        if let Some(media) = media {
            request = request.header("content-type", media);
        }
        let request = request.body(Body::from(body.to_owned())).unwrap();
        let response = self.router.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let text = String::from_utf8(body.collect().await.unwrap().to_bytes().to_vec()).unwrap();
        let body = serde_json::from_str(&text).unwrap_or_default();
        Reply { status: parts.status, headers: parts.headers, body, text }
    }
}

/// `Authorization: Basic` (RFC 7617).
pub fn basic(login: &str, password: &str) -> (&'static str, String) {
    use base64::Engine as _;
    let credentials = base64::engine::general_purpose::STANDARD.encode(format!("{login}:{password}"));
    ("authorization", format!("Basic {credentials}"))
}

/// The session of a browser.
pub async fn session(site: &Installed, browser: &Visitor) -> Session {
    let token = browser.cookies.iter().find(|(name, _)| name == session::COOKIE).expect("signed in");
    sessions::find(&site.directory, &token.1).await.unwrap().expect("a session")
}

impl Installed {
    /// A program that nobody gave a password.
    pub fn program(&self) -> Program {
        Program { router: self.router(), who: Vec::new(), language: "en", address: LOCAL }
    }

    /// A program with an application password of who is signed in with that browser.
    pub async fn program_of(&self, browser: &Visitor) -> Program {
        let session = session(self, browser).await;
        let made = application_passwords::make_for_api(&self.directory, &session, "a script").await;
        Program { who: vec![basic(&session.login, &made.unwrap().1.grouped())], ..self.program() }
    }

    /// A page's script in that browser.
    pub async fn script_of(&self, browser: &Visitor) -> Program {
        let csrf = session(self, browser).await.csrf;
        let who = vec![("cookie", cookie_header(&browser.cookies)), ("x-csrf-token", csrf)];
        Program { who, ..self.program() }
    }
}
