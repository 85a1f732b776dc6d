//! Messages that the box sends by itself. What is put here in the transaction that makes its code is
//! sent by a process of its own ([`Queue`]), is kept over restarts, and is forgotten once it is sent:
//! what stays is to whom, when, and the server's answer.

use std::time::Duration;

use deadpool_postgres::GenericClient;
use mazet_database::Place;
use mazet_model::settings::Language;
use schemars::JsonSchema;
use serde::Serialize;
use time::OffsetDateTime;
use tokio_postgres::{Client, Row};

use crate::audit::{self, Done};
use crate::error::{Error, Fault, Field, Invalid, Result};
use crate::people::{account, language_of, own_or, rfc3339, rfc3339_or_none};
use crate::permission::{self, Action, Target};
use crate::{Actor, Directory, MessageId, PersonId};

/// Role of the process that sends.
pub const SENDER: &str = "mazet-mail";
/// What the audit log calls a message that was given up. The database writes it by itself
/// (0002_mail_and_leaving.sql): the process that sends cannot.
pub const GIVEN_UP: &str = "mail.failed";
/// Nobody waits longer for a message.
const PATIENCE: Duration = Duration::from_secs(24 * 3600);
/// Most messages of one page.
const MOST: i64 = 200;
/// Longest answer of a server that is kept, in characters.
const LONGEST_ANSWER: usize = 500;

/// What a message is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Kind {
    /// An invitation.
    Invitation,
    /// A code for another password.
    Reset,
    /// An operator tries whether messages go out.
    Test,
    /// Something is not well with the box, or is well again.
    Alarm,
}

/// How far a message is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum State {
    /// To be sent, or tried again.
    Waiting,
    /// A server took it.
    Sent,
    /// It was given up.
    Failed,
}

const KINDS: [(Kind, &str); 4] =
    [(Kind::Invitation, "invitation"), (Kind::Reset, "reset"), (Kind::Test, "test"), (Kind::Alarm, "alarm")];
const STATES: [(State, &str); 3] =
    [(State::Waiting, "waiting"), (State::Sent, "sent"), (State::Failed, "failed")];

impl Kind {
    pub(crate) fn word(self) -> &'static str {
        KINDS.iter().find(|(kind, _)| *kind == self).map_or("", |(_, word)| word)
    }
}

/// Whom a message is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recipient {
    /// Who.
    pub person: PersonId,
    /// Their address elsewhere.
    pub address: String,
    /// Full name.
    pub name: String,
    /// Login.
    pub login: String,
    /// In which language.
    pub language: Option<Language>,
    /// Names of the associations that they are in.
    pub organisations: Vec<String>,
}

/// What a message says: plain text. It may hold a code, so it does not get into a log.
#[derive(Clone, PartialEq, Eq)]
pub struct Text {
    /// One line.
    pub subject: String,
    /// Lines.
    pub body: String,
}

/// A message as pages show it: without what it says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Message {
    /// Its number.
    pub id: MessageId,
    /// What it is about.
    pub kind: Kind,
    /// Login of whom it is for.
    pub login: String,
    /// Where to.
    pub recipient: String,
    /// How far it is.
    pub state: State,
    /// The server's own words at the last try, or why it could not be asked; empty before.
    pub answer: String,
    /// When it was put here.
    #[serde(serialize_with = "rfc3339")]
    #[schemars(with = "String", extend("format" = "date-time"))]
    pub created_at: OffsetDateTime,
    /// When it was sent or given up.
    #[serde(serialize_with = "rfc3339_or_none")]
    #[schemars(with = "Option<String>", extend("format" = "date-time"))]
    pub ended_at: Option<OffsetDateTime>,
}

const INSERT: &str = "insert into outbox (kind, person_id, recipient, name, subject, body, give_up_at) \
                      values ($1, $2, $3, $4, $5, $6, $7) returning id";
const SELECT: &str = "select outbox.id, kind, login, recipient, state, answer, outbox.created_at, outbox.ended_at \
    from outbox join person on person.id = person_id";

/// The latest messages of the box, the latest first.
///
/// # Errors
/// When the actor may not see them.
pub async fn list(directory: &Directory, actor: &Actor, count: u32) -> Result<Vec<Message>> {
    permission::allow(actor, Action::ChangeMachine, &Target::Machine)?;
    let statement = format!("{SELECT} order by outbox.id desc limit $1");
    let rows = directory.client().await?.query(&statement, &[&i64::from(count).min(MOST)]).await?;
    rows.iter().map(message).collect()
}

/// The latest message to somebody, if there is one.
///
/// # Errors
/// When the actor may not see the person.
pub async fn latest(directory: &Directory, actor: &Actor, person: PersonId) -> Result<Option<Message>> {
    let client = directory.client().await?;
    own_or(actor, Action::SeePeople, &Target::Account(account(&client, person).await?))?;
    let statement = format!("{SELECT} where person_id = $1 order by outbox.id desc limit 1");
    client.query_opt(&statement, &[&person.0]).await?.as_ref().map(message).transpose()
}

