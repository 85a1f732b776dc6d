//! The network as it is now, for the page about it: `mazetd network`, run by `mazet-network.service`.
//! The broker has no network of its own to look at.

use std::fs;
use std::net::IpAddr;
use std::path::Path;

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

use crate::run::{Program, Runner};

/// The unit that looks.
const UNIT: &str = "mazet-network.service";
/// Where it leaves what it saw.
const STORED: &str = "/run/mazet/network.json";
/// The name servers that systemd-resolved asks.
const RESOLVERS: &str = "/run/systemd/resolve/resolv.conf";

/// What was seen.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Facts {
    /// Network cards, by name.
    pub cards: Vec<Card>,
    /// The ways out.
    pub gateways: Vec<IpAddr>,
    /// Name servers.
    pub dns: Vec<IpAddr>,
}

/// A network card.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Card {
    /// The kernel's name: `enp1s0`.
    pub name: String,
    /// It is a wireless one.
    pub wireless: bool,
    /// A cable is plugged in at both ends; a wireless network is joined.
    pub linked: bool,
    /// Addresses with their prefix lengths, IPv4 first; none of the link alone.
    pub addresses: Vec<Address>,
}

/// An address of a card.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Address {
    /// The address.
    pub address: IpAddr,
    /// Length of the network's prefix, in bits.
    pub prefix: u8,
    /// The network gave it, for a time.
    pub given: bool,
}

/// An interface in `ip -json address`.
#[derive(Debug, Deserialize)]
pub struct Interface {
    /// The kernel's name.
    pub ifname: String,
    #[serde(default)]
    flags: Vec<String>,
    /// Its addresses.
    #[serde(default)]
    pub addr_info: Vec<Info>,
}

/// An address in `ip -json address`.
#[derive(Debug, Deserialize)]
pub struct Info {
    /// The address itself.
    pub local: Option<IpAddr>,
    prefixlen: Option<u8>,
    scope: Option<String>,
    #[serde(default)]
    dynamic: bool,
    #[serde(default)]
    temporary: bool,
}

impl Interface {
    /// A cable is plugged in at both ends, or a wireless network is joined.
    pub fn is_linked(&self) -> bool {
        self.flags.iter().any(|flag| flag == "LOWER_UP")
    }
}

impl Info {
    /// It is reached from beyond the link.
    pub fn is_global(&self) -> bool {
        self.scope.as_deref() == Some("global")
    }
}

#[derive(Debug, Deserialize)]
struct Route {
    gateway: Option<IpAddr>,
}

impl Facts {
    /// Every address of the machine.
    pub fn addresses(&self) -> impl Iterator<Item = IpAddr> + '_ {
        self.cards.iter().flat_map(|card| &card.addresses).map(|one| one.address)
    }

    /// The first IPv4 address of a wired card.
    pub fn wired(&self) -> Option<&Address> {
        let wired = self.cards.iter().filter(|card| !card.wireless);
        wired.flat_map(|card| &card.addresses).find(|one| one.address.is_ipv4())
    }
}

/// Has [`UNIT`] look, and reads what it saw.
///
/// # Errors
/// When the unit fails or left nothing.
pub fn stored(runner: &Runner) -> Result<Facts> {
    runner.run(Program::Systemctl, &["start", UNIT])?;
    let text = fs::read_to_string(STORED).with_context(|| format!("reading {STORED}"))?;
    serde_json::from_str(&text).with_context(|| format!("reading {STORED}"))
}

/// Looks, now.
///
/// # Errors
/// When `ip` fails or says something that cannot be understood.
pub fn look(runner: &Runner) -> Result<Facts> {
    let addresses = runner.run(Program::Ip, &["-json", "address", "show"])?;
    let mut gateways = Vec::new();
    for family in ["-4", "-6"] {
        let said = runner.run(Program::Ip, &[family, "-json", "route", "show", "default"])?;
        // Of no route at all, ip says nothing.
        if !said.trim().is_empty() {
            gateways.extend(read_routes(&said)?);
        }
    }
    gateways.dedup();
    let system = |name: &str, file: &str| Path::new("/sys/class/net").join(name).join(file).exists();
    let cards = read_cards(&addresses, |name| system(name, "device"), |name| system(name, "phy80211"))?;
    let dns = read_resolvers(&fs::read_to_string(RESOLVERS).unwrap_or_default());
    Ok(Facts { cards, gateways, dns })
}

