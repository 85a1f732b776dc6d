//! Resets: a code with which somebody who forgot the password chooses another. The second factor
//! stays.

use std::net::IpAddr;

use mazet_model::settings::Language;

use crate::error::Result;
use crate::people::{account, language_of};
use crate::permission::{self, Action, Target};
use crate::tickets::{self, Purpose};
use crate::tries::{self, Kind};
use crate::{Actor, Directory, PersonId, audit, people};

pub use crate::tickets::{Holder, Ticket};

/// Hours that the slip of a manager counts: two days.
pub const SLIP_HOURS: u32 = 48;
/// Hours that a code in a message counts.
pub const MESSAGE_HOURS: u32 = 1;

/// A message to be sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Where to.
    pub contact: String,
    /// To whom.
    pub name: String,
    /// In which language.
    pub language: Option<Language>,
    /// What it brings.
    pub ticket: Ticket,
}

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

/// A visitor asks for a message. None: there is nobody with this login (or no address elsewhere),
/// which the visitor must not learn.
///
/// # Errors
/// [`crate::Error::TooMany`].
pub async fn ask(directory: &Directory, login: &str, address: IpAddr) -> Result<Option<Message>> {
    let login = crate::values::login(login).unwrap_or_default();
    // Asking is what is limited: it does not become right.
    let _ = tries::count(directory, Kind::Reset, Some(&login), address).await?;
    let mut client = directory.client().await?;
    let transaction = client.transaction().await?;
    let statement = "select id, contact, name, language from person \
                     where login = $1 and active and password is not null and contact is not null";
    let Some(row) = transaction.query_opt(statement, &[&login]).await? else { return Ok(None) };
    let ticket = tickets::issue(&transaction, PersonId(row.get(0)), Purpose::Reset, MESSAGE_HOURS).await?;
    audit::record_visitor(&transaction, "reset.ask", &login).await?;
    transaction.commit().await?;
    let language = row.get::<_, Option<&str>>(3).and_then(language_of);
    Ok(Some(Message { contact: row.get(1), name: row.get(2), language, ticket }))
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
