//! Can the box be a mail server where it stands? Its public address, port 25 to the outside, the address's name, and
//! whether others shut it out.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, UdpSocket};
use std::time::Duration;

use mazet_model::manifest::Text;
use mazet_model::report::{Level, Row};
use tokio::io::AsyncReadExt as _;
use tokio::net::TcpStream;
use tokio::time::timeout;

use super::resolve::{Dns, Found, Kind, reverse};
use crate::words::both;

/// For a server to greet.
const PATIENCE: Duration = Duration::from_secs(8);
/// Every list that works says that this is on it: RFC 5782 § 5.
const TEST: Ipv4Addr = Ipv4Addr::new(127, 0, 0, 2);

/// What was found, and whether it is as it must be.
pub struct Finding {
    /// For people.
    pub row: Row,
    /// As it must be.
    pub passed: bool,
}

impl Finding {
    pub fn new(passed: bool, title: Text, facts: Vec<Text>) -> Self {
        let level = if passed { Level::Good } else { Level::Bad };
        Self { row: Row { title, level, facts, ..Row::default() }, passed }
    }
}

/// The public address, and whether it is the box's own.
pub async fn address(dns: &Dns, host: &str) -> (Finding, Vec<IpAddr>) {
    let title = both(format!("L’adresse de {host}"), format!("The address of {host}"));
    let found = dns.addresses(host).await;
    let public: Vec<IpAddr> = found.into_iter().filter(|one| is_public(*one)).collect();
    let own = own_addresses();
    let told = public.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let fact = if public.is_empty() {
        both(
            "Le DNS ne donne aucune adresse publique à ce nom : ajoutez un enregistrement A avec l’adresse de votre accès à Internet.",
            "The DNS gives this name no public address: add an A record with the address of your Internet access.",
        )
    } else if public.iter().any(|one| own.contains(one)) {
        both(
            format!("{told} : cette machine a elle-même cette adresse."),
            format!("{told}: this box has the address itself."),
        )
    } else {
        let own = own.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        both(
            format!(
                "{told} est celle de la box Internet, et cette machine est derrière ({own}) : redirigez-y le port 25 (TCP) vers elle."
            ),
            format!(
                "{told} is the Internet router’s, and this box is behind it ({own}): forward port 25 (TCP) to it there."
            ),
        )
    };
    (Finding::new(!public.is_empty(), title, vec![fact]), public)
}

/// Addresses that the box would send from. Nothing is sent.
fn own_addresses() -> Vec<IpAddr> {
    let from = |local: &str, to: &str| {
        let socket = UdpSocket::bind(local).ok()?;
        socket.connect(to).ok()?;
        socket.local_addr().ok().map(|address| address.ip())
    };
    [from("0.0.0.0:0", "192.0.2.1:53"), from("[::]:0", "[2001:db8::1]:53")].into_iter().flatten().collect()
}

/// Does the Internet lead to it? RFC 6890; those for examples are left in, tests are made of them.
pub fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(four) => {
            let [a, b, ..] = four.octets();
            let shared = a == 100 && (64..128).contains(&b);
            !(four.is_private()
                || four.is_loopback()
                || four.is_link_local()
                || four.is_unspecified()
                || shared
                || a >= 224
                || a == 0)
        }
        IpAddr::V6(six) => six.segments()[0] & 0xe000 == 0x2000,
    }
}

/// Can mail go out? To the servers of `known` domains: one that greets is enough.
pub async fn outgoing(dns: &Dns, known: &[String]) -> Finding {
    let title = both("Le port 25 vers l’extérieur", "Port 25 to the outside");
    let mut tried = Vec::new();
    for domain in known {
        let answer = dns.ask(domain, Kind::Mx).await;
        let mut servers: Vec<(u16, &str)> = answer.records().iter().filter_map(|one| server(one)).collect();
        servers.sort_unstable();
        let Some((_, server)) = servers.first() else { continue };
        if greets(dns, server).await {
            let fact = both(
                format!("{server} a répondu : cette machine peut envoyer elle-même."),
                format!("{server} answered: this box can send by itself."),
            );
            return Finding::new(true, title, vec![fact]);
        }
        tried.push((*server).to_owned());
    }
    let fact = if tried.is_empty() {
        both(
            "Le DNS ne répond pas : il n’a pas été possible d’essayer.",
            "The DNS does not answer: nothing could be tried.",
        )
    } else {
        let tried = tried.join(", ");
        both(
            format!(
                "Ni réponse de {tried} : votre fournisseur d’accès ferme sans doute ce port. Il peut souvent être ouvert sur sa page de réglages."
            ),
            format!(
                "No answer of {tried}: your Internet provider probably closes this port. It can often be opened on its settings page."
            ),
        )
    };
    Finding::new(false, title, vec![fact])
}

