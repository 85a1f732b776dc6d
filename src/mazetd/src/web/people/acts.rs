//! What is done with somebody's account at the push of a button.

use axum::extract::Path;
use axum::response::Response;
use mazet_directory::{PersonId, people, resets, second_factor, sessions};

use super::paper::{self, Kind};
use super::{chosen, new};
use crate::web::failure::Failure;
use crate::web::member::{Member, Sent};
use crate::web::said;

/// `POST /people/{id}/suspend`: no signing in any more.
///
/// # Errors
/// The member may not, or the directory fails.
pub async fn suspend(Path(id): Path<PersonId>, sent: Sent) -> Result<Response, Failure> {
    let member = &sent.member;
    let done = people::set_active(member.directory()?, member.actor(), id, false).await;
    outcome(member, id, done, "person.suspended_now").await
}

/// `POST /people/{id}/resume`: and signing in again.
///
/// # Errors
/// The member may not, or the directory fails.
pub async fn resume(Path(id): Path<PersonId>, sent: Sent) -> Result<Response, Failure> {
    let member = &sent.member;
    let done = people::set_active(member.directory()?, member.actor(), id, true).await;
    outcome(member, id, done, "person.resumed_now").await
}

/// `POST /people/{id}/factor`: without second factor until they set one up again.
///
/// # Errors
/// The member may not, or the directory fails.
pub async fn factor(Path(id): Path<PersonId>, sent: Sent) -> Result<Response, Failure> {
    let member = &sent.member;
    let done = second_factor::remove(member.directory()?, member.actor(), id).await;
    outcome(member, id, done, "person.factor_gone").await
}

/// `POST /people/{id}/everywhere`: signed out on every device.
///
/// # Errors
/// The member may not, or the directory fails.
pub async fn everywhere(Path(id): Path<PersonId>, sent: Sent) -> Result<Response, Failure> {
    let member = &sent.member;
    let done = sessions::end_all(member.directory()?, member.actor(), id, false).await;
    outcome(member, id, done, "person.signed_out").await
}

/// `POST /people/{id}/operator`: answers for the machine from now on.
///
/// # Errors
/// The member may not, or the directory fails.
pub async fn operator(Path(id): Path<PersonId>, sent: Sent) -> Result<Response, Failure> {
    appoint(id, &sent.member, true).await
}

/// `POST /people/{id}/no-operator`: and no longer.
///
/// # Errors
/// The member may not, or the directory fails.
pub async fn no_operator(Path(id): Path<PersonId>, sent: Sent) -> Result<Response, Failure> {
    appoint(id, &sent.member, false).await
}

/// `POST /people/{id}/join`: field `organisation`, which they become a member of.
///
/// # Errors
/// The member may not, or the directory fails.
pub async fn join(Path(id): Path<PersonId>, sent: Sent) -> Result<Response, Failure> {
    let (member, organisation) = (&sent.member, chosen(&sent.fields)?);
    let done = people::join(member.directory()?, member.actor(), id, organisation).await;
    outcome(member, id, done, "person.saved").await
}

/// `POST /people/{id}/invite`: a new slip for somebody who has no password yet.
///
/// # Errors
/// The member may not, or the directory fails.
pub async fn invite(Path(id): Path<PersonId>, sent: Sent) -> Result<Response, Failure> {
    new::invite(&sent.member, id).await
}

/// `POST /people/{id}/invite-by-mail`: the same as a message to their address elsewhere.
///
/// # Errors
/// The member may not, or the directory fails.
pub async fn invite_by_mail(Path(id): Path<PersonId>, sent: Sent) -> Result<Response, Failure> {
    let member = &sent.member;
    let done = new::send(member, id).await?;
    outcome(member, id, done, "person.invited_by_mail").await
}

/// `POST /people/{id}/reset`: a slip for another password.
///
/// # Errors
/// The member may not, or the directory fails.
pub async fn reset(Path(id): Path<PersonId>, sent: Sent) -> Result<Response, Failure> {
    let member = &sent.member;
    let ticket = resets::make(member.directory()?, member.actor(), id).await?;
    let person = people::get(member.directory()?, member.actor(), id).await?;
    paper::page(member, Kind::Reset, &person, &ticket).await
}

async fn appoint(id: PersonId, member: &Member, operator: bool) -> Result<Response, Failure> {
    let done = people::set_operator(member.directory()?, member.actor(), id, operator).await;
    outcome(member, id, done, "person.saved").await
}

/// Back to the person, with what was done or why it was not.
async fn outcome(
    member: &Member,
    id: PersonId,
    done: mazet_directory::Result<()>,
    said: &'static str,
) -> Result<Response, Failure> {
    let faults = member.checked(done)?;
    if faults.is_empty() {
        return Ok(said::and_go(&format!("/people/{id}"), said));
    }
    super::person::again(member, id, &faults).await
}
