//! What a handler is given: who asks, and what for.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::{FromRequestParts as _, Query, RawPathParams, Request};
use axum::http::Uri;
use axum::http::request::Parts;
use mazet_directory::sessions::Session;
use mazet_directory::{Actor, Directory, PersonId};
use mazet_model::manifest::Feature;
use mazet_model::settings::Language;
use schemars::{JsonSchema, SchemaGenerator};
use serde::Deserialize;
use serde::de::DeserializeOwned;

use super::body::{self, Body, Empty};
use super::door::Entrant;
use super::problem::{Kind, Problem};
use crate::acts::Wrong;
use crate::web::app::App;
use crate::web::failure::Failure;
use crate::web::language;
use crate::web::member::may_somewhere;
use crate::web::routes::Access;
use crate::web::serve::Peer;

/// Who asks.
pub struct Caller {
    /// The server.
    pub app: Arc<App>,
    /// What they read.
    pub language: Language,
    /// Where they come from.
    pub address: IpAddr,
    entrant: Entrant,
}

/// A request that a handler answers.
pub struct Call<Q = Nothing, B = Empty> {
    /// Who asks.
    pub caller: Caller,
    /// The number in the path; 0 where it has none.
    pub id: i64,
    /// The query.
    pub query: Q,
    /// The body.
    pub body: B,
}

/// A query without fields.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Nothing {}

impl Caller {
    fn of(app: Arc<App>, parts: &Parts) -> Result<Self, Problem> {
        let entrant = parts.extensions.get::<Entrant>().cloned().ok_or(Kind::SignIn)?;
        let Peer(address) = *parts.extensions.get::<Peer>().ok_or(Kind::SignIn)?;
        let language = language::of(&parts.headers).unwrap_or(Language::Fr);
        Ok(Self { app, language, address, entrant })
    }

    /// For the directory's calls.
    pub fn actor(&self) -> &Actor {
        match &self.entrant {
            Entrant::Session(session) => &session.actor,
            Entrant::Key(keyed) => &keyed.actor,
        }
    }

    /// Which person it is.
    pub fn person(&self) -> PersonId {
        match &self.entrant {
            Entrant::Session(session) => session.person,
            Entrant::Key(keyed) => keyed.person,
        }
    }

    /// The session, for what no application password does.
    ///
    /// # Errors
    /// It is no session.
    pub fn session(&self) -> Result<&Session, Problem> {
        match &self.entrant {
            Entrant::Session(session) => Ok(session),
            Entrant::Key(_) => Err(Kind::Denied.into()),
        }
    }

    /// The directory.
    ///
    /// # Errors
    /// The live system has none.
    pub fn directory(&self) -> Result<&Directory, Failure> {
        self.app.directory()
    }

    /// What is asked is about something that services do.
    ///
    /// # Errors
    /// No service that is on does it, or the broker does not answer.
    pub async fn needs(&self, feature: Feature) -> Result<(), Problem> {
        if self.app.broker.has(feature).await? {
            return Ok(());
        }
        Err(Problem::with(Kind::NotNow, "problem.not_offered", &[]))
    }

    fn may(&self, access: Access) -> bool {
        match access {
            Access::Public | Access::Member => true,
            Access::Claimed => false,
            Access::May(action) => may_somewhere(self.actor(), action),
        }
    }
}

impl<Q: DeserializeOwned + JsonSchema, B: Body> Call<Q, B> {
    /// Reads a request: first whether it is allowed, then what it says.
    ///
    /// # Errors
    /// It is not allowed, or not of its form.
    pub async fn read(app: Arc<App>, access: Access, request: Request) -> Result<Self, Problem> {
        let (mut parts, body) = request.into_parts();
        let caller = Caller::of(app, &parts)?;
        if !caller.may(access) {
            return Err(Kind::Denied.into());
        }
        let id = id(&mut parts).await?;
        let query = query(&parts.uri)?;
        let body = body::take(Request::from_parts(parts, body)).await?;
        Ok(Self { caller, id, query, body })
    }
}

/// The number in the path. What is no number names nothing.
async fn id(parts: &mut Parts) -> Result<i64, Problem> {
    let given = RawPathParams::from_request_parts(parts, &()).await.map_err(|_| Kind::NotFound)?;
    let id = given.iter().find(|(name, _)| *name == "id").map(|(_, value)| value.parse());
    id.unwrap_or(Ok(0)).map_err(|_| Kind::NotFound.into())
}

fn query<Q: DeserializeOwned + JsonSchema>(uri: &Uri) -> Result<Q, Problem> {
    if let Ok(Query(query)) = Query::try_from_uri(uri) {
        return Ok(query);
    }
    let schema = Q::json_schema(&mut SchemaGenerator::default());
    let known = |name: &str| schema.get("properties").is_some_and(|all| all.get(name).is_some());
    // Each field alone: all that are wrong are told.
    let fault = |pair: &str| {
        let alone = format!("/?{pair}").parse::<Uri>().ok();
        if alone.is_some_and(|uri| Query::<Q>::try_from_uri(&uri).is_ok()) {
            return None;
        }
        let name = pair.split('=').next().unwrap_or_default();
        let key = if known(name) { "api.wrong_type" } else { "api.unknown_field" };
        Some(Wrong { field: name.to_owned().into(), key: key.to_owned(), ..Wrong::default() })
    };
    let pairs = uri.query().unwrap_or_default().split('&').filter(|pair| !pair.is_empty());
    Err(Problem::invalid(pairs.filter_map(fault).collect()))
}
