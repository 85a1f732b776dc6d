//! Names and paths. A path of a view is names with `/` between them, relative to its root: `Photos/été.jpg`;
//! slashes at its ends and double ones mean nothing.

use super::error::{BadName, Error, Result};

/// Longest name, in bytes: that of Linux's file systems.
const LONGEST: usize = 255;
/// Longest path in a space, in bytes: so that the kernel takes it in one piece.
const PATH: usize = 3072;

/// The names of a path.
///
/// # Errors
/// When one of them cannot be a name, or the path is too long.
pub(crate) fn parts(path: &str) -> Result<Vec<String>> {
    if path.len() > PATH {
        return Err(Error::BadName(BadName::Long));
    }
    let names = path.split('/').filter(|name| !name.is_empty());
    names.map(|name| check(name).map(|()| name.to_owned())).collect()
}

/// Can this be a name?
///
/// # Errors
/// [`Error::BadName`].
pub(crate) fn check(name: &str) -> Result<()> {
    let fault = match name {
        "" | "." | ".." => BadName::Empty,
        _ if name.contains(['/', '\0']) => BadName::Character,
        _ if name.len() > LONGEST => BadName::Long,
        _ => return Ok(()),
    };
    Err(Error::BadName(fault))
}

/// `name` with a number before its ending, for when the name itself is taken: `note (2).txt`. Short
/// enough, whatever `name` is.
pub(crate) fn numbered(name: &str, number: u32) -> String {
    told_apart(name, &number.to_string())
}

/// `name` with what tells it apart before its ending: `note (2026-11-29 17.05).txt`. Short enough, whatever `name` is.
pub(crate) fn told_apart(name: &str, by: &str) -> String {
    let (stem, ending) = match name.rfind('.') {
        Some(at) if at > 0 && name.len() - at <= 16 => name.split_at(at),
        _ => (name, ""),
    };
    let tail = format!(" ({by}){ending}");
    format!("{}{tail}", cut(stem, LONGEST - tail.len()))
}

/// The beginning of a text, at most so many bytes of it.
pub(crate) fn cut(text: &str, most: usize) -> &str {
    let mut end = text.len().min(most);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_is_its_names() {
        assert_eq!(parts("/a//b c/é😀/").expect("a path"), ["a", "b c", "é😀"]);
        assert_eq!(parts("").expect("the root"), [""; 0]);
    }

    #[test]
    fn what_no_name_may_be_is_refused() {
        let fault = |path: &str| match parts(path) {
            Err(Error::BadName(fault)) => fault,
            other => panic!("{path}: {other:?}"),
        };
        assert_eq!(fault("a/../b"), BadName::Empty);
        assert_eq!(fault("./b"), BadName::Empty);
        assert_eq!(fault("a\0b"), BadName::Character);
        assert_eq!(fault(&"é".repeat(128)), BadName::Long);
        assert!(parts(&"a".repeat(255)).is_ok());
        assert_eq!(fault(&"abc/".repeat(1000)), BadName::Long);
    }

    #[test]
    fn a_numbered_name_keeps_its_ending_and_fits() {
        assert_eq!(numbered("note.txt", 2), "note (2).txt");
        assert_eq!(numbered(".profile", 3), ".profile (3)");
        assert_eq!(numbered("Photos", 2), "Photos (2)");
        assert_eq!(told_apart("été.odt", "2026-11-29 17.05"), "été (2026-11-29 17.05).odt");
        let long = numbered(&format!("{}.odt", "é".repeat(125)), 2);
        assert!(long.len() <= 255 && long.ends_with("é (2).odt"), "{long}");
    }
}
