//! Settings that are wished for, and services switched on and off.

use std::collections::BTreeMap;

use mazet_directory::permission::{self, Action, Target};
use mazet_directory::{Actor, Result};
use mazet_model::answers::{Network, is_country, is_passphrase, is_ssid};
use mazet_model::options::Chosen;
use mazet_model::settings::{Certificates, Relay, Settings};
use mazet_model::values::{is_host_label, is_human_name, is_ssh_key, timezones};

use super::Wrong;
use crate::change::{Current, Service};
use crate::protocol::Heard;

/// What a person can mend, by its dotted path in `box.toml` and the catalogue key of the sentence.
/// Whoever puts the settings in force checks all of them again.
pub fn check(wished: &Settings) -> Vec<(&'static str, &'static str)> {
    let mut faults = Vec::new();
    let mut check = |holds: bool, path: &'static str, key: &'static str| {
        if !holds {
            faults.push((path, key));
        }
    };
    check(is_host_label(&wished.machine.name), "box.name", "association.box_name_wrong");
    let named = is_human_name(&wished.organisation.name);
    check(named, "organisation.name", "association.organisation_missing");
    let zone = &wished.machine.timezone;
    check(timezones().any(|name| name == *zone), "box.timezone", "association.timezone_wrong");
    check(wished.network.is_sound(), "network.address", "machine.network_wrong");
    check(wished.ssh.keys.iter().all(|key| is_ssh_key(key)), "ssh.keys", "machine.keys_wrong");
    check(!wished.ssh.enabled || !wished.ssh.keys.is_empty(), "ssh.keys", "machine.keys_missing");
    faults
}

/// What a person can mend of a mail relay.
pub fn of_relay(wished: &Relay) -> Vec<Wrong> {
    let wrong = |(field, _): (&'static str, &str)| {
        let key = match field {
            "host" => "mail.host_wrong",
            "port" => "mail.port_wrong",
            "security" => "mail.security_wrong",
            "user" => "mail.user_wrong",
            _ => "mail.sender_wrong",
        };
        Wrong::at(field, key)
    };
    wished.faults().into_iter().map(wrong).collect()
}

/// What a person can mend of the wired network.
pub fn of_network(wished: &Network) -> Vec<Wrong> {
    let faults = wished.faults().into_iter();
    faults.map(|fault| Wrong::at(fault.field(), &format!("network.{}", fault.key()))).collect()
}

/// What a person can mend of the wishes for certificates.
pub fn of_certificates(wished: &Certificates) -> Vec<Wrong> {
    let faults = wished.faults().into_iter();
    faults.map(|(field, fault)| Wrong { field: field.into(), ..Wrong::setting(&fault) }).collect()
}

/// A Wi-Fi network that is wished for.
pub struct WifiWish<'w> {
    /// Its name.
    pub ssid: &'w str,
    /// Two capital letters.
    pub country: &'w str,
    /// In clear; empty: the key that is kept for it, else an open network.
    pub passphrase: &'w str,
    /// A key is kept for it.
    pub is_kept: bool,
}

/// What a person can mend of it.
pub fn of_wifi(wished: &WifiWish<'_>, heard: &Heard) -> Vec<Wrong> {
    let WifiWish { ssid, country, passphrase, is_kept } = *wished;
    let mut faults = Vec::new();
    if !is_ssid(ssid) {
        faults.push(Wrong::at("ssid", "wifi.ssid_wrong"));
    }
    if !is_country(country) {
        faults.push(Wrong::at("country", "wifi.country_wrong"));
    }
    let is_secured = heard.networks.iter().any(|network| network.ssid == ssid && network.secured);
    if passphrase.is_empty() {
        if is_secured && !is_kept {
            faults.push(Wrong::at("passphrase", "wifi.passphrase_missing"));
        }
    } else if !is_passphrase(passphrase) {
        faults.push(Wrong::at("passphrase", "wifi.passphrase_wrong"));
    }
    faults
}

/// May the actor make that of the settings? Who logs in to the machine itself is as delicate as who
/// answers for it; so is the server that messages with codes for another password go through.
///
/// # Errors
/// They may not.
pub fn allow(actor: &Actor, current: &Settings, wished: &Settings) -> Result<()> {
    permission::allow(actor, Action::ChangeMachine, &Target::Machine)?;
    let is_same =
        current.ssh == wished.ssh && current.operator == wished.operator && current.mail == wished.mail;
    if !is_same {
        permission::allow(actor, Action::AppointOperators, &Target::Machine)?;
    }
    Ok(())
}

/// Services to be switched.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Switches {
    /// Optional services by name: on or off. What is not named stays.
    pub on: BTreeMap<String, bool>,
    /// Of groups of alternatives, the service that shall be on. What is not named stays.
    pub alternatives: BTreeMap<String, String>,
    /// Values of options, by the service's name and the option's. What is not named stays.
    pub options: Chosen,
}

