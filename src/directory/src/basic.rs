//! Login and password as programs send them with each request (RFC 7617).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Login and password of an `Authorization` header whose scheme is `Basic`; none: it holds no such thing. In UTF-8,
/// which the box asks for, or else in Latin 1, which many programs write all the same.
pub fn credentials(header: &str) -> Option<(String, String)> {
    let (scheme, told) = header.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let told = STANDARD.decode(told.trim()).ok()?;
    // Latin 1 is the first 256 characters of Unicode.
    let told = String::from_utf8(told)
        .unwrap_or_else(|error| error.into_bytes().into_iter().map(char::from).collect());
    let (login, password) = told.split_once(':')?;
    Some((login.to_owned(), password.to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn login_and_password_are_told_apart_at_the_first_colon() {
        assert_eq!(credentials("basic YWRhOmE6YsOp"), Some(("ada".to_owned(), "a:bé".to_owned())));
        assert_eq!(
            credentials("Basic YWRhOmE6Yuk="),
            Some(("ada".to_owned(), "a:bé".to_owned())),
            "in Latin 1"
        );
        for bad in ["Bearer YWRhOmE=", "Basic !!", "Basic YWRh", "Basic", ""] {
            assert_eq!(credentials(bad), None, "{bad}");
        }
    }
}
