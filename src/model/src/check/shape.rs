//! Keys and types: a document against the JSON Schema of its type.
//!
//! serde stops at the first fault; this walk finds them all, and knows their places.

use serde_json::{Map, Value};
use serde_spanned::Spanned;
use toml::de::{DeString, DeTable, DeValue};

use super::document::{Document, Place, integer};
use crate::fault::Fault;
use crate::suggest::nearest;

/// Reports every unknown key, missing key, wrong type and value out of range.
pub(crate) fn check(document: &Document<'_>, schema: &Value, faults: &mut Vec<Fault>) {
    let mut walk = Walk { document, schema, faults };
    let place = document.place(0..0);
    walk.table(document.root.get_ref(), schema, place, "the file");
}

struct Walk<'w, 's> {
    document: &'w Document<'s>,
    schema: &'w Value,
    faults: &'w mut Vec<Fault>,
}

impl<'w> Walk<'w, '_> {
    fn table(&mut self, table: &DeTable<'_>, schema: &'w Value, place: Place<'_>, name: &str) {
        let Some(properties) = schema["properties"].as_object() else { return };
        let written = |key: &str| table.keys().any(|written| written.get_ref().as_ref() == key);
        let required = schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str);
        let mut missing: Vec<&str> = required.filter(|key| !written(key)).collect();
        for (key, value) in table {
            if let Some(schema) = properties.get(key.get_ref().as_ref()) {
                self.value(value, schema, key.get_ref());
            } else if let Some(meant) = self.unknown(key, properties, name) {
                // A misspelt key is one fault, not two.
                missing.retain(|key| *key != meant);
            }
        }
        for key in missing {
            let hint = description(&properties[key]).map(|text| format!("`{key}`: {text}"));
            self.faults.push(place.fault(format!("missing key `{key}` in {name}"), hint));
        }
    }

    /// Reports an unknown key; returns the one that was meant, if one is near.
    fn unknown(
        &mut self,
        key: &Spanned<DeString<'_>>,
        properties: &'w Map<String, Value>,
        name: &str,
    ) -> Option<&'w str> {
        let written = key.get_ref().as_ref();
        let meant = nearest(written, properties.keys().map(String::as_str));
        let hint = match meant {
            Some(near) => format!("did you mean `{near}`?"),
            None => {
                let known: Vec<&str> = properties.keys().map(String::as_str).collect();
                format!("known keys: {}", known.join(", "))
            }
        };
        let place = self.document.place(key.span());
        self.faults.push(place.fault(format!("unknown key `{written}` in {name}"), hint));
        meant
    }

    fn value(&mut self, value: &Spanned<DeValue<'_>>, schema: &'w Value, key: &str) {
        let schema = self.resolve(schema);
        if let Some(choices) = choices(schema) {
            return self.choice(value, &choices, key);
        }
        let place = self.document.place(value.span());
        match (kind(schema), value.get_ref()) {
            ("object", DeValue::Table(table)) => {
                self.table(table, schema, place, &format!("`{key}`"));
            }
            ("array", DeValue::Array(array)) => {
                for item in array.iter() {
                    self.value(item, &schema["items"], key);
                }
            }
            ("integer", number @ DeValue::Integer(_)) => self.range(number, schema, place, key),
            ("string", DeValue::String(_)) | ("boolean", DeValue::Boolean(_)) => {}
            (expected, found) => {
                let hint = description(schema).map(|text| format!("`{key}`: {text}"));
                let found = found.type_str();
                self.faults.push(
                    place.fault(
                        format!("`{key}` must be {}, not {}", article(expected), article(found)),
                        hint,
                    ),
                );
            }
        }
    }

    fn choice(&mut self, value: &Spanned<DeValue<'_>>, choices: &[&str], key: &str) {
        let written = value.get_ref().as_str();
        if written.is_some_and(|written| choices.contains(&written)) {
            return;
        }
        let known: Vec<String> = choices.iter().map(|choice| format!("`{choice}`")).collect();
        let hint = written
            .and_then(|written| nearest(written, choices.iter().copied()))
            .map(|near| format!("did you mean `{near}`?"));
        let place = self.document.place(value.span());
        self.faults.push(place.fault(format!("`{key}` must be one of {}", known.join(", ")), hint));
    }

    fn range(&mut self, number: &DeValue<'_>, schema: &Value, place: Place<'_>, key: &str) {
        let (low, high) = (schema["minimum"].as_i64().unwrap_or(0), schema["maximum"].as_i64());
        let high = high.unwrap_or(i64::MAX);
        if !integer(number).is_some_and(|number| (low..=high).contains(&number)) {
            let range = if high == i64::MAX { format!("{low} or more") } else { format!("{low} to {high}") };
            let hint = description(schema).map(|text| format!("`{key}`: {text}"));
            self.faults.push(place.fault(format!("`{key}` must be a whole number, {range}"), hint));
        }
    }

    /// The schema behind `$ref` and `Option`; a description beside a reference is lost.
    fn resolve(&self, schema: &'w Value) -> &'w Value {
        if let Some(name) = schema["$ref"].as_str().and_then(|path| path.strip_prefix("#/$defs/")) {
            return &self.schema["$defs"][name];
        }
        let some = schema["anyOf"].as_array().into_iter().flatten().find(|schema| schema["type"] != "null");
        some.map_or(schema, |some| self.resolve(some))
    }
}

fn choices(schema: &Value) -> Option<Vec<&str>> {
    let list = schema["oneOf"].as_array()?;
    list.iter().map(|choice| choice["const"].as_str()).collect()
}

fn kind(schema: &Value) -> &str {
    match &schema["type"] {
        Value::String(kind) => kind,
        Value::Array(kinds) => {
            kinds.iter().filter_map(Value::as_str).find(|kind| *kind != "null").unwrap_or("")
        }
        _ => "",
    }
}

fn article(kind: &str) -> String {
    match kind {
        "object" | "table" => "a table".to_owned(),
        "array" => "a list".to_owned(),
        "integer" => "a whole number".to_owned(),
        "boolean" => "true or false".to_owned(),
        other => format!("a {other}"),
    }
}

fn description(schema: &Value) -> Option<String> {
    schema["description"].as_str().map(|text| text.replace('\n', " "))
}
