//! What values are sound.

use std::net::IpAddr;

use super::VERSION;
use super::seal::{is_passphrase, is_phc};
use crate::check::document::{Document, Table, Text};
use crate::claim;
use crate::fault::Fault;
use crate::suggest::nearest;
use crate::values::{LONGEST_NAME, is_host_label, is_human_name, is_ssh_key, timezones};

/// Longest name of a Wi-Fi network, in bytes (IEEE 802.11-2020, 9.4.2.2).
const LONGEST_SSID: usize = 32;
/// Hexadecimal digits of a Wi-Fi key.
const PSK_DIGITS: usize = 64;

/// Which of the two forms a file has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// No secret in clear.
    Sealed,
    /// With `passphrase` and `claim-code`.
    Raw,
}

/// Reports every value that has the right type and is not sound.
pub(super) fn check(document: &Document<'_>, form: Form, faults: &mut Vec<Fault>) {
    let root = document.table();
    if let Some(version) = root.integer("version").filter(|version| *version != i64::from(VERSION)) {
        let hint = format!("this Mazet reads version {VERSION}");
        faults.push(root.place_of("version").fault(format!("unknown version {version}"), hint));
    }
    rule(
        root.text("timezone"),
        |zone| timezones().any(|known| known == zone),
        faults,
        |zone| {
            let hint = match nearest(zone, timezones()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "write continent and city, as in `Europe/Paris`".to_owned(),
            };
            (format!("unknown time zone `{zone}`"), hint)
        },
    );
    if let Some(machine) = root.table("box") {
        check_box(&machine, form, faults);
    }
    if let Some(association) = root.table("association") {
        let sound = |name: &str| is_human_name(name) && name.chars().count() <= LONGEST_NAME;
        rule(association.text("name"), sound, faults, |_| {
            let hint = format!("one line with letters or digits, {LONGEST_NAME} characters at most");
            ("this is no name of an association".to_owned(), hint)
        });
    }
    if let Some(network) = root.table("network") {
        check_network(&network, faults);
    }
    if let Some(wifi) = root.table("wifi") {
        check_wifi(&wifi, form, faults);
    }
    for key in root.table("ssh").map(|ssh| ssh.texts("keys")).unwrap_or_default() {
        rule(Some(key), is_ssh_key, faults, |_| {
            let hint = "write the whole line of the file that ends in `.pub`, as in `ssh-ed25519 AAAA… name`";
            ("this is no public key".to_owned(), hint.to_owned())
        });
    }
}

/// A fault (its message and hint) when `text` is there and not `sound`.
fn rule(
    text: Option<Text<'_>>,
    sound: impl Fn(&str) -> bool,
    faults: &mut Vec<Fault>,
    fault: impl Fn(&str) -> (String, String),
) {
    if let Some(text) = text.filter(|text| !sound(text.value)) {
        let (message, hint) = fault(text.value);
        faults.push(text.place.fault(message, hint));
    }
}

fn check_box(machine: &Table<'_>, form: Form, faults: &mut Vec<Fault>) {
    rule(machine.text("name"), is_host_label, faults, |name| {
        let hint = "1 to 63 small letters, digits and inner dashes".to_owned();
        (format!("`{name}` cannot be the box's name"), hint)
    });
    rule(machine.text("claim-code-hash"), is_phc, faults, |_| {
        let hint = "`mazet flash --config` makes it of a `claim-code`".to_owned();
        ("this is no Argon2id hash".to_owned(), hint)
    });
    if form == Form::Sealed {
        return;
    }
    // No message repeats a secret.
    let sound = |code: &str| (claim::LENGTH..=64).contains(&claim::normalise(code).len());
    rule(machine.text("claim-code"), sound, faults, |_| {
        let hint = format!("at least {} letters without accents, and digits", claim::LENGTH);
        ("this claim code is too short or too long".to_owned(), hint)
    });
    one_of(machine, "claim-code", "claim-code-hash", faults);
}

