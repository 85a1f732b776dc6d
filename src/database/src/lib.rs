//! PostgreSQL on the box.
//!
//! | module | subject |
//! |---|---|
//! | [`connect`] | where the server is, one connection, a pool of them |
//! | [`roles`] | roles and databases as the service manifests want them, least privilege |
//! | [`migrations`] | the versioned schema of a database |
//! | `testing` | a server of their own for tests (feature `testing`) |
//!
//! The server is reached by its Unix socket alone, and takes a system user's word that it is that
//! user (peer authentication): there is no password anywhere.

pub mod connect;
pub mod migrations;
pub mod roles;
#[cfg(feature = "testing")]
pub mod testing;

pub use connect::{Place, Pool};
pub use tokio_postgres;

use thiserror::Error;

/// What can go wrong.
#[derive(Debug, Error)]
pub enum Error {
    /// The server cannot be reached, or is busy.
    #[error("asking PostgreSQL at {place}: {}", reason(&**source))]
    Unreachable {
        /// Folder of its socket.
        place: String,
        /// Why.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The server refused what was asked.
    #[error("{doing}: {}", told(source))]
    Refused {
        /// What was being done, as a gerund.
        doing: String,
        /// The server's words.
        source: tokio_postgres::Error,
    },
    /// Migrations are not what was applied before.
    #[error("{0}")]
    Migration(String),
}

impl Error {
    /// For `map_err`: the server refused while `doing` that.
    pub fn refused(doing: impl Into<String>) -> impl FnOnce(tokio_postgres::Error) -> Self {
        |source| Self::Refused { doing: doing.into(), source }
    }
}

/// What the server said, where it is the server that refused; else what the driver says.
fn reason(error: &(dyn std::error::Error + 'static)) -> String {
    let mut cause = Some(error);
    while let Some(next) = cause {
        if let Some(refused) = next.downcast_ref::<tokio_postgres::Error>() {
            return told(refused);
        }
        cause = next.source();
    }
    error.to_string()
}

/// What the server said, with its hint; else what the driver says.
fn told(error: &tokio_postgres::Error) -> String {
    match error.as_db_error() {
        Some(said) => match said.hint() {
            Some(hint) => format!("{} ({hint})", said.message()),
            None => said.message().to_owned(),
        },
        None => error.to_string(),
    }
}
