//! The groups of the member's organisations.

use axum::response::Response;
use mazet_directory::groups;
use mazet_directory::permission::Action;
use mazet_model::manifest::Feature;
use serde_json::{Value, json};

use super::{chosen, options, organisations};
use crate::web::failure::Failure;
use crate::web::form::{Faults, Fields};
use crate::web::member::{Member, Sent};
use crate::web::said;

/// `GET /groups`.
///
/// # Errors
/// The directory fails.
pub async fn show(member: Member) -> Result<Response, Failure> {
    page(&member, &Fields::default(), &Faults::default()).await
}

/// `POST /groups`: fields `name`, `organisation`.
///
/// # Errors
/// The member may not, or the directory fails.
pub async fn save(sent: Sent) -> Result<Response, Failure> {
    let (member, fields) = (&sent.member, &sent.fields);
    let name = fields.text("name");
    match groups::add(member.directory()?, member.actor(), chosen(fields)?, &name).await {
        Ok(id) => Ok(said::and_go(&format!("/groups/{id}"), "groups.saved")),
        Err(error) => page(member, fields, &member.refused(error)?).await,
    }
}

async fn page(member: &Member, fields: &Fields, faults: &Faults) -> Result<Response, Failure> {
    let own = organisations(member, Action::ManageGroups).await?;
    let mut shown = Vec::new();
    for one in &own {
        for group in groups::list(member.directory()?, member.actor(), one.id).await? {
            shown.push(json!({
                "id": group.id,
                "name": group.name,
                "organisation": one.name,
                "count": member.count("groups.count", group.members.len()),
            }));
        }
    }
    let features = member.app.broker.offers().await?.features;
    let more = json!({
        "mail": features.contains(&Feature::Mailboxes),
        "calendars": features.contains(&Feature::Calendars),
        "groups": Value::Array(shown),
        "organisations": options(&own, chosen(fields).ok()),
    });
    member.form("people/groups", "groups.title", &json!({ "name": fields.get("name") }), faults, more)
}
