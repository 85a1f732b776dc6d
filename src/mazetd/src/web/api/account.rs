//! One's own account. What lets somebody in as oneself is done in a session alone.

use mazet_directory::application_passwords::{self, ApplicationPassword};
use mazet_directory::people::{self, Person};
use mazet_directory::sessions::{self, Listed};
use mazet_directory::{ApplicationPasswordId, Error, SessionId, second_factor, sign_in};
use mazet_model::settings::Language;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::body::{Done, Json, Made};
use super::call::{Call, Nothing};
use super::people::given;
use super::problem::Problem;
use crate::acts::Wrong;
use crate::acts::people::{self as acts, Wish};
use crate::protocol::Offers;
use crate::web::member::is_offered;
use crate::web::password;

/// One's own account.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Own {
    /// Who one is.
    pub person: Person,
    /// For the header `X-CSRF-Token` of this session; null with an application password.
    pub csrf: Option<String>,
}

/// What one's account is to become. What is not given stays.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct OwnChange {
    /// Full name.
    pub name: Option<String>,
    /// Mail address elsewhere; empty for none. Not with an application password: resets go there.
    pub contact: Option<String>,
    /// Language of one's pages; null: what the browser asks for.
    #[serde(default, deserialize_with = "given")]
    pub language: Option<Option<Language>>,
}

/// Another password.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewPassword {
    /// The present one.
    pub current: String,
    /// The new one.
    pub password: String,
}

/// A new application password.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewApplication {
    /// What it is for.
    pub name: String,
    /// It opens this API, and nothing else; else it opens the services, and not this API.
    #[serde(default)]
    pub api: bool,
}

/// An application password that was just made. It is shown here once.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Application {
    /// Its number.
    pub id: ApplicationPasswordId,
    /// One's login.
    pub login: String,
    /// The password; spaces and dashes do not matter.
    pub password: String,
}

/// One's second factor.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Factor {
    /// It is set up.
    pub on: bool,
    /// Recovery codes that are left.
    pub codes_left: usize,
}

/// What an authenticator is told.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Offered {
    /// The secret in base32.
    pub secret: String,
    /// The same as an address: `otpauth://totp/…`.
    pub uri: String,
}

/// A code of the authenticator.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct FactorCode {
    /// Six digits.
    pub code: String,
}

/// What it takes to do without a second factor again.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NoFactor {
    /// The password of the account.
    pub password: String,
    /// Six digits, or a recovery code.
    pub code: String,
}

/// Recovery codes. They are shown here once.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Recovery {
    /// Each opens the account once, in the authenticator's place.
    pub codes: Vec<String>,
}

/// `GET /account`.
pub async fn get(call: Call) -> Result<Json<Own>, Problem> {
    let caller = &call.caller;
    let person = people::get(caller.directory()?, caller.actor(), caller.person()).await?;
    Ok(Json(Own { person, csrf: caller.session().ok().map(|session| session.csrf.clone()) }))
}

/// `PATCH /account`.
pub async fn change(call: Call<Nothing, Json<OwnChange>>) -> Result<Json<Person>, Problem> {
    let (caller, Json(change)) = (&call.caller, call.body);
    let (directory, actor) = (caller.directory()?, caller.actor());
    let known = people::get(directory, actor, caller.person()).await?;
    let OwnChange { name, contact, language } = change;
    let wish = Wish { name, contact, language, ..Wish::default() };
    Problem::none(acts::keep(directory, actor, &known, &wish).await?)?;
    Ok(Json(people::get(directory, actor, caller.person()).await?))
}

/// `POST /account/password`; other sessions end.
pub async fn password(call: Call<Nothing, Json<NewPassword>>) -> Result<Done, Problem> {
    let (caller, Json(new)) = (&call.caller, call.body);
    let session = caller.session()?;
    if let Some(key) = password::fault(&new.password, &[&session.name, &session.login]) {
        return Err(Problem::invalid(vec![Wrong::at("password", key)]));
    }
    let directory = caller.directory()?;
    match sign_in::change_password(directory, session, &new.current, &new.password, caller.address).await {
        Ok(()) => Ok(Done),
        Err(Error::Refused) => Err(Problem::invalid(vec![Wrong::at("current", "change.wrong")])),
        Err(error) => Err(error.into()),
    }
}

/// `GET /account/devices`.
pub async fn devices(call: Call) -> Result<Json<Vec<Listed>>, Problem> {
    let caller = &call.caller;
    Ok(Json(sessions::list(caller.directory()?, caller.actor(), caller.person()).await?))
}