/// Puts a message to `person` here, the operator themselves as a rule, to see whether messages go out: it
/// is tried once.
///
/// # Errors
/// When the actor may not, or the person has no address elsewhere.
pub async fn test(
    directory: &Directory,
    actor: &Actor,
    person: PersonId,
    compose: impl FnOnce(&Recipient) -> Text,
) -> Result<MessageId> {
    permission::allow(actor, Action::ChangeMachine, &Target::Machine)?;
    let mut client = directory.client().await?;
    let transaction = client.transaction().await?;
    let recipient = recipient(&transaction, person).await?;
    let give_up = OffsetDateTime::now_utc() + PATIENCE;
    let id = put(&transaction, Kind::Test, &recipient, &compose(&recipient), give_up).await?;
    let target = recipient.address.as_str();
    let done = Done { organisation: None, action: "mail.test", target, detail: "" };
    audit::record(&transaction, actor, &done).await?;
    transaction.commit().await?;
    Ok(id)
}

/// Forgets the messages that were given up.
///
/// # Errors
/// When the actor may not.
pub async fn clear(directory: &Directory, actor: &Actor) -> Result<()> {
    permission::allow(actor, Action::ChangeMachine, &Target::Machine)?;
    directory.client().await?.execute("delete from outbox where state = 'failed'", &[]).await?;
    Ok(())
}

/// Whom messages to a person go to.
///
/// # Errors
/// [`Field::Contact`], [`Fault::Empty`] without an address.
pub(crate) async fn recipient(client: &impl GenericClient, person: PersonId) -> Result<Recipient> {
    let statement = "select contact, person.name, login, language, array(select organisation.name \
        from membership join organisation on organisation.id = organisation_id \
        where person_id = person.id order by organisation.name) from person where person.id = $1";
    let row = client.query_opt(statement, &[&person.0]).await?.ok_or(Error::NotFound)?;
    let address: Option<String> = row.get(0);
    Ok(Recipient {
        person,
        address: address.ok_or_else(|| Invalid::error(Field::Contact, Fault::Empty))?,
        name: row.get(1),
        login: row.get(2),
        language: row.get::<_, Option<&str>>(3).and_then(language_of),
        organisations: row.get(4),
    })
}

/// Puts a message here. It is given up when nobody would need it any more, and after a day.
pub(crate) async fn put(
    client: &impl GenericClient,
    kind: Kind,
    to: &Recipient,
    text: &Text,
    needed_until: OffsetDateTime,
) -> Result<MessageId> {
    client.execute("delete from outbox where ended_at < now() - interval '30 days'", &[]).await?;
    let give_up = needed_until.min(OffsetDateTime::now_utc() + PATIENCE);
    let values: [&(dyn tokio_postgres::types::ToSql + Sync); 7] =
        [&kind.word(), &to.person.0, &to.address, &to.name, &text.subject, &text.body, &give_up];
    Ok(MessageId(client.query_one(INSERT, &values).await?.get(0)))
}

/// Takes back what waits to be sent to a person about something: its code counts no more.
pub(crate) async fn take_back(
    client: &impl GenericClient,
    person: PersonId,
    kind: Option<Kind>,
) -> Result<()> {
    let statement =
        "delete from outbox where person_id = $1 and state = 'waiting' and ($2::text is null or kind = $2)";
    client.execute(statement, &[&person.0, &kind.map(Kind::word)]).await?;
    Ok(())
}

/// A message that is due.
#[derive(Clone)]
pub struct Due {
    /// Its number.
    pub id: MessageId,
    /// What it is about.
    pub kind: Kind,
    /// Where to.
    pub recipient: String,
    /// Full name of whom it is for.
    pub name: String,
    /// What it says.
    pub text: Text,
    /// Names it to mail servers: a UUID, the same for every try.
    pub message_id: String,
    /// When it was written.
    pub created_at: OffsetDateTime,
    /// Tries so far.
    pub tries: u32,
}

/// What is not well with the box's messages.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trouble {
    /// Messages that were given up in the last week and not looked at.
    pub given_up: u64,
    /// Messages that wait for more than an hour.
    pub late: u64,
    /// The server's words at the last try of one of them.
    pub answer: String,
}

/// The messages, for the process that sends them.
pub struct Queue(Client);

