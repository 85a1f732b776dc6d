//! Login Flow v2: a device is let in without its person's password.
//!
//! 1. The device asks (`POST /index.php/login/v2`), and is told two tokens: one for itself, one in the address
//!    of a page that it opens in a browser.
//! 2. The page (`/files/connect/<token>`) is for who is signed in to the box. They are asked, and let the
//!    device in, or not.
//! 3. The device, which asks every few seconds (`POST /index.php/login/v2/poll`), is given an application
//!    password that opens the files alone, once.
//!
//! Whoever begins can send somebody else the page's address: so it says which device asked, from where, and
//! that they should let in none that they did not just set up themselves.

mod page;
mod rows;

use axum::Router;
use axum::extract::{DefaultBodyLimit, Form, Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::Response;
use axum::routing::{get, post};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use hmac::{Hmac, Mac as _};
use mazet_directory::application_passwords;
use serde_json::json;
use sha2::Sha256;
use subtle::ConstantTimeEq as _;

use super::answer::{Fault, MISSING, Result, empty, typed};
use crate::access::{self, Access};
use crate::app::App;
use crate::pages::language;
use crate::storage::{Error, Storage};
use page::Page;
use rows::Waiting;

/// Bytes of a form.
const LONGEST: usize = 4 << 10;
/// Longest name of a device, in characters.
const NAME: usize = 100;

#[derive(Clone)]
struct Login {
    storage: Storage,
    access: Access,
    /// What forms are signed with: of this process alone.
    key: [u8; 32],
}

/// The calls of devices, and the page.
pub(super) fn router(app: &App) -> Router {
    let mut key = [0; 32];
    // Without random numbers no form is taken, and nothing else works either.
    let ready = getrandom::fill(&mut key).is_ok();
    let login = Login { storage: app.storage.clone(), access: app.access.clone(), key };
    if !ready {
        return Router::new();
    }
    Router::new()
        .route("/index.php/login/v2", post(begin))
        .route("/index.php/login/v2/poll", post(poll))
        .route("/files/connect/{token}", get(show).post(decide))
        .layer(DefaultBodyLimit::max(LONGEST))
        .with_state(login)
}

type Fields = Vec<(String, String)>;

fn field<'f>(fields: &'f Fields, name: &str) -> &'f str {
    fields.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
}

/// A device asks to be let in.
async fn begin(State(login): State<Login>, headers: HeaderMap) -> Response {
    login.begun(&headers).await.unwrap_or_else(Fault::answer)
}

/// A device asks whether it was.
async fn poll(State(login): State<Login>, headers: HeaderMap, Form(fields): Form<Fields>) -> Response {
    login.polled(&headers, field(&fields, "token")).await.unwrap_or_else(Fault::answer)
}

/// The page.
async fn show(State(login): State<Login>, Path(token): Path<String>, headers: HeaderMap) -> Response {
    login.shown(&headers, &token).await.unwrap_or_else(Fault::answer)
}

/// The person lets the device in, or not.
async fn decide(
    State(login): State<Login>,
    Path(token): Path<String>,
    headers: HeaderMap,
    Form(fields): Form<Fields>,
) -> Response {
    login.decided(&headers, &token, &fields).await.unwrap_or_else(Fault::answer)
}

impl Login {
    async fn begun(&self, headers: &HeaderMap) -> Result {
        let origin = origin(headers)?;
        let (poll, page) = (token()?, token()?);
        let waiting = Waiting { device: device(headers), address: access::address(headers).to_string() };
        if !rows::add(&self.storage, (&poll, &page), &waiting).await? {
            return Err(Fault::Request(StatusCode::TOO_MANY_REQUESTS, "too many devices ask to be let in"));
        }
        Ok(secret(&json!({
            "poll": { "token": poll, "endpoint": format!("{origin}/index.php/login/v2/poll") },
            "login": format!("{origin}/files/connect/{page}"),
        })))
    }

    async fn polled(&self, headers: &HeaderMap, token: &str) -> Result {
        let origin = origin(headers)?;
        let Some((login, device)) = rows::take(&self.storage, token).await? else {
            return Ok(empty(StatusCode::NOT_FOUND));
        };
        let made = application_passwords::make_for_device(self.access.directory(), &login, &device).await;
        let code = made.map_err(|error| match error {
            mazet_directory::Error::NotFound => MISSING,
            error => Error::Internal(format!("making an application password: {error}")).into(),
        })?;
        Ok(secret(&json!({ "server": origin, "loginName": login, "appPassword": code.plain() })))
    }

