//! Resets: a code with which somebody who forgot the password chooses another. The second factor
//! stays.

use std::net::IpAddr;

use deadpool_postgres::GenericClient;

use crate::error::Result;
use crate::outbox::{self, Recipient, Text};
use crate::people::account;
use crate::permission::{self, Action, Target};
use crate::tickets::{self, Purpose};
use crate::tries::{self, Kind};
use crate::{Actor, Directory, PersonId, audit, people};

pub use crate::tickets::{Holder, Ticket};

/// Hours that the slip of a manager counts: two days.
pub const SLIP_HOURS: u32 = 48;
/// Hours that a code in a message counts.
pub const MESSAGE_HOURS: u32 = 1;
/// Messages that one person gets in an hour at most; and people whom one address may stand for.
const MESSAGES_AN_HOUR: i64 = 3;

/// Makes a code for somebody in the actor's care, for a paper slip.
///
/// # Errors
/// When the actor may not.
pub async fn make(directory: &Directory, actor: &Actor, person: PersonId) -> Result<Ticket> {
    let mut client = directory.client().await?;
    let transaction = client.transaction().await?;
    let account = account(&transaction, person).await?;
    permission::allow(actor, Action::ManageAccount, &Target::Account(account.clone()))?;
    let ticket = tickets::issue(&transaction, person, Purpose::Reset, SLIP_HOURS).await?;
    let login = people::login(&transaction, person).await?;
    audit::record_for(&transaction, actor, &account, "reset.make", &login, "").await?;
    transaction.commit().await?;
    Ok(ticket)
}

/// A visitor asked for a message. Nothing is known yet of whether there is anybody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Asked(String);

/// A visitor asks for a message, with a login or an address elsewhere. Counted alike whether it is
/// known or not.
///
/// # Errors
/// [`crate::Error::TooMany`].
pub async fn ask(directory: &Directory, typed: &str, address: IpAddr) -> Result<Asked> {
    let typed = typed.trim().to_lowercase();
    // Asking is what is limited: it does not become right.
    let _ = tries::count(directory, Kind::Reset, Some(&typed), address).await?;
    Ok(Asked(typed))
}

/// Sends the message to all whom it may concern: who may sign in and has this login or address. What
/// came of it, the visitor must not learn, nor the time that it took.
///
/// # Errors
/// When the database does not answer.
pub async fn send(
    directory: &Directory,
    Asked(typed): &Asked,
    compose: impl Fn(&Recipient, &Ticket) -> Text,
) -> Result<()> {
    let mut client = directory.client().await?;
    let transaction = client.transaction().await?;
    let statement = "select id, login from person \
        where (login = $1 or lower(contact) = $1) and active and password is not null and contact is not null \
        order by id limit $2 for update";
    for row in transaction.query(statement, &[&typed, &MESSAGES_AN_HOUR]).await? {
        let person = PersonId(row.get(0));
        if had_enough(&transaction, person).await? {
            continue;
        }
        let ticket = tickets::another(&transaction, person, Purpose::Reset, MESSAGE_HOURS).await?;
        let recipient = outbox::recipient(&transaction, person).await?;
        let text = compose(&recipient, &ticket);
        outbox::put(&transaction, outbox::Kind::Reset, &recipient, &text, ticket.expires_at).await?;
        audit::record_visitor(&transaction, "reset.ask", row.get(1)).await?;
    }
    transaction.commit().await?;
    Ok(())
}

/// Whoever asks for others by the dozen does not fill their letter boxes. Counted when the person's row is
/// locked: one who asks at the same moment was counted.
async fn had_enough(client: &impl GenericClient, person: PersonId) -> Result<bool> {
    let statement = "select count(*) >= $2 from outbox where person_id = $1 and kind = 'reset' \
        and created_at > now() - interval '1 hour'";
    Ok(client.query_one(statement, &[&person.0, &MESSAGES_AN_HOUR]).await?.get(0))
}

/// Whom a code is for, without using it up.
///
/// # Errors
/// [`crate::Error::Refused`], [`crate::Error::TooMany`].
pub async fn look(directory: &Directory, code: &str, address: IpAddr) -> Result<Holder> {
    tickets::look(directory, Purpose::Reset, code, address).await
}

/// Uses a code up: its person gets this password, and is signed out everywhere.
///
/// # Errors
/// [`crate::Error::Invalid`] for the password; [`crate::Error::Refused`], [`crate::Error::TooMany`].
pub async fn take(directory: &Directory, code: &str, password: &str, address: IpAddr) -> Result<Holder> {
    tickets::take(directory, Purpose::Reset, code, password, address).await
}
