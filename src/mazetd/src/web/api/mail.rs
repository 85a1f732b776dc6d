//! The mail relay, and the messages that go out through it. The relay's password goes in, and never out.

use mazet_directory::outbox::{self, Message};
use mazet_model::settings::{Relay, Settings};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::body::{Done, Json, Ordered};
use super::call::{Call, Caller, Nothing};
use super::machine::{look, put};
use super::problem::{Kind, Problem};
use crate::acts::machine::of_relay;
use crate::change::{Current, Last, Preview};
use crate::protocol::Request;
use crate::web::letters::{self, Writer};

/// Messages of an answer.
const COUNT: u32 = 100;

/// How the box's messages go out.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Mail {
    /// The server that takes them; null: the box sends nothing.
    pub relay: Option<Relay>,
    /// A password is kept for it. It is never told.
    pub password_kept: bool,
}

/// A mail relay that is wished for.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("required" = ["relay"]))]
pub struct NewRelay {
    /// The server that takes the box's messages; null: the box sends nothing.
    #[serde(deserialize_with = "Option::deserialize")]
    pub relay: Option<Relay>,
    /// The `version` of the settings that this was decided on; without it, that of now.
    pub seen: Option<String>,
}

/// A password for the relay.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RelayPassword {
    /// In clear; empty: the one that is kept is forgotten.
    pub password: String,
}

/// `GET /machine/mail`.
pub async fn get(call: Call) -> Result<Json<Mail>, Problem> {
    let broker = &call.caller.app.broker;
    let relay = broker.settings().await?.settings.mail.relay;
    Ok(Json(Mail { relay, password_kept: broker.has_mail_password().await? }))
}

/// `POST /machine/mail/preview`: what another relay would change. Nothing does.
pub async fn preview(call: Call<Nothing, Json<NewRelay>>) -> Result<Json<Preview>, Problem> {
    let (current, wished) = wish(&call.caller, call.body.0.relay).await?;
    look(&call.caller, &current, &wished).await
}

/// `PUT /machine/mail`; `GET /machine/change` tells how it goes.
pub async fn change(call: Call<Nothing, Json<NewRelay>>) -> Result<Ordered<Last>, Problem> {
    let Json(NewRelay { relay, seen }) = call.body;
    let (current, wished) = wish(&call.caller, relay).await?;
    put(&call.caller, &current, wished, seen).await
}

async fn wish(caller: &Caller, relay: Option<Relay>) -> Result<(Current, Settings), Problem> {
    Problem::none(relay.iter().flat_map(of_relay).collect())?;
    let current = caller.app.broker.settings().await?;
    let mut wished = current.settings.clone();
    wished.mail.relay = relay;
    Ok((current, wished))
}

/// `PUT /machine/mail/password`: kept at once.
pub async fn password(call: Call<Nothing, Json<RelayPassword>>) -> Result<Done, Problem> {
    let question = Request::SetMailPassword { password: call.body.0.password };
    call.caller.app.broker.order(&question).await?;
    Ok(Done)
}

/// `GET /machine/mail/messages`: at most 100, the latest first; what they say is not told.
pub async fn messages(call: Call) -> Result<Json<Vec<Message>>, Problem> {
    let caller = &call.caller;
    Ok(Json(outbox::list(caller.directory()?, caller.actor(), COUNT).await?))
}

/// `POST /machine/mail/test`: a message to who asks, tried once; among the messages stands how that went.
pub async fn test(call: Call) -> Result<Ordered<Message>, Problem> {
    let caller = &call.caller;
    relayed(caller).await?;
    let (directory, actor) = (caller.directory()?, caller.actor());
    let writer = Writer::new(&caller.app).await?;
    let id = outbox::test(directory, actor, caller.person(), |to| writer.test(to)).await?;
    letters::post(&caller.app).await;
    let all = outbox::list(directory, actor, COUNT).await?;
    let made = all.into_iter().find(|message| message.id == id);
    made.map(Ordered).ok_or_else(|| Kind::NotFound.into())
}

/// `POST /machine/mail/clear`: the messages that were given up are known.
pub async fn clear(call: Call) -> Result<Done, Problem> {
    outbox::clear(call.caller.directory()?, call.caller.actor()).await?;
    Ok(Done)
}

/// The box has a relay.
///
/// # Errors
/// It has none: nothing would go out.
pub async fn relayed(caller: &Caller) -> Result<(), Problem> {
    if caller.app.broker.status().await?.sends_mail {
        return Ok(());
    }
    Err(Problem::with(Kind::NotNow, "api.no_relay", &[]))
}
