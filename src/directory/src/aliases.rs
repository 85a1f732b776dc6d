//! Addresses beside `login@domain`: for a person, or for all of a group.

use schemars::JsonSchema;
use serde::Serialize;
use tokio_postgres::Row;

use crate::audit::{self, Done};
use crate::error::{Error, Fault, Field, Invalid, Result, taken};
use crate::permission::{self, Action, Target};
use crate::values::{self, Faults};
use crate::{Actor, AliasId, Directory, GroupId, OrganisationId, PersonId};

/// An address.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Alias {
    /// Its number.
    pub id: AliasId,
    /// Its association.
    pub organisation: OrganisationId,
    /// As it is written: `info@example.org`.
    pub address: String,
    /// Who reads it.
    pub reader: Reader,
}

/// Who reads what comes to an address.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Reader {
    /// One member.
    Person(PersonId),
    /// All who are in the group when it comes.
    Group(GroupId),
}

const SELECT: &str = "select id, organisation_id, local || '@' || domain, person_id, group_id from alias";

/// Those of an association, sorted.
///
/// # Errors
/// When the actor may not see them.
pub async fn list(directory: &Directory, actor: &Actor, organisation: OrganisationId) -> Result<Vec<Alias>> {
    permission::allow(actor, Action::SeePeople, &Target::Organisation(organisation))?;
    let statement = format!("{SELECT} where organisation_id = $1 order by domain, local");
    let rows = directory.client().await?.query(&statement, &[&organisation.0]).await?;
    rows.iter().map(alias).collect()
}

/// Adds one, at a domain of the association, for somebody or a group of it.
///
/// # Errors
/// When the actor may not, or values cannot be taken.
pub async fn add(
    directory: &Directory,
    actor: &Actor,
    organisation: OrganisationId,
    address: &str,
    reader: Reader,
) -> Result<AliasId> {
    permission::allow(actor, Action::ManageAliases, &Target::Organisation(organisation))?;
    let (local, domain) = address.rsplit_once('@').unwrap_or((address, ""));
    let mut faults = Faults::default();
    let local = faults.take(Field::Address, values::local(local));
    let domain = faults.take(Field::Domain, values::domain(domain));
    faults.done()?;
    let mut client = directory.client().await?;
    let transaction = client.transaction().await?;
    let (person, group) = match reader {
        Reader::Person(person) => (Some(person.0), None),
        Reader::Group(group) => (None, Some(group.0)),
    };
    let login = "select 1 from person join membership on person_id = person.id \
                 join domain using (organisation_id) where login = $1 and domain.name = $2";
    if transaction.query_opt(login, &[&local, &domain]).await?.is_some() {
        return Err(Invalid::error(Field::Address, Fault::Taken));
    }
    let statement = "insert into alias (organisation_id, local, domain, person_id, group_id) \
                     select $1, $2, name, $4, $5 from domain where name = $3 and organisation_id = $1 returning id";
    let row = transaction.query_opt(statement, &[&organisation.0, &local, &domain, &person, &group]).await;
    let row = row.map_err(readable)?.ok_or_else(|| Invalid::error(Field::Domain, Fault::Unknown))?;
    let done = Done { organisation: Some(organisation), action: "alias.add", target: address, detail: "" };
    audit::record(&transaction, actor, &done).await?;
    transaction.commit().await?;
    Ok(AliasId(row.get(0)))
}

/// Removes one.
///
/// # Errors
/// When there is none, or the actor may not.
pub async fn remove(directory: &Directory, actor: &Actor, id: AliasId) -> Result<()> {
    let mut client = directory.client().await?;
    let transaction = client.transaction().await?;
    let row = transaction.query_opt(&format!("{SELECT} where id = $1"), &[&id.0]).await?;
    let alias = alias(&row.ok_or(Error::NotFound)?)?;
    permission::allow(actor, Action::ManageAliases, &Target::Organisation(alias.organisation))?;
    transaction.execute("delete from alias where id = $1", &[&id.0]).await?;
    let organisation = Some(alias.organisation);
    let done = Done { organisation, action: "alias.remove", target: &alias.address, detail: "" };
    audit::record(&transaction, actor, &done).await?;
    transaction.commit().await?;
    Ok(())
}

/// Somebody, or a group, of another association breaks a foreign key.
fn readable(error: tokio_postgres::Error) -> Error {
    let constraint = error.as_db_error().and_then(|said| said.constraint());
    match constraint {
        Some(name) if name.starts_with("alias_person_id") => Invalid::error(Field::Person, Fault::Unknown),
        Some(name) if name.starts_with("alias_group_id") => Invalid::error(Field::Group, Fault::Unknown),
        _ => taken(error, &[("alias_local_domain_key", Field::Address)]),
    }
}

fn alias(row: &Row) -> Result<Alias> {
    let (person, group): (Option<i64>, Option<i64>) = (row.get(3), row.get(4));
    let reader = match (person, group) {
        (Some(person), _) => Reader::Person(PersonId(person)),
        (None, Some(group)) => Reader::Group(GroupId(group)),
        (None, None) => return Err(Error::Internal("an alias leads to nobody".to_owned())),
    };
    Ok(Alias {
        id: AliasId(row.get(0)),
        organisation: OrganisationId(row.get(1)),
        address: row.get(2),
        reader,
    })
}
