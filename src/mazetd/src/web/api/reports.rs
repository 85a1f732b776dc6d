//! Pages that services give to the operator, and what can be done there.

use mazet_model::manifest::Text;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::body::{Done, Json};
use super::call::{Call, Nothing};
use super::problem::{Kind, Problem};
use crate::protocol::Request;
use crate::reports::{Chosen, Sent, Shown};

/// A page that there is.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Listed {
    /// The service's name.
    pub service: String,
    /// The report's.
    pub report: String,
    /// What people read.
    pub title: Text,
}

/// Which page.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Which {
    /// The service's name.
    pub service: String,
    /// The report's.
    pub report: String,
}

/// `GET /machine/reports`.
pub async fn list(call: Call) -> Result<Json<Vec<Listed>>, Problem> {
    let services = call.caller.app.broker.settings().await?.services;
    let all = services.into_iter().filter(|service| service.on).flat_map(|service| {
        let name = service.name;
        let listed = move |page: crate::change::Page| Listed {
            service: name.clone(),
            report: page.name,
            title: page.title,
        };
        service.reports.into_iter().map(listed)
    });
    Ok(Json(all.collect()))
}

/// `GET /machine/report`: made now.
pub async fn get(call: Call<Which>) -> Result<Json<Shown>, Problem> {
    let Which { service, report } = call.query;
    let shown = call.caller.app.broker.report(&service, &report).await?;
    shown.map(Json).ok_or_else(|| Kind::NotFound.into())
}

/// `POST /machine/report/act`.
pub async fn act(call: Call<Nothing, Json<Chosen>>) -> Result<Done, Problem> {
    call.caller.app.broker.order(&Request::ActOnReport(call.body.0)).await?;
    Ok(Done)
}

/// `POST /machine/report/form`: what is asked for is kept at once, and never told.
pub async fn add(call: Call<Nothing, Json<Sent>>) -> Result<Done, Problem> {
    call.caller.app.broker.order(&Request::SendReport(call.body.0)).await?;
    Ok(Done)
}
