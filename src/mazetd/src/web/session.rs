//! Who gave the claim code: a bounded list of sessions, in memory only.

use std::time::{Duration, Instant};

use super::token::Token;

/// The session cookie. `__Host-` makes browsers insist on Secure, Path=/ and no Domain.
pub const COOKIE: &str = "__Host-mazet";
/// More browsers than anybody sets up one box with; the oldest leaves first.
const MOST: usize = 16;
/// A session ends this long after its last request …
const IDLE: Duration = Duration::from_secs(2 * 3600);
/// … and this long after the claim in any case.
const LIFETIME: Duration = Duration::from_secs(12 * 3600);

/// One claimed browser.
struct Session {
    token: Token,
    csrf: Token,
    begun: Instant,
    seen: Instant,
}

/// All claimed browsers.
#[derive(Default)]
pub struct Sessions {
    list: Vec<Session>,
}

impl Sessions {
    /// Open a session; what comes back goes into the cookie.
    ///
    /// # Errors
    /// No randomness.
    pub fn open(&mut self, now: Instant) -> Result<Token, getrandom::Error> {
        let (token, csrf) = (Token::draw()?, Token::draw()?);
        self.expire(now);
        if self.list.len() >= MOST {
            self.list.remove(0);
        }
        self.list.push(Session { token: token.clone(), csrf, begun: now, seen: now });
        Ok(token)
    }

    /// The CSRF token of the session with this cookie, if it is still open.
    pub fn find(&mut self, cookie: &str, now: Instant) -> Option<Token> {
        self.expire(now);
        let session = self.list.iter_mut().find(|session| session.token.is(cookie))?;
        session.seen = now;
        Some(session.csrf.clone())
    }

    fn expire(&mut self, now: Instant) {
        self.list.retain(|session| now - session.seen < IDLE && now - session.begun < LIFETIME);
    }
}

/// The `Set-Cookie` value that hands a token to the browser.
pub fn cookie(name: &str, value: &str) -> String {
    format!("{name}={value}; Path=/; Secure; HttpOnly; SameSite=Strict")
}

/// The value of one cookie among a request's headers.
pub fn read<'h>(headers: &'h axum::http::HeaderMap, name: &str) -> Option<&'h str> {
    let mut headers = headers.get_all(axum::http::header::COOKIE).iter();
    headers.find_map(|header| of_header(header.to_str().ok()?, name))
}

/// The value of one cookie of a Cookie header.
pub fn of_header<'h>(header: &'h str, name: &str) -> Option<&'h str> {
    let mut pairs = header.split(';').filter_map(|pair| pair.trim().split_once('='));
    pairs.find_map(|(key, value)| (key == name).then_some(value))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_session_ends_when_idle_and_in_any_case() {
        let start = Instant::now();
        let mut sessions = Sessions::default();
        let token = sessions.open(start).unwrap();
        let hour = Duration::from_secs(3600);
        for passed in 1..12 {
            assert!(sessions.find(token.as_str(), start + hour * passed).is_some(), "hour {passed}");
        }
        assert!(sessions.find(token.as_str(), start + hour * 12).is_none());

        let token = sessions.open(start).unwrap();
        assert!(sessions.find(token.as_str(), start + IDLE).is_none());
    }

    #[test]
    fn the_oldest_session_makes_room() {
        let now = Instant::now();
        let mut sessions = Sessions::default();
        let first = sessions.open(now).unwrap();
        let second = sessions.open(now).unwrap();
        for _ in 1..MOST {
            sessions.open(now).unwrap();
        }
        assert!(sessions.find(first.as_str(), now).is_none());
        assert!(sessions.find(second.as_str(), now).is_some());
        assert_eq!(sessions.list.len(), MOST);
    }

    #[test]
    fn a_cookie_is_found_among_others() {
        let mut headers = axum::http::HeaderMap::new();
        headers.insert("cookie", "other=1; __Host-mazet=abc; __Host-mazet-lang=fr".parse().unwrap());
        assert_eq!(read(&headers, COOKIE), Some("abc"));
        assert_eq!(read(&headers, "absent"), None);
    }
}
