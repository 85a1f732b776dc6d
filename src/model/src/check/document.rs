//! A TOML document that remembers where everything stands.

use std::ops::Range;

use serde_spanned::Spanned;
use toml::de::{DeArray, DeString, DeTable, DeValue};

use crate::fault::Fault;

/// A parsed file. After syntax errors it holds what could be read.
pub(crate) struct Document<'s> {
    pub path: &'s str,
    pub text: &'s str,
    pub root: Spanned<DeTable<'s>>,
    /// Its syntax errors. What else is wrong in it may follow from them alone.
    pub errors: Vec<Fault>,
}

/// A part of a file.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Place<'s> {
    pub path: &'s str,
    text: &'s str,
    start: usize,
    end: usize,
}

impl Place<'_> {
    pub(crate) fn fault(&self, message: impl Into<String>, hint: impl Into<Option<String>>) -> Fault {
        Fault::new(self.path, self.text, self.start..self.end, message.into(), hint.into())
    }

    /// `path:line:column`.
    pub(crate) fn name(&self) -> String {
        let (line, column) = crate::source::position(self.text, self.start);
        format!("{}:{line}:{column}", self.path)
    }
}

/// A string and where it stands.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Text<'d> {
    pub value: &'d str,
    pub place: Place<'d>,
}

/// A table of a document. A key that is absent or of another type reads as none: the
/// check of shapes has reported it already.
#[derive(Clone, Copy)]
pub(crate) struct Table<'d> {
    document: &'d Document<'d>,
    table: &'d DeTable<'d>,
    pub place: Place<'d>,
}

impl<'s> Document<'s> {
    /// Parses `text`, past its syntax errors.
    pub(crate) fn parse(path: &'s str, text: &'s str) -> Self {
        let (root, errors) = DeTable::parse_recoverable(text);
        let fault = |error: &toml::de::Error| {
            let message = error.message().lines().collect::<Vec<_>>().join(", ");
            Fault::new(path, text, error.span().unwrap_or(0..0), message, None)
        };
        Self { path, text, root, errors: errors.iter().map(fault).collect() }
    }

    pub(crate) fn place(&self, span: Range<usize>) -> Place<'_> {
        Place { path: self.path, text: self.text, start: span.start, end: span.end }
    }

    pub(crate) fn table(&self) -> Table<'_> {
        Table { document: self, table: self.root.get_ref(), place: self.place(0..0) }
    }
}

impl<'d> Table<'d> {
    fn get(&self, key: &str) -> Option<&'d Spanned<DeValue<'d>>> {
        self.table.iter().find(|(known, _)| known.get_ref().as_ref() == key).map(|(_, value)| value)
    }

    fn array(&self, key: &str) -> &'d [Spanned<DeValue<'d>>] {
        let array: Option<&DeArray> = self.get(key).and_then(|value| value.get_ref().as_array());
        array.map(|array| &**array).unwrap_or_default()
    }

    fn as_text(&self, value: &'d Spanned<DeValue<'d>>) -> Option<Text<'d>> {
        let place = self.document.place(value.span());
        value.get_ref().as_str().map(|value| Text { value, place })
    }

    fn as_table(&self, value: &'d Spanned<DeValue<'d>>) -> Option<Table<'d>> {
        let place = self.document.place(value.span());
        value.get_ref().as_table().map(|table| Table { document: self.document, table, place })
    }

    /// Is the key there, whatever its type?
    pub(crate) fn has(&self, key: &str) -> bool {
        self.get(key).is_some()
    }

    /// Is the value of `key` a list that holds nothing?
    pub(crate) fn is_empty_list(&self, key: &str) -> bool {
        self.get(key).and_then(|value| value.get_ref().as_array()).is_some_and(|array| array.is_empty())
    }

    /// All keys, and where each stands.
    pub(crate) fn keys(&self) -> Vec<(&'d str, Place<'d>)> {
        let place =
            |key: &'d Spanned<DeString<'d>>| (key.get_ref().as_ref(), self.document.place(key.span()));
        self.table.keys().map(place).collect()
    }

    /// Where the value of `key` stands; the table itself when it has none.
    pub(crate) fn place_of(&self, key: &str) -> Place<'d> {
        self.get(key).map_or(self.place, |value| self.document.place(value.span()))
    }

    pub(crate) fn text(&self, key: &str) -> Option<Text<'d>> {
        self.get(key).and_then(|value| self.as_text(value))
    }

    pub(crate) fn texts(&self, key: &str) -> Vec<Text<'d>> {
        self.array(key).iter().filter_map(|value| self.as_text(value)).collect()
    }

    pub(crate) fn integer(&self, key: &str) -> Option<i64> {
        self.get(key).and_then(|value| integer(value.get_ref()))
    }

    pub(crate) fn boolean(&self, key: &str) -> Option<bool> {
        self.get(key)?.get_ref().as_bool()
    }

    pub(crate) fn table(&self, key: &str) -> Option<Table<'d>> {
        self.get(key).and_then(|value| self.as_table(value))
    }

    pub(crate) fn tables(&self, key: &str) -> Vec<Table<'d>> {
        self.array(key).iter().filter_map(|value| self.as_table(value)).collect()
    }
}

/// The value as a 64-bit integer, when it is one.
pub(crate) fn integer(value: &DeValue<'_>) -> Option<i64> {
    let integer = value.as_integer()?;
    i64::from_str_radix(integer.as_str(), integer.radix()).ok()
}
