//! What can be wrong with settings that parse.

use std::path::Path;

use mazet_model::alternatives;
use mazet_model::manifest::Manifest;
use mazet_model::settings::{Relay, Settings};
use mazet_model::values::{is_host_label, is_ssh_key};

/// Where time zones are known from.
const ZONES: &str = "/usr/share/zoneinfo";
/// Longest login name: useradd(8).
const LONGEST_LOGIN: usize = 32;
/// Logins that are Debian's or ours.
const RESERVED: [&str; 6] = ["root", "mazetd", "www-data", "nobody", "daemon", "postgres"];

/// Every fault of `settings` on a box with `services`, one sentence each.
pub fn faults(settings: &Settings, services: &[Manifest]) -> Vec<String> {
    let mut faults = Vec::new();
    let mut check = |holds: bool, fault: String| {
        if !holds {
            faults.push(fault);
        }
    };
    let name = &settings.machine.name;
    check(
        is_host_label(name),
        format!("box.name: {name:?} is no host name: 1 to 63 small letters, digits and inner dashes"),
    );
    let zone = &settings.machine.timezone;
    check(is_zone(zone), format!("box.timezone: {zone:?} is no time zone like \"Europe/Paris\""));
    let organisation = &settings.organisation.name;
    check(is_line(organisation), "organisation.name: must be one line of 1 to 200 characters".to_owned());
    check(
        is_line(&settings.operator.name),
        "operator.name: must be one line of 1 to 200 characters".to_owned(),
    );
    let login = &settings.operator.login;
    check(
        is_login(login),
        format!("operator.login: {login:?} cannot be a login: 1 to 32 small letters, digits and dashes"),
    );
    check(
        settings.network.is_sound(),
        "network: an address is missing or is none, like \"192.168.1.10/24\"".to_owned(),
    );
    for (number, key) in settings.ssh.keys.iter().enumerate() {
        check(
            is_ssh_key(key),
            format!("ssh.keys[{number}]: is no public key like \"ssh-ed25519 AAAA… name\""),
        );
    }
    let relay = settings.mail.relay.iter().flat_map(Relay::faults);
    faults.extend(relay.map(|(key, fault)| format!("mail.relay.{key}: {fault}")));
    faults.extend(alternatives::faults(settings, services));
    faults.extend(settings.disabled_services.iter().filter_map(|name| disabled_fault(name, services)));
    faults
}

fn disabled_fault(name: &str, services: &[Manifest]) -> Option<String> {
    match services.iter().find(|manifest| manifest.service.name == name) {
        None => Some(format!("disabled-services: this box has no service {name:?}")),
        Some(manifest) if !manifest.service.optional => {
            Some(format!("disabled-services: {name:?} cannot be switched off"))
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
    use mazet_model::settings::Security;

    use super::*;

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
        insta::assert_snapshot!(faults(&settings, &[]).join("\n"), @r#"
        box.name: "Le Box" is no host name: 1 to 63 small letters, digits and inner dashes
        box.timezone: "../../etc/passwd" is no time zone like "Europe/Paris"
        organisation.name: must be one line of 1 to 200 characters
        operator.name: must be one line of 1 to 200 characters
        operator.login: "root" cannot be a login: 1 to 32 small letters, digits and dashes
        network: an address is missing or is none, like "192.168.1.10/24"
        ssh.keys[0]: is no public key like "ssh-ed25519 AAAA… name"
        mail.relay.security: only a server on the box itself may go without TLS
        mail.relay.sender: is no mail address like "box@example.org"
        disabled-services: this box has no service "calendar"
        "#);
    }

    #[test]
    fn sound_settings_have_no_fault() {
        let mut settings = Settings::live();
        settings.operator.name = "Ada Lovelace".to_owned();
        settings.operator.login = "ada".to_owned();
        settings.ssh.keys = vec!["ssh-ed25519 AAAAC3Nz ada@laptop".to_owned()];
        assert_eq!(faults(&settings, &[]), Vec::<String>::new());
    }
}