/// Reads what `ip -json address show` said.
///
/// # Errors
/// It is something else.
pub fn interfaces(json: &str) -> Result<Vec<Interface>> {
    serde_json::from_str(json).context("reading what ip said")
}

fn read_cards(
    json: &str,
    is_card: impl Fn(&str) -> bool,
    is_wireless: impl Fn(&str) -> bool,
) -> Result<Vec<Card>> {
    let interfaces = interfaces(json)?;
    let address = |info: &Info| {
        let is_ours = info.is_global() && !info.temporary;
        let (address, prefix) = (info.local?, info.prefixlen?);
        is_ours.then_some(Address { address, prefix, given: info.dynamic })
    };
    let card = |one: &Interface| {
        let mut addresses: Vec<Address> = one.addr_info.iter().filter_map(address).collect();
        addresses.sort_by_key(|one| one.address);
        Card {
            name: one.ifname.clone(),
            wireless: is_wireless(&one.ifname),
            linked: one.is_linked(),
            addresses,
        }
    };
    let mut cards: Vec<Card> = interfaces.iter().filter(|one| is_card(&one.ifname)).map(card).collect();
    cards.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(cards)
}

fn read_routes(json: &str) -> Result<Vec<IpAddr>> {
    let routes: Vec<Route> = serde_json::from_str(json).context("reading the routes that ip told")?;
    Ok(routes.into_iter().filter_map(|route| route.gateway).collect())
}

/// The `nameserver` lines of resolv.conf(5).
fn read_resolvers(text: &str) -> Vec<IpAddr> {
    let lines = text.lines().filter_map(|line| line.strip_prefix("nameserver "));
    // An address of the link alone names its card behind %.
    lines.filter_map(|line| line.split('%').next()?.trim().parse().ok()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// In the form of iproute2 6.15.
    const SAID: &str = r#"[{"ifname":"lo","flags":["LOWER_UP"],"addr_info":[{"local":"127.0.0.1","prefixlen":8,"scope":"host"}]},
        {"ifname":"wlan0","flags":["NO-CARRIER","UP"],"addr_info":[]},
        {"ifname":"enp1s0","flags":["UP","LOWER_UP"],"addr_info":[{"local":"fe80::1","prefixlen":64,"scope":"link"},
         {"local":"2001:db8::7","prefixlen":64,"scope":"global","dynamic":true,"temporary":true},
         {"local":"2001:db8::5","prefixlen":64,"scope":"global","dynamic":true,"mngtmpaddr":true},
         {"local":"192.168.1.20","prefixlen":24,"scope":"global","dynamic":true}]}]"#;

    #[test]
    fn cards_are_told_with_their_lasting_addresses_ipv4_first() {
        let cards = read_cards(SAID, |name| name != "lo", |name| name == "wlan0").expect("ip's own form");
        let shown: Vec<_> =
            cards.iter().map(|card| (card.name.as_str(), card.wireless, card.linked)).collect();
        assert_eq!(shown, [("enp1s0", false, true), ("wlan0", true, false)]);
        let addresses: Vec<String> = cards[0]
            .addresses
            .iter()
            .map(|one| format!("{}/{} {}", one.address, one.prefix, one.given))
            .collect();
        assert_eq!(addresses, ["192.168.1.20/24 true", "2001:db8::5/64 true"]);
        let facts = Facts { cards, ..Facts::default() };
        assert_eq!(facts.wired().map(|one| one.prefix), Some(24));
        assert_eq!(facts.addresses().count(), 2);
    }

    #[test]
    fn ways_out_and_name_servers_are_read() {
        let routes = r#"[{"dst":"default","gateway":"192.168.1.1","dev":"enp1s0","protocol":"dhcp"},{"dst":"default","dev":"ppp0"}]"#;
        assert_eq!(read_routes(routes).expect("routes"), ["192.168.1.1".parse::<IpAddr>().expect("one")]);
        let text = "# by resolved\nnameserver 192.168.1.1\nnameserver fe80::1%2\nsearch home\n";
        let expected: Vec<IpAddr> = ["192.168.1.1", "fe80::1"].map(|one| one.parse().expect("one")).into();
        assert_eq!(read_resolvers(text), expected);
    }
}
