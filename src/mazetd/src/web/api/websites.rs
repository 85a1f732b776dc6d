//! The associations' web sites. What is ordered is under way when it is answered; `GET /websites` tells how it goes.

use std::fs::File;

use axum::http::StatusCode;
use axum::response::Response;
use mazet_directory::audit::SiteAct;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};

use super::body::{Answer, Done, Json, Ordered};
use super::call::{Call, Caller, Nothing};
use super::problem::{Kind, Problem};
use crate::acts::websites::{find, record, seen, wish, wrongs};
use crate::protocol::Request;
use crate::web::broker::BrokerError;
use crate::web::download;
use crate::websites::order::{self, Last, NewSite, Order};
use crate::websites::{Site, State};

/// A site that is being made.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Added {
    /// How it goes.
    pub last: Last,
    /// Where its kind has accounts of its own: what its first administrator, who asked for it, signs in with. It
    /// is shown here once.
    pub administrator: Option<First>,
}

/// The first administrator of a site.
#[derive(Debug, Serialize, JsonSchema)]
pub struct First {
    /// Login there.
    pub login: String,
    /// Password there, until another one is chosen.
    pub password: String,
}

/// Which archive.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Which {
    /// Its number: when it was made, in seconds since 1970.
    pub archive: i64,
}

/// Which archive, or the newest.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Chosen {
    /// Its number; the newest without it.
    pub archive: Option<i64>,
}

/// A site to be removed.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Named {
    /// Its name once more, so that none is removed by a slip of the hand.
    pub name: String,
}

/// An archive: tar, compressed.
#[derive(Debug)]
pub struct Archive {
    file: File,
    name: String,
    bytes: u64,
}

impl Answer for Archive {
    const STATUS: StatusCode = StatusCode::OK;
    const MEDIA: Option<&'static str> = Some("application/gzip");

    fn schema(generator: &mut SchemaGenerator) -> Schema {
        generator.subschema_for::<String>()
    }

    fn response(self) -> Result<Response, Problem> {
        Ok(download::response(self.file, self.bytes, &self.name))
    }
}

/// `GET /websites`.
pub async fn list(call: Call) -> Result<Json<State>, Problem> {
    let state = call.caller.app.broker.websites().await?;
    Ok(Json(seen(call.caller.actor(), state)))
}

/// `POST /websites`.
pub async fn add(call: Call<Nothing, Json<NewSite>>) -> Result<Ordered<Added>, Problem> {
    let (caller, Json(new)) = (&call.caller, call.body);
    let broker = &caller.app.broker;
    let taken = broker.settings().await?.settings.certificates.domains;
    let accounts = broker.websites().await?.kinds.iter().any(|kind| kind.name == new.kind && kind.accounts);
    let password = order::password().map_err(crate::web::failure::Failure::from)?;
    let who = (caller.actor(), caller.person());
    let wished = wish(caller.directory()?, who, new, &taken, (caller.language, &password)).await?;
    let order = wished.map_err(Problem::invalid)?;
    let login = match &order {
        Order::Add { administrator, .. } => administrator.login.clone(),
        _ => String::new(),
    };
    give(caller, order).await?;
    let administrator = accounts.then_some(First { login, password });
    Ok(Ordered(Added { last: broker.websites().await?.last, administrator }))
}

/// `GET /websites/{id}`.
pub async fn get(call: Call) -> Result<Json<Site>, Problem> {
    Ok(Json(site(&call.caller, call.id).await?))
}

/// `POST /websites/{id}/remove`.
pub async fn remove(call: Call<Nothing, Json<Named>>) -> Result<Ordered<Last>, Problem> {
    let site = site(&call.caller, call.id).await?;
    if call.body.0.name != site.name {
        return Err(Problem::invalid(vec![crate::acts::Wrong::at("name", "websites.typed_wrong")]));
    }
    ordered(&call.caller, &site, SiteAct::Remove, Order::Remove { id: site.id }).await
}

/// `POST /websites/{id}/archives`: makes one.
pub async fn back_up(call: Call) -> Result<Ordered<Last>, Problem> {
    let site = site(&call.caller, call.id).await?;
    ordered(&call.caller, &site, SiteAct::BackUp, Order::BackUp { id: site.id }).await
}

/// `GET /websites/{id}/archives`: one of them.
pub async fn fetch(call: Call<Chosen>) -> Result<Archive, Problem> {
    let site = site(&call.caller, call.id).await?;
    let newest = || site.archives.first().map(|one| one.at);
    let at = call.query.archive.or_else(newest).ok_or(Kind::NotFound)?;
    record(call.caller.directory()?, call.caller.actor(), &site, SiteAct::Fetch).await?;
    let (file, name, bytes) = call.caller.app.broker.archive(site.id, at).await?;
    Ok(Archive { file, name: format!("{name}-{at}.tar.gz"), bytes })
}

/// `POST /websites/{id}/restore`.
pub async fn restore(call: Call<Nothing, Json<Which>>) -> Result<Ordered<Last>, Problem> {
    let site = site(&call.caller, call.id).await?;
    let order = Order::Restore { id: site.id, archive: call.body.0.archive };
    ordered(&call.caller, &site, SiteAct::Restore, order).await
}

/// `POST /websites/{id}/archives/remove`.
pub async fn forget(call: Call<Nothing, Json<Which>>) -> Result<Done, Problem> {
    let site = site(&call.caller, call.id).await?;
    record(call.caller.directory()?, call.caller.actor(), &site, SiteAct::Forget).await?;
    let question = Request::ForgetArchive { id: site.id, archive: call.body.0.archive };
    call.caller.app.broker.order(&question).await?;
    Ok(Done)
}

async fn site(caller: &Caller, id: i64) -> Result<Site, Problem> {
    let state = caller.app.broker.websites().await?;
    Ok(find(caller.actor(), state, id)?)
}

async fn ordered(caller: &Caller, site: &Site, act: SiteAct, order: Order) -> Result<Ordered<Last>, Problem> {
    record(caller.directory()?, caller.actor(), site, act).await?;
    give(caller, order).await?;
    Ok(Ordered(caller.app.broker.websites().await?.last))
}

async fn give(caller: &Caller, order: Order) -> Result<(), Problem> {
    match caller.app.broker.order(&Request::OrderWebsite { order: Box::new(order) }).await {
        Err(BrokerError::Faulty(faults)) => Err(Problem::invalid(wrongs(&faults))),
        other => Ok(other?),
    }
}
