//! Looking up host names: systemd-resolved's own interface (varlink over a Unix socket), since this
//! process has no network.
//!
//! `io.systemd.Resolve.ResolveHostname`, see systemd-resolved.service(8) and varlink.org: one JSON
//! document each way, ended by a zero byte.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};
use std::path::Path;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::UnixStream;

/// Where systemd-resolved listens.
pub const SOCKET: &str = "/run/systemd/resolve/io.systemd.Resolve";
/// A name server far away answers within a second; without the Internet none ever does.
const PATIENCE: Duration = Duration::from_secs(4);
/// Longest answer: hundreds of addresses.
const LONGEST: u64 = 64 * 1024;
/// NXDOMAIN of RFC 1035.
const NO_SUCH_NAME: u64 = 3;

/// What a name leads to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Found {
    /// To these addresses.
    Addresses(Vec<IpAddr>),
    /// Nowhere: the name does not exist, or has no address.
    Nothing,
    /// Nobody could say.
    Unknown,
}

/// Looks `name` up.
pub async fn lookup(socket: &Path, name: &str) -> Found {
    match tokio::time::timeout(PATIENCE, exchange(socket, name)).await {
        Ok(Ok(answer)) => read(&answer),
        Ok(Err(_)) | Err(_) => Found::Unknown,
    }
}

async fn exchange(socket: &Path, name: &str) -> std::io::Result<Value> {
    let mut stream = UnixStream::connect(socket).await?;
    let question = json!({ "method": "io.systemd.Resolve.ResolveHostname", "parameters": { "name": name } });
    let mut sent = serde_json::to_vec(&question)?;
    sent.push(0);
    stream.write_all(&sent).await?;
    let mut answer = Vec::new();
    BufReader::new(stream.take(LONGEST)).read_until(0, &mut answer).await?;
    answer.pop();
    Ok(serde_json::from_slice(&answer)?)
}

fn read(answer: &Value) -> Found {
    match answer["error"].as_str() {
        Some("io.systemd.Resolve.DNSError") if answer["parameters"]["rcode"] == NO_SUCH_NAME => {
            Found::Nothing
        }
        Some("io.systemd.Resolve.NoSuchResourceRecord") => Found::Nothing,
        Some(_) => Found::Unknown,
        None => match answer["parameters"]["addresses"].as_array() {
            Some(all) => Found::Addresses(all.iter().filter_map(|one| address(&one["address"])).collect()),
            None => Found::Unknown,
        },
    }
}

/// Four or sixteen bytes.
fn address(bytes: &Value) -> Option<IpAddr> {
    let byte = |value: &Value| value.as_u64().and_then(|value| u8::try_from(value).ok());
    let bytes: Vec<u8> = bytes.as_array()?.iter().map(byte).collect::<Option<_>>()?;
    let four = <[u8; 4]>::try_from(&bytes[..]).map(|four| Ipv4Addr::from(four).into());
    four.or_else(|_| <[u8; 16]>::try_from(&bytes[..]).map(|all| Ipv6Addr::from(all).into())).ok()
}

#[cfg(test)]
mod tests {
    use tokio::net::UnixListener;

    use super::*;

    /// systemd-resolved, for one question.
    async fn answered(answer: &'static str) -> Found {
        let folder = tempfile::tempdir().expect("temporary folder");
        let socket = folder.path().join("resolve");
        let listener = UnixListener::bind(&socket).expect("bound");
        let server = tokio::spawn(async move {
            let (stream, _) = listener.accept().await.expect("asked");
            let mut stream = BufReader::new(stream);
            let mut question = Vec::new();
            stream.read_until(0, &mut question).await.expect("a question");
            stream.get_mut().write_all(answer.as_bytes()).await.expect("answered");
            stream.get_mut().write_all(&[0]).await.expect("ended");
            String::from_utf8(question).expect("text")
        });
        let found = lookup(&socket, "amis.example.org").await;
        assert!(server.await.expect("a server").contains("\"name\":\"amis.example.org\""));
        found
    }

    #[tokio::test]
    async fn a_name_leads_to_addresses_or_nowhere_or_nobody_knows() {
        let good = r#"{"parameters":{"addresses":[{"ifindex":2,"family":2,"address":[192,0,2,7]},
            {"ifindex":2,"family":10,"address":[32,1,13,184,0,0,0,0,0,0,0,0,0,0,0,5]}],"name":"x","flags":1}}"#;
        let expected = ["192.0.2.7", "2001:db8::5"].map(|one| one.parse().expect("an address"));
        assert_eq!(answered(good).await, Found::Addresses(expected.into()));
        let none = r#"{"error":"io.systemd.Resolve.DNSError","parameters":{"rcode":3}}"#;
        assert_eq!(answered(none).await, Found::Nothing);
        let empty = r#"{"error":"io.systemd.Resolve.NoSuchResourceRecord","parameters":{}}"#;
        assert_eq!(answered(empty).await, Found::Nothing);
        let failed = r#"{"error":"io.systemd.Resolve.DNSError","parameters":{"rcode":2}}"#;
        assert_eq!(answered(failed).await, Found::Unknown);
        assert_eq!(answered(r#"{"error":"io.systemd.Resolve.NoNameServers"}"#).await, Found::Unknown);
        assert_eq!(answered("no JSON").await, Found::Unknown);
        assert_eq!(lookup(Path::new("/nonexistent"), "amis.example.org").await, Found::Unknown);
    }
}
