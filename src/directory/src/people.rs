//! People and what they are members of.

use std::collections::BTreeSet;

use deadpool_postgres::GenericClient;
use mazet_model::settings::Language;
use schemars::JsonSchema;
use serde::{Serialize, Serializer};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;
use tokio_postgres::Row;

use crate::audit::{self, Done};
use crate::error::{Error, Fault, Field, Invalid, Result, taken};
use crate::leaving;
use crate::permission::{self, Account, Action, Target};
use crate::values::{self, Faults};
use crate::{Actor, Directory, OrganisationId, PersonId, Role};

/// A person, as far as the actor who asked may see.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Person {
    /// Their number.
    pub id: PersonId,
    /// Login name: does not change.
    pub login: String,
    /// Full name.
    pub name: String,
    /// Address elsewhere.
    pub contact: Option<String>,
    /// Language of their pages; none: what the browser asks for.
    pub language: Option<Language>,
    /// May they sign in?
    pub state: State,
    /// Do they answer for the machine?
    pub operator: bool,
    /// Is their second factor set up?
    pub second_factor: bool,
    /// Bytes of their own quota; none: what their association gives its members.
    pub quota_bytes: Option<u64>,
    /// When they were added.
    #[serde(serialize_with = "rfc3339")]
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub created_at: OffsetDateTime,
    /// When they last signed in to the pages.
    #[serde(serialize_with = "rfc3339_or_none")]
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub signed_in_at: Option<OffsetDateTime>,
    /// Associations that they are in and the actor may see.
    pub memberships: Vec<Membership>,
}

/// May a person sign in?
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// Has not chosen a password yet.
    Invited,
    /// Yes.
    Active,
    /// No: somebody locked them out.
    Locked,
    /// No: they are in no association any more, see [`crate::leaving`].
    Ended,
}

/// Being in an association.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Membership {
    /// In which.
    pub organisation: OrganisationId,
    /// Its name.
    pub name: String,
    /// Roles beside that of a member: manager, site editor, backup keeper.
    pub roles: BTreeSet<Role>,
}

/// Somebody to be added.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct New {
    /// Association that they become a member of.
    pub organisation: OrganisationId,
    /// Login name.
    pub login: String,
    /// Full name.
    pub name: String,
    /// Address elsewhere; may be empty.
    pub contact: String,
    /// Language of their pages.
    pub language: Option<Language>,
    /// Roles beside that of a member.
    pub roles: BTreeSet<Role>,
}

/// What a person says of themselves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Profile {
    /// Full name.
    pub name: String,
    /// Address elsewhere; may be empty.
    pub contact: String,
    /// Language of their pages.
    pub language: Option<Language>,
}

const SELECT: &str = "select person.id, login, person.name, contact, language, active, operator, \
    person.password is not null, \
    exists (select from second_factor where person_id = person.id and confirmed_at is not null), \
    quota_bytes, created_at, signed_in_at, ended_at is not null from person";

/// Those of an association; none: everybody on the box. By name.
///
/// # Errors
/// When the actor may not see them.
pub async fn list(
    directory: &Directory,
    actor: &Actor,
    organisation: Option<OrganisationId>,
) -> Result<Vec<Person>> {
    permission::allow(actor, Action::SeePeople, &organisation.map_or(Target::Machine, Target::Organisation))?;
    let client = directory.client().await?;
    let statement = format!(
        "{SELECT} where $1::bigint is null \
         or exists (select from membership where person_id = person.id and organisation_id = $1) \
         order by person.name collate \"fr-x-icu\", login"
    );
    let rows = client.query(&statement, &[&organisation.map(|one| one.0)]).await?;
    let mut people: Vec<Person> = rows.iter().map(person).collect();
    let ids: Vec<i64> = people.iter().map(|person| person.id.0).collect();
    for (id, membership) in memberships(&client, &ids).await? {
        if sees(actor, id, membership.organisation) {
            let one = people.iter_mut().find(|person| person.id == id);
            one.into_iter().for_each(|person| person.memberships.push(membership.clone()));
        }
    }
    Ok(people)
}

