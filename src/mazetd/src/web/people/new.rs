//! Somebody new, and the slip that invites them.

use axum::response::Response;
use mazet_directory::invitations::Ticket;
use mazet_directory::organisations::Organisation;
use mazet_directory::outbox::Recipient;
use mazet_directory::people::{self, New};
use mazet_directory::permission::{Action, Target};
use mazet_directory::{OrganisationId, PersonId, invitations};
use mazet_model::settings::Language;
use serde_json::{Value, json};

use super::paper::{self, Kind};
use super::{chosen, options, organisations, role_boxes, ticked};
use crate::web::failure::Failure;
use crate::web::form::{Faults, Fields};
use crate::web::letters::{self, Writer};
use crate::web::member::{Member, Sent};
use crate::web::{language, said};

/// `GET /people/new`.
///
/// # Errors
/// The directory fails.
pub async fn show(member: Member) -> Result<Response, Failure> {
    let own = organisations(&member, Action::ManagePeople).await?;
    let chosen = member.query("organisation").parse().ok();
    page(&member, &own, chosen, &Fields::default(), &Faults::default()).await
}

/// `POST /people/new`: fields `name`, `login`, `email`, `organisation`, `language`, `roles` (several), `by`:
/// `paper`, or `mail` for an invitation by e-mail.
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
        language: language::parse(fields.get("language")),
        roles: ticked(fields, "roles"),
    };
    let by_mail = fields.get("by") == "mail" && sends_mail(member).await?;
    if by_mail && new.contact.is_empty() {
        let mut faults = Faults::default();
        faults.add("email", member.say("invalid.contact.empty", &[]));
        let own = organisations(member, Action::ManagePeople).await?;
        return page(member, &own, Some(organisation), fields, &faults).await;
    }
    match people::add(member.directory()?, member.actor(), &new).await {
        Ok(person) if by_mail => {
            let faults = member.checked(send(member, person).await?)?;
            if faults.is_empty() {
                return Ok(said::and_go(&format!("/people/{person}"), "person.invited_by_mail"));
            }
            super::person::again(member, person, &faults).await
        }
        Ok(person) => invite(member, person).await,
        Err(error) => {
            let faults = member.refused(error)?;
            let own = organisations(member, Action::ManagePeople).await?;
            page(member, &own, Some(organisation), fields, &faults).await
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

/// A new invitation for somebody, as a message; what the directory refused is inside.
///
/// # Errors
/// The broker fails.
pub async fn send(member: &Member, id: PersonId) -> Result<mazet_directory::Result<()>, Failure> {
    let writer = Writer::new(&member.app).await?;
    let compose = |to: &Recipient, ticket: &Ticket| writer.invitation(to, ticket);
    let sent = invitations::send(member.directory()?, member.actor(), id, compose).await;
    if sent.is_ok() {
        letters::post(&member.app).await;
    }
    Ok(sent.map(drop))
}

/// Can the box send messages?
///
/// # Errors
/// The broker fails.
pub async fn sends_mail(member: &Member) -> Result<bool, Failure> {
    Ok(member.app.broker.status().await?.sends_mail)
}

async fn page(
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
    let language = language::parse(fields.get("language"));
    let more = json!({
        "organisations": options(own, chosen),
        "roles": roles,
        "sends_mail": sends_mail(member).await?,
        "by_mail": fields.get("by") == "mail",
        "french": language == Some(Language::Fr),
        "english": language == Some(Language::En),
    });
    member.form("people/new", "person.new_title", &form, faults, more)
}
