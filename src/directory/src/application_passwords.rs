//! Application passwords: for phones, mail programs and others that know no second factor. Drawn by
//! the box, one for each device, so that each can be taken back alone.
//!
//! One is for the services (files, calendars, mail), or it is for the box's own API, and then opens that
//! alone. Who makes the latter says so.

use schemars::JsonSchema;
use serde::Serialize;
use time::OffsetDateTime;
use tokio_postgres::Row;

use crate::error::{Error, Fault, Field, Invalid, Result};
use crate::people::{account, own_or, rfc3339, rfc3339_or_none, secure_or};
use crate::permission::{Action, Target};
use crate::sessions::Session;
use crate::{Actor, ApplicationPasswordId, Code, Directory, PersonId, audit, people, values};

/// Letters of the selector, which tells which password it is.
const SELECTOR: usize = 6;
/// Letters in all: those after the selector are worth 88 bits.
const LENGTH: usize = 24;
/// Most of them that a person may have.
const MOST: i64 = 50;

/// An application password, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct ApplicationPassword {
    /// Its number.
    pub id: ApplicationPasswordId,
    /// What it is for: "Ada's phone".
    pub name: String,
    /// It is for the box's own API, not for its services.
    pub api: bool,
    /// When it was made.
    #[serde(serialize_with = "rfc3339")]
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub created_at: OffsetDateTime,
    /// When it was last used.
    #[serde(serialize_with = "rfc3339_or_none")]
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub used_at: Option<OffsetDateTime>,
}

/// Those of a person, the latest first.
///
/// # Errors
/// When the actor may not see them.
pub async fn list(
    directory: &Directory,
    actor: &Actor,
    person: PersonId,
) -> Result<Vec<ApplicationPassword>> {
    let client = directory.client().await?;
    own_or(actor, Action::ManageAccount, &Target::Account(account(&client, person).await?))?;
    let statement = "select id, name, api_sha256 is not null, created_at, used_at from application_password \
                     where person_id = $1 order by created_at desc, id desc";
    let rows = client.query(statement, &[&person.0]).await?;
    let one = |row: &Row| ApplicationPassword {
        id: ApplicationPasswordId(row.get(0)),
        name: row.get(1),
        api: row.get(2),
        created_at: row.get(3),
        used_at: row.get(4),
    };
    Ok(rows.iter().map(one).collect())
}

/// Makes one for oneself. The password is shown once.
///
/// # Errors
/// When the name cannot be taken, or there are too many.
pub async fn make(
    directory: &Directory,
    session: &Session,
    name: &str,
) -> Result<(ApplicationPasswordId, Code)> {
    let code = Code::draw(LENGTH)?;
    let hash = directory.hasher.hash(code.plain()).await?;
    let id = keep(directory, session, name, &code, Kept::Password(hash)).await?;
    Ok((id, code))
}

/// Makes one for oneself that opens the box's API, and nothing else ([`crate::sign_in::api`]). The
/// operator's role counts with it only if it counts in the session that makes it. Shown once.
///
/// # Errors
/// When the name cannot be taken, or there are too many.
pub async fn make_for_api(
    directory: &Directory,
    session: &Session,
    name: &str,
) -> Result<(ApplicationPasswordId, Code)> {
    let code = Code::draw(LENGTH)?;
    let kept = Kept::Api { sha256: code.sha256(), strong: session.actor.is_operator() };
    let id = keep(directory, session, name, &code, kept).await?;
    Ok((id, code))
}

/// Makes one for a device that the person of that login let in: it opens the files alone
/// (`migrations/0005_device_passwords.sql`), and the files' role may make it. Shown once.
///
/// # Errors
/// When the name cannot be taken; [`Error::NotFound`] when there is nobody who may sign in, or they have too
/// many.
pub async fn make_for_device(directory: &Directory, login: &str, name: &str) -> Result<Code> {
    let name = values::name_of(name, values::SHORT_NAME);
    let name = name.map_err(|fault| Invalid::error(Field::Name, fault))?;
    let code = Code::draw(LENGTH)?;
    let hash = directory.hasher.hash(code.plain()).await?;
    let statement = "select add_device_password($1, $2, $3, $4)";
    let client = directory.client().await?;
    let row = client.query_one(statement, &[&login, &name, &selector(code.plain()), &hash]).await?;
    row.get::<_, Option<i64>>(0).map(|_| code).ok_or(Error::NotFound)
}

/// What is kept of a password.
enum Kept {
    /// PHC string, for services.
    Password(String),
    /// For the API.
    Api { sha256: Vec<u8>, strong: bool },
}

async fn keep(
    directory: &Directory,
    session: &Session,
    name: &str,
    code: &Code,
    kept: Kept,
) -> Result<ApplicationPasswordId> {
    let name = values::name_of(name, values::SHORT_NAME);
    let name = name.map_err(|fault| Invalid::error(Field::Name, fault))?;
    let (password, sha256, strong) = match kept {
        Kept::Password(hash) => (Some(hash), None, false),
        Kept::Api { sha256, strong } => (None, Some(sha256), strong),
    };
    let mut client = directory.client().await?;
    let transaction = client.transaction().await?;
    let account = account(&transaction, session.person).await?;
    secure_or(&session.actor, Action::SecureOwn, &Target::Account(account.clone()))?;
    let count = "select count(*) from application_password where person_id = $1";
    if transaction.query_one(count, &[&session.person.0]).await?.get::<_, i64>(0) >= MOST {
        return Err(Invalid::error(Field::Name, Fault::Long));
    }
    let statement = "insert into application_password (person_id, name, selector, password, api_sha256, strong) \
                     values ($1, $2, $3, $4, $5, $6) returning id";
    let values: [&(dyn tokio_postgres::types::ToSql + Sync); 6] =
        [&session.person.0, &name, &selector(code.plain()), &password, &sha256, &strong];
    let id = ApplicationPasswordId(transaction.query_one(statement, &values).await?.get(0));
    let (actor, login) = (&session.actor, &session.login);
    let action = if sha256.is_some() { "application-password.add-api" } else { "application-password.add" };
    audit::record_for(&transaction, actor, &account, action, login, &name).await?;
    transaction.commit().await?;
    Ok(id)
}

/// Takes one back.
///
/// # Errors
/// When the actor may not, or there is none.
pub async fn remove(
    directory: &Directory,
    actor: &Actor,
    person: PersonId,
    id: ApplicationPasswordId,
) -> Result<()> {
    let mut client = directory.client().await?;
    let transaction = client.transaction().await?;
    let account = account(&transaction, person).await?;
    own_or(actor, Action::ManageAccount, &Target::Account(account.clone()))?;
    let statement = "delete from application_password where id = $1 and person_id = $2 returning name";
    let row = transaction.query_opt(statement, &[&id.0, &person.0]).await?.ok_or(Error::NotFound)?;
    let login = people::login(&transaction, person).await?;
    let name: String = row.get(0);
    audit::record_for(&transaction, actor, &account, "application-password.remove", &login, &name).await?;
    transaction.commit().await?;
    Ok(())
}

/// The selector of a password as it was typed: its first letters.
pub(crate) fn selector(typed: &str) -> String {
    plain(typed).chars().take(SELECTOR).collect()
}

/// As it was hashed: without the spaces and dashes that people type.
pub(crate) fn plain(typed: &str) -> String {
    Code::typed(typed).plain().to_owned()
}
