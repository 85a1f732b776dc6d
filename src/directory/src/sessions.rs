//! Signed-in browsers. The cookie holds a random token; the database its hash alone.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use deadpool_postgres::GenericClient;
use mazet_model::settings::Language;
use schemars::JsonSchema;
use serde::Serialize;
use time::OffsetDateTime;
use tokio_postgres::Row;

use crate::error::{Error, Result};
use crate::people::{self, account, own_or};
use crate::permission::{Action, Target};
use crate::{Actor, Directory, OrganisationId, PersonId, Role, SessionId, audit, secret};

/// From where somebody signs in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Visit {
    /// The browser's address.
    pub address: IpAddr,
    /// What the browser says it is; cut to 300 characters.
    pub agent: String,
}

/// A session that was just opened.
#[derive(Clone)]
pub struct Opened {
    /// For the cookie: 43 characters of base64url. Shown once.
    pub token: String,
    /// How far it is.
    pub stage: Stage,
}

/// How far a sign-in is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// The password was right; the code of the second factor is awaited. Opens nothing.
    SecondFactor,
    /// An operator who has to set up a second factor first ([`crate::second_factor`]): opens one's own
    /// account alone.
    Enrol,
    /// Signed in.
    Full,
}

/// A session that opens something.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Its number.
    pub id: SessionId,
    /// Whose.
    pub person: PersonId,
    /// Their login.
    pub login: String,
    /// Their name.
    pub name: String,
    /// Language of their pages; none: what the browser asks for.
    pub language: Option<Language>,
    /// [`Stage::Enrol`] or [`Stage::Full`].
    pub stage: Stage,
    /// Are they an operator, even if the role does not count in this session?
    pub operator: bool,
    /// With the roles that count now.
    pub actor: Actor,
    /// What forms of this session must carry.
    pub csrf: String,
}

/// A session as its owner sees it in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Listed {
    /// Its number.
    pub id: SessionId,
    /// What the browser said it is.
    pub agent: String,
    /// Where it signed in from.
    pub address: String,
    /// Since when.
    #[serde(serialize_with = "people::rfc3339")]
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub created_at: OffsetDateTime,
    /// When it last asked for something, to the minute.
    #[serde(serialize_with = "people::rfc3339")]
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub seen_at: OffsetDateTime,
}

/// Seconds that an unfinished sign-in stays open.
const UNFINISHED: i64 = 15 * 60;
/// Seconds that a session stays open without a request: of an operator, of others.
const IDLE: (i64, i64) = (8 * 3600, 14 * 24 * 3600);
/// Longest text that is kept of what a browser says it is, in characters.
const AGENT: usize = 300;

/// The session with this token, if it opens something; it stays open a while longer.
///
/// # Errors
/// When the database does not answer.
pub async fn find(directory: &Directory, token: &str) -> Result<Option<Session>> {
    let client = directory.client().await?;
    let statement = "select session.id, person.id, login, name, language, stage, strong, operator, \
        array(select organisation_id from membership where person_id = person.id order by organisation_id), \
        array(select array_to_string(roles, ' ') from membership where person_id = person.id order by organisation_id), \
        seen_at < now() - interval '1 minute' \
        from session join person on person.id = person_id \
        where sha256 = $1 and expires_at > now() and active and stage <> 'second-factor'";
    let Some(row) = client.query_opt(statement, &[&secret::sha256(token)]).await? else { return Ok(None) };
    let session = session(&row, token);
    if row.get(10) && session.stage == Stage::Full {
        let seconds = idle(session.operator);
        let seen = "update session set seen_at = now(), \
                    expires_at = greatest(expires_at, now() + $2 * interval '1 second') where id = $1";
        client.execute(seen, &[&session.id.0, &(seconds as f64)]).await?;
    }
    Ok(Some(session))
}

/// The sessions of a person, the latest first.
///
/// # Errors
/// When the actor may not see them.
pub async fn list(directory: &Directory, actor: &Actor, person: PersonId) -> Result<Vec<Listed>> {
    let client = directory.client().await?;
    own_or(actor, Action::ManageAccount, &Target::Account(account(&client, person).await?))?;
    let statement = "select id, agent, address, created_at, seen_at from session \
        where person_id = $1 and expires_at > now() and stage = 'full' order by seen_at desc";
    let rows = client.query(statement, &[&person.0]).await?;
    let listed = |row: &Row| Listed {
        id: SessionId(row.get(0)),
        agent: row.get(1),
        address: row.get(2),
        created_at: row.get(3),
        seen_at: row.get(4),
    };
    Ok(rows.iter().map(listed).collect())
}

/// Ends the session with this token: signing out.
///
/// # Errors
/// When the database does not answer.
pub async fn end(directory: &Directory, token: &str) -> Result<()> {
    let client = directory.client().await?;
    client.execute("delete from session where sha256 = $1", &[&secret::sha256(token)]).await?;
    Ok(())
}

