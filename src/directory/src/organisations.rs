//! Associations and their domains.

use deadpool_postgres::GenericClient;
use schemars::JsonSchema;
use serde::Serialize;
use tokio_postgres::Row;

use crate::audit::{self, Done};
use crate::error::{Error, Field, Result, taken};
use crate::permission::{self, Action, Target};
use crate::values::{self, Faults};
use crate::{Actor, Directory, OrganisationId};

/// An association.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Organisation {
    /// Its number.
    pub id: OrganisationId,
    /// Its name.
    pub name: String,
    /// Its domain names, sorted.
    pub domains: Vec<String>,
    /// Bytes that it may take in all; none: as much as there is.
    pub quota_bytes: Option<u64>,
    /// Bytes of a member who has no quota of their own.
    pub member_quota_bytes: u64,
    /// How many people are in it.
    pub people: u64,
}

/// What an association is to become.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wish {
    /// Its name.
    pub name: String,
    /// Its domain names.
    pub domains: Vec<String>,
    /// Bytes in all; none: as much as there is.
    pub quota_bytes: Option<u64>,
    /// Bytes of a member who has no quota of their own.
    pub member_quota_bytes: u64,
}

impl Wish {
    /// An association without domains, with 10 GiB for each member.
    pub fn named(name: &str) -> Self {
        Self { name: name.to_owned(), domains: Vec::new(), quota_bytes: None, member_quota_bytes: 10 << 30 }
    }
}

const SELECT: &str = "select id, name, quota_bytes, member_quota_bytes, \
    array(select domain.name from domain where organisation_id = organisation.id order by domain.name), \
    (select count(*) from membership where organisation_id = organisation.id) from organisation";
const CONSTRAINTS: [(&str, Field); 2] = [("organisation_name", Field::Name), ("domain_pkey", Field::Domain)];

/// Those that the actor may see, by name.
///
/// # Errors
/// When the database does not answer.
pub async fn list(directory: &Directory, actor: &Actor) -> Result<Vec<Organisation>> {
    let statement = format!("{SELECT} order by name collate \"fr-x-icu\"");
    let rows = directory.client().await?.query(&statement, &[]).await?;
    let all = rows.iter().map(organisation);
    let seen = |one: &Organisation| actor.may(Action::SeeOrganisation, &Target::Organisation(one.id));
    Ok(all.filter(seen).collect())
}

/// One of them.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn get(directory: &Directory, actor: &Actor, id: OrganisationId) -> Result<Organisation> {
    permission::allow(actor, Action::SeeOrganisation, &Target::Organisation(id))?;
    let client = directory.client().await?;
    let row = client.query_opt(&format!("{SELECT} where id = $1"), &[&id.0]).await?;
    row.as_ref().map(organisation).ok_or(Error::NotFound)
}

/// Is `login` in an association with `owner`, who is a person or what an association holds in common? For services
/// that must not be asked about others.
///
/// # Errors
/// The database does not answer.
pub async fn is_shared(directory: &Directory, login: &str, owner: &str) -> Result<bool> {
    let statement = "select exists (
        select from membership join person on person.id = person_id
        where login = $1 and organisation_id in (
            select organisation_id from membership join person on person.id = person_id where login = $2
            union select organisation_id from shared_account where login = $2))";
    Ok(directory.client().await?.query_one(statement, &[&login, &owner]).await?.get(0))
}

/// Adds one.
///
/// # Errors
/// When the actor may not, or values cannot be taken.
pub async fn add(directory: &Directory, actor: &Actor, wish: &Wish) -> Result<OrganisationId> {
    permission::allow(actor, Action::ManageOrganisations, &Target::Machine)?;
    let sound = sound(wish)?;
    let mut client = directory.client().await?;
    let transaction = client.transaction().await?;
    let id = insert(&transaction, &sound).await?;
    record(&transaction, actor, id, "organisation.add", &sound.name).await?;
    transaction.commit().await?;
    Ok(id)
}

