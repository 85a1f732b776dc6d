//! Groups of an organisation's members.

use mazet_directory::groups::{self, Group};
use mazet_directory::permission::Action;
use mazet_directory::{GroupId, OrganisationId, PersonId};
use mazet_model::manifest::Feature;
use schemars::JsonSchema;
use serde::Deserialize;

use super::body::{Done, Json, Made};
use super::call::{Call, Nothing};
use super::people::Where;
use super::problem::Problem;
use crate::acts::groups as acts;

/// An organisation.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Of {
    /// Its number.
    pub organisation: OrganisationId,
}

/// A new group.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewGroup {
    /// Its organisation.
    pub organisation: OrganisationId,
    /// Its name, once in the organisation.
    pub name: String,
}

/// What a group is to become.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GroupWish {
    /// Its name.
    pub name: String,
    /// All who shall be in it.
    pub members: Vec<PersonId>,
    /// Is what is written to it kept in one mailbox that all of them read? Where nothing is said, it stays as it is.
    #[serde(default)]
    pub mailbox: Option<bool>,
    /// All addresses that shall lead to it, at its organisation's domains. Where nothing is said, they stay.
    #[serde(default)]
    pub addresses: Option<Vec<String>>,
}

/// `GET /groups`.
pub async fn list(call: Call<Where>) -> Result<Json<Vec<Group>>, Problem> {
    let caller = &call.caller;
    let (directory, actor) = (caller.directory()?, caller.actor());
    let mut found = Vec::new();
    for one in call.query.or_own(caller, Action::ManageGroups).await? {
        found.extend(groups::list(directory, actor, one).await?);
    }
    Ok(Json(found))
}

/// `POST /groups`.
pub async fn add(call: Call<Nothing, Json<NewGroup>>) -> Result<Made<Group>, Problem> {
    let (caller, Json(new)) = (&call.caller, call.body);
    let (directory, actor) = (caller.directory()?, caller.actor());
    let id = groups::add(directory, actor, new.organisation, &new.name).await?;
    Ok(Made(groups::get(directory, actor, id).await?))
}

/// `GET /groups/{id}`.
pub async fn get(call: Call) -> Result<Json<Group>, Problem> {
    let caller = &call.caller;
    Ok(Json(groups::get(caller.directory()?, caller.actor(), GroupId(call.id)).await?))
}

/// `PUT /groups/{id}`.
pub async fn change(call: Call<Nothing, Json<GroupWish>>) -> Result<Json<Group>, Problem> {
    let (caller, id, Json(wish)) = (&call.caller, GroupId(call.id), call.body);
    let (directory, actor) = (caller.directory()?, caller.actor());
    let known = groups::get(directory, actor, id).await?;
    let GroupWish { name, members, mailbox, addresses } = wish;
    if mailbox.is_some() || addresses.is_some() {
        caller.needs(Feature::Mailboxes).await?;
    }
    acts::keep(directory, actor, &known, &acts::Wish { name, members, mailbox, addresses }).await?;
    Ok(Json(groups::get(directory, actor, id).await?))
}

/// `DELETE /groups/{id}`.
pub async fn remove(call: Call) -> Result<Done, Problem> {
    let caller = &call.caller;
    groups::remove(caller.directory()?, caller.actor(), GroupId(call.id)).await?;
    Ok(Done)
}
