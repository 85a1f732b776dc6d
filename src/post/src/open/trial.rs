//! Does mail from outside reach the box? No program of the box can tell: somebody outside must send some.
//!
//! For an hour, a small server takes port 25 (the unit opens it in the firewall), knows one address that was made up
//! for the purpose, and takes nothing for any other: who sends there is asked to come again later, so that no mail is
//! lost. The first message for that address shows that the port leads here.

use std::fs;
use std::io::ErrorKind;
use std::net::IpAddr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, Result};
use serde::{Deserialize, Serialize};
use tokio::io::{
    AsyncBufRead, AsyncBufReadExt as _, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _, BufReader,
};
use tokio::net::TcpListener;
use tokio::time::timeout;

use super::reach::is_public;

/// Where it is written down; the mail program's own folder.
pub const FILE: &str = "/srv/mazet-post/trial.json";
/// For each line of who sends.
const PATIENCE: Duration = Duration::from_secs(60);
/// Longest line: RFC 5321 § 4.5.3.1.6, and some.
const LONGEST: u64 = 2000;
/// Lines of a conversation.
const LINES: usize = 50;
/// Most of a message that is read.
const MESSAGE: u64 = 1024 * 1024;

/// A trial.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trial {
    /// The address's part before the `@`.
    pub word: String,
    /// Host name that it is at.
    pub host: String,
    /// Seconds since 1970.
    pub began: u64,
    /// The message that came, if one did.
    pub arrived: Option<Arrived>,
}

/// A message that came.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Arrived {
    /// Seconds since 1970.
    pub at: u64,
    /// Where from.
    pub from: IpAddr,
}

impl Trial {
    /// Did somebody outside reach the box under this name?
    pub fn shows(&self, host: &str) -> bool {
        self.host == host && self.arrived.as_ref().is_some_and(|one| is_public(one.from))
    }

    /// What was written down, if anything.
    pub fn read(path: &Path) -> Option<Self> {
        fs::read_to_string(path).ok().and_then(|text| serde_json::from_str(&text).ok())
    }

    fn write(&self, path: &Path) -> Result<()> {
        let text = serde_json::to_string(self).context("writing the trial")?;
        let mut new = path.as_os_str().to_owned();
        new.push(".new");
        let new = PathBuf::from(new);
        let written = fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o644).open(&new);
        let written = written.and_then(|mut file| std::io::Write::write_all(&mut file, text.as_bytes()));
        written.and_then(|()| fs::rename(&new, path)).with_context(|| format!("writing {}", path.display()))
    }
}

/// Takes port 25 until a message came for the address that it makes up, or systemd ends it.
///
/// # Errors
/// The port is taken, or nothing can be written down.
pub async fn serve(host: &str, path: &Path, listener: TcpListener) -> Result<()> {
    let mut trial = Trial { word: word()?, host: host.to_owned(), began: now(), arrived: None };
    trial.write(path)?;
    ready();
    loop {
        let (stream, peer) = listener.accept().await.context("waiting for mail")?;
        let (read, write) = stream.into_split();
        let talk = converse(BufReader::new(read), write, &trial);
        if matches!(timeout(PATIENCE * 3, talk).await, Ok(Ok(true))) {
            trial.arrived = Some(Arrived { at: now(), from: peer.ip().to_canonical() });
            trial.write(path)?;
            return Ok(());
        }
    }
}

/// Tells systemd that there is an address to write to: sd_notify(3).
fn ready() {
    let Some(socket) = std::env::var_os("NOTIFY_SOCKET") else { return };
    let told = UnixDatagram::unbound().and_then(|from| from.send_to(b"READY=1", socket));
    if let Err(error) = told {
        eprintln!("<4>telling systemd: {error}");
    }
}

/// Talks with who sends, as little as is needed (RFC 5321); `true`: they brought a message for that address.
async fn converse(
    mut from: impl AsyncBufRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    trial: &Trial,
) -> Result<bool> {
    let wanted = format!("<{}@{}>", trial.word, trial.host);
    say(&mut to, &format!("220 {} ESMTP", trial.host)).await?;
    let mut known = false;
    for _ in 0..LINES {
        let mut line = Vec::new();
        let mut some = (&mut from).take(LONGEST);
        if timeout(PATIENCE, some.read_until(b'\n', &mut line)).await.context("waiting for a line")?? == 0 {
            return Ok(false);
        }
        let line = String::from_utf8_lossy(&line).trim().to_lowercase();
        let verb = line.split([' ', ':']).next().unwrap_or_default();
        let answer = match verb {
            "ehlo" | "helo" => format!("250 {}", trial.host),
            "mail" | "rset" | "noop" => "250 Fine".to_owned(),
            "rcpt" if line.contains(&wanted) => {
                known = true;
                "250 Fine".to_owned()
            }
            "rcpt" => "450 4.7.1 This server is being tried: come again later".to_owned(),
            "data" if known => return taken(from, to).await.map(|()| true),
            "quit" => {
                say(&mut to, "221 Bye").await?;
                return Ok(false);
            }
            _ => "502 5.5.1 This server is being tried".to_owned(),
        };
        say(&mut to, &answer).await?;
    }
    Ok(false)
}

