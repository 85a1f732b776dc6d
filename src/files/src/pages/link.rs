//! Paths in addresses and forms.
//!
//! A browser turns the line breaks of a form's values into others (HTML, "constructing the entry list"),
//! and a name may have one: paths stand in forms as they do in addresses.

use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

use crate::snapshots::Moment;

/// All but the unreserved characters (RFC 3986 § 2.3) …
const NAME: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'.').remove(b'_').remove(b'~');
/// … and what separates names.
const PATH: &AsciiSet = &NAME.remove(b'/');

/// A path as it stands in addresses and forms.
pub fn encoded(path: &str) -> String {
    utf8_percent_encode(path, PATH).to_string()
}

/// A name, or any other text, as one piece of an address.
pub fn piece(text: &str) -> String {
    utf8_percent_encode(text, NAME).to_string()
}

/// A path that [`encoded`] wrote; none: no text.
pub fn decoded(text: &str) -> Option<String> {
    percent_decode_str(text).decode_utf8().ok().map(Into::into)
}

/// The page of a folder; of the root, with an empty path.
pub fn folder(path: &str) -> String {
    if path.is_empty() { "/files/".to_owned() } else { format!("/files/at/{}", encoded(path)) }
}

/// The page about a file or folder.
pub fn about(path: &str) -> String {
    format!("/files/about/{}", encoded(path))
}

/// The bytes of a file.
pub fn raw(path: &str) -> String {
    format!("/files/raw/{}", encoded(path))
}

/// The moments at which a file or folder was another one.
pub fn versions(path: &str) -> String {
    format!("/files/versions/{}", encoded(path))
}

/// A folder as it was at a moment.
pub fn then(moment: Moment, path: &str) -> String {
    format!("/files/then/{}/{}", moment.name(), encoded(path))
}

/// The bytes of a file as it was at a moment, to be saved.
pub fn old(moment: Moment, path: &str) -> String {
    format!("/files/old/{}/{}?download=1", moment.name(), encoded(path))
}

/// The folder that a path lies in.
pub fn parent(path: &str) -> &str {
    path.rsplit_once('/').map_or("", |(folder, _)| folder)
}

/// The last name of a path.
pub fn name(path: &str) -> &str {
    path.rsplit_once('/').map_or(path, |(_, name)| name)
}

/// A name in a folder.
pub fn within(folder: &str, name: &str) -> String {
    if folder.is_empty() { name.to_owned() } else { format!("{folder}/{name}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_name_survives_an_address() {
        for name in ["a b", "été 😀", "50% #1?", "\"'<&>\\", "two\nlines", "a+b&c=d;e", "%2e%2E"] {
            let path = format!("Photos/{name}");
            let written = encoded(&path);
            assert!(
                written.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._~%/".contains(&byte)),
                "{written}"
            );
            assert_eq!(decoded(&written).as_deref(), Some(path.as_str()));
        }
        assert_eq!(decoded("%ff"), None);
    }

    #[test]
    fn folders_and_names_come_apart_and_together() {
        assert_eq!((parent("a/b/c"), name("a/b/c")), ("a/b", "c"));
        assert_eq!((parent("c"), name("c")), ("", "c"));
        assert_eq!((within("", "c"), within("a", "c")), ("c".to_owned(), "a/c".to_owned()));
    }
}
