//! Signing in: password, then second factor where there is one. Wrong login, wrong password and a
//! locked account give the same answer after the same time. Tries are limited by account and by
//! address.

use std::collections::BTreeMap;
use std::net::IpAddr;

use mazet_model::settings::Language;

use crate::error::{Error, Result};
use crate::people::{self, account, secure_or};
use crate::permission::{Action, Target};
use crate::sessions::{self, Opened, Session, Stage, Visit};
use crate::tries::{self, Kind};
use crate::{Actor, Code, Directory, OrganisationId, PersonId, audit, password, second_factor, values};

/// Who may use a service of the box.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Signed {
    /// Who.
    pub person: PersonId,
    /// Their login.
    pub login: String,
    /// Number of the application password that it was; none: the person's own.
    pub application: Option<crate::ApplicationPasswordId>,
}

/// Checks a password. [`Stage::SecondFactor`]: [`second_factor()`] comes next, with the token given
/// here.
///
/// # Errors
/// [`Error::Refused`], [`Error::TooMany`].
pub async fn password(directory: &Directory, login: &str, password: &str, visit: &Visit) -> Result<Opened> {
    let known = checked(directory, login, password, visit.address).await?;
    let mut client = directory.client().await?;
    let transaction = client.transaction().await?;
    let stage = match known {
        Known { second_factor: true, .. } => Stage::SecondFactor,
        Known { operator: true, .. } => Stage::Enrol,
        Known { .. } => Stage::Full,
    };
    let opened = sessions::open(&transaction, known.person, visit, (stage, false)).await?;
    if stage == Stage::Full {
        record(&transaction, known.person, "sign-in").await?;
    }
    transaction.commit().await?;
    Ok(opened)
}

/// Checks the code of an authenticator, or a recovery code, for the session with `token`, which ends;
/// the new one is signed in.
///
/// # Errors
/// [`Error::Refused`], [`Error::TooMany`].
pub async fn second_factor(directory: &Directory, token: &str, code: &str, visit: &Visit) -> Result<Opened> {
    let pending = sessions::pending(&directory.client().await?, token).await?;
    let Some((session, person)) = pending else {
        let _ = tries::count(directory, Kind::SecondFactor, None, visit.address).await?;
        return Err(refused(visit.address));
    };
    let subject = tries::account_of(person);
    let tried = tries::count(directory, Kind::SecondFactor, Some(&subject), visit.address).await?;
    let mut client = directory.client().await?;
    let transaction = client.transaction().await?;
    if !second_factor::take(&transaction, person, code).await? {
        return Err(refused(visit.address));
    }
    // Once only, even if asked twice at a time.
    if transaction.execute("delete from session where id = $1", &[&session.0]).await? == 0 {
        return Err(refused(visit.address));
    }
    let opened = sessions::open(&transaction, person, visit, (Stage::Full, true)).await?;
    record(&transaction, person, "sign-in").await?;
    transaction.commit().await?;
    tried.was_right(directory).await?;
    Ok(opened)
}

/// Checks login and password of a client that knows no pages: an application password, or the
/// person's own where that is enough (no second factor, no operator).
///
/// # Errors
/// [`Error::Refused`], [`Error::TooMany`].
pub async fn application(
    directory: &Directory,
    login: &str,
    password: &str,
    address: IpAddr,
) -> Result<Signed> {
    let login = values::login(login).unwrap_or_default();
    let tried = tries::count(directory, Kind::Password, Some(&login), address).await?;
    let client = directory.client().await?;
    // Views, so that a service needs no right to more.
    let own = "select password, person_id from service_login where login = $1";
    let selector = crate::application_passwords::selector(password);
    let statement = "select password, person_id, application_password_id from service_application_login \
        where login = $1 and selector = $2";
    let row = match client.query_opt(statement, &[&login, &selector]).await? {
        Some(row) => Some((row.get(0), row.get(1), Some(row.get::<_, i64>(2)))),
        None => client.query_opt(own, &[&login]).await?.map(|row| (row.get(0), row.get(1), None)),
    };
    drop(client);
    let (hash, person, id): (Option<String>, i64, Option<i64>) = row.unwrap_or((None, 0, None));
    let typed =
        if id.is_some() { crate::application_passwords::plain(password) } else { password.to_owned() };
    if !directory.hasher.verify(&typed, hash).await? {
        return Err(refused(address));
    }
    tried.was_right(directory).await?;
    if let Some(id) = id {
        let used = "update application_password set used_at = now() \
                    where id = $1 and (used_at is null or used_at < now() - interval '1 minute')";
        directory.client().await?.execute(used, &[&id]).await?;
    }
    Ok(Signed { person: PersonId(person), login, application: id.map(crate::ApplicationPasswordId) })
}

