//! Asking the DNS: through systemd-resolved's own interface (varlink over a Unix socket), which knows which name
//! servers to ask.
//!
//! `io.systemd.Resolve.ResolveRecord`, see systemd-resolved.service(8): one JSON document each way, ended by a
//! zero byte. An entry of the answer stands under `rr`, as its type has it.

use std::fs;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result};
use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::{UdpSocket, UnixStream};
use tokio::time::timeout;

/// Where systemd-resolved listens.
const SOCKET: &str = "/run/systemd/resolve/io.systemd.Resolve";
/// Where it writes down which name servers it asks, as resolv.conf(5) has it.
const SERVERS: &str = "/run/systemd/resolve/resolv.conf";
/// A name server far away answers within a second or two.
const PATIENCE: Duration = Duration::from_secs(6);
/// Longest answer: dozens of long records.
const LONGEST: u64 = 256 * 1024;
/// NXDOMAIN of RFC 1035.
const NO_SUCH_NAME: u64 = 3;
/// The Internet's class.
const IN: u16 = 1;

/// Types of records: RFC 1035, 3596, 2782, 6698.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// IPv4 address.
    A = 1,
    /// Name of an address.
    Ptr = 12,
    /// Who takes a domain's mail.
    Mx = 15,
    /// Text.
    Txt = 16,
    /// IPv6 address.
    Aaaa = 28,
    /// Who serves something.
    Srv = 33,
    /// Another name.
    Cname = 5,
    /// Which key a server shows (RFC 6698).
    Tlsa = 52,
}

/// What the DNS says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// These, as text: `10 mx.example.org`, `v=spf1 mx -all`, `0 1 993 mx.example.org`.
    Records(Vec<String>),
    /// There is none.
    Nothing,
    /// Nobody could say.
    Unknown,
}

impl Found {
    /// The records; none where there are none or nobody could say.
    pub fn records(&self) -> &[String] {
        match self {
            Self::Records(all) => all,
            Self::Nothing | Self::Unknown => &[],
        }
    }
}

/// The DNS.
#[derive(Debug, Clone)]
pub struct Dns {
    /// systemd-resolved's own interface.
    socket: PathBuf,
    /// The name servers that it asks: it does not hand on what they say of signatures.
    servers: Vec<SocketAddr>,
}

impl Dns {
    /// The one that the box asks.
    pub fn of_the_box() -> Self {
        let servers = fs::read_to_string(SERVERS).unwrap_or_default();
        Self { socket: PathBuf::from(SOCKET), servers: servers_of(&servers) }
    }

    #[cfg(test)]
    pub fn at(socket: PathBuf, servers: &[SocketAddr]) -> Self {
        Self { socket, servers: servers.to_vec() }
    }

    /// All records of a kind.
    pub async fn ask(&self, name: &str, kind: Kind) -> Found {
        match timeout(PATIENCE, self.exchange(name, kind)).await {
            Ok(Ok(answer)) => read(&answer, kind),
            Ok(Err(_)) | Err(_) => Found::Unknown,
        }
    }

    /// Does the name server that the box asks say that the answer is signed, and that the signatures hold (DNSSEC's
    /// AD, RFC 6840 § 5.8)?
    pub async fn is_signed(&self, name: &str, kind: Kind) -> bool {
        for server in &self.servers {
            if let Ok(Ok(answer)) = timeout(PATIENCE / 3, signed(*server, name, kind)).await {
                return answer;
            }
        }
        false
    }

    /// All addresses of a name.
    pub async fn addresses(&self, name: &str) -> Vec<IpAddr> {
        let (four, six) = tokio::join!(self.ask(name, Kind::A), self.ask(name, Kind::Aaaa));
        four.records().iter().chain(six.records()).filter_map(|one| one.parse().ok()).collect()
    }

    async fn exchange(&self, name: &str, kind: Kind) -> Result<Value> {
        let mut stream = UnixStream::connect(&self.socket).await.context("asking for a name")?;
        let parameters = json!({ "name": name, "class": IN, "type": kind as u16 });
        let question = json!({ "method": "io.systemd.Resolve.ResolveRecord", "parameters": parameters });
        let mut sent = serde_json::to_vec(&question)?;
        sent.push(0);
        stream.write_all(&sent).await?;
        let mut answer = Vec::new();
        BufReader::new(stream.take(LONGEST)).read_until(0, &mut answer).await?;
        answer.pop();
        Ok(serde_json::from_slice(&answer)?)
    }
}