/// `DELETE /account/devices/{id}`.
pub async fn end_device(call: Call) -> Result<Done, Problem> {
    let caller = &call.caller;
    let id = SessionId(call.id);
    sessions::end_one(caller.directory()?, caller.actor(), caller.person(), id).await?;
    Ok(Done)
}

/// `DELETE /account/devices`: all of them.
pub async fn end_devices(call: Call) -> Result<Done, Problem> {
    let caller = &call.caller;
    sessions::end_all(caller.directory()?, caller.actor(), caller.person(), false).await?;
    Ok(Done)
}

/// `GET /account/applications`.
pub async fn applications(call: Call) -> Result<Json<Vec<ApplicationPassword>>, Problem> {
    let caller = &call.caller;
    let all = application_passwords::list(caller.directory()?, caller.actor(), caller.person()).await?;
    Ok(Json(all))
}

/// `POST /account/applications`.
pub async fn add_application(
    call: Call<Nothing, Json<NewApplication>>,
) -> Result<Made<Application>, Problem> {
    let (caller, Json(new)) = (&call.caller, call.body);
    let (directory, session) = (caller.directory()?, caller.session()?);
    let (id, code) = if new.api {
        application_passwords::make_for_api(directory, session, &new.name).await?
    } else {
        application_passwords::make(directory, session, &new.name).await?
    };
    Ok(Made(Application { id, login: session.login.clone(), password: code.grouped() }))
}

/// `DELETE /account/applications/{id}`.
pub async fn remove_application(call: Call) -> Result<Done, Problem> {
    let caller = &call.caller;
    let id = ApplicationPasswordId(call.id);
    application_passwords::remove(caller.directory()?, caller.actor(), caller.person(), id).await?;
    Ok(Done)
}

/// `GET /account/second-factor`.
pub async fn factor(call: Call) -> Result<Json<Factor>, Problem> {
    let caller = &call.caller;
    let left = second_factor::codes_left(caller.directory()?, caller.session()?).await?;
    Ok(Json(Factor { on: left.is_some(), codes_left: left.unwrap_or_default() }))
}

/// `POST /account/second-factor`: what to tell the authenticator. It counts once a code was confirmed.
pub async fn offer_factor(call: Call) -> Result<Made<Offered>, Problem> {
    let caller = &call.caller;
    let session = caller.session()?;
    let secret = second_factor::offer(caller.directory()?, session).await?;
    let issuer = caller.app.broker.status().await?.organisation;
    Ok(Made(Offered { secret: secret.base32(), uri: secret.uri(&issuer, &session.login) }))
}

/// `POST /account/second-factor/confirm`.
pub async fn confirm_factor(call: Call<Nothing, Json<FactorCode>>) -> Result<Json<Recovery>, Problem> {
    let caller = &call.caller;
    let (directory, session) = (caller.directory()?, caller.session()?);
    match second_factor::confirm(directory, session, &call.body.0.code).await {
        Ok(codes) => Ok(recovery(&codes)),
        Err(Error::Refused) => Err(Problem::invalid(vec![Wrong::at("code", "factor.wrong")])),
        Err(error) => Err(error.into()),
    }
}

/// `POST /account/second-factor/codes`: new recovery codes.
pub async fn renew_codes(call: Call) -> Result<Json<Recovery>, Problem> {
    let caller = &call.caller;
    let codes = second_factor::renew_codes(caller.directory()?, caller.session()?).await?;
    Ok(recovery(&codes))
}

/// `POST /account/second-factor/stop`; every session ends.
pub async fn stop_factor(call: Call<Nothing, Json<NoFactor>>) -> Result<Done, Problem> {
    let (caller, Json(given)) = (&call.caller, call.body);
    let (directory, session) = (caller.directory()?, caller.session()?);
    match second_factor::stop(directory, session, &given.password, &given.code, caller.address).await {
        Ok(()) => Ok(Done),
        Err(Error::Refused) => Err(Problem::invalid(vec![Wrong::at("password", "factor.stop_wrong")])),
        Err(error) => Err(error.into()),
    }
}

/// `GET /services`: what the box offers to who asks.
pub async fn offers(call: Call) -> Result<Json<Offers>, Problem> {
    let caller = &call.caller;
    let mut offers = caller.app.broker.offers().await?;
    offers.services.retain(|one| is_offered(caller.actor(), &one.access));
    Ok(Json(offers))
}

fn recovery(codes: &[mazet_directory::Code]) -> Json<Recovery> {
    Json(Recovery { codes: codes.iter().map(mazet_directory::Code::grouped).collect() })
}
