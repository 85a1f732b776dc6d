//! Invitations: a code on a paper slip or in a message, with which somebody who was added chooses a
//! password and comes in.

use std::net::IpAddr;

use deadpool_postgres::GenericClient;

use crate::error::{Fault, Field, Invalid, Result};
use crate::outbox::{self, Recipient, Text};
use crate::people::account;
use crate::permission::{self, Action, Target};
use crate::tickets::{self, Purpose};
use crate::{Actor, Directory, PersonId, audit, people};

pub use crate::tickets::{Holder, Ticket};

/// Hours that an invitation counts: thirty days.
pub const HOURS: u32 = 30 * 24;

/// Makes an invitation for somebody who has no password yet; an earlier one counts no longer.
///
/// # Errors
/// When the actor may not, or the person has a password.
pub async fn make(directory: &Directory, actor: &Actor, person: PersonId) -> Result<Ticket> {
    let mut client = directory.client().await?;
    let transaction = client.transaction().await?;
    let ticket = issue(&transaction, actor, person, "invitation.make").await?;
    transaction.commit().await?;
    Ok(ticket)
}

/// As [`make`], as a message to the person's address elsewhere; gives the address. `compose` says what
/// stands in it. It is sent by and by: see [`outbox`].
///
/// # Errors
/// As [`make`]; [`Field::Contact`], [`Fault::Empty`] without an address.
pub async fn send(
    directory: &Directory,
    actor: &Actor,
    person: PersonId,
    compose: impl FnOnce(&Recipient, &Ticket) -> Text,
) -> Result<String> {
    let mut client = directory.client().await?;
    let transaction = client.transaction().await?;
    let ticket = issue(&transaction, actor, person, "invitation.send").await?;
    let recipient = outbox::recipient(&transaction, person).await?;
    let text = compose(&recipient, &ticket);
    outbox::put(&transaction, outbox::Kind::Invitation, &recipient, &text, ticket.expires_at).await?;
    transaction.commit().await?;
    Ok(recipient.address)
}

async fn issue(client: &impl GenericClient, actor: &Actor, person: PersonId, action: &str) -> Result<Ticket> {
    let account = account(client, person).await?;
    permission::allow(actor, Action::ManageAccount, &Target::Account(account.clone()))?;
    let statement = "select password is null and ended_at is null from person where id = $1";
    if !client.query_one(statement, &[&person.0]).await?.get::<_, bool>(0) {
        return Err(Invalid::error(Field::Person, Fault::Taken));
    }
    let ticket = tickets::issue(client, person, Purpose::Invitation, HOURS).await?;
    let login = people::login(client, person).await?;
    audit::record_for(client, actor, &account, action, &login, "").await?;
    Ok(ticket)
}

/// Whom an invitation is for, without using it up.
///
/// # Errors
/// [`crate::Error::Refused`], [`crate::Error::TooMany`].
pub async fn look(directory: &Directory, code: &str, address: IpAddr) -> Result<Holder> {
    tickets::look(directory, Purpose::Invitation, code, address).await
}

/// Takes an invitation: its person gets this password and may sign in.
///
/// # Errors
/// [`crate::Error::Invalid`] for the password; [`crate::Error::Refused`], [`crate::Error::TooMany`].
pub async fn take(directory: &Directory, code: &str, password: &str, address: IpAddr) -> Result<Holder> {
    tickets::take(directory, Purpose::Invitation, code, password, address).await
}