/// Changes one to be as wished. Addresses of a domain that it loses go with it.
///
/// # Errors
/// When there is none, the actor may not, or values cannot be taken.
pub async fn change(directory: &Directory, actor: &Actor, id: OrganisationId, wish: &Wish) -> Result<()> {
    permission::allow(actor, Action::ManageOrganisations, &Target::Organisation(id))?;
    let sound = sound(wish)?;
    let mut client = directory.client().await?;
    let transaction = client.transaction().await?;
    let statement =
        "update organisation set name = $2, quota_bytes = $3, member_quota_bytes = $4 where id = $1";
    let values: [&(dyn tokio_postgres::types::ToSql + Sync); 4] =
        [&id.0, &sound.name, &sound.quota, &sound.member_quota];
    let changed = transaction.execute(statement, &values).await;
    if changed.map_err(|error| taken(error, &CONSTRAINTS))? == 0 {
        return Err(Error::NotFound);
    }
    let gone = "delete from domain where organisation_id = $1 and name <> all ($2)";
    transaction.execute(gone, &[&id.0, &sound.domains]).await?;
    domains(&transaction, id, &sound.domains).await?;
    record(&transaction, actor, id, "organisation.change", &sound.name).await?;
    transaction.commit().await?;
    Ok(())
}

/// Values that were looked at.
pub(crate) struct Sound {
    pub name: String,
    domains: Vec<String>,
    quota: Option<i64>,
    member_quota: i64,
}

pub(crate) fn sound(wish: &Wish) -> Result<Sound> {
    let mut faults = Faults::default();
    let name = faults.take(Field::Name, values::name(&wish.name));
    let mut domains = Vec::new();
    for domain in wish.domains.iter().filter(|domain| !domain.trim().is_empty()) {
        domains.extend(faults.take(Field::Domain, values::domain(domain)));
    }
    let quota = faults.take(Field::Quota, wish.quota_bytes.map(values::bytes).transpose());
    let member_quota = faults.take(Field::Quota, values::bytes(wish.member_quota_bytes));
    faults.done()?;
    domains.sort();
    domains.dedup();
    Ok(Sound {
        name: name.unwrap_or_default(),
        domains,
        quota: quota.flatten(),
        member_quota: member_quota.unwrap_or_default(),
    })
}

pub(crate) async fn insert(client: &impl GenericClient, sound: &Sound) -> Result<OrganisationId> {
    let statement =
        "insert into organisation (name, quota_bytes, member_quota_bytes) values ($1, $2, $3) returning id";
    let row = client.query_one(statement, &[&sound.name, &sound.quota, &sound.member_quota]).await;
    let id = OrganisationId(row.map_err(|error| taken(error, &CONSTRAINTS))?.get(0));
    domains(client, id, &sound.domains).await?;
    Ok(id)
}

async fn domains(client: &impl GenericClient, id: OrganisationId, names: &[String]) -> Result<()> {
    // A name that another association has stays out of the first part, and breaks the second.
    let statement = "insert into domain (name, organisation_id) \
        select name, $1 from unnest($2::text[]) as name \
        where not exists (select from domain where domain.name = name.name and organisation_id = $1)";
    let added = client.execute(statement, &[&id.0, &names]).await;
    added.map(drop).map_err(|error| taken(error, &CONSTRAINTS))
}

async fn record(
    client: &impl GenericClient,
    actor: &Actor,
    id: OrganisationId,
    action: &str,
    name: &str,
) -> Result<()> {
    audit::record(client, actor, &Done { organisation: Some(id), action, target: name, detail: "" }).await
}

fn organisation(row: &Row) -> Organisation {
    let bytes = |bytes: i64| u64::try_from(bytes).unwrap_or_default();
    Organisation {
        id: OrganisationId(row.get(0)),
        name: row.get(1),
        quota_bytes: row.get::<_, Option<i64>>(2).map(bytes),
        member_quota_bytes: bytes(row.get(3)),
        domains: row.get(4),
        people: bytes(row.get(5)),
    }
}
