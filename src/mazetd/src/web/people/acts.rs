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
    done(member, id, people::set_active(member.directory()?, member.actor(), id, false).await)?;
    Ok(back(id, "person.suspended_now"))
}

/// `POST /people/{id}/resume`: and signing in again.
///
/// # Errors
/// The member may not, or the directory fails.
pub async fn resume(Path(id): Path<PersonId>, sent: Sent) -> Result<Response, Failure> {
    let member = &sent.member;
    people::set_active(member.directory()?, member.actor(), id, true).await?;
    Ok(back(id, "person.resumed_now"))
}
