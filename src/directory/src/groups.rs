//! Groups of an association's members: for shared folders, calendars and addresses.

use schemars::JsonSchema;
use serde::Serialize;
use tokio_postgres::Row;

use crate::audit::{self, Done};
use crate::error::{Error, Field, Invalid, Result, taken};
use crate::permission::{self, Action, Target};
use crate::{Actor, Directory, GroupId, OrganisationId, PersonId, values};

/// A group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Group {
    /// Its number.
    pub id: GroupId,
    /// Its association.
    pub organisation: OrganisationId,
    /// Its name, once in the association.
    pub name: String,
    /// Name of what its members hold in common, as services know it: `_bureau-3`.
    pub account: String,
    /// Addresses that lead to it, beside its account's on the box: `contact@example.org`.
    pub addresses: Vec<String>,
    /// Is what is written to it kept in one mailbox that all of them read? Otherwise each of them gets it.
    pub mailbox: bool,
    /// Who is in it.
    pub members: Vec<PersonId>,
}

const SELECT: &str = "select people_group.id, people_group.organisation_id, people_group.name, \
    array(select person_id from group_member where group_id = people_group.id order by person_id), \
    account.login, account.mailbox, \
    array(select local || '@' || domain from alias where alias.group_id = people_group.id order by domain, local) \
    from people_group join shared_account account on account.group_id = people_group.id";

/// Those of an association, by name.
///
/// # Errors
/// When the actor may not see them.
pub async fn list(directory: &Directory, actor: &Actor, organisation: OrganisationId) -> Result<Vec<Group>> {
    permission::allow(actor, Action::SeePeople, &Target::Organisation(organisation))?;
    let statement = format!(
        "{SELECT} where people_group.organisation_id = $1 order by people_group.name collate \"fr-x-icu\""
    );
    let rows = directory.client().await?.query(&statement, &[&organisation.0]).await?;
    Ok(rows.iter().map(group).collect())
}

/// One of them.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn get(directory: &Directory, actor: &Actor, id: GroupId) -> Result<Group> {
    let client = directory.client().await?;
    let row = client.query_opt(&format!("{SELECT} where people_group.id = $1"), &[&id.0]).await?;
    let group = group(&row.ok_or(Error::NotFound)?);
    permission::allow(actor, Action::SeePeople, &Target::Organisation(group.organisation))?;
    Ok(group)
}

/// Adds an empty one.
///
/// # Errors
/// When the actor may not, or the name cannot be taken.
pub async fn add(
    directory: &Directory,
    actor: &Actor,
    organisation: OrganisationId,
    name: &str,
) -> Result<GroupId> {
    permission::allow(actor, Action::ManageGroups, &Target::Organisation(organisation))?;
    let name = sound(name)?;
    let mut client = directory.client().await?;
    let transaction = client.transaction().await?;
    let statement = "insert into people_group (organisation_id, name) values ($1, $2) returning id";
    let row = transaction.query_one(statement, &[&organisation.0, &name]).await;
    let id = GroupId(row.map_err(|error| taken(error, &[("people_group_name", Field::Name)]))?.get(0));
    let done = Done { organisation: Some(organisation), action: "group.add", target: &name, detail: "" };
    audit::record(&transaction, actor, &done).await?;
    transaction.commit().await?;
    Ok(id)
}

/// Gives it another name, and exactly these members.
///
/// # Errors
/// When the actor may not, the name cannot be taken, or somebody is not in the association.
pub async fn change(
    directory: &Directory,
    actor: &Actor,
    id: GroupId,
    name: &str,
    members: &[PersonId],
) -> Result<()> {
    let old = get(directory, actor, id).await?;
    permission::allow(actor, Action::ManageGroups, &Target::Organisation(old.organisation))?;
    let name = sound(name)?;
    let mut client = directory.client().await?;
    let transaction = client.transaction().await?;
    let renamed =
        transaction.execute("update people_group set name = $2 where id = $1", &[&id.0, &name]).await;
    renamed.map_err(|error| taken(error, &[("people_group_name", Field::Name)]))?;
    transaction.execute("delete from group_member where group_id = $1", &[&id.0]).await?;
    let mut people: Vec<i64> = members.iter().map(|person| person.0).collect();
    people.sort_unstable();
    people.dedup();
    let statement = "insert into group_member (group_id, person_id, organisation_id) \
                     select $1, person_id, organisation_id from membership \
                     where organisation_id = $2 and person_id = any ($3)";
    let added = transaction.execute(statement, &[&id.0, &old.organisation.0, &people]).await?;
    if usize::try_from(added) != Ok(people.len()) {
        return Err(Invalid::error(Field::Person, crate::Fault::Unknown));
    }
    let done =
        Done { organisation: Some(old.organisation), action: "group.change", target: &name, detail: "" };
    audit::record(&transaction, actor, &done).await?;
    transaction.commit().await?;
    Ok(())
}

/// Keeps what is written to it in one mailbox, or gives it to each member. What such a mailbox holds stays, and is
/// there again when it is one again.
///
/// # Errors
/// When the actor may not.
pub async fn keep_mail(directory: &Directory, actor: &Actor, id: GroupId, mailbox: bool) -> Result<()> {
    let group = get(directory, actor, id).await?;
    permission::allow(actor, Action::ManageGroups, &Target::Organisation(group.organisation))?;
    if group.mailbox == mailbox {
        return Ok(());
    }
    let mut client = directory.client().await?;
    let transaction = client.transaction().await?;
    let statement = "update shared_account set mailbox = $2 where group_id = $1";
    transaction.execute(statement, &[&id.0, &mailbox]).await?;
    let action = if mailbox { "group.mailbox" } else { "group.list" };
    let done = Done { organisation: Some(group.organisation), action, target: &group.name, detail: "" };
    audit::record(&transaction, actor, &done).await?;
    transaction.commit().await?;
    Ok(())
}

/// Removes it, and the addresses that lead to it.
///
/// # Errors
/// When the actor may not.
pub async fn remove(directory: &Directory, actor: &Actor, id: GroupId) -> Result<()> {
    let group = get(directory, actor, id).await?;
    permission::allow(actor, Action::ManageGroups, &Target::Organisation(group.organisation))?;
    let mut client = directory.client().await?;
    let transaction = client.transaction().await?;
    transaction.execute("delete from people_group where id = $1", &[&id.0]).await?;
    let done = Done {
        organisation: Some(group.organisation),
        action: "group.remove",
        target: &group.name,
        detail: "",
    };
    audit::record(&transaction, actor, &done).await?;
    transaction.commit().await?;
    Ok(())
}

fn sound(name: &str) -> Result<String> {
    values::name_of(name, values::SHORT_NAME).map_err(|fault| Invalid::error(Field::Name, fault))
}

fn group(row: &Row) -> Group {
    Group {
        id: GroupId(row.get(0)),
        organisation: OrganisationId(row.get(1)),
        name: row.get(2),
        members: row.get::<_, Vec<i64>>(3).into_iter().map(PersonId).collect(),
        account: row.get(4),
        mailbox: row.get(5),
        addresses: row.get(6),
    }
}
