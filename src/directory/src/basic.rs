//! Login and password as programs send them with each request (RFC 7617).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Login and password of an `Authorization` header whose scheme is `Basic`, in UTF-8; none: it holds no such thing.
pub fn credentials(header: &str) -> Option<(String, String)> {
    let (scheme, told) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let told = String::from_utf8(STANDARD.decode(told.trim()).ok()?).ok()?;
    let (login, password) = told.split_once(':')?;
    Some((login.to_owned(), password.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn login_and_password_are_told_apart_at_the_first_colon() {
        assert_eq!(credentials("basic YWRhOmE6YsOp"), Some(("ada".to_owned(), "a:bé".to_owned())));
        for bad in ["Bearer YWRhOmE=", "Basic !!", "Basic YWRh", "Basic", ""] {
            assert_eq!(credentials(bad), None, "{bad}");
        }
    }
}