    async fn shown(&self, headers: &HeaderMap, token: &str) -> Result {
        let (login, reads) = (self.person(headers).await?, language::of(headers));
        let Some(waiting) = rows::find(&self.storage, token).await? else {
            return Ok(page::answer(StatusCode::NOT_FOUND, reads, &Page::Gone));
        };
        let proof = self.proof(&login, token)?;
        Ok(page::answer(
            StatusCode::OK,
            reads,
            &Page::Question { login: &login, waiting: &waiting, proof: &proof },
        ))
    }

    async fn decided(&self, headers: &HeaderMap, token: &str, fields: &Fields) -> Result {
        let (login, reads) = (self.person(headers).await?, language::of(headers));
        let meant: bool =
            self.proof(&login, token)?.as_bytes().ct_eq(field(fields, "proof").as_bytes()).into();
        if !meant || is_foreign(headers) {
            return Ok(page::answer(StatusCode::FORBIDDEN, reads, &Page::Foreign));
        }
        let page = match field(fields, "act") {
            "allow" if rows::allow(&self.storage, token, &login).await? => Page::Allowed,
            "refuse" => {
                rows::forget(&self.storage, token).await?;
                Page::Refused
            }
            _ => Page::Gone,
        };
        let status = if matches!(page, Page::Gone) { StatusCode::NOT_FOUND } else { StatusCode::OK };
        Ok(page::answer(status, reads, &page))
    }

    /// Who is signed in to the box, by the front web server's word.
    async fn person(&self, headers: &HeaderMap) -> Result<String> {
        let login = access::person(access::PAGES, headers);
        let login = login.ok_or(Fault::Request(StatusCode::FORBIDDEN, "nobody is signed in"))?;
        Ok(self.storage.view(&login).await?.login().to_owned())
    }

    /// What the form carries: only our page can know it. It holds for one person and one device.
    fn proof(&self, login: &str, token: &str) -> Result<String> {
        let mac = Hmac::<Sha256>::new_from_slice(&self.key);
        let mut mac = mac.map_err(|error| Error::Internal(format!("signing a form: {error}")))?;
        mac.update(format!("{login} {token}").as_bytes());
        Ok(URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes()))
    }
}

/// Does the browser itself say that another site sent this?
fn is_foreign(headers: &HeaderMap) -> bool {
    headers.get("sec-fetch-site").is_some_and(|site| site != "same-origin" && site != "none")
}

/// 256 random bits.
fn token() -> Result<String> {
    let mut bytes = [0; 32];
    getrandom::fill(&mut bytes).map_err(|error| Error::Internal(format!("drawing a token: {error}")))?;
    Ok(URL_SAFE_NO_PAD.encode(bytes))
}

/// What the device calls itself: "laptop (Desktop Client - Linux)".
fn device(headers: &HeaderMap) -> String {
    let agent =
        headers.get(header::USER_AGENT).map(|agent| String::from_utf8_lossy(agent.as_bytes()).into_owned());
    let agent: String = agent.unwrap_or_default().chars().filter(|c| !c.is_control()).take(NAME).collect();
    let agent = agent.trim();
    if agent.is_empty() { "?".to_owned() } else { agent.to_owned() }
}

/// The box's address, as the client wrote it: `https://box.example.org`.
pub(super) fn origin(headers: &HeaderMap) -> Result<String> {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    let host = text("host").filter(|host| {
        !host.is_empty() && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte))
    });
    let host = host.ok_or(Fault::Request(StatusCode::BAD_REQUEST, "the header Host is missing or wrong"))?;
    let scheme = if text("x-forwarded-proto") == Some("https") { "https" } else { "http" };
    Ok(format!("{scheme}://{host}"))
}

/// An answer that nobody keeps.
fn secret(value: &serde_json::Value) -> Response {
    let mut answer = typed(StatusCode::OK, "application/json; charset=utf-8", value.to_string());
    answer.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    answer
}
