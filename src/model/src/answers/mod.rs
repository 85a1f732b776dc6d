//! `mazet.toml`: answers given in advance, on the FAT file system of the stick or card.
//!
//! Everything is optional. [`Answers`] is what stands on the stick and holds no secret in clear;
//! [`RawAnswers`] is what a person hands to `mazet flash --config`: the same, and a Wi-Fi
//! passphrase and a claim code as people know them. [`RawAnswers::seal`] makes the one of the other.
//!
//! ```toml
//! version = 1
//! language = "fr"
//! timezone = "Europe/Paris"
//! [box]
//! name = "lavande"
//! claim-code-hash = "$argon2id$…"      # claim-code = "ABCD-2345" in a RawAnswers
//! [association]
//! name = "Les Amis du Mazet"
//! [network]
//! method = "static"
//! address = "192.168.1.10/24"
//! gateway = "192.168.1.1"
//! dns = ["192.168.1.1"]
//! [wifi]
//! country = "FR"
//! ssid = "Mazet"
//! psk-hash = "…64 hexadecimal digits"  # passphrase = "…" in a RawAnswers
//! [ssh]
//! keys = ["ssh-ed25519 AAAA… ada@laptop"]
//! [log]
//! write = true
//! ```
//!
//! | module | subject |
//! |---|---|
//! | `rules` | what values are sound |
//! | `network` | what is wrong with a network that is typed in a form |
//! | `prune` | what is left when the faulty values are taken out |
//! | `seal` | secrets in clear become hashes |

mod network;
mod prune;
mod rules;
mod seal;
#[cfg(test)]
mod tests;

use std::net::IpAddr;

use schemars::JsonSchema;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub use network::NetworkFault;
pub use rules::{is_country, is_ssid};
pub use seal::{SealError, claim_code_hash, is_passphrase, psk_hash, verify_claim_code};

use crate::check::document::Document;
use crate::check::shape;
use crate::fault::Fault;
use crate::settings::Language;

/// The file's name, at the root of the FAT file system.
pub const FILE: &str = "mazet.toml";
/// The version of this format.
pub const VERSION: u32 = 1;
/// Words of keys whose value is, or may have been meant as, a secret.
const SECRET_WORDS: [&str; 6] = ["pass", "psk", "claim", "code", "secret", "mdp"];

/// `mazet.toml` as it stands on a stick.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Answers {
    /// Version of this format: 1.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<u32>,
    /// Language of the wizard and of what the box writes by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub language: Option<Language>,
    /// Time zone, a name of the IANA database.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timezone: Option<String>,
    /// The machine.
    #[serde(rename = "box", default)]
    pub machine: Machine,
    /// The association.
    #[serde(default)]
    pub association: Association,
    /// Wired network.
    #[serde(default)]
    pub network: Network,
    /// Wireless network.
    #[serde(default)]
    pub wifi: Wifi,
    /// Remote maintenance.
    #[serde(default)]
    pub ssh: Ssh,
    /// The first boot's log.
    #[serde(default)]
    pub log: Log,
}

/// `mazet.toml` as a person writes it for `mazet flash --config`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RawAnswers {
    /// Version of this format: 1.
    pub version: Option<u32>,
    /// Language of the wizard and of what the box writes by itself.
    pub language: Option<Language>,
    /// Time zone, a name of the IANA database.
    pub timezone: Option<String>,
    /// The machine.
    #[serde(rename = "box", default)]
    pub machine: RawMachine,
    /// The association.
    #[serde(default)]
    pub association: Association,
    /// Wired network.
    #[serde(default)]
    pub network: Network,
    /// Wireless network.
    #[serde(default)]
    pub wifi: RawWifi,
    /// Remote maintenance.
    #[serde(default)]
    pub ssh: Ssh,
    /// The first boot's log.
    #[serde(default)]
    pub log: Log,
}

/// The `[box]` table.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Machine {
    /// Host name: small letters, digits and dashes; announced as `<name>.local`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Argon2id hash (PHC string) of the claim code.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub claim_code_hash: Option<String>,
}

/// The `[box]` table with a claim code in clear.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RawMachine {
    /// Host name: small letters, digits and dashes; announced as `<name>.local`.
    pub name: Option<String>,
    /// Argon2id hash (PHC string) of the claim code.
    pub claim_code_hash: Option<String>,
    /// The claim code: at least eight letters and digits; spaces, dashes and case do not matter.
    pub claim_code: Option<String>,
}

/// The `[association]` table.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Association {
    /// Name as its members write it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// The `[network]` table.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Network {
    /// Where the address comes from.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub method: Option<Method>,
    /// Address and prefix length: `192.168.1.10/24`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Address of the router, in the same network.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gateway: Option<String>,
    /// Addresses of name servers.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dns: Vec<String>,
}

/// Where an address comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Method {
    /// From the network's own server.
    Dhcp,
    /// From this file.
    Static,
}

/// The `[wifi]` table.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Wifi {
    /// Two capital letters of the country where the box stands (ISO 3166-1): what its radio may use.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub country: Option<String>,
    /// Name of the network, 1 to 32 bytes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ssid: Option<String>,
    /// Key of the network: 64 hexadecimal digits made of passphrase and name (WPA2's PMK). None: an open network.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub psk_hash: Option<String>,
}

