//! Rooms and equipment to be booked.

use mazet_directory::permission::Action;
use mazet_directory::resources::{self, Kind, Resource};
use mazet_directory::{OrganisationId, ResourceId};
use mazet_model::manifest::Feature;
use schemars::JsonSchema;
use serde::Deserialize;

use super::body::{Done, Json, Made};
use super::call::{Call, Nothing};
use super::people::Where;
use super::problem::Problem;

/// A new room or thing.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewResource {
    /// Its organisation.
    pub organisation: OrganisationId,
    /// Its name, once in the organisation.
    pub name: String,
    /// What it is.
    pub kind: Kind,
}

/// `GET /resources`.
pub async fn list(call: Call<Where>) -> Result<Json<Vec<Resource>>, Problem> {
    let caller = &call.caller;
    caller.needs(Feature::Calendars).await?;
    let (directory, actor) = (caller.directory()?, caller.actor());
    let mut found = Vec::new();
    for one in call.query.or_own(caller, Action::ManageGroups).await? {
        found.extend(resources::list(directory, actor, one).await?);
    }
    Ok(Json(found))
}

/// `POST /resources`.
pub async fn add(call: Call<Nothing, Json<NewResource>>) -> Result<Made<Resource>, Problem> {
    let (caller, Json(new)) = (&call.caller, call.body);
    caller.needs(Feature::Calendars).await?;
    let (directory, actor) = (caller.directory()?, caller.actor());
    let id = resources::add(directory, actor, new.organisation, &new.name, new.kind).await?;
    Ok(Made(resources::get(directory, actor, id).await?))
}

/// `DELETE /resources/{id}`.
pub async fn remove(call: Call) -> Result<Done, Problem> {
    let caller = &call.caller;
    caller.needs(Feature::Calendars).await?;
    resources::remove(caller.directory()?, caller.actor(), ResourceId(call.id)).await?;
    Ok(Done)
}
