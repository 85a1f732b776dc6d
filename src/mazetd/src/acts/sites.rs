//! What the box answers to, and where each association's domains lead, seen from the box.

use std::net::{IpAddr, Ipv4Addr};
use std::path::Path;

use mazet_directory::{Actor, Directory, OrganisationId, Result, organisations};
use schemars::JsonSchema;
use serde::Serialize;
use tokio::task::JoinSet;

use crate::network::Facts;
use crate::web::resolver::{Found, SOCKET, lookup};

/// Most domains that are looked up at a time.
const MOST: usize = 60;

/// Where a domain leads, seen from the box.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Leads {
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

/// The domains of an association.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Owned {
    /// Its number.
    pub id: OrganisationId,
    /// Its name.
    pub name: String,
    /// All of them.
    pub domains: Vec<Domain>,
}

/// A domain.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct Domain {
    /// Its name.
    pub name: String,
    /// Where it leads.
    pub leads: Leads,
    /// The addresses that it leads to.
    pub addresses: Vec<IpAddr>,
}

/// The associations that the actor sees with their domains, each looked up. `facts` is the network as it
/// is now.
///
/// # Errors
/// The directory fails.
pub async fn domains(directory: &Directory, actor: &Actor, facts: &Facts) -> Result<Vec<Owned>> {
    let all = organisations::list(directory, actor).await?;
    let mut lookups = JoinSet::new();
    for name in all.iter().flat_map(|one| one.domains.clone()).take(MOST) {
        lookups.spawn(async move {
            let found = lookup(Path::new(SOCKET), &name).await;
            (name, found)
        });
    }
    let found = lookups.join_all().await;
    let domain = |name: String| {
        let found = found.iter().find(|(one, _)| *one == name).map_or(&Found::Unknown, |(_, found)| found);
        let addresses = match found {
            Found::Addresses(addresses) => addresses.clone(),
            Found::Nothing | Found::Unknown => Vec::new(),
        };
        Domain { leads: leads(found, facts), name, addresses }
    };
    let owned = all.into_iter().map(|one| Owned {
        id: one.id,
        name: one.name,
        domains: one.domains.into_iter().map(domain).collect(),
    });
    Ok(owned.collect())
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
