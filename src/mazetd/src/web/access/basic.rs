//! Login and password with each request (RFC 7617): programs that know no pages, such as calendars.

use std::collections::BTreeMap;

use mazet_directory::Error;

use super::{Question, Verdict};
use crate::web::app::App;

/// What asks a program for login and password.
pub const CHALLENGE: &str = "Basic realm=\"Mazet\", charset=\"UTF-8\"";

/// Decides by login and password: an application password, or the person's own where that is enough.
///
/// # Errors
/// The directory does not answer: nobody passes.
pub async fn judge(app: &App, question: &Question) -> std::io::Result<Verdict> {
    let Some((login, password)) = &question.credentials else { return Ok(Verdict::Unknown) };
    let missing = |_| std::io::Error::other("no directory");
    let directory = app.directory().map_err(missing)?;
    match app.remembered.check(directory, login, password, question.address).await {
        Ok(login) => Ok(Verdict::Granted(login)),
        Err(Error::TooMany { .. }) => Ok(Verdict::Denied),
        Err(Error::Unavailable(_) | Error::Internal(_)) => Err(std::io::Error::other("no directory")),
        Err(_) => Ok(Verdict::Unknown),
    }
}

/// What came with the request: the header, or what a web server made of it.
pub fn credentials(parameters: &BTreeMap<String, String>) -> Option<(String, String)> {
    if let Some(header) = parameters.get("HTTP_AUTHORIZATION") {
        return mazet_directory::basic::credentials(header);
    }
    Some((parameters.get("REMOTE_USER")?.clone(), parameters.get("REMOTE_PASSWD")?.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(parameters: &[(&str, &str)]) -> Option<(String, String)> {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        credentials(&parameters.iter().map(owned).collect())
    }

    #[test]
    fn they_come_in_a_header_or_taken_apart() {
        let expected = Some(("ada".to_owned(), "a:b\u{e9}".to_owned()));
        assert_eq!(told(&[("HTTP_AUTHORIZATION", "basic YWRhOmE6YsOp")]), expected);
        assert_eq!(told(&[("REMOTE_USER", "ada"), ("REMOTE_PASSWD", "a:b\u{e9}")]), expected);
        assert_eq!(told(&[("REMOTE_USER", "ada")]), None);
        assert_eq!(told(&[("COOKIE", "x")]), None);
    }

    #[test]
    fn what_a_visitor_sends_does_not_hide_behind_what_the_server_made_of_it() {
        let both =
            [("HTTP_AUTHORIZATION", "Bearer x"), ("REMOTE_USER", "ada"), ("REMOTE_PASSWD", "password")];
        assert_eq!(told(&both), None);
    }
}
