//! What the box answers to: host names and paths, and where each association's domains lead.

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;

use axum::response::Response;
use mazet_directory::organisations;
use serde_json::{Value, json};
use tokio::task::JoinSet;

use crate::network::Facts;
use crate::protocol::{Site, Sites};
use crate::web::failure::Failure;
use crate::web::form::Faults;
use crate::web::member::Member;
use crate::web::resolver::{Found, SOCKET, lookup};

/// Most domains that are looked up for one page.
const MOST: usize = 60;

/// Where a domain leads, seen from the box.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Leads {
    /// To an address of the box.
    Here,
    /// To one on the Internet, where the box itself has none: it may be the router's before it.
    Outside,
    /// To another machine.
    Elsewhere,
    /// Nowhere.
    Nowhere,
    /// Nobody could say.
    Unknown,
}

/// `GET /machine/sites`.
///
/// # Errors
/// The broker or the directory fails.
pub async fn show(member: Member) -> Result<Response, Failure> {
    let sites = member.app.broker.sites().await?;
    let status = member.app.broker.status().await?;
    let data = json!({
        "sites": sites.sites.iter().map(|one| site(&member, one, &status.name)).collect::<Value>(),
        "certificate": certificate(&member, &sites),
        "organisations": domains(&member).await?,
    });
    member.show("machine/sites", "machine.sites", &Faults::default(), data)
}

fn site(member: &Member, one: &Site, name: &str) -> Value {
    let names = if one.names.is_empty() { vec![format!("{name}.local")] } else { one.names.clone() };
    let urls: Vec<String> = names.iter().map(|host| format!("https://{host}{}", one.location)).collect();
    let key = format!("sites.access_{}", one.access);
    let known = member.app.pages.catalogue.get(member.language, &key).is_some();
    json!({
        "urls": urls,
        "everywhere": one.names.is_empty(),
        "service": one.service.of(member.language),
        "access": if known { member.say(&key, &[]) } else { member.say("sites.access_role", &[("role", &role(member, one))]) },
    })
}

fn role(member: &Member, one: &Site) -> String {
    let key = format!("role.{}", one.access);
    let known = member.app.pages.catalogue.get(member.language, &key).is_some();
    if known { member.say(&key, &[]) } else { one.access.clone() }
}

fn certificate(member: &Member, sites: &Sites) -> String {
    match sites.certificate_days {
        Some(days) => member.say("sites.certificate", &[("days", &days.to_string())]),
        None => member.say("sites.certificate_unknown", &[]),
    }
}

async fn domains(member: &Member) -> Result<Value, Failure> {
    let all = organisations::list(member.directory()?, member.actor()).await?;
    let facts = member.app.broker.network().await?;
    let mut lookups = JoinSet::new();
    for name in all.iter().flat_map(|one| one.domains.clone()).take(MOST) {
        lookups.spawn(async move {
            let found = lookup(Path::new(SOCKET), &name).await;
            (name, found)
        });
    }
    let found = lookups.join_all().await;
    let domain = |name: &String| {
        let found = found.iter().find(|(one, _)| one == name).map_or(&Found::Unknown, |(_, found)| found);
        json!({ "name": name, "here": leads(found, &facts) == Leads::Here, "text": told(member, found, &facts) })
    };
    Ok(all
        .iter()
        .map(|one| {
            let domains: Value = one.domains.iter().map(domain).collect();
            json!({ "id": one.id, "name": one.name, "domains": domains })
        })
        .collect())
}

fn told(member: &Member, found: &Found, facts: &Facts) -> String {
    let addresses = match found {
        Found::Addresses(addresses) => {
            addresses.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
        }
        Found::Nothing | Found::Unknown => String::new(),
    };
    let values = [("addresses", addresses.as_str())];
    match leads(found, facts) {
        Leads::Here => member.say("sites.leads_here", &values),
        Leads::Outside => member.say("sites.leads_outside", &values),
        Leads::Elsewhere => member.say("sites.leads_elsewhere", &values),
        Leads::Nowhere => member.say("sites.leads_nowhere", &[]),
        Leads::Unknown => member.say("sites.leads_unknown", &[]),
    }
}

fn leads(found: &Found, facts: &Facts) -> Leads {
    let addresses = match found {
        Found::Addresses(addresses) if !addresses.is_empty() => addresses,
        Found::Addresses(_) | Found::Nothing => return Leads::Nowhere,
        Found::Unknown => return Leads::Unknown,
    };
    if addresses.iter().any(|one| facts.addresses().any(|own| own == *one)) {
        return Leads::Here;
    }
    let has_public = facts.addresses().any(|own| is_public(&own));
    let public = addresses.iter().any(is_public);
    if public && !has_public { Leads::Outside } else { Leads::Elsewhere }
}

/// An IPv4 address that the whole Internet can reach. Of IPv6, a box behind a router has its own.
fn is_public(address: &IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            // RFC 6598: between a provider and its customers.
            let [a, b, ..] = v4.octets();
            let is_shared = a == 100 && (64..128).contains(&b);
            !(v4.is_private()
                || v4.is_loopback()
                || v4.is_link_local()
                || is_shared
                || *v4 == Ipv4Addr::UNSPECIFIED)
        }
        IpAddr::V6(_) => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::network::{Address, Card};

    fn facts(addresses: &[&str]) -> Facts {
        let address = |text: &&str| Address { address: text.parse().expect("one"), prefix: 24, given: true };
        let card = Card { addresses: addresses.iter().map(address).collect(), ..Card::default() };
        Facts { cards: vec![card], ..Facts::default() }
    }

    fn found(addresses: &[&str]) -> Found {
        Found::Addresses(addresses.iter().map(|text| text.parse().expect("one")).collect())
    }

    #[test]
    fn where_a_domain_leads_is_judged_by_the_boxs_own_addresses() {
        let home = facts(&["192.168.1.20", "2001:db8::5"]);
        assert_eq!(leads(&found(&["192.168.1.20"]), &home), Leads::Here);
        assert_eq!(leads(&found(&["203.0.113.9", "2001:db8::5"]), &home), Leads::Here);
        assert_eq!(leads(&found(&["203.0.113.9"]), &home), Leads::Outside);
        assert_eq!(leads(&found(&["192.168.1.30"]), &home), Leads::Elsewhere);
        assert_eq!(leads(&found(&["203.0.113.9"]), &facts(&["203.0.113.8"])), Leads::Elsewhere);
        assert_eq!(leads(&found(&["100.64.3.4"]), &home), Leads::Elsewhere);
        assert_eq!(leads(&found(&[]), &home), Leads::Nowhere);
        assert_eq!(leads(&Found::Nothing, &home), Leads::Nowhere);
        assert_eq!(leads(&Found::Unknown, &home), Leads::Unknown);
    }
}
