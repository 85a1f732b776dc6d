//! Values that recipes, settings and answers share, and what makes them sound.

/// Names of the IANA time zone database that a person may choose, one a line.
const TIMEZONES: &str = include_str!("../data/timezones.txt");
/// Longest DNS label (RFC 1035 § 2.3.4).
const LONGEST_LABEL: usize = 63;
/// Longest name of an association or a person, in characters.
pub const LONGEST_NAME: usize = 100;
/// Kinds of public keys, as authorized_keys(5) begins a line.
const KEY_KINDS: [&str; 5] = ["ssh-ed25519", "ssh-rsa", "ecdsa-sha2-", "sk-ssh-ed25519@", "sk-ecdsa-sha2-"];

/// The time zones that a person may choose, sorted.
pub fn timezones() -> impl Iterator<Item = &'static str> {
    TIMEZONES.lines()
}

/// A host name of one label (RFC 1123 § 2.1) in small letters that is not the machine's name
/// for itself.
pub fn is_host_label(text: &str) -> bool {
    let allowed = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
    !text.is_empty()
        && text.len() <= LONGEST_LABEL
        && text.chars().all(allowed)
        && !text.starts_with('-')
        && !text.ends_with('-')
        && text != "localhost"
}

/// A host name of several labels in small letters (RFC 1123 § 2.1): `amis.example.org`.
pub fn is_host_name(text: &str) -> bool {
    text.len() <= 253 && text.contains('.') && text.split('.').all(is_host_label)
}

/// A mail address that this box may send from (RFC 5321 § 4.1.2, without what needs quotes).
pub fn is_mail_address(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else { return false };
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-/=?^_`{|}~".contains(&byte);
    (1..=64).contains(&local.len())
        && local.split('.').all(|part| !part.is_empty() && part.bytes().all(plain))
        && is_host_name(&domain.to_ascii_lowercase())
}

/// Something a human or an association may be called: at least a letter or digit, nothing that
/// cannot be seen.
pub fn is_human_name(text: &str) -> bool {
    text.chars().any(char::is_alphanumeric) && !text.chars().any(char::is_control)
}

/// A line of authorized_keys(5) without options: they could run programs.
pub fn is_ssh_key(key: &str) -> bool {
    let mut words = key.split(' ');
    let kind = words.next().unwrap_or_default();
    KEY_KINDS.iter().any(|prefix| kind.starts_with(prefix))
        && words.next().is_some_and(|body| body.starts_with("AAAA"))
        && !key.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn host_names_are_one_label() {
        for good in ["mazet", "a", "box-2", "2cv", &"a".repeat(63)] {
            assert!(is_host_label(good), "{good}");
        }
        for bad in ["", "-a", "a-", "a.b", "a b", "é", "A", "localhost", "a/b", &"a".repeat(64)] {
            assert!(!is_host_label(bad), "{bad}");
        }
    }

    #[test]
    fn domains_have_several_labels() {
        assert!(is_host_name("amis.example.org"));
        for bad in ["amis", "", ".", "a..b", "a.b.", "a b.c", "a.b;", "A.b"] {
            assert!(!is_host_name(bad), "{bad}");
        }
    }

    #[test]
    fn mail_addresses_need_no_quotes() {
        for good in ["box@example.org", "Les.Amis+box@mazet.Example.org"] {
            assert!(is_mail_address(good), "{good}");
        }
        for bad in
            ["box", "@example.org", "box@", "box@local", "a b@example.org", ".a@example.org", "é@a.org"]
        {
            assert!(!is_mail_address(bad), "{bad}");
        }
    }

    #[test]
    fn names_can_be_read() {
        assert!(is_human_name("Les Amis du Mazet, 2e"));
        assert!(is_human_name("<script>"));
        for bad in ["", " ", "--", "a\nb", "a\u{0}b"] {
            assert!(!is_human_name(bad), "{bad:?}");
        }
    }

    #[test]
    fn keys_bring_no_options() {
        assert!(is_ssh_key("ssh-ed25519 AAAAC3Nz ada@laptop"));
        for bad in
            ["command=\"sh\" ssh-ed25519 AAAA", "ssh-ed25519", "ssh-ed25519 AAAA\nssh-rsa AAAA", "AAAA"]
        {
            assert!(!is_ssh_key(bad), "{bad:?}");
        }
    }
}
