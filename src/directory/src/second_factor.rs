//! Setting up a second factor, and taking its codes. Operators must have one.

use std::net::IpAddr;

use deadpool_postgres::GenericClient;

use crate::error::{Error, Fault, Field, Invalid, Result};
use crate::people::{account, secure_or};
use crate::permission::{Action, Target};
use crate::sessions::Session;
use crate::totp::{self, Secret};
use crate::tries::{self, Kind};
use crate::{Actor, Code, Directory, PersonId, audit, people, sign_in};

/// How many recovery codes a person gets.
pub const RECOVERY_CODES: usize = 10;
/// Characters of each: 49 bits.
const RECOVERY_LENGTH: usize = 10;

/// Offers a new secret for an authenticator. It counts after [`confirm`] only; until then, asking
/// again gives the same one.
///
/// # Errors
/// When a second factor is set up already: it must be removed first.
pub async fn offer(directory: &Directory, session: &Session) -> Result<Secret> {
    let client = directory.client().await?;
    let statement = "insert into second_factor (person_id, secret) values ($1, $2) \
        on conflict (person_id) do update set secret = second_factor.secret \
        returning secret, confirmed_at is not null";
    let drawn = Secret::draw()?;
    let row = client.query_one(statement, &[&session.person.0, &drawn.bytes()]).await?;
    if row.get(1) {
        return Err(Invalid::error(Field::Code, Fault::Taken));
    }
    Secret::of(row.get(0)).ok_or_else(|| Error::Internal("a kept secret is damaged".to_owned()))
}

/// The person's authenticator gives the right code: the second factor counts from now on, and this
/// session is one with it. Gives recovery codes, which are shown once.
///
/// # Errors
/// [`Error::Refused`] for a wrong code.
pub async fn confirm(directory: &Directory, session: &Session, code: &str) -> Result<Vec<Code>> {
    let mut client = directory.client().await?;
    let transaction = client.transaction().await?;
    let person = session.person;
    let statement =
        "select secret from second_factor where person_id = $1 and confirmed_at is null for update";
    let row = transaction.query_opt(statement, &[&person.0]).await?.ok_or(Error::NotFound)?;
    let secret =
        Secret::of(row.get(0)).ok_or_else(|| Error::Internal("a kept secret is damaged".to_owned()))?;
    let step = secret.check(code, totp::now(), 0).ok_or(Error::Refused)?;
    let statement = "update second_factor set confirmed_at = now(), last_step = $2 where person_id = $1";
    transaction.execute(statement, &[&person.0, &step_number(step)]).await?;
    let statement = "update session set stage = 'full', strong = true, \
                     expires_at = greatest(expires_at, now() + interval '8 hours') where id = $1";
    transaction.execute(statement, &[&session.id.0]).await?;
    // Sessions that knew the password alone.
    let statement = "delete from session where person_id = $1 and id <> $2";
    transaction.execute(statement, &[&person.0, &session.id.0]).await?;
    let codes = draw(&transaction, person).await?;
    let account = account(&transaction, person).await?;
    audit::record_for(&transaction, &session.actor, &account, "second-factor.add", &session.login, "")
        .await?;
    transaction.commit().await?;
    Ok(codes)
}

/// New recovery codes in the place of all earlier ones.
///
/// # Errors
/// [`Error::NotFound`] without a second factor.
pub async fn renew_codes(directory: &Directory, session: &Session) -> Result<Vec<Code>> {
    let mut client = directory.client().await?;
    let transaction = client.transaction().await?;
    let statement =
        "select 1 from second_factor where person_id = $1 and confirmed_at is not null for update";
    transaction.query_opt(statement, &[&session.person.0]).await?.ok_or(Error::NotFound)?;
    let codes = draw(&transaction, session.person).await?;
    let account = account(&transaction, session.person).await?;
    audit::record_for(&transaction, &session.actor, &account, "second-factor.codes", &session.login, "")
        .await?;
    transaction.commit().await?;
    Ok(codes)
}