/// Who came with an application password for the API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Keyed {
    /// Who.
    pub person: PersonId,
    /// Their login.
    pub login: String,
    /// Language of their pages; none: what the client asks for.
    pub language: Option<Language>,
    /// With the roles that count: an operator's only if the password was made with a second factor that
    /// still stands.
    pub actor: Actor,
}

/// Checks an application password that was made for the API. No other password opens it.
///
/// # Errors
/// [`Error::Refused`], [`Error::TooMany`].
pub async fn api(directory: &Directory, login: &str, password: &str, address: IpAddr) -> Result<Keyed> {
    let login = values::login(login).unwrap_or_default();
    tries::room(directory, Kind::Api, &login, address).await?;
    // Found by its digest: what an index tells about a digest tells nothing about the password.
    let statement = "select application_password.id, person.id, language, application_password.name, \
        operator and strong and exists \
            (select from second_factor where person_id = person.id and confirmed_at is not null), \
        array(select organisation_id from membership where person_id = person.id order by organisation_id), \
        array(select array_to_string(roles, ' ') from membership where person_id = person.id order by organisation_id) \
        from application_password join person on person.id = person_id \
        where login = $1 and api_sha256 = $2 and active and person.password is not null";
    let client = directory.client().await?;
    let Some(row) = client.query_opt(statement, &[&login, &Code::typed(password).sha256()]).await? else {
        drop(client);
        let _ = tries::count(directory, Kind::Api, Some(&login), address).await?;
        return Err(refused(address));
    };
    let used = "update application_password set used_at = now() \
                where id = $1 and (used_at is null or used_at < now() - interval '1 minute')";
    client.execute(used, &[&row.get::<_, i64>(0)]).await?;
    let held = row.get::<_, Vec<i64>>(5).into_iter().map(OrganisationId);
    let held: BTreeMap<_, _> =
        held.zip(row.get::<_, Vec<String>>(6)).map(|(id, words)| (id, sessions::roles(&words))).collect();
    let person = PersonId(row.get(1));
    let actor = Actor::new(person, &login, row.get(4), held).by_key(row.get(3));
    let language = row.get::<_, Option<&str>>(2).and_then(people::language_of);
    Ok(Keyed { person, login, language, actor })
}

/// A person chooses another password; their other sessions end.
///
/// # Errors
/// [`Error::Refused`] when the old one is wrong, [`Error::TooMany`], [`Error::Invalid`].
pub async fn change_password(
    directory: &Directory,
    session: &Session,
    old: &str,
    new: &str,
    address: IpAddr,
) -> Result<()> {
    password::check(new)?;
    let known = checked(directory, &session.login, old, address).await?;
    let hash = directory.hasher.hash(new).await?;
    let mut client = directory.client().await?;
    let transaction = client.transaction().await?;
    let account = account(&transaction, known.person).await?;
    secure_or(&session.actor, Action::SecureOwn, &Target::Account(account.clone()))?;
    let statement = "with ended as (delete from session where person_id = $1 and id <> $3) \
                     update person set password = $2 where id = $1";
    transaction.execute(statement, &[&known.person.0, &hash, &session.id.0]).await?;
    let (actor, login) = (&session.actor, &session.login);
    audit::record_for(&transaction, actor, &account, "person.password", login, "").await?;
    transaction.commit().await?;
    Ok(())
}

/// Somebody whose password was right.
pub(crate) struct Known {
    pub person: PersonId,
    operator: bool,
    second_factor: bool,
}

/// Login and password, with limits.
pub(crate) async fn checked(
    directory: &Directory,
    login: &str,
    password: &str,
    address: IpAddr,
) -> Result<Known> {
    let login = values::login(login).unwrap_or_default();
    let tried = tries::count(directory, Kind::Password, Some(&login), address).await?;
    let statement = "select id, password, operator, \
        exists (select from second_factor where person_id = person.id and confirmed_at is not null) \
        from person where login = $1 and active";
    let row = directory.client().await?.query_opt(statement, &[&login]).await?;
    let hash = row.as_ref().and_then(|row| row.get::<_, Option<String>>(1));
    let right = directory.hasher.verify(password, hash).await?;
    let Some(row) = row.filter(|_| right) else { return Err(refused(address)) };
    tried.was_right(directory).await?;
    Ok(Known { person: PersonId(row.get(0)), operator: row.get(2), second_factor: row.get(3) })
}

pub(crate) fn refused(address: IpAddr) -> Error {
    tries::refused(address);
    Error::Refused
}

/// A sign-in is recorded for the person's associations, like what is done to an account.
async fn record(
    client: &impl deadpool_postgres::GenericClient,
    person: PersonId,
    action: &str,
) -> Result<()> {
    let login = people::login(client, person).await?;
    let actor = Actor::new(person, &login, false, BTreeMap::new());
    audit::record_for(client, &actor, &account(client, person).await?, action, &login, "").await
}
