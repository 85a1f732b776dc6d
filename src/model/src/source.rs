//! The files that a check is given, and places in them.

use std::collections::{BTreeMap, BTreeSet};

/// Everything that the check of a recipe reads. Paths are relative to the project and use `/`.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sources {
    /// Path of the recipe: a key of `texts`.
    pub recipe: String,
    /// Recipe, service manifests and templates, by path.
    pub texts: BTreeMap<String, String>,
    /// Every other file that exists: `overlays/…`, `firmware/…`. A file of `texts` may be absent here.
    pub files: BTreeSet<String>,
}

impl Sources {
    /// Is there such a file?
    pub fn has(&self, path: &str) -> bool {
        self.texts.contains_key(path) || self.files.contains(path)
    }

    /// Paths of all files that start with `prefix`.
    pub fn below<'s>(&'s self, prefix: &'s str) -> impl Iterator<Item = &'s str> {
        self.texts.keys().chain(&self.files).map(String::as_str).filter(move |path| path.starts_with(prefix))
    }
}

/// Line and column of a byte, both from 1; the column counts characters.
pub fn position(text: &str, byte: usize) -> (usize, usize) {
    let mut end = byte.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let before = &text[..end];
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_count_lines_and_characters() {
        let text = "é = 1\nab";
        assert_eq!(position(text, 0), (1, 1));
        assert_eq!(position(text, 3), (1, 3));
        assert_eq!(position(text, 7), (2, 1));
        assert_eq!(position(text, 99), (2, 3));
    }
}
