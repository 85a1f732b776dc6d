//! What can be wrong with settings that parse.

use std::collections::BTreeSet;
use std::path::Path;

use mazet_model::alternatives;
use mazet_model::manifest::Manifest;
use mazet_model::settings::{CertificateMode, Certificates, Settings};
use mazet_model::values::{is_email, is_host_label, is_host_name, is_ssh_key};

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
    faults.extend(certificates(&settings.certificates, services));
    faults.extend(alternatives::faults(settings, services));
    faults.extend(settings.disabled_services.iter().filter_map(|name| disabled_fault(name, services)));
    faults
}

/// What is wrong with the public domains and who certifies them.
fn certificates(wished: &Certificates, services: &[Manifest]) -> Vec<String> {
    let mut faults = Vec::new();
    for domain in &wished.domains {
        if !is_host_name(domain) || domain.ends_with(".local") {
            faults.push(format!(
                "certificates.domains: {domain:?} is no public host name like \"amis.example.org\""
            ));
        }
    }
    if wished.domains.iter().collect::<BTreeSet<_>>().len() != wished.domains.len() {
        faults.push("certificates.domains: a name is there twice".to_owned());
    }
    if let Some(email) = wished.email.as_ref().filter(|email| !is_email(email)) {
        faults.push(format!("certificates.email: {email:?} is no address like \"ada@example.org\""));
    }
    if !is_directory(wished.directory()) {
        faults.push("certificates.directory: must be an address that begins with https://".to_owned());
    }
    let providers = || services.iter().flat_map(|manifest| &manifest.dns_providers);
    if let Some(name) = wished.dns_provider.as_ref().filter(|name| !providers().any(|one| one.name == **name))
    {
        faults.push(format!("certificates.dns-provider: this box knows no DNS provider {name:?}"));
    }
    if wished.mode == CertificateMode::Own {
        return faults;
    }
    if wished.domains.is_empty() {
        faults.push("certificates.domains: another authority certifies public names: add one".to_owned());
    }
    if wished.email.is_none() {
        faults.push(
            "certificates.email: the authority writes there before a certificate ends: add it".to_owned(),
        );
    }
    if wished.mode == CertificateMode::AcmeDns && wished.dns_provider.is_none() {
        faults.push("certificates.dns-provider: say who serves the domains' DNS".to_owned());
    }
    if providers().next().is_none() {
        faults.push("certificates.mode: this image has no service that orders certificates".to_owned());
    }
    faults
}

/// An ACME directory: it stands on a command line and in files, never in a shell.
fn is_directory(address: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._~:/?=&%[]".contains(c);
    address.strip_prefix("https://").is_some_and(|rest| !rest.is_empty()) && address.chars().all(plain)
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
        settings.disabled_services = vec!["calendar".to_owned()];
        settings.certificates = Certificates {
            mode: CertificateMode::AcmeDns,
            domains: ["box.local", "amis", "b.example.org", "b.example.org"].map(str::to_owned).to_vec(),
            email: Some("-x@example.org".to_owned()),
            directory: Some("http://ca.example.org/".to_owned()),
            dns_provider: Some("nobody".to_owned()),
        };
        insta::assert_snapshot!(faults(&settings, &[]).join("\n"), @r#"
        box.name: "Le Box" is no host name: 1 to 63 small letters, digits and inner dashes
        box.timezone: "../../etc/passwd" is no time zone like "Europe/Paris"
        organisation.name: must be one line of 1 to 200 characters
        operator.name: must be one line of 1 to 200 characters
        operator.login: "root" cannot be a login: 1 to 32 small letters, digits and dashes
        network: an address is missing or is none, like "192.168.1.10/24"
        ssh.keys[0]: is no public key like "ssh-ed25519 AAAA… name"
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
        assert_eq!(faults(&settings, &[]), Vec::<String>::new());
    }
}
