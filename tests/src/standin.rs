//! What stands behind a front web server in tests: a service that tells what it was asked, and an
//! authorizer that knows two people.

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead as _, BufReader, Read, Result, Write};
use std::net::{Ipv4Addr, TcpListener};
use std::os::unix::fs::PermissionsExt as _;
use std::os::unix::net::UnixListener;
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use anyhow::Context as _;

/// The services at work. Their threads end with the program.
pub struct Standins {
    /// Unix socket of the service.
    pub socket: PathBuf,
    /// Unix socket of another one.
    pub other: PathBuf,
    /// Loopback port of a third one.
    pub port: u16,
    /// Loopback port of the authorizer.
    pub access: u16,
    /// Says each time that the first bytes of a body have come.
    pub first_bytes: Receiver<()>,
}

impl Standins {
    /// Starts them; the socket lies in `folder`.
    pub fn start(folder: &Path) -> anyhow::Result<Self> {
        let (socket, other) = (folder.join("service.sock"), folder.join("other.sock"));
        let (tell, first_bytes) = channel();
        for (path, name) in [(&socket, "first"), (&other, "second")] {
            let unix = UnixListener::bind(path).context("opening a service's socket")?;
            fs::set_permissions(path, fs::Permissions::from_mode(0o666))?;
            let tell = tell.clone();
            thread::spawn(move || {
                for stream in unix.incoming().flatten() {
                    let tell = tell.clone();
                    thread::spawn(move || serve(name, &stream, &stream, &tell));
                }
            });
        }
        let tcp = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("opening the service's port")?;
        let access = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("opening the authorizer's port")?;
        let (port, access_port) = (tcp.local_addr()?.port(), access.local_addr()?.port());
        thread::spawn(move || {
            for stream in tcp.incoming().flatten() {
                let tell = tell.clone();
                thread::spawn(move || serve("third", &stream, &stream, &tell));
            }
        });
        thread::spawn(move || {
            for stream in access.incoming().flatten() {
                thread::spawn(move || authorize(&stream, &stream));
            }
        });
        Ok(Self { socket, other, port, access: access_port, first_bytes })
    }
}

/// Answers requests with who was asked, and for what: request line, headers sorted, length of the body.
fn serve(name: &str, reader: impl Read, mut writer: impl Write, first_bytes: &Sender<()>) -> Result<()> {
    let mut reader = BufReader::new(reader);
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line)? == 0 {
            return Ok(());
        }
        let (method, path) = (word(&line, 0), word(&line, 1));
        let headers = headers(&mut reader)?;
        let length = body(&mut reader, &headers, first_bytes)?;
        let told: String = headers
            .iter()
            .filter(|(name, _)| !["connection", "user-agent", "accept", "expect"].contains(&name.as_str()))
            .map(|(name, value)| format!("{name}: {value}\n"))
            .collect();
        let text = format!("{method} {path}\n{told}body: {length}\nservice: {name}\n");
        let status = if path.contains("missing") { "404 Not Found" } else { "200 OK" };
        let own = if path.contains("framed") { "X-Frame-Options: DENY\r\n" } else { "" };
        write!(
            writer,
            "HTTP/1.1 {status}\r\nContent-Type: text/plain\r\n{own}Content-Length: {}\r\n\r\n",
            text.len()
        )?;
        if method != "HEAD" {
            writer.write_all(text.as_bytes())?;
        }
    }
}

fn word(line: &str, index: usize) -> String {
    line.split_whitespace().nth(index).unwrap_or_default().to_owned()
}

fn headers(reader: &mut impl std::io::BufRead) -> Result<BTreeMap<String, String>> {
    let mut headers = BTreeMap::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let Some((name, value)) = line.trim_end().split_once(':') else { return Ok(headers) };
        headers.insert(name.to_ascii_lowercase(), value.trim().to_owned());
    }
}

