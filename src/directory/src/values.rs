//! Values that people give, and what makes them sound.

use mazet_model::values::is_human_name;

use crate::error::{Error, Fault, Field, Invalid, Result};

/// Longest name of a person or an association, in characters.
const LONGEST_NAME: usize = 200;
/// Longest name of a group or an application password, in characters.
pub const SHORT_NAME: usize = 100;
/// Longest login name: useradd(8).
const LONGEST_LOGIN: usize = 32;
/// Longest mail address (RFC 5321 § 4.5.3.1.3, without the brackets).
const LONGEST_ADDRESS: usize = 254;
/// Logins that mail and systems keep for themselves (RFC 2142).
const RESERVED: [&str; 13] = [
    "abuse",
    "admin",
    "hostmaster",
    "mazet",
    "mazet-mail",
    "mazetd",
    "nobody",
    "noreply",
    "postgres",
    "postmaster",
    "root",
    "webmaster",
    "www-data",
];

/// Collects what is wrong, so that all of it is told at once.
#[derive(Default)]
pub struct Faults(Vec<Invalid>);

impl Faults {
    /// The sound value, or its fault noted.
    pub fn take<T>(&mut self, field: Field, value: Result<T, Fault>) -> Option<T> {
        value.map_err(|fault| self.0.push(Invalid { field, fault })).ok()
    }

    /// Nothing, or all faults.
    pub fn done(self) -> Result<()> {
        if self.0.is_empty() { Ok(()) } else { Err(Error::Invalid(self.0)) }
    }
}

/// A login as it is kept: small letters.
pub fn login(text: &str) -> Result<String, Fault> {
    let login = text.trim().to_lowercase();
    let plain = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || "._-".contains(c);
    match () {
        () if login.is_empty() => Err(Fault::Empty),
        () if login.len() > LONGEST_LOGIN => Err(Fault::Long),
        () if !login.starts_with(|c: char| c.is_ascii_lowercase()) || !login.chars().all(plain) => {
            Err(Fault::Malformed)
        }
        () => Ok(login),
    }
}

/// A login for somebody new: not one that the system keeps for itself. The operator's own, which the
/// wizard took, may be any.
pub fn new_login(text: &str) -> Result<String, Fault> {
    login(text).and_then(
        |login| {
            if RESERVED.contains(&login.as_str()) { Err(Fault::Reserved) } else { Ok(login) }
        },
    )
}

/// The name of a person or an association.
pub fn name(text: &str) -> Result<String, Fault> {
    name_of(text, LONGEST_NAME)
}

/// A name of at most `longest` characters.
pub fn name_of(text: &str, longest: usize) -> Result<String, Fault> {
    let name = text.trim();
    match () {
        () if name.is_empty() => Err(Fault::Empty),
        () if name.chars().count() > longest => Err(Fault::Long),
        () if !is_human_name(name) => Err(Fault::Malformed),
        () => Ok(name.to_owned()),
    }
}

/// A mail address elsewhere; none for an empty text.
pub fn contact(text: &str) -> Result<Option<String>, Fault> {
    let address = text.trim();
    if address.is_empty() {
        return Ok(None);
    }
    let odd = |c: char| c.is_whitespace() || c.is_control() || "<>,;\"()[]\\".contains(c);
    let Some((local, domain)) = address.rsplit_once('@') else { return Err(Fault::Malformed) };
    match () {
        () if address.len() > LONGEST_ADDRESS => Err(Fault::Long),
        () if local.is_empty() || local.contains(['@', '|']) || address.contains(odd) => {
            Err(Fault::Malformed)
        }
        () if self::domain(domain).is_err() => Err(Fault::Malformed),
        () => Ok(Some(address.to_owned())),
    }
}

/// A domain name as it is kept: small letters, two labels at least (RFC 1035, RFC 1123).
pub fn domain(text: &str) -> Result<String, Fault> {
    let name = text.trim().trim_end_matches('.').to_lowercase();
    let label = |label: &str| {
        let plain = label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-');
        plain && (1..=63).contains(&label.len()) && !label.starts_with('-') && !label.ends_with('-')
    };
    match () {
        () if name.is_empty() => Err(Fault::Empty),
        () if name.len() > 253 => Err(Fault::Long),
        () if !name.contains('.') || !name.split('.').all(label) => Err(Fault::Malformed),
        () => Ok(name),
    }
}

/// What stands before the @ of an address of ours, in small letters.
pub fn local(text: &str) -> Result<String, Fault> {
    let local = text.trim().to_lowercase();
    let letter = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let inner = |c: char| letter(c) || "._+-".contains(c);
    match () {
        () if local.is_empty() => Err(Fault::Empty),
        () if local.len() > 64 => Err(Fault::Long),
        () if !local.starts_with(letter) || !local.ends_with(letter) || !local.chars().all(inner) => {
            Err(Fault::Malformed)
        }
        () => Ok(local),
    }
}

/// Bytes as the database keeps them.
pub fn bytes(bytes: u64) -> Result<i64, Fault> {
    i64::try_from(bytes).map_err(|_| Fault::Long)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn logins_are_kept_small() {
        assert_eq!(login(" Ada.L-1 "), Ok("ada.l-1".to_owned()));
        for (bad, fault) in [
            ("", Fault::Empty),
            ("1a", Fault::Malformed),
            ("é", Fault::Malformed),
            ("a b", Fault::Malformed),
            (&"a".repeat(33), Fault::Long),
        ] {
            assert_eq!(login(bad), Err(fault), "{bad}");
        }
        assert_eq!(new_login("Root"), Err(Fault::Reserved));
    }

    #[test]
    fn addresses_and_domains_have_their_form() {
        assert_eq!(contact(""), Ok(None));
        assert_eq!(contact(" ada@example.org "), Ok(Some("ada@example.org".to_owned())));
        for bad in [
            "ada",
            "@example.org",
            "ada@",
            "ada@localhost",
            "a b@example.org",
            "a@b@example.org",
            "a\n@example.org",
        ] {
            assert_eq!(contact(bad), Err(Fault::Malformed), "{bad:?}");
        }
        assert_eq!(domain("Amis.Example.ORG."), Ok("amis.example.org".to_owned()));
        for bad in ["local", "-a.org", "a..org", "a_b.org", "é.org"] {
            assert_eq!(domain(bad), Err(Fault::Malformed), "{bad}");
        }
    }
}
