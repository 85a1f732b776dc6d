//! What is left of a file when its faulty values are taken out.

use std::ops::Range;

use serde_spanned::Spanned;
use toml::de::{DeString, DeTable, DeValue};
use toml::{Table, Value};

use crate::check::document::{Document, integer};
use crate::fault::Fault;
use crate::source::position;

/// Values that mean something else without the others: all stay, or none.
const TOGETHER: [(&str, &[&str]); 2] =
    [("network", &["method", "address", "gateway"]), ("wifi", &["ssid", "psk-hash", "passphrase"])];

/// The document without the values that `faults` name, and without any value on the line of a
/// syntax error.
pub(super) fn prune(document: &Document<'_>, faults: &[Fault]) -> Table {
    let places = faults.iter().map(|fault| (fault.line, fault.column)).collect();
    let lines = document.errors.iter().map(|fault| fault.line).collect();
    let mut pruned = Pruner { text: document.text, places, lines }.table(document.root.get_ref());
    for (name, keys) in TOGETHER {
        let Some(Value::Table(table)) = pruned.get_mut(name) else { continue };
        let before = document.table().table(name);
        let lost = |key: &&str| before.is_some_and(|before| before.has(key)) && !table.contains_key(*key);
        if keys.iter().any(lost) {
            table.retain(|key, _| !keys.contains(&key));
        }
    }
    pruned
}

struct Pruner<'t> {
    text: &'t str,
    places: Vec<(usize, usize)>,
    lines: Vec<usize>,
}

impl Pruner<'_> {
    fn table(&self, table: &DeTable<'_>) -> Table {
        let sound = |(key, value): (&Spanned<DeString<'_>>, &Spanned<DeValue<'_>>)| {
            if self.begins(&key.span()) {
                return None;
            }
            Some((key.get_ref().to_string(), self.value(value, key.span().start)?))
        };
        table.iter().filter_map(sound).collect()
    }

    /// The value, unless it is faulty; with its key it begins at the byte `start`.
    fn value(&self, value: &Spanned<DeValue<'_>>, start: usize) -> Option<Value> {
        let span = value.span();
        match value.get_ref() {
            DeValue::Table(table) => (!self.begins(&span)).then(|| Value::Table(self.table(table))),
            DeValue::Array(array) if !self.begins(&span) => {
                let items = array.iter().filter_map(|item| self.value(item, item.span().start));
                Some(Value::Array(items.collect()))
            }
            _ if self.holds(&(start..span.end)) => None,
            DeValue::String(text) => Some(Value::String(text.to_string())),
            DeValue::Boolean(value) => Some(Value::Boolean(*value)),
            number @ DeValue::Integer(_) => integer(number).map(Value::Integer),
            _ => None,
        }
    }

    /// Is there a fault right where the part begins?
    fn begins(&self, span: &Range<usize>) -> bool {
        self.places.contains(&position(self.text, span.start))
    }

    /// Is there a fault within the part, or a syntax error on its lines?
    fn holds(&self, span: &Range<usize>) -> bool {
        let (first, last) = (position(self.text, span.start), position(self.text, span.end));
        self.places.iter().any(|place| (first..=last).contains(place))
            || self.lines.iter().any(|line| (first.0..=last.0).contains(line))
    }
}
