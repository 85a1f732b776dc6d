//! The box's name and its wired network: the addresses that it has, and those that it shall have.

use std::net::IpAddr;

use axum::response::Response;
use mazet_model::answers::{Method, Network};
use mazet_model::settings::Settings;
use mazet_model::values::is_host_label;
use serde_json::{Value, json};

use super::{change, current};
use crate::acts::machine::of_network;
use crate::network::Card;
use crate::protocol::Request;
use crate::trial::{MINUTES, Standing};
use crate::web::failure::Failure;
use crate::web::form::{Faults, Fields, refusal};
use crate::web::member::{Member, Sent};
use crate::web::{dates, said};

/// `GET /machine/network`.
///
/// # Errors
/// The broker fails.
pub async fn show(member: Member) -> Result<Response, Failure> {
    let current = current(&member).await?;
    page(&member, &current.settings, &current.settings, &Faults::default()).await
}

/// `POST /machine/network`: fields `box_name`, `method` (`automatic`, `fixed`), `address` (with prefix
/// length), `gateway`, `dns` (addresses, blanks between).
///
/// # Errors
/// The broker fails.
pub async fn save(Sent { member, fields }: Sent) -> Result<Response, Failure> {
    let current = current(&member).await?;
    let wished = wished(current.settings.clone(), &fields);
    let faults = check(&member, &wished);
    if !faults.is_empty() {
        return page(&member, &current.settings, &wished, &faults).await;
    }
    match change::preview(&member, wished.clone(), &current.version, "/machine/network").await? {
        Ok(page) => Ok(page),
        Err(faults) => page(&member, &current.settings, &wished, &faults).await,
    }
}

/// `POST /machine/network/keep`: the settings on trial stay.
///
/// # Errors
/// The broker fails.
pub async fn keep(Sent { member, .. }: Sent) -> Result<Response, Failure> {
    end(&member, &Request::KeepNetwork, "network.kept").await
}

/// `POST /machine/network/go-back`: the earlier settings come back now.
///
/// # Errors
/// The broker fails.
pub async fn go_back(Sent { member, .. }: Sent) -> Result<Response, Failure> {
    end(&member, &Request::RevertNetwork, "network.go_back_ordered").await
}

/// Ends a trial as `request` says, and says so.
async fn end(member: &Member, request: &Request, said: &'static str) -> Result<Response, Failure> {
    match member.app.broker.order(request).await {
        Ok(()) => Ok(said::and_go("/machine/network", said)),
        Err(error) => {
            let faults = refusal(&member.app, member.language, error)?;
            let current = current(member).await?;
            page(&member.at("/machine/network"), &current.settings, &current.settings, &faults).await
        }
    }
}

/// `POST /machine/network/seen`: that the box went back was read.
///
/// # Errors
/// The broker fails.
pub async fn seen(Sent { member, .. }: Sent) -> Result<Response, Failure> {
    member.app.broker.order(&Request::TrialSeen).await?;
    Ok(said::and_go("/machine/network", "network.seen"))
}

/// The trial of network settings, as the template `machine/trial` shows it. While the change is
/// still under way, nobody can have come by the new settings: there is nothing to confirm yet.
///
/// # Errors
/// The broker fails.
pub async fn trial(member: &Member) -> Result<Value, Failure> {
    let standing = member.app.broker.trial().await?;
    let running = standing.pending.is_some() && member.app.broker.last_change().await?.running;
    Ok(trial_shown(member, &standing, running))
}

fn trial_shown(member: &Member, standing: &Standing, running: bool) -> Value {
    let minutes = MINUTES.to_string();
    let pending = standing.pending.as_ref().map(|pending| {
        let pages: Vec<String> =
            pending.hosts.iter().map(|host| format!("https://{host}/machine/network")).collect();
        let text = if pending.going_back { "network.going_back" } else { "network.trial" };
        let pages = if pending.going_back { Vec::new() } else { pages };
        json!({ "pages": pages, "text": member.say(text, &[("minutes", &minutes)]) })
    });
    let lapsed = standing.lapsed.as_ref().map(|lapsed| {
        let date = dates::shown(member.language, i64::try_from(lapsed.at).unwrap_or_default());
        let host = lapsed.hosts.first().map_or("", String::as_str);
        member.say("network.lapsed", &[("date", &date), ("address", host), ("minutes", &minutes)])
    });
    json!({ "csrf": member.csrf.as_str(), "pending": pending, "lapsed": lapsed, "settled": !running && !standing.pending.as_ref().is_some_and(|one| one.going_back) })
}

