//! The box's certificates: those in force, its own authority, and who certifies its public domains. What opens
//! an account at a DNS provider goes in, and never out.

use std::collections::BTreeMap;

use mazet_model::settings::{Certificates, Settings};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::body::{Done, Json, Ordered};
use super::call::{Call, Caller, Nothing};
use super::machine::{look, put};
use super::problem::Problem;
use crate::acts::machine::of_certificates;
use crate::certificates::State;
use crate::change::{Current, Last, Preview};
use crate::protocol::Request;

/// How the certificates stand.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Standing {
    /// What the settings say.
    pub settings: Certificates,
    /// What there is.
    #[serde(flatten)]
    pub state: State,
}

/// Certificates that are wished for.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewCertificates {
    /// Who certifies, and for which public domains.
    pub certificates: Certificates,
    /// The `version` of the settings that this was decided on; without it, that of now.
    pub seen: Option<String>,
}

/// What opens an account at a DNS provider.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewAccount {
    /// The provider's name.
    pub provider: String,
    /// In clear, by the names of its variables; they take the place of what was kept.
    pub values: BTreeMap<String, String>,
}

/// `GET /machine/certificates`.
pub async fn get(call: Call) -> Result<Json<Standing>, Problem> {
    Ok(Json(standing(&call.caller).await?))
}

async fn standing(caller: &Caller) -> Result<Standing, Problem> {
    let broker = &caller.app.broker;
    Ok(Standing {
        settings: broker.settings().await?.settings.certificates,
        state: broker.certificates().await?,
    })
}

/// `POST /machine/certificates/preview`: what that would change. Nothing does.
pub async fn preview(call: Call<Nothing, Json<NewCertificates>>) -> Result<Json<Preview>, Problem> {
    let (current, wished) = wish(&call.caller, call.body.0.certificates).await?;
    look(&call.caller, &current, &wished).await
}

/// `PUT /machine/certificates`; `GET /machine/change` tells how it goes, and then
/// `GET /machine/certificates` how an order stands.
pub async fn change(call: Call<Nothing, Json<NewCertificates>>) -> Result<Ordered<Last>, Problem> {
    let Json(NewCertificates { certificates, seen }) = call.body;
    let (current, wished) = wish(&call.caller, certificates).await?;
    put(&call.caller, &current, wished, seen).await
}

async fn wish(caller: &Caller, certificates: Certificates) -> Result<(Current, Settings), Problem> {
    Problem::none(of_certificates(&certificates))?;
    let current = caller.app.broker.settings().await?;
    let wished = Settings { certificates, ..current.settings.clone() };
    Ok((current, wished))
}

/// `POST /machine/certificates/order`: another try, now.
pub async fn order(call: Call) -> Result<Ordered<Standing>, Problem> {
    call.caller.app.broker.order(&Request::OrderCertificate).await?;
    Ok(Ordered(standing(&call.caller).await?))
}

/// `PUT /machine/certificates/account`: kept at once.
pub async fn account(call: Call<Nothing, Json<NewAccount>>) -> Result<Done, Problem> {
    let Json(NewAccount { provider, values }) = call.body;
    call.caller.app.broker.order(&Request::SetDnsAccount { provider, values }).await?;
    Ok(Done)
}
