//! Somebody new, and the slip that invites them.

use axum::response::Response;
use mazet_directory::organisations::Organisation;
use mazet_directory::people::{self, New};
use mazet_directory::permission::{Action, Target};
use mazet_directory::{OrganisationId, PersonId, invitations};
use serde_json::{Value, json};

use super::paper::{self, Kind};
use super::{chosen, options, organisations, role_boxes, ticked};
use crate::web::failure::Failure;
use crate::web::form::{Faults, Fields};
use crate::web::member::{Member, Sent};

/// `GET /people/new`.
///
/// # Errors
/// The directory fails.
pub async fn show(member: Member) -> Result<Response, Failure> {
    let own = organisations(&member, Action::ManagePeople).await?;
    let chosen = member.query("organisation").parse().ok();
    page(&member, &own, chosen, &Fields::default(), &Faults::default())
}

/// `POST /people/new`: fields `name`, `login`, `email`, `organisation`, `roles` (several).
///
/// # Errors
/// The member may not, or the directory fails.
pub async fn save(sent: Sent) -> Result<Response, Failure> {
    let (member, fields) = (&sent.member, &sent.fields);
    let organisation = chosen(fields)?;
    let new = New {
        organisation,
        login: fields.text("login"),
        name: fields.text("name"),
        contact: fields.text("email"),
        language: None,
        roles: ticked(fields, "roles"),
    };
    match people::add(member.directory()?, member.actor(), &new).await {
        Ok(person) => invite(member, person).await,
        Err(error) => {
            let faults = member.refused(error)?;
            let own = organisations(member, Action::ManagePeople).await?;
            page(member, &own, Some(organisation), fields, &faults)
        }
    }
}

/// A new invitation for somebody, on paper.
///
/// # Errors
/// The member may not, or the directory fails.
pub async fn invite(member: &Member, id: PersonId) -> Result<Response, Failure> {
    let (directory, actor) = (member.directory()?, member.actor());
    let invitation = invitations::make(directory, actor, id).await?;
    let person = people::get(directory, actor, id).await?;
    paper::page(member, Kind::Invitation, &person, &invitation).await
}

fn page(
    member: &Member,
    own: &[Organisation],
    chosen: Option<OrganisationId>,
    fields: &Fields,
    faults: &Faults,
) -> Result<Response, Failure> {
    let form = json!({
        "name": fields.get("name"),
        "login": fields.get("login"),
        "email": fields.get("email"),
    });
    let appoints =
        own.iter().any(|one| member.actor().may(Action::AppointRoles, &Target::Organisation(one.id)));
    let roles = if appoints {
        role_boxes(member, OrganisationId(0), &ticked(fields, "roles"))
    } else {
        Value::Array(Vec::new())
    };
    let more = json!({ "organisations": options(own, chosen), "roles": roles });
    member.form("people/new", "person.new_title", &form, faults, more)
}
