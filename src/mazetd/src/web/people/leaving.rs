//! Somebody leaves an association, or their account is deleted for good: first a page that says what
//! happens.

use axum::extract::Path;
use axum::response::Response;
use mazet_directory::people::{self, Person, State};
use mazet_directory::permission::{Action, Target};
use mazet_directory::{OrganisationId, PersonId, leaving, organisations};
use serde_json::json;

use super::chosen;
use crate::web::failure::Failure;
use crate::web::form::Faults;
use crate::web::member::{Member, Sent};
use crate::web::said;

/// `GET /people/{id}/leave`, with `organisation` (a number) in the query.
///
/// # Errors
/// The person or the organisation is not the member's affair, or the directory fails.
pub async fn show_leave(Path(id): Path<PersonId>, member: Member) -> Result<Response, Failure> {
    let organisation = member.query("organisation").parse().map_err(|_| Failure::NotFound)?;
    let person = inside(&member, id, organisation).await?;
    let organisation = organisations::get(member.directory()?, member.actor(), organisation).await?;
    let data = json!({
        "id": id,
        "name": person.name,
        "login": person.login,
        "organisation_id": organisation.id,
        "organisation": organisation.name,
    });
    member.show("people/leave", "leaving.leave_title", &Faults::default(), data)
}

/// `POST /people/{id}/leave`: field `organisation`.
///
/// # Errors
/// The person or the organisation is not the member's affair, or the directory fails.
pub async fn leave(Path(id): Path<PersonId>, sent: Sent) -> Result<Response, Failure> {
    let (member, organisation) = (&sent.member, chosen(&sent.fields)?);
    inside(member, id, organisation).await?;
    leaving::leave(member.directory()?, member.actor(), id, organisation).await?;
    Ok(said::and_go("/people", "leaving.left"))
}

/// Somebody in an organisation whose people the member manages. Nobody takes themselves out.
async fn inside(member: &Member, id: PersonId, organisation: OrganisationId) -> Result<Person, Failure> {
    let person = people::get(member.directory()?, member.actor(), id).await?;
    if person.memberships.iter().all(|one| one.organisation != organisation) {
        return Err(Failure::NotFound);
    }
    if member.actor().person() == Some(id)
        || !member.actor().may(Action::ManagePeople, &Target::Organisation(organisation))
    {
        return Err(Failure::Denied);
    }
    Ok(person)
}

/// `GET /people/{id}/remove`: of an account that ended.
///
/// # Errors
/// There is nobody whom the member may see, or the directory fails.
pub async fn show_remove(Path(id): Path<PersonId>, member: Member) -> Result<Response, Failure> {
    let person = ended(&member, id).await?;
    page(&member, &person, "", &Faults::default())
}

/// `POST /people/{id}/remove`: field `typed` repeats the login.
///
/// # Errors
/// There is nobody whom the member may see, they may not do that, or the directory fails.
pub async fn remove(Path(id): Path<PersonId>, sent: Sent) -> Result<Response, Failure> {
    let (member, typed) = (&sent.member, sent.fields.text("typed"));
    let person = ended(member, id).await?;
    let mut faults = Faults::default();
    if typed == person.login {
        let removed = leaving::remove(member.directory()?, member.actor(), id).await;
        faults.join(member.checked(removed)?);
    } else {
        faults.add("typed", member.say("leaving.typed_wrong", &[]));
    }
    if faults.is_empty() {
        return Ok(said::and_go("/people", "leaving.removed"));
    }
    page(member, &person, &typed, &faults)
}

/// An account is deleted after it ended, so that nobody is deleted by a slip of the hand.
async fn ended(member: &Member, id: PersonId) -> Result<Person, Failure> {
    let person = people::get(member.directory()?, member.actor(), id).await?;
    if person.state == State::Ended { Ok(person) } else { Err(Failure::NotFound) }
}

fn page(member: &Member, person: &Person, typed: &str, faults: &Faults) -> Result<Response, Failure> {
    let more = json!({ "id": person.id, "name": person.name, "login": person.login });
    member.form("people/remove", "leaving.remove_title", &json!({ "typed": typed }), faults, more)
}