fn servers_of(text: &str) -> Vec<SocketAddr> {
    let named = text.lines().filter_map(|line| line.strip_prefix("nameserver "));
    named
        .filter_map(|one| one.trim().parse().ok())
        .map(|address: IpAddr| (address, 53).into())
        .take(3)
        .collect()
}

/// Asks by UDP for nothing but the flags of the answer: RFC 1035 § 4.1.
async fn signed(at: SocketAddr, name: &str, kind: Kind) -> Result<bool> {
    const ID: [u8; 2] = [0x4d, 0x7a];
    /// Recursion desired; AD: we know what it means.
    const FLAGS: [u8; 2] = [0x01, 0x20];
    let mut question = [&ID[..], &FLAGS, &[0, 1, 0, 0, 0, 0, 0, 0]].concat();
    for label in name.split('.') {
        question.push(u8::try_from(label.len()).context("a long name")?);
        question.extend(label.as_bytes());
    }
    question.push(0);
    question.extend([kind as u16, IN].into_iter().flat_map(u16::to_be_bytes));
    let local: IpAddr =
        if at.is_ipv4() { Ipv4Addr::UNSPECIFIED.into() } else { Ipv6Addr::UNSPECIFIED.into() };
    let socket = UdpSocket::bind((local, 0)).await?;
    socket.connect(at).await?;
    socket.send(&question).await?;
    let mut answer = [0; 4096];
    let length = socket.recv(&mut answer).await?;
    let [first, second, third, fourth, ..] = answer;
    let is_answer = length >= 12 && [first, second] == ID && third & 0x80 != 0;
    Ok(is_answer && fourth & 0x0f == 0 && fourth & 0x20 != 0)
}

/// The name under which an address has its name: RFC 1035 § 3.5, RFC 3596 § 2.5.
pub fn reverse(address: IpAddr) -> String {
    match address {
        IpAddr::V4(four) => {
            let [a, b, c, d] = four.octets();
            format!("{d}.{c}.{b}.{a}.in-addr.arpa")
        }
        IpAddr::V6(six) => {
            let digits = six
                .octets()
                .iter()
                .rev()
                .map(|byte| format!("{:x}.{:x}.", byte & 15, byte >> 4))
                .collect::<String>();
            format!("{digits}ip6.arpa")
        }
    }
}

fn read(answer: &Value, kind: Kind) -> Found {
    match answer["error"].as_str() {
        Some("io.systemd.Resolve.DNSError") if answer["parameters"]["rcode"] == NO_SUCH_NAME => {
            Found::Nothing
        }
        Some("io.systemd.Resolve.NoSuchResourceRecord") => Found::Nothing,
        Some(_) => Found::Unknown,
        None => {
            let all = answer["parameters"]["rrs"].as_array().into_iter().flatten();
            // An alias comes with what it leads to.
            let of_kind = all.map(|one| &one["rr"]).filter(|one| one["key"]["type"] == kind as u16);
            Found::Records(of_kind.map(|one| written(one, kind)).collect())
        }
    }
}

/// A record as text, without the last dot of a name.
fn written(record: &Value, kind: Kind) -> String {
    let name = |key: &str| record[key].as_str().unwrap_or_default().trim_end_matches('.').to_lowercase();
    match kind {
        Kind::A | Kind::Aaaa => {
            address(&record["address"]).map(|address| address.to_string()).unwrap_or_default()
        }
        Kind::Ptr | Kind::Cname => name("name"),
        Kind::Tlsa => {
            let data = record["data"].as_str().unwrap_or_default();
            format!("{} {} {} {data}", record["certUsage"], record["selector"], record["matchingType"])
        }
        Kind::Mx => format!("{} {}", record["priority"], name("exchange")),
        Kind::Txt => record["items"].as_array().into_iter().flatten().filter_map(Value::as_str).collect(),
        Kind::Srv => {
            format!("{} {} {} {}", record["priority"], record["weight"], record["port"], name("name"))
        }
    }
}

