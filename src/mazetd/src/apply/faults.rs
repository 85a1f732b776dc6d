//! What can be wrong with settings that parse.

use std::path::Path;

use mazet_model::alternatives;
use mazet_model::manifest::{DnsProvider, Manifest};
use mazet_model::options;
use mazet_model::setting_fault::SettingFault;
use mazet_model::settings::{CertificateMode, Certificates, Relay, Settings};
use mazet_model::site_faults;
use mazet_model::values::{is_host_label, is_ssh_key};

/// Where time zones are known from.
const ZONES: &str = "/usr/share/zoneinfo";
/// Longest login name: useradd(8).
const LONGEST_LOGIN: usize = 32;
/// Logins that are Debian's or ours.
const RESERVED: [&str; 6] = ["root", "mazetd", "www-data", "nobody", "daemon", "postgres"];

/// Every fault of `settings` on a box with `services`.
pub fn faults(settings: &Settings, services: &[Manifest]) -> Vec<SettingFault> {
    let mut faults = Vec::new();
    let mut check = |holds: bool, key: &str, values: &[(&str, &str)], text: String| {
        if !holds {
            faults.push(SettingFault::new(key, values, text));
        }
    };
    let name = &settings.machine.name;
    let text = format!("box.name: {name:?} is no host name: 1 to 63 small letters, digits and inner dashes");
    check(is_host_label(name), "name", &[("value", name)], text);
    let zone = &settings.machine.timezone;
    let text = format!("box.timezone: {zone:?} is no time zone like \"Europe/Paris\"");
    check(is_zone(zone), "timezone", &[("value", zone)], text);
    let text = "organisation.name: must be one line of 1 to 200 characters".to_owned();
    check(is_line(&settings.organisation.name), "organisation", &[], text);
    let text = "operator.name: must be one line of 1 to 200 characters".to_owned();
    check(is_line(&settings.operator.name), "operator_name", &[], text);
    let login = &settings.operator.login;
    let text =
        format!("operator.login: {login:?} cannot be a login: 1 to 32 small letters, digits and dashes");
    check(is_login(login), "operator_login", &[("value", login)], text);
    let text = "network: an address is missing or is none, like \"192.168.1.10/24\"".to_owned();
    check(settings.network.is_sound(), "network", &[], text);
    for (number, key) in settings.ssh.keys.iter().enumerate() {
        let text = format!("ssh.keys[{number}]: is no public key like \"ssh-ed25519 AAAA… name\"");
        check(is_ssh_key(key), "ssh_key", &[("number", &(number + 1).to_string())], text);
    }
    let relay = settings.mail.relay.iter().flat_map(Relay::faults);
    let told =
        |(key, fault)| SettingFault::new("relay", &[("key", key)], format!("mail.relay.{key}: {fault}"));
    faults.extend(relay.map(told));
    faults.extend(certificates(&settings.certificates, services));
    faults.extend(alternatives::faults(settings, services));
    faults.extend(options::faults(settings, services));
    faults.extend(site_faults::faults(settings, services));
    faults.extend(settings.disabled_services.iter().filter_map(|name| disabled_fault(name, services)));
    faults
}

/// What is wrong with the public domains and who certifies them, on this box too.
fn certificates(wished: &Certificates, services: &[Manifest]) -> Vec<SettingFault> {
    let mut faults: Vec<_> = wished.faults().into_iter().map(|(_, fault)| fault).collect();
    let mut check = |holds: bool, key: &str, value: &str, text: String| {
        if !holds {
            faults.push(SettingFault::new(key, &[("value", value)], text));
        }
    };
    if let Some(name) = &wished.dns_provider {
        let known = providers(services).any(|one| one.name == *name);
        let text = format!("certificates.dns-provider: this box knows no DNS provider {name:?}");
        check(known, "dns_provider_unknown", name, text);
    }
    let served = wished.mode == CertificateMode::Own || providers(services).next().is_some();
    let text = "certificates.mode: this image has no service that orders certificates";
    check(served, "certificates_unserved", "", text.to_owned());
    faults
}

fn providers(services: &[Manifest]) -> impl Iterator<Item = &DnsProvider> {
    services.iter().flat_map(|manifest| &manifest.dns_providers)
}