fn check_network(network: &Table<'_>, faults: &mut Vec<Fault>) {
    let own = network.text("address");
    rule(
        own,
        |text| address(text).is_some(),
        faults,
        |text| {
            let hint = "write address and prefix length, as in `192.168.1.10/24`".to_owned();
            (format!("`{text}` is no address with a prefix length"), hint)
        },
    );
    let addresses = network.text("gateway").into_iter().chain(network.texts("dns"));
    for one in addresses {
        rule(
            Some(one),
            |text| text.parse::<IpAddr>().is_ok(),
            faults,
            |text| (format!("`{text}` is no address"), "write it as in `192.168.1.1`".to_owned()),
        );
    }
    let parsed = |text: &str| Some((address(text)?, network.text("gateway")?.value.parse::<IpAddr>().ok()?));
    if let Some(((own, prefix), gateway)) = own.and_then(|own| parsed(own.value)) {
        if !same_network(own, gateway, prefix) {
            let hint = format!("it must be reachable from `{own}/{prefix}`");
            let place = network.place_of("gateway");
            faults.push(place.fault(format!("the gateway `{gateway}` is in another network"), hint));
        }
    }
    match network.text("method") {
        Some(method) if method.value == "static" && own.is_none() => {
            let hint = "add `address = \"192.168.1.10/24\"`, or write `dhcp`".to_owned();
            faults.push(method.place.fault("`static` needs an `address`", hint));
        }
        method if method.is_none_or(|method| method.value == "dhcp") => {
            for key in ["address", "gateway"].into_iter().filter(|key| network.has(key)) {
                let hint = "write `method = \"static\"` as well".to_owned();
                faults
                    .push(network.place_of(key).fault(format!("`{key}` is only for a static network"), hint));
            }
        }
        _ => {}
    }
}

fn check_wifi(wifi: &Table<'_>, form: Form, faults: &mut Vec<Fault>) {
    rule(wifi.text("country"), is_country, faults, |country| {
        let hint = "two capital letters, as in `FR`".to_owned();
        (format!("`{country}` is no country code"), hint)
    });
    rule(wifi.text("ssid"), is_ssid, faults, |_| {
        let hint = format!("1 to {LONGEST_SSID} bytes on one line");
        ("this cannot be the name of a Wi-Fi network".to_owned(), hint)
    });
    rule(wifi.text("psk-hash"), is_psk, faults, |_| {
        let hint = "`mazet flash --config` makes it of a `passphrase`; with `wpa_passphrase` it is `psk`";
        (format!("a Wi-Fi key has {PSK_DIGITS} hexadecimal digits"), hint.to_owned())
    });
    if form == Form::Raw {
        rule(wifi.text("passphrase"), is_passphrase, faults, |_| {
            let hint = "8 to 63 letters without accents, digits, signs and spaces".to_owned();
            ("this cannot be a Wi-Fi passphrase".to_owned(), hint)
        });
        one_of(wifi, "passphrase", "psk-hash", faults);
    }
    let keys: &[&str] = if form == Form::Raw { &["psk-hash", "passphrase"] } else { &["psk-hash"] };
    for key in keys.iter().filter(|key| wifi.has(key) && !wifi.has("ssid")) {
        let hint = "add `ssid`, the network's name".to_owned();
        faults.push(wifi.place_of(key).fault(format!("`{key}` is for no network"), hint));
    }
}

fn one_of(table: &Table<'_>, clear: &str, hash: &str, faults: &mut Vec<Fault>) {
    if table.has(clear) && table.has(hash) {
        let hint = "remove one of the two".to_owned();
        faults.push(table.place_of(clear).fault(format!("both `{clear}` and `{hash}` are given"), hint));
    }
}

/// Is it a Wi-Fi network's name that a person can have meant?
pub fn is_ssid(ssid: &str) -> bool {
    (1..=LONGEST_SSID).contains(&ssid.len()) && !ssid.chars().any(char::is_control)
}

/// Is it an alpha-2 code of ISO 3166-1, by form?
pub fn is_country(country: &str) -> bool {
    country.len() == 2 && country.bytes().all(|byte| byte.is_ascii_uppercase())
}

/// Is it a Wi-Fi key in hexadecimal digits?
pub fn is_psk(psk: &str) -> bool {
    psk.len() == PSK_DIGITS && psk.bytes().all(|byte| byte.is_ascii_hexdigit())
}

/// `192.168.1.10/24`.
pub(super) fn address(text: &str) -> Option<(IpAddr, u8)> {
    let (address, prefix) = text.split_once('/')?;
    let address: IpAddr = address.parse().ok()?;
    let prefix = prefix.parse().ok().filter(|prefix| (1..=bits(address)).contains(prefix))?;
    (!address.is_unspecified() && !address.is_multicast()).then_some((address, prefix))
}

fn bits(address: IpAddr) -> u8 {
    if address.is_ipv4() { 32 } else { 128 }
}

pub(super) fn same_network(own: IpAddr, other: IpAddr, prefix: u8) -> bool {
    let number = |address| match address {
        IpAddr::V4(v4) => u128::from(u32::from(v4)),
        IpAddr::V6(v6) => u128::from(v6),
    };
    // A router on the link itself needs no common prefix (fe80::1).
    let on_link = matches!(other, IpAddr::V6(v6) if v6.segments()[0] & 0xffc0 == 0xfe80);
    let shift = u32::from(bits(own) - prefix);
    own.is_ipv4() == other.is_ipv4()
        && (on_link || number(own).checked_shr(shift) == number(other).checked_shr(shift))
}