/// Reads the body to its end; its length in bytes.
fn body(
    reader: &mut impl std::io::BufRead,
    headers: &BTreeMap<String, String>,
    first_bytes: &Sender<()>,
) -> Result<u64> {
    let mut told = false;
    let mut take = |reader: &mut dyn Read, mut left: u64| -> Result<()> {
        let mut buffer = [0; 65536];
        while left > 0 {
            let most = buffer.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            let read = reader.read(&mut buffer[..most])?;
            if read == 0 {
                return Err(std::io::ErrorKind::UnexpectedEof.into());
            }
            if !std::mem::replace(&mut told, true) {
                // Who asked for no news has no ear.
                let _ = first_bytes.send(());
            }
            left -= read as u64;
        }
        Ok(())
    };
    if let Some(length) = headers.get("content-length").and_then(|length| length.parse().ok()) {
        take(reader, length)?;
        return Ok(length);
    }
    let mut length = 0;
    while headers.get("transfer-encoding").is_some_and(|coding| coding == "chunked") {
        let mut line = String::new();
        reader.read_line(&mut line)?;
        let chunk = u64::from_str_radix(line.trim(), 16).unwrap_or(0);
        take(reader, chunk + 2)?;
        length += chunk;
        if chunk == 0 {
            break;
        }
    }
    Ok(length)
}

/// Answers one FastCGI question: `person=ada` may everything, `person=bob` what members may.
fn authorize(mut reader: impl Read, mut writer: impl Write) -> Result<()> {
    let (mut authorizer, mut parameters) = (false, Vec::new());
    loop {
        let mut head = [0; 8];
        reader.read_exact(&mut head)?;
        let mut content = vec![0; usize::from(u16::from_be_bytes([head[4], head[5]])) + usize::from(head[6])];
        reader.read_exact(&mut content)?;
        match head[1] {
            1 => authorizer = content[1] == 2,
            4 if content.is_empty() => break,
            _ => parameters.extend(content),
        }
    }
    let asked = pairs(&parameters);
    let of = |name: &str| asked.get(name).map(String::as_str).unwrap_or_default();
    let cookie = of("HTTP_COOKIE");
    // Below which path names are people's is told with the person: the service tells it again.
    let granted =
        |login: &str| format!("Status: 200\r\nVariable-MAZET_PERSON: {login}{}\r\n\r\n", of("MAZET_OWNERS"));
    let answer = match (cookie.contains("person=ada"), cookie.contains("person=bob")) {
        (true, _) => granted("ada"),
        (_, true) if of("MAZET_ACCESS") == "member" => granted("bob"),
        (_, true) => "Status: 403\r\n\r\n".to_owned(),
        _ if !of("HTTP_ACCEPT").contains("text/html") => "Status: 401\r\n\r\n".to_owned(),
        _ if authorizer => "Status: 302\r\nLocation: /sign-in?to=x\r\n\r\n".to_owned(),
        _ => "Status: 401\r\nLocation: /sign-in?to=x\r\n\r\n".to_owned(),
    };
    let length = u8::try_from(answer.len()).unwrap_or(u8::MAX);
    let mut bytes = vec![1, 6, 0, 1, 0, length, 0, 0];
    bytes.extend(answer.as_bytes());
    bytes.extend([1, 6, 0, 1, 0, 0, 0, 0, 1, 3, 0, 1, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
    writer.write_all(&bytes)
}

/// Names and values as FastCGI writes them (FastCGI 1.0 section 3.4).
fn pairs(mut bytes: &[u8]) -> BTreeMap<String, String> {
    let mut pairs = BTreeMap::new();
    while let Some((name, value)) = length(&mut bytes).zip(length(&mut bytes)) {
        let Some((pair, rest)) = bytes.split_at_checked(name + value) else { break };
        let text = |part: &[u8]| String::from_utf8_lossy(part).into_owned();
        pairs.insert(text(&pair[..name]), text(&pair[name..]));
        bytes = rest;
    }
    pairs
}

/// One byte, or four where the first bit is set.
fn length(bytes: &mut &[u8]) -> Option<usize> {
    let (&first, rest) = bytes.split_first()?;
    if first < 128 {
        *bytes = rest;
        return Some(usize::from(first));
    }
    let (four, rest) = bytes.split_first_chunk::<4>()?;
    *bytes = rest;
    usize::try_from(u32::from_be_bytes(*four) & 0x7fff_ffff).ok()
}