fn disabled_fault(name: &str, services: &[Manifest]) -> Option<SettingFault> {
    let fault = |key, text| Some(SettingFault::new(key, &[("name", name)], text));
    match services.iter().find(|manifest| manifest.service.name == name) {
        None => fault("service_unknown", format!("disabled-services: this box has no service {name:?}")),
        Some(manifest) if !manifest.service.optional => {
            fault("service_fixed", format!("disabled-services: {name:?} cannot be switched off"))
        }
        Some(_) => None,
    }
}

fn is_login(login: &str) -> bool {
    login.len() <= LONGEST_LOGIN
        && login.starts_with(|first: char| first.is_ascii_lowercase())
        && login
            .bytes()
            .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || b"-_.".contains(&byte))
        && !RESERVED.contains(&login)
}

fn is_zone(zone: &str) -> bool {
    let clean = zone.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"/_+-".contains(&byte));
    let zones = Path::new(ZONES);
    // A tree without tzdata (a test's, a build's) is judged by form alone.
    clean && !zone.is_empty() && !zone.starts_with('/') && (!zones.is_dir() || zones.join(zone).is_file())
}

fn is_line(text: &str) -> bool {
    !text.trim().is_empty() && text.chars().count() <= 200 && !text.chars().any(char::is_control)
}

#[cfg(test)]
mod tests {
    use mazet_model::settings::{Language, Security};

    use super::*;
    use crate::web::catalogue::Catalogue;

    #[test]
    fn all_faults_are_told_at_once() {
        let mut settings = Settings::live();
        settings.machine.name = "Le Box".to_owned();
        settings.machine.timezone = "../../etc/passwd".to_owned();
        settings.organisation.name = "two\nlines".to_owned();
        settings.operator.login = "root".to_owned();
        settings.ssh.keys = vec!["command=\"sh\" ssh-ed25519 AAAA".to_owned()];
        settings.network.dns = vec!["dns".to_owned()];
        settings.mail.relay = Some(Relay {
            host: "smtp.example.org".to_owned(),
            port: 25,
            security: Security::NoneOnLoopback,
            user: None,
            sender: "box".to_owned(),
        });
        settings.disabled_services = vec!["calendar".to_owned()];
        settings.certificates = Certificates {
            mode: CertificateMode::AcmeDns,
            domains: ["box.local", "amis", "b.example.org", "b.example.org"].map(str::to_owned).to_vec(),
            email: Some("-x@example.org".to_owned()),
            directory: Some("http://ca.example.org/".to_owned()),
            dns_provider: Some("nobody".to_owned()),
        };
        let faults = faults(&settings, &[]);
        for fault in &faults {
            let key = format!("setting_fault.{}", fault.key);
            assert!(Catalogue::shared().get(Language::Fr, &key).is_some(), "no text has the key {key}");
        }
        let told: Vec<String> = faults.iter().map(ToString::to_string).collect();
        insta::assert_snapshot!(told.join("\n"), @r#"
        box.name: "Le Box" is no host name: 1 to 63 small letters, digits and inner dashes
        box.timezone: "../../etc/passwd" is no time zone like "Europe/Paris"
        organisation.name: must be one line of 1 to 200 characters
        operator.name: must be one line of 1 to 200 characters
        operator.login: "root" cannot be a login: 1 to 32 small letters, digits and dashes
        network: an address is missing or is none, like "192.168.1.10/24"
        ssh.keys[0]: is no public key like "ssh-ed25519 AAAA… name"
        mail.relay.security: only a server on the box itself may go without TLS
        mail.relay.sender: is no mail address like "box@example.org"
        certificates.domains: "box.local" is no public host name like "amis.example.org"
        certificates.domains: "amis" is no public host name like "amis.example.org"
        certificates.domains: a name is there twice
        certificates.email: "-x@example.org" is no address like "ada@example.org"
        certificates.directory: must be an address that begins with https://
        certificates.dns-provider: this box knows no DNS provider "nobody"
        certificates.mode: this image has no service that orders certificates
        disabled-services: this box has no service "calendar"
        "#);
    }

    #[test]
    fn sound_settings_have_no_fault() {
        let mut settings = Settings::live();
        settings.operator.name = "Ada Lovelace".to_owned();
        settings.operator.login = "ada".to_owned();
        settings.ssh.keys = vec!["ssh-ed25519 AAAAC3Nz ada@laptop".to_owned()];
        assert_eq!(faults(&settings, &[]), Vec::new());
    }
}