/// Takes the message and forgets it.
async fn taken(from: impl AsyncBufRead + Unpin, mut to: impl AsyncWrite + Unpin) -> Result<()> {
    say(&mut to, "354 Go on").await?;
    let mut from = from.take(MESSAGE);
    let mut line = Vec::new();
    while line != b".\r\n" && line != b".\n" {
        line.clear();
        if timeout(PATIENCE, from.read_until(b'\n', &mut line)).await.context("waiting for a line")?? == 0 {
            break;
        }
    }
    say(&mut to, "250 2.0.0 It arrived: port 25 leads here").await
}

async fn say(to: &mut (impl AsyncWrite + Unpin), line: &str) -> Result<()> {
    to.write_all(format!("{line}\r\n").as_bytes()).await.context("answering")
}

/// A word that nobody guesses, easy to read out.
fn word() -> Result<String> {
    let mut bytes = [0_u8; 10];
    let mut source = fs::File::open("/dev/urandom").context("opening the kernel's random numbers")?;
    std::io::Read::read_exact(&mut source, &mut bytes).context("reading the kernel's random numbers")?;
    let letters = b"abcdefghjkmnpqrstuvwxyz23456789";
    let word: String =
        bytes.iter().map(|byte| char::from(letters[usize::from(*byte) % letters.len()])).collect();
    Ok(format!("essai-{word}"))
}

fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |passed| passed.as_secs())
}

/// Forgets a trial that there was.
///
/// # Errors
/// When it cannot be removed.
pub fn forget(path: &Path) -> Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error).context("forgetting the trial"),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::AsyncReadExt as _;
    use tokio::net::TcpStream;

    use super::*;

    /// Says all of it at once, and gives the answers.
    async fn talk(address: std::net::SocketAddr, said: &str) -> String {
        let mut stream = TcpStream::connect(address).await.expect("connected");
        stream.write_all(said.as_bytes()).await.expect("sent");
        stream.shutdown().await.expect("closed");
        let mut answers = String::new();
        stream.read_to_string(&mut answers).await.expect("answered");
        answers
    }

    #[tokio::test]
    async fn the_message_for_the_made_up_address_ends_the_trial_and_others_come_again_later() {
        let folder = std::env::temp_dir().join(format!("mazet-trial-{}", std::process::id()));
        fs::create_dir_all(&folder).expect("a folder");
        let path = folder.join("trial.json");
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("its number");
        let server = tokio::spawn({
            let path = path.clone();
            async move { serve("box.example.org", &path, listener).await }
        });
        let lost = "EHLO a\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<ada@box.example.org>\r\nDATA\r\nQUIT\r\n";
        let answers = talk(address, lost).await;
        assert!(
            answers.contains("450 4.7.1")
                && answers.contains("502 5.5.1")
                && answers.ends_with("221 Bye\r\n"),
            "{answers}"
        );
        let trial = Trial::read(&path).expect("begun");
        assert!(trial.word.len() == 16 && trial.arrived.is_none(), "{trial:?}");
        let found = format!(
            "EHLO a\r\nMAIL FROM:<a@b.example>\r\nRCPT TO:<{}@Box.example.org>\r\nDATA\r\nSubject: x\r\n\r\n.\r\n",
            trial.word
        );
        assert!(talk(address, &found).await.ends_with("leads here\r\n"));
        server.await.expect("ended").expect("well");
        let trial = Trial::read(&path).expect("written");
        let from = trial.arrived.clone().expect("arrived").from;
        assert!(from.is_loopback() && !trial.shows("box.example.org"), "not from outside: {trial:?}");
        let outside = Trial {
            arrived: Some(Arrived { at: 1, from: "203.0.113.9".parse().expect("an address") }),
            ..trial
        };
        assert!(outside.shows("box.example.org") && !outside.shows("other.example.org"));
        forget(&path).expect("forgotten");
        forget(&path).expect("nothing to forget");
        fs::remove_dir(&folder).expect("empty");
    }
}
