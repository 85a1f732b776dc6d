//! Services of which one must be chosen: what is known to choose by, and measuring it. The choice itself is a
//! switch of services.

use schemars::JsonSchema;
use serde::Serialize;

use super::body::{Json, Ordered};
use super::call::{Call, Caller};
use super::problem::Problem;
use crate::acts::machine::groups;
use crate::measure::desk::Comparison;
use crate::protocol::Request;

/// Services of which one must be chosen.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Compared {
    /// What they are one of: `web-server`.
    pub alternative: String,
    /// What is known of them.
    pub comparison: Comparison,
}

/// `GET /machine/comparisons`.
pub async fn list(call: Call) -> Result<Json<Vec<Compared>>, Problem> {
    Ok(Json(all(&call.caller).await?))
}

/// `POST /machine/comparisons/measure`: measures them on this machine; the list tells how far it is.
pub async fn measure(call: Call) -> Result<Ordered<Vec<Compared>>, Problem> {
    call.caller.app.broker.order(&Request::Measure).await?;
    Ok(Ordered(all(&call.caller).await?))
}

async fn all(caller: &Caller) -> Result<Vec<Compared>, Problem> {
    let current = caller.app.broker.settings().await?;
    let mut all = Vec::new();
    for alternative in groups(&current) {
        let comparison = caller.app.broker.comparison(&alternative).await?;
        all.push(Compared { alternative, comparison });
    }
    Ok(all)
}
