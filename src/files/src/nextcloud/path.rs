//! Which file an address means: `/remote.php/dav/files/<login>/Photos/%C3%A9t%C3%A9.jpg`.

use percent_encoding::percent_decode_str;

/// Where an address leads.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// A file or folder: what stands before its path in the address, without a slash at the end, and the path.
    File { prefix: String, path: String },
    /// An upload in pieces: its name, and what is meant in it, which may be nothing.
    Upload { name: String, piece: String },
}

/// Where the address with that (undecoded) path leads for the person with that login; none: nowhere, also
/// where it is somebody else's.
pub(super) fn place(path: &str, login: &str) -> Option<Place> {
    if let Some(rest) = below(path, "/remote.php/webdav") {
        return Some(Place::File { prefix: "/remote.php/webdav".to_owned(), path: decoded(rest)? });
    }
    let rest = below(path, "/remote.php/dav")?;
    if let Some((owner, rest)) = below(rest, "/files").and_then(owner) {
        let prefix = format!("/remote.php/dav/files/{owner}");
        return (decoded(owner)? == login).then_some(Place::File { prefix, path: decoded(rest)? });
    }
    let (owner, rest) = below(rest, "/uploads").and_then(owner)?;
    let (name, piece) = self::owner(rest)?;
    let (name, piece) = (decoded(name)?, decoded(piece)?.trim_matches('/').to_owned());
    (decoded(owner)? == login && !name.is_empty()).then_some(Place::Upload { name, piece })
}

/// The rest of a path below a folder: nothing, or what begins with a slash.
fn below<'a>(path: &'a str, folder: &str) -> Option<&'a str> {
    path.strip_prefix(folder).filter(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// `/name/rest` as `name` and `/rest`.
fn owner(path: &str) -> Option<(&str, &str)> {
    let path = path.strip_prefix('/')?;
    Some(path.find('/').map_or((path, ""), |at| path.split_at(at)))
}

/// A path as it is meant; none when it is no UTF-8.
pub(super) fn decoded(path: &str) -> Option<String> {
    percent_decode_str(path).decode_utf8().ok().map(String::from)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(path: &str) -> Option<(String, String)> {
        match place(path, "ada") {
            Some(Place::File { prefix, path }) => Some((prefix, path)),
            _ => None,
        }
    }

    fn upload(path: &str) -> Option<(String, String)> {
        match place(path, "ada") {
            Some(Place::Upload { name, piece }) => Some((name, piece)),
            _ => None,
        }
    }

    fn pair(one: &str, other: &str) -> Option<(String, String)> {
        Some((one.to_owned(), other.to_owned()))
    }

    #[test]
    fn files_have_two_addresses() {
        assert_eq!(
            file("/remote.php/dav/files/ada/a%20b/%C3%A9"),
            pair("/remote.php/dav/files/ada", "/a b/é")
        );
        assert_eq!(file("/remote.php/dav/files/ada"), pair("/remote.php/dav/files/ada", ""));
        assert_eq!(file("/remote.php/webdav/x/"), pair("/remote.php/webdav", "/x/"));
    }

    #[test]
    fn those_of_others_are_not_there() {
        for path in [
            "/remote.php/dav/files/paul/x",
            "/remote.php/dav/files/",
            "/remote.php/dav/filesada/",
            "/remote.php/webdavx",
        ] {
            assert_eq!(file(path), None, "{path}");
        }
        assert_eq!(upload("/remote.php/dav/uploads/paul/1/2"), None);
        assert_eq!(upload("/remote.php/dav/uploads/ada/"), None);
    }

    #[test]
    fn uploads_have_pieces() {
        assert_eq!(upload("/remote.php/dav/uploads/ada/1234"), pair("1234", ""));
        assert_eq!(upload("/remote.php/dav/uploads/ada/1234/"), pair("1234", ""));
        assert_eq!(upload("/remote.php/dav/uploads/ada/1234/.file"), pair("1234", ".file"));
    }
}
