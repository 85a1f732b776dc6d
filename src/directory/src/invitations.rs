//! Invitations: a code on a paper slip or in a message, with which somebody who was added chooses a
//! password and comes in.

use std::net::IpAddr;

use crate::error::{Fault, Field, Invalid, Result};
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
    let account = account(&transaction, person).await?;
    permission::allow(actor, Action::ManageAccount, &Target::Account(account.clone()))?;
    let row =
        transaction.query_one("select password is null from person where id = $1", &[&person.0]).await?;
    if !row.get::<_, bool>(0) {
        return Err(Invalid::error(Field::Person, Fault::Taken));
    }
    let ticket = tickets::issue(&transaction, person, Purpose::Invitation, HOURS).await?;
    let login = people::login(&transaction, person).await?;
    audit::record_for(&transaction, actor, &account, "invitation.make", &login, "").await?;
    transaction.commit().await?;
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
