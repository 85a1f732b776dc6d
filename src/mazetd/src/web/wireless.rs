//! The form in which a Wi-Fi network is chosen: a step of the wizard, and a page of the machine.

use mazet_model::answers::{is_country, is_passphrase, is_ssid};
use serde_json::{Value, json};

use super::form::{Faults, Fields};
use crate::protocol::{Heard, Network, Request, Wifi};

/// The choice of the cable alone.
const CABLE: &str = "cable";
/// The choice of a network that is typed.
const OTHER: &str = "other";
/// What stands before a network's name in the value of its choice.
const NAMED: &str = "name:";
/// Below this strength (dBm) a network is called weak, above the other one good.
const STRENGTHS: (i16, i16) = (-75, -60);

/// A text of the catalogue in the visitor's language.
pub type Say<'s> = &'s dyn Fn(&str) -> String;

/// What the form shows: the fields `network`, `ssid`, `country`. The field `passphrase` is never shown.
pub struct Form {
    chosen: String,
    ssid: String,
    country: String,
}

impl Form {
    /// As it is at first, with what was chosen before, if anything was.
    pub fn of(kept: Option<&Wifi>, heard: &Heard) -> Self {
        let ssid = kept.and_then(|wifi| wifi.ssid.clone()).unwrap_or_default();
        let is_heard = heard.networks.iter().any(|network| network.ssid == ssid);
        let chosen = match kept {
            None => String::new(),
            Some(Wifi { ssid: None, .. }) => CABLE.to_owned(),
            Some(_) if is_heard => format!("{NAMED}{ssid}"),
            Some(_) => OTHER.to_owned(),
        };
        let country = kept.and_then(|wifi| wifi.country.clone()).unwrap_or_else(|| "FR".to_owned());
        Self { chosen, ssid: if is_heard { String::new() } else { ssid }, country }
    }

    /// As it was sent.
    pub fn read(fields: &Fields) -> Self {
        Self {
            chosen: fields.get("network").to_owned(),
            ssid: fields.text("ssid"),
            country: fields.text("country").to_uppercase(),
        }
    }

    /// The network that it means; none: the cable.
    fn network(&self) -> Option<String> {
        match self.chosen.as_str() {
            CABLE => None,
            OTHER => Some(self.ssid.clone()),
            chosen => chosen.strip_prefix(NAMED).map(str::to_owned),
        }
    }

    /// The country and the name of the network, as settings hold them.
    pub fn choice(&self) -> (Option<String>, Option<String>) {
        let ssid = self.network();
        (ssid.as_ref().map(|_| self.country.clone()), ssid)
    }

    /// What the broker is asked to keep.
    pub fn request(&self, fields: &Fields) -> Request {
        let passphrase = Some(fields.get("passphrase").to_owned()).filter(|text| !text.is_empty());
        Request::SetWifi { ssid: self.network(), passphrase, country: self.country.clone() }
    }

    /// What a person can mend. `kept` has a key where one is known for its network.
    pub fn check(&self, say: Say<'_>, fields: &Fields, kept: Option<&Wifi>, heard: &Heard) -> Faults {
        let mut faults = Faults::default();
        let mut fault = |field: &str, key: &str| faults.add(field, say(key));
        let is_choice = self.chosen.starts_with(NAMED) || [CABLE, OTHER].contains(&self.chosen.as_str());
        if !is_choice {
            fault("network", "wifi.missing");
            return faults;
        }
        let Some(ssid) = self.network() else { return faults };
        if !is_ssid(&ssid) {
            fault("ssid", "wifi.ssid_wrong");
        }
        if !is_country(&self.country) {
            fault("country", "wifi.country_wrong");
        }
        let passphrase = fields.get("passphrase");
        let is_kept = kept.is_some_and(|wifi| wifi.ssid.as_ref() == Some(&ssid) && wifi.key.is_some());
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

    /// What its inputs show, by their id.
    pub fn shown(&self) -> Value {
        json!({ "network": "", "ssid": self.ssid, "passphrase": "", "country": self.country })
    }

    /// What the template `wifi-fields` shows besides; the page is at `here`.
    pub fn more(&self, say: Say<'_>, kept: Option<&Wifi>, heard: &Heard, here: &str) -> Value {
        let networks = heard.networks.iter().enumerate();
        json!({
            "networks": networks.map(|(number, network)| self.one(say, number, network)).collect::<Value>(),
            "rescan": here,
            "other": self.chosen == OTHER,
            "cable": self.chosen == CABLE,
            "has_key": kept.is_some_and(|wifi| wifi.key.is_some()),
        })
    }

    fn one(&self, say: Say<'_>, number: usize, network: &Network) -> Value {
        let value = format!("{NAMED}{}", network.ssid);
        let strength = match network.signal {
            signal if signal < STRENGTHS.0 => "weak",
            signal if signal < STRENGTHS.1 => "fair",
            _ => "good",
        };
        json!({
            "id": format!("network-{number}"),
            "chosen": value == self.chosen,
            "value": value,
            "ssid": network.ssid,
            "strength": say(&format!("wifi.{strength}")),
            "secured": network.secured,
        })
    }
}
