//! What was done lately.

use mazet_directory::audit::Entry;
use schemars::JsonSchema;
use serde::Deserialize;

use super::body::Json;
use super::call::Call;
use super::problem::Problem;
use crate::acts::events;

/// Entries of an answer.
const COUNT: u32 = 100;

/// Which entries.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Before {
    /// Those before the entry of this number; else the latest.
    pub before: Option<i64>,
}

/// `GET /events`: at most 100, the latest first.
pub async fn list(call: Call<Before>) -> Result<Json<Vec<Entry>>, Problem> {
    let caller = &call.caller;
    Ok(Json(events::latest(caller.directory()?, caller.actor(), call.query.before, COUNT).await?))
}
