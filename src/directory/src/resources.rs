//! Rooms and equipment of an association, which its members book in their calendars.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use tokio_postgres::Row;

use crate::audit::{self, Done};
use crate::error::{Error, Field, Invalid, Result, taken};
use crate::permission::{self, Action, Target};
use crate::{Actor, Directory, OrganisationId, ResourceId, values};

/// What is booked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Resource {
    /// Its number.
    pub id: ResourceId,
    /// Its association.
    pub organisation: OrganisationId,
    /// Its name, once in the association.
    pub name: String,
    /// What it is.
    pub kind: Kind,
    /// Its name as services know it: `_grande-salle-3`.
    pub account: String,
}

/// What can be booked, one booking at a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// A room, a hall.
    Room,
    /// A projector, a van.
    Equipment,
}

impl Kind {
    /// Both, in the order of lists.
    pub const ALL: [Self; 2] = [Self::Room, Self::Equipment];

    /// As programs write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::Room => "room",
            Self::Equipment => "equipment",
        }
    }

    /// In the directory (RFC 6350 § 6.1.4, RFC 6473).
    fn column(self) -> &'static str {
        match self {
            Self::Room => "location",
            Self::Equipment => "thing",
        }
    }
}

const SELECT: &str = "select id, organisation_id, name, kind, login from shared_account \
    where kind in ('location', 'thing')";

/// Those of an association, by name.
///
/// # Errors
/// When the actor may not see them.
pub async fn list(
    directory: &Directory,
    actor: &Actor,
    organisation: OrganisationId,
) -> Result<Vec<Resource>> {
    permission::allow(actor, Action::SeePeople, &Target::Organisation(organisation))?;
    let statement = format!("{SELECT} and organisation_id = $1 order by name collate \"fr-x-icu\"");
    let rows = directory.client().await?.query(&statement, &[&organisation.0]).await?;
    Ok(rows.iter().map(resource).collect())
}

/// One of them.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn get(directory: &Directory, actor: &Actor, id: ResourceId) -> Result<Resource> {
    let client = directory.client().await?;
    let row = client.query_opt(&format!("{SELECT} and id = $1"), &[&id.0]).await?;
    let found = resource(&row.ok_or(Error::NotFound)?);
    permission::allow(actor, Action::SeePeople, &Target::Organisation(found.organisation))?;
    Ok(found)
}

/// Adds one.
///
/// # Errors
/// When the actor may not, or the name cannot be taken.
pub async fn add(
    directory: &Directory,
    actor: &Actor,
    organisation: OrganisationId,
    name: &str,
    kind: Kind,
) -> Result<ResourceId> {
    permission::allow(actor, Action::ManageGroups, &Target::Organisation(organisation))?;
    let name =
        values::name_of(name, values::SHORT_NAME).map_err(|fault| Invalid::error(Field::Name, fault))?;
    let mut client = directory.client().await?;
    let transaction = client.transaction().await?;
    let statement =
        "insert into shared_account (organisation_id, name, kind) values ($1, $2, $3) returning id";
    let row = transaction.query_one(statement, &[&organisation.0, &name, &kind.column()]).await;
    let id = row.map_err(|error| taken(error, &[("shared_account_name", Field::Name)]))?.get(0);
    let done = Done { organisation: Some(organisation), action: "resource.add", target: &name, detail: "" };
    audit::record(&transaction, actor, &done).await?;
    transaction.commit().await?;
    Ok(ResourceId(id))
}

/// Removes one. Bookings of it stay in the calendars of who made them.
///
/// # Errors
/// [`Error::NotFound`], or the actor may not.
pub async fn remove(directory: &Directory, actor: &Actor, id: ResourceId) -> Result<()> {
    let known = get(directory, actor, id).await?;
    permission::allow(actor, Action::ManageGroups, &Target::Organisation(known.organisation))?;
    let mut client = directory.client().await?;
    let transaction = client.transaction().await?;
    transaction.execute("delete from shared_account where id = $1", &[&id.0]).await?;
    let organisation = Some(known.organisation);
    let done = Done { organisation, action: "resource.remove", target: &known.name, detail: "" };
    audit::record(&transaction, actor, &done).await?;
    transaction.commit().await?;
    Ok(())
}

fn resource(row: &Row) -> Resource {
    Resource {
        id: ResourceId(row.get(0)),
        organisation: OrganisationId(row.get(1)),
        name: row.get(2),
        kind: if row.get::<_, &str>(3) == Kind::Room.column() { Kind::Room } else { Kind::Equipment },
        account: row.get(4),
    }
}
