//! Rooms and equipment of the member's organisations, to be booked.

use axum::extract::Path;
use axum::response::Response;
use mazet_directory::ResourceId;
use mazet_directory::permission::Action;
use mazet_directory::resources::{self, Kind};
use mazet_model::manifest::Feature;
use serde_json::{Value, json};

use super::{chosen, options, organisations};
use crate::web::failure::Failure;
use crate::web::form::{Faults, Fields};
use crate::web::member::{Member, Sent};
use crate::web::said;

const PATH: &str = "/resources";

/// `GET /resources`.
///
/// # Errors
/// No service has calendars, or the directory fails.
pub async fn show(member: Member) -> Result<Response, Failure> {
    offered(&member).await?;
    page(&member, &Fields::default(), &Faults::default()).await
}

/// `POST /resources`: fields `name`, `kind`, `organisation`.
///
/// # Errors
/// The member may not, or the directory fails.
pub async fn save(sent: Sent) -> Result<Response, Failure> {
    let (member, fields) = (&sent.member, &sent.fields);
    offered(member).await?;
    let (name, kind) = (fields.text("name"), kind_of(fields));
    match resources::add(member.directory()?, member.actor(), chosen(fields)?, &name, kind).await {
        Ok(_) => Ok(said::and_go(PATH, "resources.saved")),
        Err(error) => page(member, fields, &member.refused(error)?).await,
    }
}

/// `POST /resources/{id}/remove`.
///
/// # Errors
/// There is none that the member may see, they may not do that, or the directory fails.
pub async fn remove(Path(id): Path<ResourceId>, sent: Sent) -> Result<Response, Failure> {
    let member = &sent.member;
    offered(member).await?;
    resources::remove(member.directory()?, member.actor(), id).await?;
    Ok(said::and_go(PATH, "resources.removed"))
}

/// Where nothing has calendars, nothing is booked: the pages are not there.
async fn offered(member: &Member) -> Result<(), Failure> {
    if member.app.broker.has(Feature::Calendars).await? { Ok(()) } else { Err(Failure::NotFound) }
}

/// What was chosen; a room, as most are.
fn kind_of(fields: &Fields) -> Kind {
    Kind::ALL.into_iter().find(|kind| kind.name() == fields.get("kind")).unwrap_or(Kind::Room)
}

async fn page(member: &Member, fields: &Fields, faults: &Faults) -> Result<Response, Failure> {
    let own = organisations(member, Action::ManageGroups).await?;
    let word = |kind| match kind {
        Kind::Room => member.say("resources.room", &[]),
        Kind::Equipment => member.say("resources.equipment", &[]),
    };
    let mut shown = Vec::new();
    for one in &own {
        for resource in resources::list(member.directory()?, member.actor(), one.id).await? {
            shown.push(json!({
                "id": resource.id,
                "name": resource.name,
                "kind": word(resource.kind),
                "organisation": one.name,
            }));
        }
    }
    let kinds = Kind::ALL
        .iter()
        .map(|kind| json!({ "name": kind.name(), "title": word(*kind), "chosen": *kind == kind_of(fields) }));
    let more = json!({
        "resources": Value::Array(shown),
        "kinds": kinds.collect::<Value>(),
        "organisations": options(&own, chosen(fields).ok()),
    });
    member.form("people/resources", "resources.title", &json!({ "name": fields.get("name") }), faults, more)
}
