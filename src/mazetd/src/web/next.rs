//! Where somebody wanted to go before they had to sign in: a path of this box, nothing else.

/// `next` of a form or a query, if it leads to a page of this box; else the home page.
pub fn local(next: &str) -> &str {
    let plain = !next.chars().any(|c| c.is_control() || c == '\\');
    // Two slashes name another host.
    let ours = next.starts_with('/') && !next.starts_with("//");
    if ours && plain && next.len() <= LONGEST { next } else { "/" }
}

/// Longest path that is remembered, in bytes.
const LONGEST: usize = 1000;

/// A path with its query as one value of another query.
pub fn escaped(path: &str) -> String {
    let byte = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'/' | b'-' | b'.' | b'_' | b'~' => {
            char::from(byte).to_string()
        }
        _ => format!("%{byte:02X}"),
    };
    path.bytes().map(byte).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_paths_of_this_box_are_gone_to() {
        for good in ["/", "/people?q=a%20b", "/account/devices"] {
            assert_eq!(local(good), good);
        }
        for bad in [
            "",
            "people",
            "https://elsewhere.example/",
            "//elsewhere.example",
            "/\\elsewhere.example",
            "/a\r\nb",
        ] {
            assert_eq!(local(bad), "/", "{bad:?}");
        }
    }

    #[test]
    fn a_path_survives_in_a_query() {
        assert_eq!(escaped("/people?q=é&a=b"), "/people%3Fq%3D%C3%A9%26a%3Db");
    }
}
