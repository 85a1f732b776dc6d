//! Who may see what: what the front web server asks before it answers.
//!
//! # The contract
//!
//! Before a location with `access = "member"` or a role is answered, the front web server asks at
//! `127.0.0.1:9480` (the firewall lets only its user connect), as FastCGI Authorizer, the one form
//! of such a question that every web server knows (FastCGI 1.0 § 6.3). nginx can only ask as a
//! Responder; it is understood as well. The question, as FastCGI parameters:
//!
//! | parameter | content |
//! |---|---|
//! | `MAZET_ACCESS` | what is asked for: `member`, `password`, or the name of a role |
//! | `MAZET_OWNERS` | a path, below which the first name is somebody's login or a common account's; empty: there is none |
//! | `REQUEST_METHOD`, `REQUEST_URI` | the visitor's request, as it came |
//! | `REMOTE_ADDR` | the visitor's address |
//! | `HTTP_COOKIE`, `HTTP_ACCEPT` | of the visitor's headers |
//! | `HTTP_AUTHORIZATION`, or `REMOTE_USER` and `REMOTE_PASSWD` | login and password (RFC 7617), with `password` alone: as the visitor sent them, or already taken apart |
//!
//! The answer, a status and headers without a body:
//!
//! | answer | meaning |
//! |---|---|
//! | 200, `Variable-MAZET_PERSON: login` | yes; the service is told `Mazet-Person: login` |
//! | 401 | no: nobody is signed in, and the visitor is no browser; with `WWW-Authenticate`, login or password are missing or wrong |
//! | 401 or 302, `Location: /sign-in?next=…` | no: the browser is sent to the sign-in page. A Responder is answered 401, as nginx takes nothing else from a sub-request; an Authorizer 302 |
//! | 403 | no: who is signed in lacks the role or shares no association with whose it is, or there were too many tries |
//!
//! A header `Mazet-Person` (and everything that looks like it) of a visitor never reaches a service.
//! When nobody answers here, the front web server answers 500: it never lets pass.
//!
//! [`judge`] decides. Everything else of this module is the form.

mod basic;
mod fastcgi;
mod owner;

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use mazet_model::manifest::PASSWORD;
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt as _};

use self::fastcgi::Role;
use super::app::App;
use super::{member, session};

/// Where a browser is sent that must sign in.
const SIGN_IN: &str = "/sign-in";

/// What the front web server asks.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// `member`, or the name of a role.
    pub access: String,
    /// The path below which the first name says whose it is; empty: nobody's.
    pub owners: String,
    /// The visitor's cookies, as sent.
    pub cookie: String,
    /// Login and password that came with the request.
    pub credentials: Option<(String, String)>,
    /// The visitor's address.
    pub address: IpAddr,
    /// The request's method.
    pub method: String,
    /// The request's path and query.
    pub uri: String,
    /// Does the visitor want a page, as browsers do?
    pub wants_page: bool,
}

/// What it is answered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Yes: the login name of who asks.
    Granted(String),
    /// Nobody is signed in.
    SignIn,
    /// Login or password are missing or wrong.
    Unknown,
    /// Who is signed in may not.
    Denied,
}

/// Decides, by the session that the visitor's cookie opens, or by login and password where those are asked for.
///
/// # Errors
/// The directory does not answer: nobody passes.
pub async fn judge(app: &App, question: &Question) -> std::io::Result<Verdict> {
    match who(app, question).await? {
        Verdict::Granted(login) => owner::judge(app, question, login).await,
        other => Ok(other),
    }
}

/// Decides who it is, and whether they may ask here at all.
async fn who(app: &App, question: &Question) -> std::io::Result<Verdict> {
    if question.access == PASSWORD {
        return basic::judge(app, question).await;
    }
    let Some(cookie) = session::of_header(&question.cookie, session::COOKIE) else {
        return Ok(Verdict::SignIn);
    };
    let found = member::find(app, cookie).await.map_err(|_| std::io::Error::other("no directory"))?;
    Ok(match found {
        // An operator who has no second factor yet is not signed in.
        Some(signed) if signed.must_set_up() => Verdict::SignIn,
        Some(signed) if signed.holds(&question.access) => Verdict::Granted(signed.0.login.clone()),
        Some(_) => Verdict::Denied,
        None => Verdict::SignIn,
    })
}

/// Answers the one question of a connection.
///
/// # Errors
/// When the connection breaks, or what comes is no FastCGI.
pub async fn answer<S: AsyncRead + AsyncWrite + Unpin>(
    mut stream: S,
    judge: impl AsyncFnOnce(&Question) -> std::io::Result<Verdict>,
) -> std::io::Result<()> {
    let request = fastcgi::read(&mut stream).await?;
    let question = Question::of(&request.parameters);
    let headers = headers(&question, &judge(&question).await?, request.role);
    stream.write_all(&fastcgi::response(request.id, &headers)).await?;
    stream.shutdown().await
}