/// How many recovery codes of one's own are left; none: there is no second factor.
///
/// # Errors
/// When the database does not answer.
pub async fn codes_left(directory: &Directory, session: &Session) -> Result<Option<usize>> {
    let statement = "select (select count(*) from recovery_code where person_id = $1 and used_at is null) \
                     from second_factor where person_id = $1 and confirmed_at is not null";
    let row = directory.client().await?.query_opt(statement, &[&session.person.0]).await?;
    Ok(row.and_then(|row| usize::try_from(row.get::<_, i64>(0)).ok()))
}

/// A person does without their second factor again, which takes the password and a code of it: an
/// unlocked screen is not enough. Their sessions end.
///
/// # Errors
/// [`Error::Refused`] for a wrong password or code, [`Error::TooMany`]; [`Error::Forbidden`] for an
/// operator, who must have one.
pub async fn stop(
    directory: &Directory,
    session: &Session,
    password: &str,
    code: &str,
    address: IpAddr,
) -> Result<()> {
    if session.operator {
        return Err(Error::Forbidden);
    }
    let person = sign_in::checked(directory, &session.login, password, address).await?.person;
    let subject = tries::account_of(person);
    let tried = tries::count(directory, Kind::SecondFactor, Some(&subject), address).await?;
    let mut client = directory.client().await?;
    let transaction = client.transaction().await?;
    if !take(&transaction, person, code).await? {
        return Err(sign_in::refused(address));
    }
    transaction.commit().await?;
    drop(client);
    tried.was_right(directory).await?;
    remove(directory, &session.actor, person).await
}

/// Removes a person's second factor: that of somebody in one's care who lost it, or one's own ([`stop`]
/// asks before). Their sessions end.
///
/// # Errors
/// When the actor may not, or there is none.
pub async fn remove(directory: &Directory, actor: &Actor, person: PersonId) -> Result<()> {
    let mut client = directory.client().await?;
    let transaction = client.transaction().await?;
    let account = account(&transaction, person).await?;
    secure_or(actor, Action::ManageAccount, &Target::Account(account.clone()))?;
    if transaction.execute("delete from second_factor where person_id = $1", &[&person.0]).await? == 0 {
        return Err(Error::NotFound);
    }
    transaction.execute("delete from session where person_id = $1", &[&person.0]).await?;
    // Made with the second factor that is gone.
    let weaker = "update application_password set strong = false where person_id = $1";
    transaction.execute(weaker, &[&person.0]).await?;
    let login = people::login(&transaction, person).await?;
    audit::record_for(&transaction, actor, &account, "second-factor.remove", &login, "").await?;
    transaction.commit().await?;
    Ok(())
}

/// Is `typed` a code of the person's authenticator that was not taken before, or one of their recovery
/// codes? Then it is used up.
pub(crate) async fn take(client: &impl GenericClient, person: PersonId, typed: &str) -> Result<bool> {
    let statement = "select secret, last_step from second_factor \
                     where person_id = $1 and confirmed_at is not null for update";
    let Some(row) = client.query_opt(statement, &[&person.0]).await? else { return Ok(false) };
    let last = u64::try_from(row.get::<_, i64>(1)).unwrap_or_default();
    let step = Secret::of(row.get(0)).and_then(|secret| secret.check(typed, totp::now(), last));
    if let Some(step) = step {
        let statement = "update second_factor set last_step = $2 where person_id = $1";
        client.execute(statement, &[&person.0, &step_number(step)]).await?;
        return Ok(true);
    }
    let statement = "update recovery_code set used_at = now() \
                     where person_id = $1 and sha256 = $2 and used_at is null";
    Ok(client.execute(statement, &[&person.0, &Code::typed(typed).sha256()]).await? == 1)
}

async fn draw(client: &impl GenericClient, person: PersonId) -> Result<Vec<Code>> {
    client.execute("delete from recovery_code where person_id = $1", &[&person.0]).await?;
    let mut codes = Vec::new();
    for _ in 0..RECOVERY_CODES {
        let code = Code::draw(RECOVERY_LENGTH)?;
        let statement = "insert into recovery_code (person_id, sha256) values ($1, $2)";
        client.execute(statement, &[&person.0, &code.sha256()]).await?;
        codes.push(code);
    }
    Ok(codes)
}

fn step_number(step: u64) -> i64 {
    i64::try_from(step).unwrap_or(i64::MAX)
}
