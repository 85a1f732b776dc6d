//! Whose a path is: what is asked for belongs to somebody, and is for their associations alone.
//!
//! For services that know whom to show what, but answer some questions about anybody to everybody.

use percent_encoding::percent_decode_str;

use super::{Question, Verdict};
use crate::web::app::App;

/// Decides whether `login` may ask for what the path names as somebody's.
///
/// # Errors
/// The directory does not answer: nobody passes.
pub async fn judge(app: &App, question: &Question, login: String) -> std::io::Result<Verdict> {
    let owner = match owner(&question.uri, &question.owners) {
        Owner::Nobody => return Ok(Verdict::Granted(login)),
        Owner::Unreadable => return Ok(Verdict::Denied),
        Owner::Named(owner) if owner == login => return Ok(Verdict::Granted(login)),
        Owner::Named(owner) => owner,
    };
    let missing = |_| std::io::Error::other("no directory");
    let directory = app.directory().map_err(missing)?;
    let shared = mazet_directory::organisations::is_shared(directory, &login, &owner).await;
    let shared = shared.map_err(|_| std::io::Error::other("no directory"))?;
    Ok(if shared { Verdict::Granted(login) } else { Verdict::Denied })
}

#[derive(Debug, PartialEq, Eq)]
enum Owner {
    /// There is no such rule, or the path names nobody.
    Nobody,
    /// Somebody, or another name: what is nobody's in the directory may be somebody's to the service.
    Named(String),
    /// The service might read another name in it.
    Unreadable,
}

/// The first name of `uri` below `owners`.
fn owner(uri: &str, owners: &str) -> Owner {
    if owners.is_empty() {
        return Owner::Nobody;
    }
    let path = uri.split(['?', '#']).next().unwrap_or_default();
    let Ok(path) = percent_decode_str(path).decode_utf8() else { return Owner::Unreadable };
    // The front web server merges slashes before it compares; a service may not.
    let Some(below) = path.strip_prefix(owners) else { return Owner::Unreadable };
    if below.starts_with('/') || below.contains(['\\', '%', ';']) {
        return Owner::Unreadable;
    }
    match below.split('/').next() {
        Some(name) if !name.is_empty() => Owner::Named(name.to_owned()),
        _ => Owner::Nobody,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_name_says_whose_it_is() {
        let named = |name: &str| Owner::Named(name.to_owned());
        for (uri, expected) in [
            ("/dav/ada/Calendar/", named("ada")),
            ("/dav/ada", named("ada")),
            ("/dav/%61da/x?y=/dav/bob", named("ada")),
            ("/dav/ADA/", named("ADA")),
            ("/dav/ada@amis.example/freebusy.ifb", named("ada@amis.example")),
            ("/dav/", Owner::Nobody),
            ("/dav/?x", Owner::Nobody),
            ("/dav//ada/", Owner::Unreadable),
            ("//dav/ada/", Owner::Unreadable),
            ("/dav/%2Fada", Owner::Unreadable),
            ("/dav/bob%5Cada", Owner::Unreadable),
            ("/dav/%2561da", Owner::Unreadable),
            ("/dav/%ff", Owner::Unreadable),
        ] {
            assert_eq!(owner(uri, "/dav/"), expected, "{uri}");
        }
        assert_eq!(owner("/anything", ""), Owner::Nobody);
    }
}