/// One of them: oneself, or somebody that the actor may see.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn get(directory: &Directory, actor: &Actor, id: PersonId) -> Result<Person> {
    let client = directory.client().await?;
    let target = Target::Account(account(&client, id).await?);
    own_or(actor, Action::SeePeople, &target)?;
    let row = client.query_opt(&format!("{SELECT} where id = $1"), &[&id.0]).await?;
    let mut person = row.as_ref().map(person).ok_or(Error::NotFound)?;
    let all = memberships(&client, &[id.0]).await?;
    let seen = all.into_iter().filter(|(_, one)| sees(actor, id, one.organisation));
    person.memberships = seen.map(|(_, membership)| membership).collect();
    Ok(person)
}

/// The number of the person with this login, if the actor may see them.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn find(directory: &Directory, actor: &Actor, login: &str) -> Result<PersonId> {
    let client = directory.client().await?;
    let row = client.query_opt("select id from person where login = $1", &[&login]).await?;
    let id = PersonId(row.ok_or(Error::NotFound)?.get(0));
    own_or(actor, Action::SeePeople, &Target::Account(account(&client, id).await?))?;
    Ok(id)
}

/// Mail addresses that the associations give to somebody, those of the association that they joined first in
/// front; aliases are not among them.
///
/// # Errors
/// [`Error::NotFound`].
pub async fn addresses(directory: &Directory, actor: &Actor, id: PersonId) -> Result<Vec<String>> {
    let client = directory.client().await?;
    own_or(actor, Action::SeePeople, &Target::Account(account(&client, id).await?))?;
    let statement = "select person.login || '@' || domain.name from person \
                     join membership on person_id = person.id join domain using (organisation_id) \
                     where person.id = $1 order by organisation_id, domain.name";
    let rows = client.query(statement, &[&id.0]).await?;
    Ok(rows.iter().map(|row| row.get(0)).collect())
}

/// Adds somebody, who cannot sign in before taking an invitation ([`crate::invitations`]).
///
/// # Errors
/// When the actor may not, or values cannot be taken.
pub async fn add(directory: &Directory, actor: &Actor, new: &New) -> Result<PersonId> {
    let target = Target::Organisation(new.organisation);
    permission::allow(actor, Action::ManagePeople, &target)?;
    if !new.roles.is_empty() {
        permission::allow(actor, Action::AppointRoles, &target)?;
    }
    if let Err(fault @ Fault::Reserved) = values::new_login(&new.login) {
        return Err(Invalid::error(Field::Login, fault));
    }
    let mut client = directory.client().await?;
    let transaction = client.transaction().await?;
    let id = insert(&transaction, new).await?;
    record(&transaction, actor, new.organisation, "person.add", &new.login, &words(&new.roles)).await?;
    transaction.commit().await?;
    Ok(id)
}

/// Changes what somebody says of themselves: one's own profile, or that of a person in one's care.
///
/// # Errors
/// When the actor may not, or values cannot be taken.
pub async fn change(directory: &Directory, actor: &Actor, id: PersonId, profile: &Profile) -> Result<()> {
    let mut client = directory.client().await?;
    let transaction = client.transaction().await?;
    let account = account(&transaction, id).await?;
    own_or(actor, Action::ManageAccount, &Target::Account(account.clone()))?;
    let mut faults = Faults::default();
    let name = faults.take(Field::Name, values::name(&profile.name));
    let contact = faults.take(Field::Contact, values::contact(&profile.contact)).flatten();
    faults.done()?;
    let known = transaction.query_one("select contact from person where id = $1", &[&id.0]).await?;
    if known.get::<_, Option<String>>(0) != contact {
        // Resets go there.
        secure_or(actor, Action::ManageAccount, &Target::Account(account.clone()))?;
    }
    let language = profile.language.map(language_word);
    let statement = "update person set name = $2, contact = $3, language = $4 \
                     where id = $1 and ended_at is null returning login";
    let row = transaction.query_opt(statement, &[&id.0, &name, &contact, &language]).await?;
    let row = row.ok_or_else(|| Invalid::error(Field::Person, Fault::Unknown))?;
    audit::record_for(&transaction, actor, &account, "person.change", row.get(0), "").await?;
    transaction.commit().await?;
    Ok(())
}