impl Question {
    fn of(parameters: &BTreeMap<String, String>) -> Self {
        let of = |name: &str| parameters.get(name).cloned().unwrap_or_default();
        Self {
            access: of("MAZET_ACCESS"),
            owners: of("MAZET_OWNERS"),
            cookie: of("HTTP_COOKIE"),
            credentials: basic::credentials(parameters),
            address: of("REMOTE_ADDR").parse().unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST)),
            method: of("REQUEST_METHOD"),
            uri: of("REQUEST_URI"),
            wants_page: of("HTTP_ACCEPT").contains("text/html"),
        }
    }
}

fn headers(question: &Question, verdict: &Verdict, role: Role) -> String {
    let plain = |login: &String| login.bytes().all(|byte| byte.is_ascii_graphic());
    match verdict {
        // An empty name would tell the service of nobody.
        Verdict::Granted(login) if !login.is_empty() && plain(login) => {
            format!("Status: 200\r\nVariable-MAZET_PERSON: {login}\r\n\r\n")
        }
        Verdict::SignIn if question.wants_page && ["GET", "HEAD"].contains(&question.method.as_str()) => {
            let status = if role == Role::Authorizer { 302 } else { 401 };
            format!("Status: {status}\r\nLocation: {SIGN_IN}?next={}\r\n\r\n", quoted(&question.uri))
        }
        Verdict::SignIn => "Status: 401\r\n\r\n".to_owned(),
        Verdict::Unknown => format!("Status: 401\r\nWWW-Authenticate: {}\r\n\r\n", basic::CHALLENGE),
        Verdict::Denied | Verdict::Granted(_) => "Status: 403\r\n\r\n".to_owned(),
    }
}

/// `text` as the value in a query: all but unreserved characters percent-encoded (RFC 3986 § 2.3).
fn quoted(text: &str) -> String {
    let byte = |byte: u8| match byte {
        b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    };
    text.bytes().map(byte).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn browser(uri: &str) -> Question {
        Question {
            access: "operator".to_owned(),
            owners: String::new(),
            cookie: "session=1".to_owned(),
            credentials: None,
            address: IpAddr::V4(Ipv4Addr::LOCALHOST),
            method: "GET".to_owned(),
            uri: uri.to_owned(),
            wants_page: true,
        }
    }

    #[test]
    fn a_browser_is_sent_to_the_sign_in_page_and_back_again() {
        let question = browser("/files/a%2Fb?c=d\u{e9}&e");
        let location = "Location: /sign-in?next=%2Ffiles%2Fa%252Fb%3Fc%3Dd%C3%A9%26e\r\n\r\n";
        let answer = |role| headers(&question, &Verdict::SignIn, role);
        assert_eq!(answer(Role::Authorizer), format!("Status: 302\r\n{location}"));
        assert_eq!(answer(Role::Responder), format!("Status: 401\r\n{location}"));
    }

    #[test]
    fn a_program_is_told_that_it_must_sign_in() {
        let program = Question { wants_page: false, ..browser("/") };
        let form = Question { method: "POST".to_owned(), ..browser("/") };
        for question in [program, form] {
            assert_eq!(headers(&question, &Verdict::SignIn, Role::Authorizer), "Status: 401\r\n\r\n");
        }
    }

    #[test]
    fn a_name_that_could_be_another_header_opens_nothing() {
        let answer = |name: &str| headers(&browser("/"), &Verdict::Granted(name.to_owned()), Role::Responder);
        assert_eq!(answer("ada"), "Status: 200\r\nVariable-MAZET_PERSON: ada\r\n\r\n");
        for bad in ["", "a\r\nStatus: 200", "a b", "\u{e9}"] {
            assert_eq!(answer(bad), "Status: 403\r\n\r\n", "{bad:?}");
        }
    }

    #[test]
    fn who_lacks_the_role_is_not_asked_to_sign_in_again() {
        let answer = headers(&browser("/"), &Verdict::Denied, Role::Authorizer);
        assert_eq!(answer, "Status: 403\r\n\r\n");
    }

    #[tokio::test]
    async fn a_question_is_read_and_answered() {
        let parameters = [("MAZET_ACCESS", "operator"), ("HTTP_COOKIE", "session=1"), ("REQUEST_URI", "/x")];
        let (mut front, ours) = tokio::io::duplex(4096);
        front.write_all(&fastcgi::request(Role::Authorizer, &parameters)).await.expect("sent");
        answer(ours, async |question: &Question| {
            assert_eq!((question.access.as_str(), question.uri.as_str()), ("operator", "/x"));
            Ok(Verdict::Granted(question.cookie.replace("session=", "person")))
        })
        .await
        .expect("answered");
        let text = fastcgi::read_response(&mut front).await;
        assert_eq!(text, "Status: 200\r\nVariable-MAZET_PERSON: person1\r\n\r\n");
    }
}
