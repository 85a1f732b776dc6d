//! The box's settings: `/srv/mazet/box.toml`, the single source of truth.
//!
//! No secret stands here: password hashes, keys and certificates are files of their own
//! below `/srv/mazet/secrets` and `/srv/mazet/tls`.

use std::collections::{BTreeMap, BTreeSet};
use std::net::IpAddr;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::answers::Network;
use crate::manifest::Manifest;
use crate::options::Chosen;
use crate::setting_fault::SettingFault;
use crate::values::{is_host_label, is_host_name, is_mail_address};

/// `box.toml` as written. Strict: an unknown key is an error.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Settings {
    /// The machine.
    #[serde(rename = "box")]
    pub machine: Machine,
    /// The association that the box was set up for.
    pub organisation: Organisation,
    /// The person who answers for the machine.
    pub operator: Operator,
    /// Remote maintenance.
    #[serde(default)]
    pub ssh: Ssh,
    /// Wired network. Without it: an address from the network's own server.
    #[serde(default, skip_serializing_if = "is_default")]
    pub network: Network,
    /// Wireless network. Its key is a secret and stands in a file of its own.
    #[serde(default, skip_serializing_if = "is_default")]
    pub wifi: Wifi,
    /// Mail that the box sends by itself.
    #[serde(default, skip_serializing_if = "is_default")]
    pub mail: Mail,
    /// Public names of the box, and who certifies them. Without it: its own names, by its own authority.
    #[serde(default, skip_serializing_if = "is_default")]
    pub certificates: Certificates,
    /// Services switched off, by name. Everything else in the image is on.
    #[serde(default)]
    pub disabled_services: Vec<String>,
    /// Of services that are alternatives to each other, the one that is on: `web-server = "apache"`.
    /// Where nothing is said, the image's choice holds.
    #[serde(default, skip_serializing_if = "is_default")]
    pub alternatives: BTreeMap<String, String>,
    /// What was chosen of services, by the service's name and the option's: `[options.mail]`, `way = "full"`.
    /// Where nothing is said, the manifest's default holds.
    #[serde(default, skip_serializing_if = "is_default")]
    pub options: Chosen,
    /// Web sites of the associations.
    #[serde(default, rename = "site", skip_serializing_if = "Vec::is_empty")]
    pub sites: Vec<Website>,
}

/// A `[[site]]` table: a web site of an association.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Website {
    /// Its name on the box: a small letter, then up to 20 small letters, digits and dashes.
    pub name: String,
    /// Number that no other site has, 1–9999: 20000 and this are its user and its port, so that `/srv` keeps its
    /// owners over a reinstall.
    #[schemars(range(min = 1, max = 9999))]
    pub number: u16,
    /// Its kind: the name of a service whose manifest has `[site]`.
    pub kind: String,
    /// The association's number in the directory.
    pub organisation: i64,
    /// A public name of its own: `amis.example.org`. Without it: a port of the box's own name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub domain: Option<String>,
    /// Of a kind that publishes one: the folder among the association's files.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub folder: Option<String>,
}

/// The `[box]` table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Machine {
    /// Host name: one DNS label (RFC 1123), announced as `<name>.local` (RFC 6762).
    pub name: String,
    /// Language of what the box writes by itself.
    pub language: Language,
    /// Time zone, a name of the IANA database.
    pub timezone: String,
}

/// A language of the user interface.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Language {
    /// French.
    Fr,
    /// English.
    En,
}

/// The `[organisation]` table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Organisation {
    /// Name as its members write it.
    pub name: String,
}

/// The `[operator]` table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Operator {
    /// Full name.
    pub name: String,
    /// Login name.
    pub login: String,
}

/// The `[ssh]` table.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Ssh {
    /// Off until the operator turns it on.
    #[serde(default)]
    pub enabled: bool,
    /// Public keys that may log in (authorized_keys lines). Passwords never may.
    #[serde(default)]
    pub keys: Vec<String>,
}

/// The `[wifi]` table.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Wifi {
    /// Two capital letters of the country where the box stands (ISO 3166-1).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// Name of the network; none: no Wi-Fi.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ssid: Option<String>,
}

/// The `[mail]` table.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Mail {
    /// The server that takes the box's own messages, invitations and the like; none: it sends none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub relay: Option<Relay>,
}

/// The `[mail.relay]` table: a mail server that takes messages for everybody (RFC 6409). The
/// password is a secret and stands in a file of its own.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Relay {
    /// Its name, or its address.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the way to it is kept secret.
    pub security: Security,
    /// Login there; none: it asks for none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Address that the messages come from.
    pub sender: String,
}