fn address(bytes: &Value) -> Option<IpAddr> {
    let bytes = bytes.as_array()?.iter().map(|byte| byte.as_u64().and_then(|byte| u8::try_from(byte).ok()));
    let bytes: Vec<u8> = bytes.collect::<Option<_>>()?;
    let four = <[u8; 4]>::try_from(&bytes[..]).map(|four| IpAddr::V4(Ipv4Addr::from(four)));
    four.ok().or_else(|| <[u8; 16]>::try_from(&bytes[..]).ok().map(|six| IpAddr::V6(Ipv6Addr::from(six))))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(record: &Value) -> Value {
        json!({ "parameters": { "rrs": [{ "rr": record }], "flags": 1 } })
    }

    #[test]
    fn records_are_read_as_people_write_them() {
        let key = |kind: u16| json!({ "class": 1, "type": kind, "name": "example.org" });
        let mx = json!({ "key": key(15), "priority": 10, "exchange": "MX.example.org." });
        assert_eq!(read(&answer(&mx), Kind::Mx), Found::Records(vec!["10 mx.example.org".to_owned()]));
        assert_eq!(read(&answer(&mx), Kind::Txt), Found::Records(Vec::new()));
        let txt = json!({ "key": key(16), "items": ["v=spf1 ", "mx -all"] });
        assert_eq!(read(&answer(&txt), Kind::Txt).records(), ["v=spf1 mx -all"]);
        let four = json!({ "key": key(1), "address": [203, 0, 113, 9] });
        assert_eq!(read(&answer(&four), Kind::A).records(), ["203.0.113.9"]);
    }

    #[test]
    fn nothing_and_no_answer_are_two_things() {
        let error = |name: &str, rcode: u64| json!({ "error": format!("io.systemd.Resolve.{name}"), "parameters": { "rcode": rcode } });
        assert_eq!(read(&error("DNSError", 3), Kind::A), Found::Nothing);
        assert_eq!(read(&error("NoSuchResourceRecord", 0), Kind::A), Found::Nothing);
        assert_eq!(read(&error("DNSError", 2), Kind::A), Found::Unknown);
        assert_eq!(read(&error("NoNameServers", 0), Kind::A), Found::Unknown);
    }

    #[test]
    fn addresses_have_names_in_reverse() {
        assert_eq!(reverse("203.0.113.9".parse().expect("an address")), "9.113.0.203.in-addr.arpa");
        let six = reverse("2001:db8::1".parse().expect("an address"));
        assert!(six.starts_with("1.0.0.0.") && six.ends_with(".8.b.d.0.1.0.0.2.ip6.arpa"), "{six}");
    }

    #[tokio::test]
    async fn who_does_not_answer_says_nothing() {
        let nobody = UdpSocket::bind("127.0.0.1:0").await.expect("a port").local_addr().expect("its number");
        let dns = Dns::at(PathBuf::from("/nonexistent/socket"), &[nobody]);
        assert_eq!(dns.ask("example.org", Kind::A).await, Found::Unknown);
        assert!(dns.addresses("example.org").await.is_empty());
        assert!(!dns.is_signed("example.org", Kind::Mx).await);
    }

    #[test]
    fn name_servers_are_read_from_what_resolved_writes() {
        let text = "# resolv.conf(5)\nnameserver 192.0.2.1\nnameserver fe80::1%eth0\nnameserver 2001:db8::1\nsearch .\n";
        let expected = ["192.0.2.1:53", "[2001:db8::1]:53"].map(|one| one.parse().expect("an address"));
        assert_eq!(servers_of(text), expected);
    }

    #[tokio::test]
    async fn signatures_hold_where_the_answer_says_so() {
        for (flags, expected) in [([0x81, 0xa0], true), ([0x81, 0x80], false), ([0x81, 0xa2], false)] {
            let server = UdpSocket::bind("127.0.0.1:0").await.expect("a port");
            let dns = Dns::at(PathBuf::new(), &[server.local_addr().expect("its number")]);
            let asked = tokio::spawn(async move { dns.is_signed("a.example", Kind::Mx).await });
            let mut question = [0; 512];
            let (length, from) = server.recv_from(&mut question).await.expect("a question");
            let wanted = [&[1, b'a', 7][..], b"example", &[0, 0, 15, 0, 1]].concat();
            assert_eq!((&question[2..4], &question[12..length]), (&[1, 0x20][..], &wanted[..]));
            question[2..4].copy_from_slice(&flags);
            server.send_to(&question[..length], from).await.expect("sent");
            assert_eq!(asked.await.expect("asked"), expected, "{flags:x?}");
        }
    }
}
