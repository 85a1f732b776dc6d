//! The machine: how it is, its settings, its services.

use std::collections::BTreeMap;

use mazet_model::settings::{Language, Settings};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::body::{Json, Ordered};
use super::call::{Call, Caller, Nothing};
use super::problem::Problem;
use crate::acts::Wrong;
use crate::acts::machine::{self, Switches};
use crate::acts::sites::{self, Owned};
use crate::change::{Current, Last, Preview, Service};
use crate::health::Report;
use crate::protocol::{Request, Site};
use crate::updates::Updates;

/// What the machine is.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Machine {
    /// Its name.
    pub name: String,
    /// Where its pages are, on the local network.
    pub address: String,
    /// The organisation that it was set up for.
    pub organisation: String,
    /// Language of what it writes by itself.
    pub language: Language,
    /// Version of Mazet.
    pub version: String,
}

/// Settings that are wished for.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Wished {
    /// All of them, as `GET /api/v1/machine/settings` gives them.
    pub settings: Settings,
}

/// Settings to be put in force.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewSettings {
    /// All of them, as `GET /api/v1/machine/settings` gives them.
    pub settings: Settings,
    /// The `version` that they were made from; refused when it is another now.
    pub seen: String,
}

/// Services to be switched. What is not named stays.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewServices {
    /// Optional services by name: on or off.
    #[serde(default)]
    pub services: BTreeMap<String, bool>,
    /// Of services that are alternatives to each other, the one that shall be on:
    /// `{"web-server": "apache"}`.
    #[serde(default)]
    pub alternatives: BTreeMap<String, String>,
    /// Values of options, by the service's name and the option's: `{"chat": {"door": "open"}}`.
    #[serde(default)]
    pub options: BTreeMap<String, BTreeMap<String, String>>,
    /// The `version` of the settings that this was decided on; without it, that of now.
    pub seen: Option<String>,
}

/// What the box answers to.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Sites {
    /// Every path that is answered, host name by host name.
    pub sites: Vec<Site>,
    /// Whole days until the certificate for the names on the box's own network ends; null: it cannot be read.
    pub certificate_days: Option<i64>,
    /// The organisations' domains, and where they lead.
    pub organisations: Vec<Owned>,
}

/// `GET /machine`.
pub async fn overview(call: Call) -> Result<Json<Machine>, Problem> {
    let status = call.caller.app.broker.status().await?;
    Ok(Json(Machine {
        address: format!("https://{}.local/", status.name),
        name: status.name,
        organisation: status.organisation,
        language: status.language,
        version: status.version,
    }))
}

/// `GET /machine/health`.
pub async fn health(call: Call) -> Result<Json<Report>, Problem> {
    Ok(Json(call.caller.app.broker.health().await?))
}

/// `GET /machine/updates`.
pub async fn updates(call: Call) -> Result<Json<Updates>, Problem> {
    Ok(Json(call.caller.app.broker.updates().await?))
}

/// `GET /machine/sites`: each domain is looked up, which may take some seconds.
pub async fn sites(call: Call) -> Result<Json<Sites>, Problem> {
    let caller = &call.caller;
    let answered = caller.app.broker.sites().await?;
    let facts = caller.app.broker.network().await?;
    let organisations = sites::domains(caller.directory()?, caller.actor(), &facts).await?;
    Ok(Json(Sites { sites: answered.sites, certificate_days: answered.certificate_days, organisations }))
}

/// `GET /machine/settings`.
pub async fn settings(call: Call) -> Result<Json<Current>, Problem> {
    Ok(Json(call.caller.app.broker.settings().await?))
}

/// `POST /machine/settings/preview`: what would change. Nothing does.
pub async fn preview(call: Call<Nothing, Json<Wished>>) -> Result<Json<Preview>, Problem> {
    let current = call.caller.app.broker.settings().await?;
    look(&call.caller, &current, &call.body.0.settings).await
}

/// `PUT /machine/settings`: puts them in force; `GET /machine/change` tells how it goes.
pub async fn change(call: Call<Nothing, Json<NewSettings>>) -> Result<Ordered<Last>, Problem> {
    let Json(NewSettings { settings, seen }) = call.body;
    let current = call.caller.app.broker.settings().await?;
    put(&call.caller, &current, settings, Some(seen)).await
}

/// `GET /machine/change`: how the last change stands.
pub async fn last(call: Call) -> Result<Json<Last>, Problem> {
    Ok(Json(call.caller.app.broker.last_change().await?))
}

/// `GET /machine/services`.
pub async fn services(call: Call) -> Result<Json<Vec<Service>>, Problem> {
    Ok(Json(call.caller.app.broker.settings().await?.services))
}

/// `POST /machine/services/preview`: what switching them would change. Nothing does.
pub async fn preview_services(call: Call<Nothing, Json<NewServices>>) -> Result<Json<Preview>, Problem> {
    let current = call.caller.app.broker.settings().await?;
    let wished = switched(&current, call.body.0)?;
    look(&call.caller, &current, &wished).await
}

/// `PUT /machine/services`: switches them; `GET /machine/change` tells how it goes.
pub async fn switch(call: Call<Nothing, Json<NewServices>>) -> Result<Ordered<Last>, Problem> {
    let current = call.caller.app.broker.settings().await?;
    let seen = call.body.0.seen.clone();
    let wished = switched(&current, call.body.0)?;
    put(&call.caller, &current, wished, seen).await
}

fn switched(current: &Current, wish: NewServices) -> Result<Settings, Problem> {
    let switches = Switches { on: wish.services, alternatives: wish.alternatives, options: wish.options };
    machine::switched(current, &switches).map_err(Problem::invalid)
}

/// What the wished settings would change; or what is wrong with them, or that they may not be.
async fn looked_at(caller: &Caller, current: &Settings, wished: &Settings) -> Result<Preview, Problem> {
    machine::allow(caller.actor(), current, wished)?;
    let wrong: Vec<Wrong> =
        machine::check(wished).into_iter().map(|(path, key)| Wrong::at(path, key)).collect();
    Problem::none(wrong)?;
    let preview = caller.app.broker.preview(wished.clone()).await?;
    Problem::none(preview.faults.iter().map(Wrong::setting).collect())?;
    Ok(preview)
}

/// What they would change, as an answer.
///
/// # Errors
/// They are faulty, or may not be.
pub async fn look(caller: &Caller, current: &Current, wished: &Settings) -> Result<Json<Preview>, Problem> {
    Ok(Json(looked_at(caller, &current.settings, wished).await?))
}

/// Has them put in force; `seen` is the version that they were made from, else the one of now.
///
/// # Errors
/// They are faulty, may not be, or the settings are others now than those seen.
pub async fn put(
    caller: &Caller,
    current: &Current,
    wished: Settings,
    seen: Option<String>,
) -> Result<Ordered<Last>, Problem> {
    looked_at(caller, &current.settings, &wished).await?;
    let seen = seen.unwrap_or_else(|| current.version.clone());
    let question = Request::ChangeSettings { settings: Box::new(wished), seen };
    caller.app.broker.order(&question).await?;
    Ok(Ordered(caller.app.broker.last_change().await?))
}