/// The settings with what the form says; what it does not speak of stays.
fn wished(mut settings: Settings, fields: &Fields) -> Settings {
    settings.machine.name = fields.text("box_name").to_lowercase();
    settings.network = Network::default();
    if fields.get("method") == "fixed" {
        let given = |name: &str| Some(fields.text(name)).filter(|text| !text.is_empty());
        settings.network.method = Some(Method::Static);
        settings.network.address = given("address");
        settings.network.gateway = given("gateway");
        let split = |c: char| c.is_whitespace() || c == ',' || c == ';';
        let servers = fields.get("dns").split(split).filter(|one| !one.is_empty());
        settings.network.dns = servers.map(str::to_owned).collect();
    }
    settings
}

/// What a person can mend in this form; the broker checks all of it again.
fn check(member: &Member, wished: &Settings) -> Faults {
    let mut faults = Faults::default();
    if !is_host_label(&wished.machine.name) {
        faults.add("box_name", member.say("association.box_name_wrong", &[]));
    }
    for wrong in of_network(&wished.network) {
        faults.add(&wrong.field, member.say(&wrong.key, &[]));
    }
    faults
}

async fn page(
    member: &Member,
    current: &Settings,
    wished: &Settings,
    faults: &Faults,
) -> Result<Response, Failure> {
    let facts = member.app.broker.network().await?;
    let network = &wished.network;
    let fixed = network.method == Some(Method::Static);
    let form = json!({
        "box_name": wished.machine.name,
        "address": given(fixed, network.address.clone(), facts.wired().map(|one| format!("{}/{}", one.address, one.prefix))),
        "gateway": given(fixed, network.gateway.clone(), first(&facts.gateways)),
        "dns": given(fixed, Some(network.dns.join(" ")), first(&facts.dns)),
    });
    let ssid = current.wifi.ssid.clone();
    let more = json!({
        "trial": trial(member).await?,
        "fixed": fixed,
        "cards": facts.cards.iter().map(|card| shown(member, card, ssid.as_deref())).collect::<Value>(),
        "gateways": texts(&facts.gateways),
        "servers": texts(&facts.dns),
        "name": current.machine.name,
        "here": format!("https://{}.local/", current.machine.name),
        "wireless": facts.cards.iter().any(|card| card.wireless),
        "ssid": ssid,
    });
    member.form("machine/network", "machine.network", &form, faults, more)
}

/// What a field shows: what was chosen, else what the network gave, to be kept by a fixed address.
fn given(fixed: bool, chosen: Option<String>, seen: Option<String>) -> String {
    if fixed { chosen } else { seen }.unwrap_or_default()
}

/// The first IPv4 address.
fn first(addresses: &[IpAddr]) -> Option<String> {
    addresses.iter().find(|one| one.is_ipv4()).map(ToString::to_string)
}

fn texts(addresses: &[IpAddr]) -> Vec<String> {
    addresses.iter().map(ToString::to_string).collect()
}

fn shown(member: &Member, card: &Card, ssid: Option<&str>) -> Value {
    let kind = match (card.wireless, ssid.filter(|_| card.linked)) {
        (true, Some(ssid)) => member.say("network.card_wifi_at", &[("ssid", ssid)]),
        (true, None) => member.say("network.card_wifi", &[]),
        (false, _) => member.say("network.card_cable", &[]),
    };
    let line = |one: &crate::network::Address| {
        let text = format!("{}/{}", one.address, one.prefix);
        json!({ "text": text, "given": one.given })
    };
    json!({
        "name": card.name,
        "kind": kind,
        "linked": card.linked,
        "addresses": card.addresses.iter().map(line).collect::<Value>(),
    })
}