/// The `[wifi]` table with a passphrase in clear.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct RawWifi {
    /// Two capital letters of the country where the box stands (ISO 3166-1): what its radio may use.
    pub country: Option<String>,
    /// Name of the network, 1 to 32 bytes.
    pub ssid: Option<String>,
    /// Key of the network: 64 hexadecimal digits made of passphrase and name (WPA2's PMK). None: an open network.
    pub psk_hash: Option<String>,
    /// Passphrase of the network: 8 to 63 plain characters.
    pub passphrase: Option<String>,
}

/// The `[ssh]` table.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Ssh {
    /// Public keys that may log in on the installed box (authorized_keys lines).
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<String>,
}

/// The `[log]` table.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields, rename_all = "kebab-case")]
pub struct Log {
    /// Write the first boot's log to the stick as `mazet-log.txt`. When it fails it is written anyway.
    #[serde(default)]
    pub write: bool,
}

/// What was read of a file: the sound values, and what is wrong with the others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Read<T> {
    /// Every sound value. Values that make sense only together (an address and its method, a Wi-Fi's
    /// name and key) are there together or not at all.
    pub answers: T,
    /// What is wrong, by place. Empty: nothing was left out.
    pub faults: Vec<Fault>,
}

impl<T> Read<T> {
    /// The answers, when there is no fault.
    ///
    /// # Errors
    /// All faults.
    pub fn whole(self) -> Result<T, Vec<Fault>> {
        if self.faults.is_empty() { Ok(self.answers) } else { Err(self.faults) }
    }
}

impl Answers {
    /// Reads `text`, the content of `file` (a name for the faults).
    pub fn read(file: &str, text: &str) -> Read<Self> {
        read(file, text, &crate::schema::answers(), rules::Form::Sealed)
    }

    /// The file's text.
    ///
    /// # Errors
    /// When a value cannot be written as TOML.
    pub fn to_toml(&self) -> Result<String, toml::ser::Error> {
        let text = toml::to_string(self)?;
        // Tables of nothing are noise to the person who edits the file.
        let empty =
            ["[box]\n", "[association]\n", "[network]\n", "[wifi]\n", "[ssh]\n", "[log]\nwrite = false\n"];
        let is_empty = |part: &&str| !empty.contains(&format!("{}\n", part.trim_end()).as_str());
        let kept: Vec<&str> =
            text.split("\n\n").map(str::trim).filter(|part| !part.is_empty()).filter(is_empty).collect();
        Ok(format!("{}\n", kept.join("\n\n")))
    }
}

impl RawAnswers {
    /// Reads `text`, the content of `file` (a name for the faults).
    pub fn read(file: &str, text: &str) -> Read<Self> {
        read(file, text, &crate::schema::raw_answers(), rules::Form::Raw)
    }
}

impl Network {
    /// Address, prefix length and gateway, when the address is given here and is sound.
    pub fn fixed(&self) -> Option<(IpAddr, u8, Option<IpAddr>)> {
        let (address, prefix) = rules::address(self.address.as_deref()?)?;
        let gateway = self.gateway.as_deref().and_then(|gateway| gateway.parse().ok());
        (self.method == Some(Method::Static)).then_some((address, prefix, gateway))
    }

    /// Is every value sound, and is an address given where it must be?
    pub fn is_sound(&self) -> bool {
        let is_address = |text: &String| text.parse::<IpAddr>().is_ok();
        self.dns.iter().chain(&self.gateway).all(is_address)
            && (self.method != Some(Method::Static) || self.fixed().is_some())
    }
}

fn read<T: DeserializeOwned + Default>(file: &str, text: &str, schema: &Value, form: rules::Form) -> Read<T> {
    // Some Windows editors begin a file with a byte order mark.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let document = Document::parse(file, text);
    let mut faults = Vec::new();
    shape::check(&document, schema, &mut faults);
    rules::check(&document, form, &mut faults);
    let pruned = prune::prune(&document, &faults);
    // Of a file that does not parse, what else is wrong may follow from that alone.
    let mut faults = if document.errors.is_empty() { faults } else { document.errors.clone() };
    let answers = pruned.try_into().unwrap_or_else(|error: toml::de::Error| {
        faults.push(document.place(0..0).fault(error.message().to_owned(), None));
        T::default()
    });
    faults.sort_by_key(|fault| (fault.line, fault.column));
    faults.dedup();
    faults.iter_mut().for_each(mask);
    Read { answers, faults }
}

/// Hides the value on a faulty line that may hold a secret: faults go to screens and logs.
fn mask(fault: &mut Fault) {
    let line = fault.text.to_lowercase();
    if SECRET_WORDS.iter().any(|word| line.contains(word)) || fault.message.starts_with("unknown key") {
        if let Some((key, _)) = fault.text.split_once('=') {
            let key = format!("{key}= ");
            let seen = key.chars().count() + 1 - fault.column.min(key.chars().count());
            fault.length = fault.length.min(seen).max(1);
            fault.text = format!("{key}…");
        }
    }
}