/// The settings with services switched.
///
/// # Errors
/// A service that there is not, or that cannot be switched so.
pub fn switched(current: &Current, switches: &Switches) -> std::result::Result<Settings, Vec<Wrong>> {
    let mut settings = current.settings.clone();
    let mut wrong = Vec::new();
    let mut refuse = |field: &'static str, value: &String| {
        wrong.push(Wrong {
            field: field.into(),
            key: "api.service_unknown".to_owned(),
            value: value.clone(),
            ..Wrong::default()
        });
    };
    for (name, on) in &switches.on {
        if !current.services.iter().any(|service| service.name == *name && service.optional) {
            refuse("services", name);
            continue;
        }
        if *on {
            settings.disabled_services.retain(|off| off != name);
        } else if !settings.disabled_services.contains(name) {
            settings.disabled_services.push(name.clone());
        }
    }
    for (group, name) in &switches.alternatives {
        let one = |service: &&Service| service.name == *name && service.alternative.as_ref() == Some(group);
        match current.services.iter().find(one) {
            // What is chosen already is not written down.
            Some(service) if service.on => {}
            Some(_) => drop(settings.alternatives.insert(group.clone(), name.clone())),
            None => refuse("alternatives", name),
        }
    }
    for (service, chosen) in &switches.options {
        let known = current.services.iter().find(|one| one.name == *service);
        for (name, value) in chosen {
            let option = known.and_then(|service| service.options.iter().find(|one| one.name == *name));
            match option {
                // What holds already is not written down.
                Some(option) if option.value == *value => {}
                Some(option) if option.values.iter().any(|one| one.name == *value) => {
                    settings.options.entry(service.clone()).or_default().insert(name.clone(), value.clone());
                }
                _ => refuse("options", value),
            }
        }
    }
    if wrong.is_empty() { Ok(settings) } else { Err(wrong) }
}

/// The groups of alternatives, each once.
pub fn groups(current: &Current) -> Vec<String> {
    let mut groups: Vec<String> =
        current.services.iter().filter_map(|service| service.alternative.clone()).collect();
    groups.sort();
    groups.dedup();
    groups
}

#[cfg(test)]
mod tests {
    use mazet_model::manifest::Text;

    use super::*;

    fn service(name: &str, optional: bool, alternative: Option<&str>, on: bool) -> Service {
        let text = || Text { fr: String::new(), en: String::new() };
        let alternative = alternative.map(str::to_owned);
        let (options, reports) = (Vec::new(), Vec::new());
        Service {
            name: name.to_owned(),
            title: text(),
            summary: text(),
            optional,
            alternative,
            on,
            options,
            reports,
        }
    }

    #[test]
    fn only_what_can_be_switched_is() {
        let current = Current {
            settings: Settings::live(),
            version: String::new(),
            services: vec![
                service("base", false, None, true),
                service("chat", true, None, true),
                service("nginx", false, Some("web-server"), true),
                service("apache", false, Some("web-server"), false),
            ],
        };
        let map = |pairs: &[(&str, &str)]| {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        let switches = Switches {
            on: BTreeMap::from([("chat".to_owned(), false)]),
            alternatives: map(&[("web-server", "apache")]),
            ..Switches::default()
        };
        let settings = switched(&current, &switches).expect("switched");
        assert_eq!(settings.disabled_services, ["chat"]);
        assert_eq!(settings.alternatives, map(&[("web-server", "apache")]));
        let same = Switches { alternatives: map(&[("web-server", "nginx")]), ..Switches::default() };
        assert_eq!(switched(&current, &same), Ok(Settings::live()));
        let wrong = Switches {
            on: BTreeMap::from([("base".to_owned(), false)]),
            alternatives: map(&[("web-server", "chat")]),
            ..Switches::default()
        };
        let fields: Vec<_> =
            switched(&current, &wrong).expect_err("refused").into_iter().map(|one| one.field).collect();
        assert_eq!(fields, ["services", "alternatives"]);
    }

    #[test]
    fn who_logs_in_to_the_machine_is_no_affair_of_a_password() {
        let operator = Actor::new(mazet_directory::PersonId(1), "ada", true, BTreeMap::new());
        let script = operator.clone().by_key("a script");
        let current = Settings::live();
        let mut named = current.clone();
        named.machine.name = "garrigue".to_owned();
        let mut opened = current.clone();
        opened.ssh.enabled = true;
        assert!(allow(&operator, &current, &opened).is_ok());
        assert!(allow(&script, &current, &named).is_ok());
        assert!(allow(&script, &current, &opened).is_err());
        // Whose server takes the box's messages reads the codes in them.
        let mut relayed = current.clone();
        relayed.mail.relay = Some(Relay {
            host: "smtp.example.org".to_owned(),
            port: 465,
            security: mazet_model::settings::Security::Tls,
            user: None,
            sender: "box@example.org".to_owned(),
        });
        assert!(allow(&operator, &current, &relayed).is_ok());
        assert!(allow(&script, &current, &relayed).is_err());
    }
}
