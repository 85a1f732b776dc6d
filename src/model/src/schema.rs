//! JSON Schemas (draft 2020-12) of the files that people write, made from their types.
//!
//! They serve editors, and [`crate::check`]: what a key may be stands nowhere else.

use schemars::schema_for;
use serde_json::Value;

use crate::answers::{Answers, RawAnswers};
use crate::manifest::Manifest;
use crate::recipe::Recipe;
use crate::settings::Settings;

/// Schema of `recipes/<name>.toml`.
pub fn recipe() -> Value {
    schema_for!(Recipe).to_value()
}

/// Schema of `recipes/services/<name>.toml`.
pub fn manifest() -> Value {
    schema_for!(Manifest).to_value()
}

/// Schema of `box.toml`.
pub fn settings() -> Value {
    schema_for!(Settings).to_value()
}

/// Schema of `mazet.toml` as it stands on a stick.
pub fn answers() -> Value {
    schema_for!(Answers).to_value()
}

/// Schema of the file that `mazet flash --config` reads.
pub fn raw_answers() -> Value {
    schema_for!(RawAnswers).to_value()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn schemas_refuse_unknown_keys() {
        for schema in [recipe(), manifest(), settings(), answers(), raw_answers()] {
            assert_eq!(schema["additionalProperties"], false, "{schema:#}");
        }
    }
}
