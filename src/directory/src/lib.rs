//! The box's directory: who is who, and what each may do.
//!
//! | module | subject |
//! |---|---|
//! | [`permission`] | what each role may do: one table, asked by every call |
//! | [`actor`] | who asks |
//! | [`organisations`], [`people`], [`groups`], [`aliases`] | who there is |
//! | [`leaving`] | who leaves, accounts that end, associations that are removed |
//! | [`sign_in`] | password, second factor, application passwords; limits on tries |
//! | [`sessions`] | browsers that are signed in |
//! | [`invitations`], [`resets`] | one-time codes with which a person chooses a password |
//! | [`totp`], [`second_factor`] | RFC 6238, and setting it up |
//! | [`application_passwords`] | for clients that know no second factor |
//! | [`outbox`] | messages that the box sends by itself |
//! | [`csv`] | people in and out as a table |
//! | [`audit`] | what was done, by whom |
//! | [`seed`] | the first association and the operator |
//!
//! Every call takes the [`Directory`] and an [`Actor`], and refuses what [`permission`] does not
//! allow. What an actor may not see is [`Error::NotFound`], as if it did not exist.

pub mod actor;
pub mod aliases;
pub mod application_passwords;
pub mod audit;
pub mod basic;
pub mod csv;
mod error;
pub mod groups;
mod ids;
pub mod invitations;
pub mod leaving;
pub mod organisations;
pub mod outbox;
pub mod password;
pub mod people;
pub mod permission;
pub mod remembered;
pub mod resets;
pub mod resources;
pub mod second_factor;
mod secret;
pub mod seed;
pub mod sessions;
pub mod sign_in;
mod tickets;
pub mod totp;
mod tries;
mod values;

pub use actor::Actor;
pub use error::{Error, Fault, Field, Invalid, Result};
pub use ids::{
    AliasId, ApplicationPasswordId, GroupId, MessageId, OrganisationId, PersonId, ResourceId, SessionId,
};
pub use permission::Role;
pub use secret::Code;
pub use time::OffsetDateTime;

use mazet_database::{Place, Pool};

/// Name of the database.
pub const DATABASE: &str = "mazet";
/// Role of the pages' process.
pub const ROLE: &str = "mazetd";
/// Roles of other processes that read a part of it: messages, files.
pub const READERS: [&str; 2] = [outbox::SENDER, "mazet-files"];
/// Role that owns the database; root alone gets in as it.
pub const OWNER: &str = "mazet";

/// The directory of one box: cheap to clone, shared by all requests.
#[derive(Clone)]
pub struct Directory {
    pool: Pool,
    hasher: password::Hasher,
}

impl Directory {
    /// The directory at `place`, with at most `connections` at a time. Nothing is connected yet.
    ///
    /// # Errors
    /// Never in practice: the pool cannot be put together.
    pub fn new(place: &Place, connections: usize) -> Result<Self> {
        Ok(Self { pool: place.pool(connections)?, hasher: password::Hasher::new() })
    }

    /// The box's own directory, for the pages' process.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn of_box() -> Result<Self> {
        Self::new(&Place::new(DATABASE, ROLE), 6)
    }

    /// Is the database there, with its schema?
    ///
    /// # Errors
    /// When it is not.
    pub async fn check(&self) -> Result<()> {
        self.client().await?.query_one("select count(*) from organisation", &[]).await?;
        Ok(())
    }

    /// A number that is another one whenever something changed by which a service lets people in: what was
    /// found after it was asked for holds as long as it is the same.
    ///
    /// # Errors
    /// When the directory does not answer.
    pub async fn version(&self) -> Result<i64> {
        let client = self.client().await?;
        let statement = client.prepare_cached("select number from service_version").await?;
        Ok(client.query_one(&statement, &[]).await?.get(0))
    }

    async fn client(&self) -> Result<mazet_database::connect::Object> {
        self.pool.get().await.map_err(|error| Error::Unavailable(error.into()))
    }
}
