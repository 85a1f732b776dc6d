//! Whose address a message says that it is from.
//!
//! The mail server compares the envelope's sender with the login; what people read is the header, which this
//! looks at. What cannot be read is refused: another reader might see somebody else in it.

use mailparse::{MailAddr, addrparse_header, parse_header};

/// Addresses of a header `From` or `Sender` (RFC 5322 § 3.6.2), in small letters and without what follows a `+`;
/// none: it is no list of addresses.
pub fn addresses(value: &[u8]) -> Option<Vec<String>> {
    let line = [b"From: ", value].concat();
    let (header, _) = parse_header(&line).ok()?;
    let list = addrparse_header(&header).ok()?;
    let mut all = Vec::new();
    for one in list.iter() {
        match one {
            MailAddr::Single(one) => all.push(plain(&one.addr)?),
            MailAddr::Group(_) => return None,
        }
    }
    (!all.is_empty()).then_some(all)
}

/// `Ada+list@Example.org` as `ada@example.org`.
fn plain(address: &str) -> Option<String> {
    let address = address.trim().to_lowercase();
    let odd = |c: char| c.is_whitespace() || c.is_control() || "<>,;\"()".contains(c);
    let (local, domain) = address.rsplit_once('@')?;
    let local = local.split('+').next()?;
    if local.is_empty() || domain.is_empty() || local.contains('@') || address.contains(odd) {
        return None;
    }
    Some(format!("{local}@{domain}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(value: &str) -> Vec<String> {
        addresses(value.as_bytes()).unwrap_or_default()
    }

    #[test]
    fn addresses_are_found_however_they_are_written() {
        for value in [
            "ada@example.org",
            "Ada <ADA@Example.org>",
            "\"Ada, de Mazet\" <ada+list@example.org>",
            "=?utf-8?q?=C3=89lodie=2C?= <ada@example.org>",
            "Ada\r\n\t<ada@example.org>",
            "president@elysee.example <ada@example.org>",
        ] {
            assert_eq!(of(value), ["ada@example.org"], "{value}");
        }
        assert_eq!(
            of("ada@example.org, Bruno <bruno@example.org>"),
            ["ada@example.org", "bruno@example.org"]
        );
    }

    #[test]
    fn what_another_reader_might_understand_otherwise_is_none() {
        for value in
            ["", "Ada", "Bureau: ada@example.org;", "<ada@example.org@evil.example>", "a b@example.org"]
        {
            assert_eq!(addresses(value.as_bytes()), None, "{value}");
        }
    }
}
