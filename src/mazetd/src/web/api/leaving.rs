//! Who leaves an organisation, whose account is deleted, and organisations that are removed. As on the pages,
//! what cannot be taken back names once more what it is done to.

use mazet_directory::leaving::{self, Consequences};
use mazet_directory::{OrganisationId, PersonId};
use schemars::JsonSchema;
use serde::Deserialize;

use super::body::{Done, Json};
use super::call::{Call, Nothing};
use super::groups::Of;
use super::problem::Problem;
use crate::acts::{self, Wrong};

/// An account to be deleted.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Farewell {
    /// Its login, once more.
    pub login: String,
}

/// An organisation to be removed.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Removal {
    /// Its name, once more.
    pub name: String,
    /// Its people leave it first; accounts that are then in none end. Else it is refused while there are any.
    #[serde(default)]
    pub people: bool,
}

/// `POST /people/{id}/leave`: out of an organisation.
pub async fn leave(call: Call<Nothing, Json<Of>>) -> Result<Done, Problem> {
    let (caller, id) = (&call.caller, PersonId(call.id));
    acts::leaving::leave(caller.directory()?, caller.actor(), id, call.body.0.organisation).await?;
    Ok(Done)
}

/// `POST /people/{id}/remove`: deletes an account that ended, for good.
pub async fn remove(call: Call<Nothing, Json<Farewell>>) -> Result<Done, Problem> {
    let (caller, id) = (&call.caller, PersonId(call.id));
    let (directory, actor) = (caller.directory()?, caller.actor());
    let wrong = |key: &str| Problem::invalid(vec![Wrong::at("login", key)]);
    let ended = acts::leaving::ended(directory, actor, id).await?;
    let person = ended.ok_or_else(|| wrong("leaving.not_ended"))?;
    if person.login != call.body.0.login {
        return Err(wrong("leaving.typed_wrong"));
    }
    leaving::remove(directory, actor, id).await?;
    Ok(Done)
}

/// `GET /organisations/{id}/remove`: what its removal would do. Nothing is done.
pub async fn consequences(call: Call) -> Result<Json<Consequences>, Problem> {
    let caller = &call.caller;
    Ok(Json(leaving::consequences(caller.directory()?, caller.actor(), OrganisationId(call.id)).await?))
}

/// `POST /organisations/{id}/remove`.
pub async fn remove_organisation(call: Call<Nothing, Json<Removal>>) -> Result<Done, Problem> {
    let (caller, id) = (&call.caller, OrganisationId(call.id));
    let (directory, actor) = (caller.directory()?, caller.actor());
    let Json(Removal { name, people }) = call.body;
    let known = leaving::consequences(directory, actor, id).await?;
    if known.organisation.name != name {
        return Err(Problem::invalid(vec![Wrong::at("name", "leaving.typed_wrong")]));
    }
    let sites = caller.app.broker.websites().await?;
    Problem::none(acts::websites::left(sites.owned(), id).into_iter().collect())?;
    match leaving::remove_organisation(directory, actor, id, people).await {
        Ok(()) => Ok(Done),
        Err(error) => Err(Problem::invalid(acts::leaving::of_removal(error)?)),
    }
}