impl Queue {
    /// The queue at `place`, as the role there.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn open(place: &Place) -> Result<Self> {
        Ok(Self(place.connect().await?))
    }

    /// Gives up what nobody waits for any more; gives their number.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn expire(&self) -> Result<u64> {
        let statement = "update outbox set state = 'failed', body = null, ended_at = now(), \
            answer = case answer when '' then 'no server took it in time' else answer end \
            where state = 'waiting' and give_up_at <= now()";
        Ok(self.0.execute(statement, &[]).await?)
    }

    /// The next message that is due.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn next(&self) -> Result<Option<Due>> {
        let statement = "select id, kind, recipient, name, subject, body, message_id::text, created_at, tries \
            from outbox where state = 'waiting' and next_at <= now() order by next_at, id limit 1";
        let Some(row) = self.0.query_opt(statement, &[]).await? else { return Ok(None) };
        Ok(Some(Due {
            id: MessageId(row.get(0)),
            kind: known(&KINDS, row.get(1))?,
            recipient: row.get(2),
            name: row.get(3),
            text: Text { subject: row.get(4), body: row.get(5) },
            message_id: row.get(6),
            created_at: row.get(7),
            tries: u32::try_from(row.get::<_, i32>(8)).unwrap_or_default(),
        }))
    }

    /// A server took it: what it said is forgotten.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn sent(&self, id: MessageId, answer: &str) -> Result<()> {
        self.end(id, State::Sent, answer).await
    }

    /// No server will ever take it: it is given up, and what it said is forgotten.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn failed(&self, id: MessageId, answer: &str) -> Result<()> {
        self.end(id, State::Failed, answer).await
    }

    /// It is to be tried again after `pause`.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn later(&self, id: MessageId, answer: &str, pause: Duration) -> Result<()> {
        let statement = "update outbox set tries = tries + 1, answer = $2, \
                         next_at = now() + $3 * interval '1 second' where id = $1 and state = 'waiting'";
        self.0.execute(statement, &[&id.0, &kept(answer), &pause.as_secs_f64()]).await?;
        Ok(())
    }

    /// Puts a message here for each operator who has an address elsewhere; gives their number. One that says
    /// something older and still waits goes.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn alarm(&mut self, compose: impl Fn(&Recipient) -> Text) -> Result<u64> {
        let transaction = self.0.transaction().await?;
        transaction.execute("delete from outbox where kind = 'alarm' and state = 'waiting'", &[]).await?;
        let statement = "select id, contact, name, login, language from person \
                         where operator and active and contact is not null order by id";
        let mut count = 0;
        for row in transaction.query(statement, &[]).await? {
            let to = Recipient {
                person: PersonId(row.get(0)),
                address: row.get(1),
                name: row.get(2),
                login: row.get(3),
                language: row.get::<_, Option<&str>>(4).and_then(language_of),
                organisations: Vec::new(),
            };
            let (text, give_up) = (compose(&to), OffsetDateTime::now_utc() + PATIENCE);
            let values: [&(dyn tokio_postgres::types::ToSql + Sync); 7] = [
                &Kind::Alarm.word(),
                &to.person.0,
                &to.address,
                &to.name,
                &text.subject,
                &text.body,
                &give_up,
            ];
            transaction.query_one(INSERT, &values).await?;
            count += 1;
        }
        transaction.commit().await?;
        Ok(count)
    }

    /// What is not well; none when all is.
    ///
    /// # Errors
    /// When the database does not answer.
    pub async fn trouble(&self) -> Result<Option<Trouble>> {
        let statement = "select count(*) filter (where state = 'failed'), count(*) filter (where state = 'waiting'), \
            coalesce((array_agg(answer order by id desc))[1], '') from outbox \
            where kind <> 'test' and (state = 'failed' and ended_at > now() - interval '7 days' \
                or state = 'waiting' and created_at < now() - interval '1 hour')";
        let row = self.0.query_one(statement, &[]).await?;
        let count = |at: usize| u64::try_from(row.get::<_, i64>(at)).unwrap_or_default();
        let trouble = Trouble { given_up: count(0), late: count(1), answer: row.get(2) };
        Ok(Some(trouble).filter(|trouble| trouble.given_up + trouble.late > 0))
    }

    async fn end(&self, id: MessageId, state: State, answer: &str) -> Result<()> {
        let statement = "update outbox set state = $2, body = null, tries = tries + 1, answer = $3, \
                         ended_at = now() where id = $1 and state = 'waiting'";
        let word = STATES.iter().find(|(other, _)| *other == state).map_or("", |(_, word)| word);
        self.0.execute(statement, &[&id.0, &word, &kept(answer)]).await?;
        Ok(())
    }
}

/// An answer as it is kept: one line, not too long.
fn kept(answer: &str) -> String {
    let line = answer.split_whitespace().collect::<Vec<_>>().join(" ");
    line.chars().filter(|c| !c.is_control()).take(LONGEST_ANSWER).collect()
}

fn known<T: Copy>(words: &[(T, &str)], word: &str) -> Result<T> {
    let found = words.iter().find(|(_, known)| *known == word);
    found.map(|(value, _)| *value).ok_or_else(|| Error::Internal(format!("{word:?} is not known")))
}

fn message(row: &Row) -> Result<Message> {
    Ok(Message {
        id: MessageId(row.get(0)),
        kind: known(&KINDS, row.get(1))?,
        login: row.get(2),
        recipient: row.get(3),
        state: known(&STATES, row.get(4))?,
        answer: row.get(5),
        created_at: row.get(6),
        ended_at: row.get(7),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_one_line() {
        assert_eq!(kept("550 5.1.1 No such user\r\n550 here\u{7}"), "550 5.1.1 No such user 550 here");
        assert_eq!(kept(&"é".repeat(900)).chars().count(), LONGEST_ANSWER);
    }
}
