//! What can be wrong with settings, for people of either language.

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A fault of `box.toml`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct SettingFault {
    /// Which fault it is: a name for texts.
    pub key: String,
    /// What goes into its text, by name.
    pub values: BTreeMap<String, String>,
    /// The fault in English, beginning with the setting's path: for logs and the command line.
    pub text: String,
}

impl SettingFault {
    /// A fault with what goes into its text.
    pub fn new(key: &str, values: &[(&str, &str)], text: impl Into<String>) -> Self {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        Self { key: key.to_owned(), values: values.iter().map(owned).collect(), text: text.into() }
    }
}

impl fmt::Display for SettingFault {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.text)
    }
}
