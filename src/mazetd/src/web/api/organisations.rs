//! The organisations that share the box.

use mazet_directory::OrganisationId;
use mazet_directory::organisations::{self, Organisation, Wish};
use schemars::JsonSchema;
use serde::Deserialize;

use super::body::{Json, Made};
use super::call::{Call, Nothing};
use super::problem::Problem;

/// What an organisation is to become.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OrganisationWish {
    /// Its name.
    pub name: String,
    /// All its domain names.
    #[serde(default)]
    pub domains: Vec<String>,
    /// Bytes in all; null: as much as there is.
    pub quota_bytes: Option<u64>,
    /// Bytes of a member who has no quota of their own; 10 GiB where it is not given.
    pub member_quota_bytes: Option<u64>,
}

impl OrganisationWish {
    fn wish(self) -> Wish {
        let usual = Wish::named(&self.name);
        Wish {
            domains: self.domains,
            quota_bytes: self.quota_bytes,
            member_quota_bytes: self.member_quota_bytes.unwrap_or(usual.member_quota_bytes),
            ..usual
        }
    }
}

/// `GET /organisations`.
pub async fn list(call: Call) -> Result<Json<Vec<Organisation>>, Problem> {
    let caller = &call.caller;
    Ok(Json(organisations::list(caller.directory()?, caller.actor()).await?))
}

/// `POST /organisations`.
pub async fn add(call: Call<Nothing, Json<OrganisationWish>>) -> Result<Made<Organisation>, Problem> {
    let caller = &call.caller;
    let (directory, actor) = (caller.directory()?, caller.actor());
    let id = organisations::add(directory, actor, &call.body.0.wish()).await?;
    Ok(Made(organisations::get(directory, actor, id).await?))
}

/// `GET /organisations/{id}`.
pub async fn get(call: Call) -> Result<Json<Organisation>, Problem> {
    let caller = &call.caller;
    Ok(Json(organisations::get(caller.directory()?, caller.actor(), OrganisationId(call.id)).await?))
}

/// `PUT /organisations/{id}`.
pub async fn change(call: Call<Nothing, Json<OrganisationWish>>) -> Result<Json<Organisation>, Problem> {
    let (caller, id) = (&call.caller, OrganisationId(call.id));
    let (directory, actor) = (caller.directory()?, caller.actor());
    organisations::change(directory, actor, id, &call.body.0.wish()).await?;
    Ok(Json(organisations::get(directory, actor, id).await?))
}