/// Gives a member of an association these roles there, beside that of a member, and no others.
///
/// # Errors
/// When the actor may not, or the person is not in it.
pub async fn set_roles(
    directory: &Directory,
    actor: &Actor,
    id: PersonId,
    organisation: OrganisationId,
    roles: &BTreeSet<Role>,
) -> Result<()> {
    permission::allow(actor, Action::AppointRoles, &Target::Organisation(organisation))?;
    let roles = role_words(roles)?;
    let mut client = directory.client().await?;
    let transaction = client.transaction().await?;
    let statement = "update membership set roles = $3 where person_id = $1 and organisation_id = $2";
    if transaction.execute(statement, &[&id.0, &organisation.0, &roles]).await? == 0 {
        return Err(Error::NotFound);
    }
    let login = login(&transaction, id).await?;
    record(&transaction, actor, organisation, "person.roles", &login, &roles.join(" ")).await?;
    transaction.commit().await?;
    Ok(())
}

/// Takes somebody who is on the box already into another association. Both must be in the actor's
/// care. An account that ended begins anew, to be invited.
///
/// # Errors
/// When the actor may not, or there is no such association.
pub async fn join(
    directory: &Directory,
    actor: &Actor,
    id: PersonId,
    organisation: OrganisationId,
) -> Result<()> {
    let mut client = directory.client().await?;
    let transaction = client.transaction().await?;
    permission::allow(actor, Action::ManagePeople, &Target::Account(account(&transaction, id).await?))?;
    permission::allow(actor, Action::ManagePeople, &Target::Organisation(organisation))?;
    member(&transaction, id, organisation, &[]).await?;
    let again = "update person set ended_at = null, active = true where id = $1 and ended_at is not null";
    transaction.execute(again, &[&id.0]).await?;
    let login = login(&transaction, id).await?;
    record(&transaction, actor, organisation, "person.join", &login, "").await?;
    transaction.commit().await?;
    Ok(())
}

/// Gives a person a quota of their own, in bytes; none: what their association gives its members.
///
/// # Errors
/// When the actor may not.
pub async fn set_quota(directory: &Directory, actor: &Actor, id: PersonId, quota: Option<u64>) -> Result<()> {
    let bytes = quota.map(values::bytes).transpose();
    let bytes = bytes.map_err(|fault| Invalid::error(Field::Quota, fault))?;
    let statement = "update person set quota_bytes = $2 where id = $1";
    let detail = bytes.map_or("none".to_owned(), |bytes| format!("{bytes} bytes"));
    set(directory, actor, id, (Action::SetQuotas, "person.quota", &detail), statement, &bytes).await
}

/// Locks a person out (and ends their sessions), or lets them in again.
///
/// # Errors
/// When the actor may not, or it is the last operator who could sign in.
pub async fn set_active(directory: &Directory, actor: &Actor, id: PersonId, active: bool) -> Result<()> {
    let statement = "with ended as (delete from session where person_id = $1 and not $2) \
                     update person set active = $2 where id = $1";
    let action = if active { "person.unlock" } else { "person.lock" };
    set(directory, actor, id, (Action::ManageAccount, action, ""), statement, &active).await
}

/// Makes a person an operator, or no longer one. Their sessions end: roles count from the sign-in.
///
/// # Errors
/// When the actor may not, or it is the last operator who could sign in.
pub async fn set_operator(directory: &Directory, actor: &Actor, id: PersonId, operator: bool) -> Result<()> {
    permission::allow(actor, Action::AppointOperators, &Target::Machine)?;
    let statement = "with ended as (delete from session where person_id = $1), \
        weaker as (update application_password set strong = false where person_id = $1) \
        update person set operator = $2 where id = $1";
    let action = if operator { "person.operator" } else { "person.no-operator" };
    set(directory, actor, id, (Action::AppointOperators, action, ""), statement, &operator).await
}

