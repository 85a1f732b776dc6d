//! One-time codes with which a person chooses a password: invitations and resets.

use std::net::IpAddr;

use deadpool_postgres::GenericClient;
use mazet_model::settings::Language;
use time::OffsetDateTime;

use crate::error::{Error, Result};
use crate::people::language_of;
use crate::tries::{self, Kind};
use crate::{Code, Directory, PersonId, audit, outbox, password};

/// Characters of a code: 58 bits.
const LENGTH: usize = 12;

/// A code that was just made. The code is shown once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ticket {
    /// The code.
    pub code: Code,
    /// Until when it counts.
    pub expires_at: OffsetDateTime,
}

/// Whom a code is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Holder {
    /// Their login.
    pub login: String,
    /// Their name.
    pub name: String,
    /// Language of their pages.
    pub language: Option<Language>,
}

/// What a code is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// To come in for the first time.
    Invitation,
    /// To come in again.
    Reset,
}

impl Purpose {
    fn message(self) -> outbox::Kind {
        match self {
            Self::Invitation => outbox::Kind::Invitation,
            Self::Reset => outbox::Kind::Reset,
        }
    }

    fn word(self) -> &'static str {
        match self {
            Self::Invitation => "invitation",
            Self::Reset => "reset",
        }
    }
}

/// Makes a code for a person; earlier ones for the same purpose count no longer, and messages that
/// would bring them are not sent any more.
pub(crate) async fn issue(
    client: &impl GenericClient,
    person: PersonId,
    purpose: Purpose,
    hours: u32,
) -> Result<Ticket> {
    let gone = "delete from ticket where person_id = $1 and purpose = $2";
    client.execute(gone, &[&person.0, &purpose.word()]).await?;
    outbox::take_back(client, person, Some(purpose.message())).await?;
    another(client, person, purpose, hours).await
}

/// Makes a code for a person beside those that count already: what a stranger asks for must not take
/// a slip's worth away.
pub(crate) async fn another(
    client: &impl GenericClient,
    person: PersonId,
    purpose: Purpose,
    hours: u32,
) -> Result<Ticket> {
    client.execute("delete from ticket where expires_at < now() - interval '90 days'", &[]).await?;
    let code = Code::draw(LENGTH)?;
    let statement = "insert into ticket (person_id, purpose, sha256, expires_at) \
                     values ($1, $2, $3, now() + $4 * interval '1 hour') returning expires_at";
    let row =
        client.query_one(statement, &[&person.0, &purpose.word(), &code.sha256(), &f64::from(hours)]).await?;
    Ok(Ticket { code, expires_at: row.get(0) })
}

/// Whom a code is for, without using it up.
pub(crate) async fn look(
    directory: &Directory,
    purpose: Purpose,
    code: &str,
    address: IpAddr,
) -> Result<Holder> {
    let tried = tries::count(directory, Kind::Ticket, None, address).await?;
    let statement = "select login, name, language from ticket join person on person.id = person_id \
        where sha256 = $1 and purpose = $2 and used_at is null and expires_at > now() and active";
    let client = directory.client().await?;
    let row = client.query_opt(statement, &[&Code::typed(code).sha256(), &purpose.word()]).await?;
    let Some(row) = row else {
        tries::refused(address);
        return Err(Error::Refused);
    };
    drop(client);
    tried.was_right(directory).await?;
    let language = row.get::<_, Option<&str>>(2).and_then(language_of);
    Ok(Holder { login: row.get(0), name: row.get(1), language })
}

/// Uses a code up: its person gets the password, and sessions and other codes of theirs end.
pub(crate) async fn take(
    directory: &Directory,
    purpose: Purpose,
    code: &str,
    password: &str,
    address: IpAddr,
) -> Result<Holder> {
    password::check(password)?;
    let holder = look(directory, purpose, code, address).await?;
    let hash = directory.hasher.hash(password).await?;
    let mut client = directory.client().await?;
    let transaction = client.transaction().await?;
    let used = "update ticket set used_at = now() where sha256 = $1 and purpose = $2 \
                and used_at is null and expires_at > now() returning person_id";
    let row = transaction.query_opt(used, &[&Code::typed(code).sha256(), &purpose.word()]).await?;
    // Somebody else was quicker.
    let person: i64 = row.ok_or(Error::Refused)?.get(0);
    transaction.execute("update person set password = $2 where id = $1", &[&person, &hash]).await?;
    transaction.execute("delete from session where person_id = $1", &[&person]).await?;
    transaction.execute("delete from ticket where person_id = $1 and used_at is null", &[&person]).await?;
    outbox::take_back(&transaction, PersonId(person), None).await?;
    audit::record_visitor(&transaction, &format!("{}.take", purpose.word()), &holder.login).await?;
    transaction.commit().await?;
    tries::forget(directory, Kind::Password, &holder.login).await?;
    Ok(holder)
}
