//! A step of machines with a wireless device: which network, or the cable alone.

use axum::response::Response;
use mazet_model::answers::{is_country, is_passphrase, is_ssid};
use serde_json::{Value, json};

use super::{Entry, Step, enter, onward};
use crate::protocol::{Answers, Heard, Network, Request, Wifi};
use crate::web::failure::Failure;
use crate::web::form::{Faults, Fields, Posted, Visit};

/// The choice of the cable alone.
const CABLE: &str = "cable";
/// The choice of a network that is typed.
const OTHER: &str = "other";
/// What stands before a network's name in the value of its choice.
const NAMED: &str = "name:";
/// Below this strength (dBm) a network is called weak, above the other one good.
const STRENGTHS: (i16, i16) = (-75, -60);

/// What the form shows.
struct Form {
    chosen: String,
    ssid: String,
    country: String,
}

/// `GET /wifi`: listens first, which takes some seconds.
///
/// # Errors
/// The broker fails.
pub async fn show(visit: Visit) -> Result<Response, Failure> {
    let answers = match enter(&visit, Step::Wifi).await? {
        Entry::Here(answers) => answers,
        Entry::Elsewhere(response) => return Ok(response),
    };
    let heard = heard(&visit, true).await?;
    let kept = answers.wifi.clone().unwrap_or_default();
    let ssid = kept.ssid.clone().unwrap_or_default();
    let is_heard = heard.networks.iter().any(|network| network.ssid == ssid);
    let chosen = match &answers.wifi {
        None => String::new(),
        Some(Wifi { ssid: None, .. }) => CABLE.to_owned(),
        Some(_) if is_heard => format!("{NAMED}{ssid}"),
        Some(_) => OTHER.to_owned(),
    };
    let country = kept.country.clone().unwrap_or_else(|| "FR".to_owned());
    let ssid = if is_heard { String::new() } else { ssid };
    page(&visit, &answers, &heard, &Form { chosen, ssid, country }, &Faults::default())
}

/// `POST /wifi`: fields `network`, `ssid`, `passphrase`, `country`.
///
/// # Errors
/// The broker fails.
pub async fn save(posted: Posted) -> Result<Response, Failure> {
    let (visit, fields) = (&posted.visit, &posted.fields);
    let answers = match enter(visit, Step::Wifi).await? {
        Entry::Here(answers) => answers,
        Entry::Elsewhere(response) => return Ok(response),
    };
    let form = Form {
        chosen: fields.get("network").to_owned(),
        ssid: fields.text("ssid"),
        country: fields.text("country").to_uppercase(),
    };
    let heard = heard(visit, false).await?;
    let mut faults = check(visit, &form, fields, &answers, &heard);
    if faults.is_empty() {
        let passphrase = Some(fields.get("passphrase").to_owned()).filter(|text| !text.is_empty());
        let request = Request::SetWifi { ssid: ssid(&form), passphrase, country: form.country.clone() };
        if let Err(error) = visit.app.broker.order(&request).await {
            faults = visit.refusal(error)?;
        }
    }
    if faults.is_empty() { Ok(onward()) } else { page(visit, &answers, &heard, &form, &faults) }
}

/// The network that the form means; none: the cable.
fn ssid(form: &Form) -> Option<String> {
    match form.chosen.as_str() {
        CABLE => None,
        OTHER => Some(form.ssid.clone()),
        chosen => chosen.strip_prefix(NAMED).map(str::to_owned),
    }
}

fn check(visit: &Visit, form: &Form, fields: &Fields, answers: &Answers, heard: &Heard) -> Faults {
    let mut faults = Faults::default();
    let mut fault = |field: &str, key: &str| faults.add(field, visit.say(key, &[]));
    let is_choice = form.chosen.starts_with(NAMED) || [CABLE, OTHER].contains(&form.chosen.as_str());
    if !is_choice {
        fault("network", "wifi.missing");
        return faults;
    }
    let Some(ssid) = ssid(form) else { return faults };
    if !is_ssid(&ssid) {
        fault("ssid", "wifi.ssid_wrong");
    }
    if !is_country(&form.country) {
        fault("country", "wifi.country_wrong");
    }
    let passphrase = fields.get("passphrase");
    let is_kept =
        answers.wifi.as_ref().is_some_and(|wifi| wifi.ssid.as_ref() == Some(&ssid) && wifi.key.is_some());
    let is_secured = heard.networks.iter().any(|network| network.ssid == ssid && network.secured);
    if passphrase.is_empty() {
        if is_secured && !is_kept {
            fault("passphrase", "wifi.passphrase_missing");
        }
    } else if !is_passphrase(passphrase) {
        fault("passphrase", "wifi.passphrase_wrong");
    }
    faults
}

async fn heard(visit: &Visit, listen: bool) -> Result<Heard, Failure> {
    Ok(visit.app.broker.heard(listen).await?)
}

fn page(
    visit: &Visit,
    answers: &Answers,
    heard: &Heard,
    form: &Form,
    faults: &Faults,
) -> Result<Response, Failure> {
    let networks: Value = heard
        .networks
        .iter()
        .enumerate()
        .map(|(number, network)| choice(visit, number, network, form))
        .collect();
    let fields = json!({ "network": "", "ssid": form.ssid, "passphrase": "", "country": form.country });
    let has_key = answers.wifi.as_ref().is_some_and(|wifi| wifi.key.is_some());
    let more = json!({
        "networks": networks,
        "other": form.chosen == OTHER,
        "cable": form.chosen == CABLE,
        "has_key": has_key,
    });
    super::page(visit, Step::Wifi, answers, &fields, faults, more)
}

fn choice(visit: &Visit, number: usize, network: &Network, form: &Form) -> Value {
    let value = format!("{NAMED}{}", network.ssid);
    let strength = match network.signal {
        signal if signal < STRENGTHS.0 => "weak",
        signal if signal < STRENGTHS.1 => "fair",
        _ => "good",
    };
    json!({
        "id": format!("network-{number}"),
        "chosen": value == form.chosen,
        "value": value,
        "ssid": network.ssid,
        "strength": visit.say(&format!("wifi.{strength}"), &[]),
        "secured": network.secured,
    })
}
