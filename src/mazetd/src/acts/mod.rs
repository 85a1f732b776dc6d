//! What the pages, the JSON API and the command line do alike: each act once, for who asks.
//!
//! | module | subject |
//! |---|---|
//! | [`people`] | who is seen, what is kept of a person |
//! | [`events`] | the audit log, as far as one may read it |
//! | [`leaving`] | who leaves, and whose account is deleted |
//! | [`machine`] | settings that are wished for, services switched on and off |
//! | [`sites`] | where the domains lead |
//! | [`websites`] | web sites of associations |
//!
//! What is allowed, the directory decides ([`mazet_directory::permission`]); nothing here asks twice.

pub mod events;
pub mod groups;
pub mod leaving;
pub mod machine;
pub mod people;
pub mod sites;
pub mod websites;

use std::borrow::Cow;
use std::collections::BTreeMap;

use mazet_directory::{Field, Invalid};
use mazet_model::setting_fault::SettingFault;

/// A value that cannot be taken, and where it stood.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wrong {
    /// The field's name in the API.
    pub field: Cow<'static, str>,
    /// Catalogue key of the sentence.
    pub key: String,
    /// Which of several values it is; empty where there is one alone.
    pub value: String,
    /// What goes into the sentence beside it, by name.
    pub values: BTreeMap<String, String>,
}

impl Wrong {
    /// One value alone in its field.
    pub fn at(field: &'static str, key: &str) -> Self {
        Self { field: field.into(), key: key.to_owned(), ..Self::default() }
    }

    /// What the directory refused.
    pub fn of(invalid: Invalid) -> Self {
        Self {
            field: field(invalid.field).into(),
            key: format!("invalid.{}", invalid.key()),
            ..Self::default()
        }
    }

    /// A fault of the settings as a whole; its English text goes into `{text}`.
    pub fn setting(fault: &SettingFault) -> Self {
        let mut values = fault.values.clone();
        values.insert("text".to_owned(), fault.text.clone());
        Self { values, ..Self::at("settings", &format!("setting_fault.{}", fault.key)) }
    }
}

/// All that the directory refused; other errors stay errors.
///
/// # Errors
/// The directory did not refuse a value but fail.
pub fn wrongs(error: mazet_directory::Error) -> mazet_directory::Result<Vec<Wrong>> {
    match error {
        mazet_directory::Error::Invalid(list) => Ok(list.into_iter().map(Wrong::of).collect()),
        other => Err(other),
    }
}

/// The name of a value in the API.
fn field(field: Field) -> &'static str {
    match field {
        Field::Login => "login",
        Field::Name => "name",
        Field::Contact => "contact",
        Field::Password => "password",
        Field::Code => "code",
        Field::Domain => "domains",
        Field::Address => "aliases",
        Field::Quota => "quota_bytes",
        Field::Language => "language",
        Field::Roles => "roles",
        Field::Person => "person",
        Field::Group => "group",
    }
}
