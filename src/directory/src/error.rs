//! What can go wrong, so that a page can tell it.

use std::time::Duration;

use thiserror::Error as ThisError;

/// What a call gives.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// Why a call did nothing.
#[derive(Debug, ThisError)]
pub enum Error {
    /// There is no such thing, or the actor may not see it.
    #[error("there is no such thing")]
    NotFound,
    /// The actor may see it, and may not do that.
    #[error("this is not allowed")]
    Forbidden,
    /// Values that cannot be taken: all of them.
    #[error("{}", list(.0))]
    Invalid(Vec<Invalid>),
    /// A password or code is wrong, used up or out of date; which of them is not told.
    #[error("this password or code does not count")]
    Refused,
    /// Too many tries: the next one is looked at after this time.
    #[error("too many tries; the next is looked at in {} s", retry_after.as_secs())]
    TooMany {
        /// Until then.
        retry_after: Duration,
    },
    /// The database does not answer.
    #[error("the directory does not answer: {0}")]
    Unavailable(Box<dyn std::error::Error + Send + Sync>),
    /// The program is at fault.
    #[error("the directory failed: {0}")]
    Internal(String),
}

/// One value that cannot be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Invalid {
    /// Which.
    pub field: Field,
    /// Why.
    pub fault: Fault,
}

/// A value that somebody gave.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Field {
    /// Login name.
    Login,
    /// Name of a person, association, group, application password.
    Name,
    /// Address elsewhere.
    Contact,
    /// Password.
    Password,
    /// One-time code.
    Code,
    /// Domain name.
    Domain,
    /// What stands before the @ of an address.
    Address,
    /// Bytes.
    Quota,
    /// Roles.
    Roles,
    /// A person.
    Person,
    /// A group.
    Group,
    /// Language.
    Language,
}

/// Why a value cannot be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Fault {
    /// Nothing was given.
    Empty,
    /// Too long.
    Long,
    /// Too short.
    Short,
    /// Not of its form.
    Malformed,
    /// Somebody else has it.
    Taken,
    /// Kept for the system.
    Reserved,
    /// There is no such thing.
    Unknown,
    /// The last one, without which nobody could put things right.
    Last,
}

impl Invalid {
    /// The error of this one value.
    pub(crate) fn error(field: Field, fault: Fault) -> Error {
        Error::Invalid(vec![Self { field, fault }])
    }

    /// Key of the sentence in a catalogue of texts: `login.taken`.
    pub fn key(&self) -> String {
        format!("{:?}.{:?}", self.field, self.fault).to_lowercase()
    }
}

impl From<tokio_postgres::Error> for Error {
    fn from(error: tokio_postgres::Error) -> Self {
        if error.is_closed() {
            return Self::Unavailable(error.into());
        }
        match error.as_db_error() {
            Some(said) => Self::Internal(said.to_string()),
            None => Self::Unavailable(error.into()),
        }
    }
}

impl From<mazet_database::Error> for Error {
    fn from(error: mazet_database::Error) -> Self {
        Self::Unavailable(error.into())
    }
}

impl From<getrandom::Error> for Error {
    fn from(error: getrandom::Error) -> Self {
        Self::Internal(format!("reading the kernel's random numbers: {error}"))
    }
}

/// The error of a constraint that a value broke, told by its name; else the error itself.
pub(crate) fn taken(error: tokio_postgres::Error, constraints: &[(&str, Field)]) -> Error {
    let name = error.as_db_error().and_then(|said| said.constraint());
    match constraints.iter().find(|(constraint, _)| Some(*constraint) == name) {
        Some((_, field)) => Invalid::error(*field, Fault::Taken),
        None => error.into(),
    }
}

fn list(invalid: &[Invalid]) -> String {
    invalid.iter().map(Invalid::key).collect::<Vec<_>>().join(", ")
}