/// Ends one session of a person.
///
/// # Errors
/// When the actor may not, or there is none.
pub async fn end_one(directory: &Directory, actor: &Actor, person: PersonId, id: SessionId) -> Result<()> {
    let client = directory.client().await?;
    own_or(actor, Action::ManageAccount, &Target::Account(account(&client, person).await?))?;
    let statement = "delete from session where id = $1 and person_id = $2";
    match client.execute(statement, &[&id.0, &person.0]).await? {
        0 => Err(Error::NotFound),
        _ => Ok(()),
    }
}

/// Signs a person out everywhere: every session ends, that of the actor too if it is theirs, and with
/// `devices` every application password is gone.
///
/// # Errors
/// When the actor may not.
pub async fn end_all(directory: &Directory, actor: &Actor, person: PersonId, devices: bool) -> Result<()> {
    let mut client = directory.client().await?;
    let transaction = client.transaction().await?;
    let account = account(&transaction, person).await?;
    own_or(actor, Action::ManageAccount, &Target::Account(account.clone()))?;
    transaction.execute("delete from session where person_id = $1", &[&person.0]).await?;
    if devices {
        transaction.execute("delete from application_password where person_id = $1", &[&person.0]).await?;
    }
    let (login, detail) =
        (people::login(&transaction, person).await?, if devices { "devices too" } else { "" });
    audit::record_for(&transaction, actor, &account, "person.sign-out", &login, detail).await?;
    transaction.commit().await?;
    Ok(())
}

/// Opens a session for a person whose password (and, if `strong`, second factor) was right.
pub(crate) async fn open(
    client: &impl GenericClient,
    person: PersonId,
    visit: &Visit,
    (stage, strong): (Stage, bool),
) -> Result<Opened> {
    client.execute("delete from session where expires_at < now()", &[]).await?;
    let token = secret::token()?;
    let agent: String = visit.agent.chars().filter(|c| !c.is_control()).take(AGENT).collect();
    let seconds = if stage == Stage::Full { idle(strong) } else { UNFINISHED };
    let statement = "insert into session (person_id, sha256, stage, strong, agent, address, expires_at) \
                     values ($1, $2, $3, $4, $5, $6, now() + $7 * interval '1 second')";
    let (sha256, address) = (secret::sha256(&token), visit.address.to_canonical().to_string());
    client
        .execute(statement, &[&person.0, &sha256, &word(stage), &strong, &agent, &address, &(seconds as f64)])
        .await?;
    if stage == Stage::Full {
        client.execute("update person set signed_in_at = now() where id = $1", &[&person.0]).await?;
    }
    Ok(Opened { token, stage })
}

/// A session whose second factor is awaited: its number and its person.
pub(crate) async fn pending(
    client: &impl GenericClient,
    token: &str,
) -> Result<Option<(SessionId, PersonId)>> {
    let statement = "select session.id, person_id from session join person on person.id = person_id \
                     where sha256 = $1 and expires_at > now() and stage = 'second-factor' and active";
    let row = client.query_opt(statement, &[&secret::sha256(token)]).await?;
    Ok(row.map(|row| (SessionId(row.get(0)), PersonId(row.get(1)))))
}

fn idle(operator: bool) -> i64 {
    if operator { IDLE.0 } else { IDLE.1 }
}

fn session(row: &Row, token: &str) -> Session {
    let stage = if row.get::<_, &str>(5) == "enrol" { Stage::Enrol } else { Stage::Full };
    let (strong, operator): (bool, bool) = (row.get(6), row.get(7));
    let (person, login) = (PersonId(row.get(1)), row.get::<_, String>(2));
    let ids: Vec<i64> = row.get(8);
    let held = ids.into_iter().map(OrganisationId).zip(row.get::<_, Vec<String>>(9));
    let held: BTreeMap<OrganisationId, BTreeSet<Role>> = match stage {
        Stage::Full => held.map(|(id, words)| (id, roles(&words))).collect(),
        Stage::Enrol | Stage::SecondFactor => BTreeMap::new(),
    };
    let counts = operator && strong && stage == Stage::Full;
    Session {
        id: SessionId(row.get(0)),
        person,
        name: row.get(3),
        language: row.get::<_, Option<&str>>(4).and_then(people::language_of),
        stage,
        operator,
        actor: Actor::new(person, &login, counts, held),
        login,
        csrf: csrf(token),
    }
}

pub(crate) fn roles(words: &str) -> BTreeSet<Role> {
    people::roles(&words.split(' ').map(str::to_owned).collect::<Vec<_>>())
}

/// Made from the token, which a page of another site does not know; the token is not made from it.
fn csrf(token: &str) -> String {
    secret::sha256(&format!("csrf {token}")).iter().map(|byte| format!("{byte:02x}")).collect()
}

fn word(stage: Stage) -> &'static str {
    match stage {
        Stage::SecondFactor => "second-factor",
        Stage::Enrol => "enrol",
        Stage::Full => "full",
    }
}
