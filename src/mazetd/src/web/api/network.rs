//! The box's name, its wired network and its Wi-Fi. What changes them is on trial for some minutes, and goes
//! back by itself where nobody confirms it.

use mazet_model::answers::Network;
use mazet_model::settings::{Settings, Wifi};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::body::{Done, Json, Ordered};
use super::call::{Call, Caller, Nothing};
use super::machine::{look, put};
use super::problem::Problem;
use crate::acts::machine::{WifiWish, of_network, of_wifi};
use crate::change::{Current, Last, Preview};
use crate::network::Facts;
use crate::protocol::{self, Request};
use crate::trial::Standing;

/// The network as it is, and as it shall be.
#[derive(Debug, Serialize, JsonSchema)]
pub struct NetworkState {
    /// The box's name: it answers at `<name>.local`.
    pub name: String,
    /// What the settings say of the wired network.
    pub settings: Network,
    /// What there is now.
    pub now: Facts,
    /// The settings on trial, and those that went back.
    pub trial: Standing,
}

/// A network that is wished for.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct NewNetwork {
    /// The box's name; not given: it stays.
    pub name: Option<String>,
    /// The wired network; without `method`, its own server gives the address.
    pub network: Network,
    /// The `version` of the settings that this was decided on; without it, that of now.
    pub seen: Option<String>,
}

/// The Wi-Fi as it is.
#[derive(Debug, Serialize, JsonSchema)]
pub struct WifiState {
    /// The machine has a wireless device.
    pub wireless: bool,
    /// What the settings say: country, and name of the network. Its key is never told.
    pub settings: Wifi,
    /// Networks that were heard, the strongest first.
    pub heard: Vec<protocol::Network>,
}

/// Whether to listen.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Listen {
    /// `true`: listens now, which takes some seconds; else what was heard last.
    pub listen: Option<bool>,
}

/// A Wi-Fi network that is wished for.
#[derive(Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(extend("required" = ["ssid"]))]
pub struct NewWifi {
    /// The network's name; null: the cable alone.
    #[serde(deserialize_with = "Option::deserialize")]
    pub ssid: Option<String>,
    /// Its passphrase in clear, which is not kept: its key is. Not given: the key that is kept for this
    /// network, else an open one.
    pub passphrase: Option<String>,
    /// The country where the box stands, two capital letters.
    pub country: Option<String>,
    /// The `version` of the settings that this was decided on; without it, that of now.
    pub seen: Option<String>,
}

/// `GET /machine/network`.
pub async fn get(call: Call) -> Result<Json<NetworkState>, Problem> {
    let broker = &call.caller.app.broker;
    let settings = broker.settings().await?.settings;
    Ok(Json(NetworkState {
        name: settings.machine.name,
        settings: settings.network,
        now: broker.network().await?,
        trial: broker.trial().await?,
    }))
}

/// `POST /machine/network/preview`: what that would change. Nothing does.
pub async fn preview(call: Call<Nothing, Json<NewNetwork>>) -> Result<Json<Preview>, Problem> {
    let (current, wished) = wish(&call.caller, &call.body.0).await?;
    look(&call.caller, &current, &wished).await
}

/// `PUT /machine/network`: on trial; `GET /machine/change` tells how it goes.
pub async fn change(call: Call<Nothing, Json<NewNetwork>>) -> Result<Ordered<Last>, Problem> {
    let (current, wished) = wish(&call.caller, &call.body.0).await?;
    put(&call.caller, &current, wished, call.body.0.seen).await
}

async fn wish(caller: &Caller, new: &NewNetwork) -> Result<(Current, Settings), Problem> {
    Problem::none(of_network(&new.network))?;
    let current = caller.app.broker.settings().await?;
    let mut wished = current.settings.clone();
    wished.network = new.network.clone();
    if let Some(name) = &new.name {
        wished.machine.name.clone_from(name);
    }
    Ok((current, wished))
}

/// `POST /machine/network/keep`: whoever asks reached the box, so the settings on trial stay.
pub async fn keep(call: Call) -> Result<Done, Problem> {
    call.caller.app.broker.order(&Request::KeepNetwork).await?;
    Ok(Done)
}

/// `POST /machine/network/go-back`: the earlier settings come back now.
pub async fn go_back(call: Call) -> Result<Done, Problem> {
    call.caller.app.broker.order(&Request::RevertNetwork).await?;
    Ok(Done)
}

/// `POST /machine/network/seen`: that settings went back was read.
pub async fn seen(call: Call) -> Result<Done, Problem> {
    call.caller.app.broker.order(&Request::TrialSeen).await?;
    Ok(Done)
}

/// `GET /machine/wifi`.
pub async fn wifi(call: Call<Listen>) -> Result<Json<WifiState>, Problem> {
    let broker = &call.caller.app.broker;
    let wireless = broker.network().await?.cards.iter().any(|card| card.wireless);
    let heard = broker.heard(call.query.listen.unwrap_or_default()).await?.networks;
    Ok(Json(WifiState { wireless, settings: broker.settings().await?.settings.wifi, heard }))
}

/// `POST /machine/wifi/preview`: what that would change. Nothing does.
pub async fn preview_wifi(call: Call<Nothing, Json<NewWifi>>) -> Result<Json<Preview>, Problem> {
    let (current, wished) = wish_wifi(&call.caller, call.body.0).await?;
    look(&call.caller, &current, &wished).await
}

/// `PUT /machine/wifi`: on trial; `GET /machine/change` tells how it goes.
pub async fn change_wifi(call: Call<Nothing, Json<NewWifi>>) -> Result<Ordered<Last>, Problem> {
    let seen = call.body.0.seen.clone();
    let (current, wished) = wish_wifi(&call.caller, call.body.0).await?;
    put(&call.caller, &current, wished, seen).await
}

/// Has the broker keep the key beside the wish; the settings hold the name alone.
async fn wish_wifi(caller: &Caller, new: NewWifi) -> Result<(Current, Settings), Problem> {
    let broker = &caller.app.broker;
    let current = broker.settings().await?;
    let country = new.country.unwrap_or_default();
    if let Some(ssid) = &new.ssid {
        let passphrase = new.passphrase.as_deref().unwrap_or_default();
        let is_kept = current.settings.wifi.ssid.as_ref() == Some(ssid);
        let wished = WifiWish { ssid, country: &country, passphrase, is_kept };
        Problem::none(of_wifi(&wished, &broker.heard(false).await?))?;
    }
    let passphrase = new.passphrase.filter(|text| !text.is_empty());
    let mut wished = current.settings.clone();
    wished.wifi = Wifi { country: new.ssid.as_ref().map(|_| country.clone()), ssid: new.ssid.clone() };
    broker.order(&Request::SetWifi { ssid: new.ssid, passphrase, country }).await?;
    Ok((current, wished))
}