/// One statement about a person's account (`$1`) with a value (`$2`), allowed and recorded.
async fn set(
    directory: &Directory,
    actor: &Actor,
    id: PersonId,
    (action, name, detail): (Action, &str, &str),
    statement: &str,
    value: &(dyn tokio_postgres::types::ToSql + Sync),
) -> Result<()> {
    let mut client = directory.client().await?;
    let transaction = client.transaction().await?;
    let account = account(&transaction, id).await?;
    permission::allow(actor, action, &Target::Account(account.clone()))?;
    let row = transaction.query_one("select login, ended_at from person where id = $1", &[&id.0]).await?;
    if row.get::<_, Option<OffsetDateTime>>(1).is_some() {
        return Err(Invalid::error(Field::Person, Fault::Unknown));
    }
    let login: String = row.get(0);
    transaction.execute(statement, &[&id.0, value]).await?;
    if account.operator {
        an_operator_stays(&transaction).await?;
    }
    audit::record_for(&transaction, actor, &account, name, &login, detail).await?;
    // Who looked after the machine and was in no association any more has nothing left to do here.
    if leaving::end(&transaction, id).await? {
        audit::record_for(&transaction, actor, &account, "person.end", &login, "").await?;
    }
    transaction.commit().await?;
    Ok(())
}

/// Refuses what would leave the box without anybody to put things right.
pub(crate) async fn an_operator_stays(client: &impl GenericClient) -> Result<()> {
    // Two who lock each other out at a time wait for each other.
    client.execute("select pg_advisory_xact_lock(hashtextextended('operators', 0))", &[]).await?;
    let statement = "select count(*) from person where operator and active and password is not null";
    match client.query_one(statement, &[]).await?.get::<_, i64>(0) {
        0 => Err(Invalid::error(Field::Person, Fault::Last)),
        _ => Ok(()),
    }
}

/// What permission asks of an account; it stays so until the end of the transaction.
pub(crate) async fn account(client: &impl GenericClient, id: PersonId) -> Result<Account> {
    let row = client.query_opt("select operator from person where id = $1", &[&id.0]).await?;
    let operator = row.ok_or(Error::NotFound)?.get(0);
    let rows = client.query("select organisation_id from membership where person_id = $1", &[&id.0]).await?;
    let organisations = rows.iter().map(|row| OrganisationId(row.get(0))).collect();
    Ok(Account { person: id, organisations, operator })
}

/// Allows what concerns oneself, else what the role allows.
pub(crate) fn own_or(actor: &Actor, action: Action, target: &Target) -> Result<()> {
    if permission::may(actor, Action::UseOwn, target) {
        return Ok(());
    }
    permission::allow(actor, action, target)
}

/// As [`own_or`], for what lets somebody in as oneself.
pub(crate) fn secure_or(actor: &Actor, action: Action, target: &Target) -> Result<()> {
    if permission::may(actor, Action::SecureOwn, target) {
        return Ok(());
    }
    permission::allow(actor, action, target)
}

pub(crate) async fn login(client: &impl GenericClient, id: PersonId) -> Result<String> {
    let row = client.query_opt("select login from person where id = $1", &[&id.0]).await?;
    Ok(row.ok_or(Error::NotFound)?.get(0))
}

/// Adds somebody without asking whether it is allowed. A login that somebody had before is taken.
pub(crate) async fn insert(client: &impl GenericClient, new: &New) -> Result<PersonId> {
    let mut faults = Faults::default();
    let login = faults.take(Field::Login, values::login(&new.login));
    let name = faults.take(Field::Name, values::name(&new.name));
    let contact = faults.take(Field::Contact, values::contact(&new.contact)).flatten();
    faults.done()?;
    let roles = role_words(&new.roles)?;
    let language = new.language.map(language_word);
    let statement = "insert into person (login, name, contact, language) select $1, $2, $3, $4 \
         where not exists (select from former_login where login = $1) returning id";
    let row = client.query_opt(statement, &[&login, &name, &contact, &language]).await;
    let row = row.map_err(|error| taken(error, &[("person_login_key", Field::Login)]))?;
    let row = row.ok_or_else(|| Invalid::error(Field::Login, Fault::Taken))?;
    let id = PersonId(row.get(0));
    member(client, id, new.organisation, &roles).await?;
    Ok(id)
}

async fn member(
    client: &impl GenericClient,
    id: PersonId,
    organisation: OrganisationId,
    roles: &[&str],
) -> Result<()> {
    let statement = "insert into membership (person_id, organisation_id, roles) \
                     select $1, id, $3 from organisation where id = $2";
    let added = client.execute(statement, &[&id.0, &organisation.0, &roles]).await;
    match added.map_err(|error| taken(error, &[("membership_pkey", Field::Person)]))? {
        0 => Err(Error::NotFound),
        _ => Ok(()),
    }
}

