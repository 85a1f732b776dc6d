//! People who leave an association, accounts that end, and what is deleted for good.
//!
//! Whoever leaves their last association has an account that *ends*: nothing opens it any more, and what
//! the box knew of the person beside login and name is forgotten. The login stays theirs, since services
//! keep data under it; an operator can take them into an association again, or delete the account for
//! good. Nobody else is ever given the login of an account that was deleted.

use deadpool_postgres::{GenericClient, Transaction};
use schemars::JsonSchema;
use serde::Serialize;

use crate::audit::{self, Done};
use crate::error::{Error, Fault, Field, Invalid, Result};
use crate::organisations::{self, Organisation};
use crate::people::{account, an_operator_stays, login, record};
use crate::permission::{self, Action, Target};
use crate::{Actor, Directory, OrganisationId, PersonId};

/// What an association's removal would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Consequences {
    /// The association.
    pub organisation: Organisation,
    /// How many of its people are in no other, so that their accounts would end. Operators' do not.
    pub ending: u64,
    /// How many groups it has.
    pub groups: u64,
    /// How many addresses beside the usual ones.
    pub aliases: u64,
}

/// Takes somebody out of an association, and so out of its groups and addresses. An account that is
/// then in none ends, unless it is an operator's.
///
/// # Errors
/// When the actor may not, or the person is not in it.
pub async fn leave(
    directory: &Directory,
    actor: &Actor,
    id: PersonId,
    organisation: OrganisationId,
) -> Result<()> {
    permission::allow(actor, Action::ManagePeople, &Target::Organisation(organisation))?;
    let mut client = directory.client().await?;
    let transaction = client.transaction().await?;
    out(&transaction, actor, id, organisation).await?;
    transaction.commit().await?;
    Ok(())
}

/// Deletes an account for good, with all that the directory knows of the person but its log. What
/// services keep under the login is theirs; nobody is given the login again.
///
/// # Errors
/// When the actor may not, or it is the last operator who could sign in.
pub async fn remove(directory: &Directory, actor: &Actor, id: PersonId) -> Result<()> {
    let mut client = directory.client().await?;
    let transaction = client.transaction().await?;
    let account = account(&transaction, id).await?;
    permission::allow(actor, Action::RemovePeople, &Target::Account(account.clone()))?;
    let statement = "with gone as (delete from person where id = $1 returning login) \
                     insert into former_login (login) select login from gone returning login";
    let row = transaction.query_opt(statement, &[&id.0]).await?.ok_or(Error::NotFound)?;
    if account.operator {
        an_operator_stays(&transaction).await?;
    }
    audit::record_for(&transaction, actor, &account, "person.remove", row.get(0), "").await?;
    transaction.commit().await?;
    Ok(())
}

/// What [`remove_organisation`] would do with its people.
///
/// # Errors
/// When there is none, or the actor may not.
pub async fn consequences(directory: &Directory, actor: &Actor, id: OrganisationId) -> Result<Consequences> {
    permission::allow(actor, Action::ManageOrganisations, &Target::Organisation(id))?;
    let organisation = organisations::get(directory, actor, id).await?;
    let statement = "select \
        (select count(*) from membership one join person on person.id = person_id \
            where organisation_id = $1 and not operator and not exists (select from membership other \
                where other.person_id = one.person_id and other.organisation_id <> $1)), \
        (select count(*) from people_group where organisation_id = $1), \
        (select count(*) from alias where organisation_id = $1)";
    let row = directory.client().await?.query_one(statement, &[&id.0]).await?;
    let count = |at: usize| u64::try_from(row.get::<_, i64>(at)).unwrap_or_default();
    Ok(Consequences { organisation, ending: count(0), groups: count(1), aliases: count(2) })
}

/// Removes an association: its groups and addresses go, its domains are free for others. Its people
/// leave it first, as in [`leave`], where `with_people` says so.
///
/// # Errors
/// When there is none, the actor may not, people are in it who should not leave, or it is the last.
pub async fn remove_organisation(
    directory: &Directory,
    actor: &Actor,
    id: OrganisationId,
    with_people: bool,
) -> Result<()> {
    permission::allow(actor, Action::ManageOrganisations, &Target::Organisation(id))?;
    let mut client = directory.client().await?;
    let transaction = client.transaction().await?;
    transaction.execute("lock table organisation, membership in share row exclusive mode", &[]).await?;
    let statement =
        "select name, (select count(*) from organisation where id <> $1) from organisation where id = $1";
    let found = transaction.query_opt(statement, &[&id.0]).await?.ok_or(Error::NotFound)?;
    let (name, others): (String, i64) = (found.get(0), found.get(1));
    if others == 0 {
        return Err(Invalid::error(Field::Name, Fault::Last));
    }
    let people = "select person_id from membership where organisation_id = $1 order by person_id";
    let people = transaction.query(people, &[&id.0]).await?;
    if !people.is_empty() && !with_people {
        return Err(Invalid::error(Field::Person, Fault::Taken));
    }
    for row in people {
        out(&transaction, actor, PersonId(row.get(0)), id).await?;
    }
    transaction.execute("delete from organisation where id = $1", &[&id.0]).await?;
    let done = Done { organisation: Some(id), action: "organisation.remove", target: &name, detail: "" };
    audit::record(&transaction, actor, &done).await?;
    transaction.commit().await?;
    Ok(())
}

/// One person out of one association.
async fn out(
    transaction: &Transaction<'_>,
    actor: &Actor,
    id: PersonId,
    organisation: OrganisationId,
) -> Result<()> {
    // Who is taken out of two associations at a time leaves one after the other.
    transaction.execute("select 1 from person where id = $1 for update", &[&id.0]).await?;
    let statement = "delete from membership where person_id = $1 and organisation_id = $2";
    if transaction.execute(statement, &[&id.0, &organisation.0]).await? == 0 {
        return Err(Error::NotFound);
    }
    let login = login(transaction, id).await?;
    record(transaction, actor, organisation, "person.leave", &login, "").await?;
    // Roles count from the sign-in.
    transaction.execute("delete from session where person_id = $1", &[&id.0]).await?;
    if end(transaction, id).await? {
        record(transaction, actor, organisation, "person.end", &login, "").await?;
    }
    Ok(())
}

/// Ends an account that is in no association, unless it is an operator's.
pub(crate) async fn end(client: &impl GenericClient, id: PersonId) -> Result<bool> {
    let statement = "update person set ended_at = now(), active = false, password = null, contact = null, \
        quota_bytes = null where id = $1 and not operator \
        and not exists (select from membership where person_id = person.id)";
    if client.execute(statement, &[&id.0]).await? == 0 {
        return Ok(false);
    }
    for table in ["ticket", "second_factor", "application_password", "outbox"] {
        client.execute(&format!("delete from {table} where person_id = $1"), &[&id.0]).await?;
    }
    Ok(true)
}