/// How the way to a mail server is kept secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Security {
    /// TLS from the first byte (RFC 8314), usually on port 465.
    Tls,
    /// TLS after STARTTLS (RFC 3207), without which nothing is sent; usually on port 587.
    Starttls,
    /// None, for a server on the box itself.
    NoneOnLoopback,
}

impl Relay {
    /// What is wrong with it: key in this table, and a sentence.
    pub fn faults(&self) -> Vec<(&'static str, &'static str)> {
        let mut faults = Vec::new();
        let mut check = |holds: bool, key, fault| {
            if !holds {
                faults.push((key, fault));
            }
        };
        check(is_host(&self.host), "host", "is no name (in small letters) or address of a server");
        check(self.port != 0, "port", "must be from 1 to 65535");
        let secure = self.security != Security::NoneOnLoopback || is_loopback(&self.host);
        check(secure, "security", "only a server on the box itself may go without TLS");
        let user = self.user.as_deref();
        check(user.is_none_or(is_word), "user", "must be one word of 1 to 254 characters");
        check(is_mail_address(&self.sender), "sender", "is no mail address like \"box@example.org\"");
        faults
    }
}

fn is_host(host: &str) -> bool {
    is_host_label(host) || is_host_name(host) || is_loopback(host) || host.parse::<IpAddr>().is_ok()
}

fn is_loopback(host: &str) -> bool {
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

fn is_word(text: &str) -> bool {
    let odd = |c: char| c.is_whitespace() || c.is_control();
    (1..=254).contains(&text.chars().count()) && !text.contains(odd)
}

/// The `[certificates]` table.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Certificates {
    /// Who certifies `domains`.
    #[serde(default)]
    pub mode: CertificateMode,
    /// Names under which the box is reached from the Internet: `amis.example.org`. Its names on the local
    /// network (`<name>.local`) are always certified by its own authority.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub domains: Vec<String>,
    /// Where the certificate authority may write to (RFC 8555 § 7.3).
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// The authority's ACME directory; without it, Let's Encrypt's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub directory: Option<String>,
    /// With `mode = "acme-dns"`: who serves the domains' DNS, by the name in a manifest's `[[dns-provider]]`.
    /// What opens an account there is a secret and stands in a file of its own.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub dns_provider: Option<String>,
}

/// The ACME directory that is asked where the settings name none.
pub const LETS_ENCRYPT: &str = "https://acme-v02.api.letsencrypt.org/directory";

/// Who certifies the public domains.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CertificateMode {
    /// The box's own authority.
    #[default]
    Own,
    /// An authority that speaks ACME, shown over HTTP that the names are the box's (RFC 8555 § 8.3).
    AcmeHttp,
    /// The same, shown by a DNS record (RFC 8555 § 8.4).
    AcmeDns,
}

impl Certificates {
    /// The ACME directory that is asked.
    pub fn directory(&self) -> &str {
        self.directory.as_deref().unwrap_or(LETS_ENCRYPT)
    }

    /// Is another authority asked?
    pub fn is_acme(&self) -> bool {
        self.mode != CertificateMode::Own && !self.domains.is_empty()
    }

    /// What is wrong with it on any box: key in this table, and the fault.
    pub fn faults(&self) -> Vec<(&'static str, SettingFault)> {
        let mut faults = Vec::new();
        let mut check = |holds: bool, setting: &'static str, key: &str, value: &str, text: &str| {
            if !holds {
                let text = format!("certificates.{setting}: {text}");
                faults.push((setting, SettingFault::new(key, &[("value", value)], text)));
            }
        };
        for domain in &self.domains {
            let text = format!("{domain:?} is no public host name like \"amis.example.org\"");
            check(is_host_name(domain) && !domain.ends_with(".local"), "domains", "domain", domain, &text);
        }
        let once = self.domains.iter().collect::<BTreeSet<_>>().len() == self.domains.len();
        check(once, "domains", "domain_twice", "", "a name is there twice");
        if let Some(email) = &self.email {
            let text = format!("{email:?} is no address like \"ada@example.org\"");
            check(is_mail_address(email), "email", "certificate_email", email, &text);
        }
        let directory = self.directory();
        let text = "must be an address that begins with https://";
        check(is_directory(directory), "directory", "certificate_directory", directory, text);
        let acme = self.mode != CertificateMode::Own;
        let text = "another authority certifies public names: add one";
        check(!acme || !self.domains.is_empty(), "domains", "domain_missing", "", text);
        let text = "the authority asks for an address where it may write: add one";
        check(!acme || self.email.is_some(), "email", "certificate_email_missing", "", text);
        let named = self.mode != CertificateMode::AcmeDns || self.dns_provider.is_some();
        check(named, "dns-provider", "dns_provider_missing", "", "say who serves the domains' DNS");
        faults
    }
}