pub(crate) async fn record(
    client: &impl GenericClient,
    actor: &Actor,
    organisation: OrganisationId,
    action: &str,
    target: &str,
    detail: &str,
) -> Result<()> {
    audit::record(client, actor, &Done { organisation: Some(organisation), action, target, detail }).await
}

/// One's own memberships, and those in associations whose people the actor sees.
fn sees(actor: &Actor, person: PersonId, organisation: OrganisationId) -> bool {
    actor.person() == Some(person) || actor.may(Action::SeePeople, &Target::Organisation(organisation))
}

async fn memberships(client: &impl GenericClient, people: &[i64]) -> Result<Vec<(PersonId, Membership)>> {
    let statement = "select person_id, organisation_id, name, roles from membership \
                     join organisation on organisation.id = organisation_id \
                     where person_id = any ($1) order by name collate \"fr-x-icu\"";
    let rows = client.query(statement, &[&people]).await?;
    let membership = |row: &Row| {
        let (organisation, name) = (OrganisationId(row.get(1)), row.get(2));
        (PersonId(row.get(0)), Membership { organisation, name, roles: roles(&row.get::<_, Vec<String>>(3)) })
    };
    Ok(rows.iter().map(membership).collect())
}

fn person(row: &Row) -> Person {
    let state = match (row.get(12), row.get(5), row.get(7)) {
        (true, ..) => State::Ended,
        (false, false, _) => State::Locked,
        (false, true, false) => State::Invited,
        (false, true, true) => State::Active,
    };
    let language: Option<&str> = row.get(4);
    Person {
        id: PersonId(row.get(0)),
        login: row.get(1),
        name: row.get(2),
        contact: row.get(3),
        language: language.and_then(language_of),
        state,
        operator: row.get(6),
        second_factor: row.get(8),
        quota_bytes: row.get::<_, Option<i64>>(9).and_then(|bytes| u64::try_from(bytes).ok()),
        created_at: row.get(10),
        signed_in_at: row.get(11),
        memberships: Vec::new(),
    }
}

/// Roles held in an association, by the words that the database has for them.
pub(crate) const WORDS: [(Role, &str); 3] =
    [(Role::Manager, "manager"), (Role::SiteEditor, "site-editor"), (Role::BackupKeeper, "backup-keeper")];

pub(crate) fn roles(words: &[String]) -> BTreeSet<Role> {
    WORDS.iter().filter(|(_, word)| words.iter().any(|one| one == word)).map(|(role, _)| *role).collect()
}

fn words(roles: &BTreeSet<Role>) -> String {
    let words = WORDS.iter().filter(|(role, _)| roles.contains(role)).map(|(_, word)| *word);
    words.collect::<Vec<_>>().join(" ")
}

/// Every member is a member: that role needs no word. An operator is not one of an association.
fn role_words(roles: &BTreeSet<Role>) -> Result<Vec<&'static str>> {
    if roles.contains(&Role::Operator) {
        return Err(Invalid::error(Field::Roles, Fault::Unknown));
    }
    Ok(WORDS.iter().filter(|(role, _)| roles.contains(role)).map(|(_, word)| *word).collect())
}

pub(crate) fn language_word(language: Language) -> &'static str {
    match language {
        Language::Fr => "fr",
        Language::En => "en",
    }
}

pub(crate) fn language_of(word: &str) -> Option<Language> {
    [Language::Fr, Language::En].into_iter().find(|language| language_word(*language) == word)
}

/// A time as JSON has it: RFC 3339. For serde's `serialize_with`.
///
/// # Errors
/// The year has more than four digits.
pub fn rfc3339<S: Serializer>(time: &OffsetDateTime, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&time.format(&Rfc3339).map_err(serde::ser::Error::custom)?)
}

pub(crate) fn rfc3339_or_none<S: Serializer>(
    time: &Option<OffsetDateTime>,
    serializer: S,
) -> Result<S::Ok, S::Error> {
    match time {
        Some(time) => rfc3339(time, serializer),
        None => serializer.serialize_none(),
    }
}