/// `10 mx.example.org`.
fn server(record: &str) -> Option<(u16, &str)> {
    let (preference, name) = record.split_once(' ')?;
    Some((preference.parse().ok()?, name)).filter(|(_, name)| !name.is_empty())
}

async fn greets(dns: &Dns, server: &str) -> bool {
    for address in dns.addresses(server).await {
        if timeout(PATIENCE, greeting(SocketAddr::new(address, 25))).await.is_ok_and(|greeted| greeted) {
            return true;
        }
    }
    false
}

async fn greeting(address: SocketAddr) -> bool {
    let Ok(mut stream) = TcpStream::connect(address).await else { return false };
    let mut said = [0; 3];
    stream.read_exact(&mut said).await.is_ok() && &said == b"220"
}

/// Does the address have the host's name?
pub async fn named(dns: &Dns, host: &str, addresses: &[IpAddr]) -> Finding {
    let title = both("Le nom inverse", "The reverse name");
    let Some(address) = addresses.first() else {
        return Finding::new(
            false,
            title,
            vec![both("Sans adresse publique, il n’y en a pas.", "Without a public address there is none.")],
        );
    };
    let found = dns.ask(&reverse(*address), Kind::Ptr).await;
    let passed = found.records().iter().any(|name| name == host);
    let fact = match &found {
        _ if passed => both(format!("{address} s’appelle {host}."), format!("{address} is called {host}.")),
        Found::Records(names) => {
            let names = names.join(", ");
            both(
                format!(
                    "{address} s’appelle {names}, et non {host} : demandez {host} à votre fournisseur d’accès (« reverse DNS »)."
                ),
                format!(
                    "{address} is called {names}, not {host}: ask your Internet provider for {host} (“reverse DNS”)."
                ),
            )
        }
        Found::Nothing => both(
            format!(
                "{address} n’a pas de nom : demandez {host} à votre fournisseur d’accès (« reverse DNS »)."
            ),
            format!("{address} has no name: ask your Internet provider for {host} (“reverse DNS”)."),
        ),
        Found::Unknown => both("Le DNS n’a pas répondu.", "The DNS did not answer."),
    };
    Finding::new(passed, title, vec![fact])
}

/// Is the address on a list of those whom others shut out? One list at least must answer.
pub async fn listed(dns: &Dns, addresses: &[IpAddr], lists: &[String]) -> Finding {
    let title = both("Les listes noires", "Blocklists");
    let four =
        addresses.iter().find_map(|address| if let IpAddr::V4(four) = address { Some(*four) } else { None });
    let Some(four) = four else {
        return Finding::new(
            false,
            title,
            vec![both(
                "Sans adresse publique, il n’y a rien à chercher.",
                "Without a public address there is nothing to look up.",
            )],
        );
    };
    let (mut facts, mut answered, mut bad) = (Vec::new(), 0, 0);
    for list in lists {
        match on_list(dns, four, list).await {
            None => facts.push(both(
                format!("{list} ne répond pas à cette machine."),
                format!("{list} does not answer this box."),
            )),
            Some(true) => {
                bad += 1;
                facts.push(both(
                    format!("{list} a {four} sur sa liste : son site dit comment en sortir."),
                    format!("{list} has {four} on its list: its site says how to leave it."),
                ));
            }
            Some(false) => {
                answered += 1;
                facts.push(both(
                    format!("{list} n’a rien contre {four}."),
                    format!("{list} has nothing against {four}."),
                ));
            }
        }
    }
    Finding::new(answered > 0 && bad == 0, title, facts)
}

/// `None`: the list does not work from here; many refuse name servers that too many people share.
async fn on_list(dns: &Dns, address: Ipv4Addr, list: &str) -> Option<bool> {
    let name = |address: Ipv4Addr| {
        let [a, b, c, d] = address.octets();
        format!("{d}.{c}.{b}.{a}.{list}")
    };
    let says = |found: &Found| found.records().iter().any(|one| one.starts_with("127.0."));
    if !says(&dns.ask(&name(TEST), Kind::A).await) {
        return None;
    }
    Some(says(&dns.ask(&name(address), Kind::A).await))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_of_networks_at_home_are_not_public() {
        for address in [
            "192.168.1.2",
            "10.1.2.3",
            "172.20.0.1",
            "100.64.0.1",
            "127.0.0.1",
            "169.254.1.1",
            "fe80::1",
            "fd00::1",
            "0.0.0.0",
        ] {
            assert!(!is_public(address.parse().expect("an address")), "{address}");
        }
        for address in ["203.0.113.9", "8.8.8.8", "100.128.0.1", "2001:db8::1"] {
            assert!(is_public(address.parse().expect("an address")), "{address}");
        }
    }

    #[test]
    fn servers_are_tried_in_their_order() {
        assert_eq!(server("10 mx.example.org"), Some((10, "mx.example.org")));
        assert_eq!(server("0 "), None);
        assert_eq!(server("mx"), None);
    }
}