/// An ACME directory: it stands on a command line and in files, never in a shell.
fn is_directory(address: &str) -> bool {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._~:/?=&%[]".contains(c);
    address.strip_prefix("https://").is_some_and(|rest| !rest.is_empty()) && address.chars().all(plain)
}

/// A table that says nothing is not written.
fn is_default<T: Default + PartialEq>(table: &T) -> bool {
    *table == T::default()
}

impl Settings {
    /// The live system's settings, before anybody answered anything.
    pub fn live() -> Self {
        Self {
            machine: Machine {
                name: "mazet".to_owned(),
                language: Language::Fr,
                timezone: "Europe/Paris".to_owned(),
            },
            organisation: Organisation { name: "Mazet".to_owned() },
            operator: Operator { name: String::new(), login: String::new() },
            ssh: Ssh::default(),
            network: Network::default(),
            wifi: Wifi::default(),
            mail: Mail::default(),
            certificates: Certificates::default(),
            disabled_services: Vec::new(),
            alternatives: BTreeMap::new(),
            options: Chosen::new(),
            sites: Vec::new(),
        }
    }

    /// The boolean setting at a dotted path as written in `box.toml` (`ssh.enabled`), or
    /// none when there is no such setting or it is not a boolean.
    pub fn boolean(&self, path: &str) -> Option<bool> {
        let settings = serde_json::to_value(self).ok()?;
        path.split('.').try_fold(&settings, |value, key| value.get(key))?.as_bool()
    }

    /// Dotted paths of all boolean settings: what `when` in a manifest may name.
    pub fn boolean_paths() -> Vec<String> {
        let mut paths = Vec::new();
        if let Ok(settings) = serde_json::to_value(Self::live()) {
            collect_booleans(&settings, "", &mut paths);
        }
        paths
    }

    /// The name by which people and their programs find the box: the first of its own domains, which leads there
    /// from anywhere, else the one at home.
    pub fn host(&self) -> String {
        self.certificates.domains.first().cloned().unwrap_or_else(|| self.home())
    }

    /// Its name at home (RFC 6762).
    pub fn home(&self) -> String {
        format!("{}.local", self.machine.name)
    }

    /// Is the service on? Only one that its manifest calls optional, or an alternative to
    /// others, can be off.
    pub fn is_on(&self, manifest: &Manifest) -> bool {
        let service = &manifest.service;
        let disabled = service.optional && self.disabled_services.contains(&service.name);
        let chosen = match &service.alternative {
            None => true,
            Some(word) => self.alternatives.get(word).map_or(service.preferred, |name| *name == service.name),
        };
        chosen && !disabled
    }
}

fn collect_booleans(value: &Value, prefix: &str, paths: &mut Vec<String>) {
    match value {
        Value::Bool(_) => paths.push(prefix.to_owned()),
        Value::Object(table) => {
            for (key, value) in table {
                let path = if prefix.is_empty() { key.clone() } else { format!("{prefix}.{key}") };
                collect_booleans(value, &path, paths);
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mail_relay_is_looked_at() {
        let relay = Relay {
            host: "smtp.example.org".to_owned(),
            port: 465,
            security: Security::Tls,
            user: Some("box@example.org".to_owned()),
            sender: "box@example.org".to_owned(),
        };
        assert_eq!(relay.faults(), []);
        let keys = |relay: Relay| relay.faults().iter().map(|(key, _)| *key).collect::<Vec<_>>();
        let open = Relay { security: Security::NoneOnLoopback, ..relay.clone() };
        assert_eq!(keys(open.clone()), ["security"]);
        for host in ["localhost", "127.0.0.1", "::1"] {
            assert_eq!(Relay { host: host.to_owned(), ..open.clone() }.faults(), [], "{host}");
        }
        for host in ["", "-a.org", "a b", "a..b", "https://a.org"] {
            assert_eq!(keys(Relay { host: host.to_owned(), ..relay.clone() }), ["host"], "{host}");
        }
        let bad = Relay { port: 0, user: Some(String::new()), sender: "box@".to_owned(), ..relay };
        assert_eq!(keys(bad), ["port", "user", "sender"]);
    }

    #[test]
    fn boolean_settings_are_found_by_their_path() {
        let mut settings = Settings::live();
        assert_eq!(settings.boolean("ssh.enabled"), Some(false));
        settings.ssh.enabled = true;
        assert_eq!(settings.boolean("ssh.enabled"), Some(true));
        assert_eq!(settings.boolean("ssh.keys"), None);
        assert_eq!(settings.boolean("ssh.port"), None);
        assert_eq!(Settings::boolean_paths(), ["ssh.enabled"]);
    }
}
