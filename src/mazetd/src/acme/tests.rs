//! The real lego against the real pebble, Let's Encrypt's server for tests, on the loopback interface.
//!
//! Both are those of the tree that `MAZET_TEST_PREFIX` enters, else the host's. Without them the test is
//! skipped, and fails in CI.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{Ipv4Addr, TcpListener};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc;
use std::thread;

use mazet_model::settings::CertificateMode;
use tempfile::TempDir;

use super::*;
use crate::tls::{Keeping, Names, PUBLIC_PAIR};

/// How long certificates last, in seconds: ninety days.
const QUARTER: u64 = 90 * 86_400;

/// Runs pebble and the DNS that it asks, says when both listen, and ends them with its input.
const SCRIPT: &str = r#"
trap '' INT HUP
cd "$1"
pebble-challtestsrv -http01 "" -https01 "" -tlsalpn01 "" -management "127.0.0.1:$3" -dns01 "127.0.0.1:$2" \
    -defaultIPv4 127.0.0.1 -defaultIPv6 "" >names.log 2>&1 &
names=$!
PEBBLE_VA_NOSLEEP=1 PEBBLE_WFE_NONCEREJECT=0 pebble -config pebble.json -dnsserver "127.0.0.1:$2" 2>&1 &
pebble=$!
read -r _ || true
kill "$names" "$pebble"
"#;

/// Words that enter the tree, and none where the programs are the host's own; no answer where there are none.
fn prefix() -> Option<Vec<String>> {
    let words: Vec<String> = std::env::var(mazet_database::testing::PREFIX)
        .unwrap_or_default()
        .lines()
        .map(str::to_owned)
        .collect();
    let there = Command::new(words.first().map_or("sh", String::as_str))
        .args(words.iter().skip(1))
        .args(if words.is_empty() { &[][..] } else { &["sh"][..] })
        .args(["-c", "command -v lego && command -v pebble && command -v pebble-challtestsrv"])
        .stdout(Stdio::null())
        .status()
        .is_ok_and(|status| status.success());
    if !there {
        assert!(std::env::var_os("CI").is_none(), "no lego or pebble: run the tests with ./mazet test");
        eprintln!("skipped: no lego or pebble on this machine (./mazet test brings them)");
    }
    there.then_some(words)
}

fn free_port() -> u16 {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("bound");
    listener.local_addr().expect("an address").port()
}

/// An authority that knows the box at one port of the loopback interface.
struct Pebble {
    directory: String,
    folder: TempDir,
    words: Vec<String>,
    /// Ends when its input is closed, which the kernel does when this process ends.
    _life: Child,
}

impl Pebble {
    /// `http`: where it looks for a box; its certificates last so many seconds.
    fn start(words: Vec<String>, http: u16, seconds: u64) -> Self {
        let folder = tempfile::Builder::new().prefix("mazet-pebble-").tempdir().expect("temporary folder");
        let (port, management) = (free_port(), free_port());
        let own = rcgen::generate_simple_self_signed(vec!["localhost".to_owned(), "127.0.0.1".to_owned()])
            .expect("a certificate");
        fs::write(folder.path().join("own.pem"), own.cert.pem()).expect("written");
        fs::write(folder.path().join("own-key.pem"), own.key_pair.serialize_pem()).expect("written");
        let settings = serde_json::json!({ "pebble": {
            "listenAddress": format!("127.0.0.1:{port}"),
            "managementListenAddress": format!("127.0.0.1:{management}"),
            "certificate": "own.pem",
            "privateKey": "own-key.pem",
            "httpPort": http,
            "tlsPort": free_port(),
            "ocspResponderURL": "",
            "externalAccountBindingRequired": false,
            "domainBlocklist": ["blocked.example.org"],
            "certificateValidityPeriod": seconds,
        } });
        fs::write(folder.path().join("pebble.json"), settings.to_string()).expect("written");
        let arguments = ["sh", "-euc", SCRIPT, "pebble"].map(str::to_owned);
        let all: Vec<String> = words.iter().cloned().chain(arguments).collect();
        let mut child = Command::new(&all[0])
            .args(&all[1..])
            .arg(folder.path())
            .args([free_port(), free_port()].map(|port| port.to_string()))
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("started");
        let mut lines = BufReader::new(child.stdout.take().expect("a pipe")).lines();
        let listens = lines.any(|line| line.is_ok_and(|line| line.contains("ACME directory available")));
        assert!(listens, "pebble does not start");
        // Nobody reads what it says from here on; it must not stop for that.
        thread::spawn(move || lines.for_each(drop));
        Self { directory: format!("https://127.0.0.1:{port}/dir"), folder, words, _life: child }
    }

    /// A runner whose lego believes that authority alone.
    fn runner(&self) -> Runner {
        let bin = self.folder.path().join("bin");
        fs::create_dir_all(&bin).expect("made");
        let quote = |word: &str| format!("'{}'", word.replace('\'', "'\\''"));
        let inside = quote("LEGO_CA_CERTIFICATES=\"$0\" exec lego \"$@\"");
        let words: Vec<String> = self.words.iter().map(|word| quote(word)).collect();
        let trusted = quote(&self.folder.path().join("own.pem").display().to_string());
        let script = format!("#!/bin/sh\nexec {} sh -c {inside} {trusted} \"$@\"\n", words.join(" "));
        crate::files::write_atomically(&bin.join("lego"), script.as_bytes(), 0o755, None).expect("written");
        Runner::from_folder(bin)
    }
}

/// Serves the folder of the challenges as the front web server does; gives its port, and tells each path.
fn front(webroot: &Path) -> (u16, mpsc::Receiver<String>) {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).expect("bound");
    let port = listener.local_addr().expect("an address").port();
    let (asked, paths) = mpsc::channel();
    let webroot = webroot.to_owned();
    thread::spawn(move || {
        for stream in listener.incoming() {
            let mut stream = stream.expect("a visitor");
            let mut head = String::new();
            BufReader::new(&stream).read_line(&mut head).expect("a request");
            let path = head.split(' ').nth(1).unwrap_or_default().to_owned();
            let answer = match fs::read_to_string(webroot.join(path.trim_start_matches('/'))) {
                Ok(text) => format!(
                    "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{text}",
                    text.len()
                ),
                Err(_) => {
                    "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".to_owned()
                }
            };
            stream.write_all(answer.as_bytes()).expect("answered");
            let _ = asked.send(path);
        }
    });
    (port, paths)
}

fn wished(pebble: &Pebble, domains: &[&str]) -> Certificates {
    Certificates {
        mode: CertificateMode::AcmeHttp,
        domains: domains.iter().map(|domain| (*domain).to_owned()).collect(),
        email: Some("ada@example.org".to_owned()),
        directory: Some(pebble.directory.clone()),
        dns_provider: None,
    }
}

/// What the front web server would serve, after an apply.
fn in_force(tls: &Path, folder: &Path, certificates: &Certificates) -> Certificate {
    let names = Names { name: "mazet".to_owned(), domains: certificates.domains.clone() };
    let keeping = Keeping { folder: tls, names, pair: pair(folder, certificates), group: None, clock: true };
    keeping.keep().expect("kept");
    assert_eq!(keeping.would_write(), Vec::<&str>::new());
    Certificate::read(&tls.join(PUBLIC_PAIR.0)).expect("read")
}

#[test]
fn a_certificate_is_ordered_over_http_put_in_force_and_renewed() {
    let Some(words) = prefix() else { return };
    let place = tempfile::tempdir().expect("temporary folder");
    let (folder, tls) = (place.path().join("acme"), place.path().join("tls"));
    fs::create_dir_all(folder.join("challenges")).expect("made");
    let (http, paths) = front(&folder.join("challenges"));
    let pebble = Pebble::start(words, http, QUARTER);
    let (runner, wish) = (pebble.runner(), wished(&pebble, &["box.example.org", "amis.example.org"]));
    assert!(
        in_force(&tls, &folder, &wish).issuer().expect("named").starts_with("Mazet"),
        "at first the own one"
    );
    assert!(is_due(&folder, &wish));

    order(&folder, &wish, &runner).expect("written down");
    assert_eq!(outcome(&folder).expect("there").refused, None);
    assert!(!is_due(&folder, &wish), "ordered");
    assert!(paths.try_iter().all(|path| path.starts_with("/.well-known/acme-challenge/")));
    let first = in_force(&tls, &folder, &wish);
    assert!(first.issuer().expect("named").contains("Pebble"), "{:?}", first.issuer());
    let names: BTreeSet<String> = wish.domains.iter().cloned().collect();
    assert_eq!(first.names().expect("read"), names);
    assert!((88..=90).contains(&first.days_left().expect("read")));

    order(&folder, &wish, &runner).expect("looked at");
    assert_eq!(in_force(&tls, &folder, &wish), first, "one that lasts is kept");
}

#[test]
fn one_that_ends_soon_is_renewed_and_put_in_force() {
    let Some(words) = prefix() else { return };
    let place = tempfile::tempdir().expect("temporary folder");
    let (folder, tls) = (place.path().join("acme"), place.path().join("tls"));
    fs::create_dir_all(folder.join("challenges")).expect("made");
    let (http, _paths) = front(&folder.join("challenges"));
    // Of so few hours, less than a third of a day is always left.
    let pebble = Pebble::start(words, http, 6 * 3600);
    let (runner, wish) = (pebble.runner(), wished(&pebble, &["box.example.org"]));
    let mut seen = Vec::new();
    for _ in 0..2 {
        order(&folder, &wish, &runner).expect("written down");
        assert_eq!(outcome(&folder).expect("there").refused, None);
        seen.push(in_force(&tls, &folder, &wish));
        assert!(seen[seen.len() - 1].issuer().expect("named").contains("Pebble"));
    }
    assert_ne!(seen[0], seen[1]);
}

#[test]
fn a_refused_order_leaves_the_own_certificate_and_says_why() {
    let Some(words) = prefix() else { return };
    let place = tempfile::tempdir().expect("temporary folder");
    let (folder, tls) = (place.path().join("acme"), place.path().join("tls"));
    fs::create_dir_all(folder.join("challenges")).expect("made");
    // Nobody answers at that port.
    let pebble = Pebble::start(words, free_port(), QUARTER);
    let runner = pebble.runner();
    for (domain, reason) in
        [("blocked.example.org", Reason::Identifier), ("box.example.org", Reason::Connection)]
    {
        let wish = wished(&pebble, &[domain]);
        order(&folder, &wish, &runner).expect("written down");
        let refused = outcome(&folder).expect("there").refused.expect("refused");
        assert_eq!(refused.reason, reason, "{}", refused.detail);
        assert!(!is_due(&folder, &wish), "no new order before the daily one");
        assert!(in_force(&tls, &folder, &wish).issuer().expect("named").starts_with("Mazet"));
    }
    let mut elsewhere = wished(&pebble, &["box.example.org"]);
    elsewhere.directory = Some(format!("https://127.0.0.1:{}/dir", free_port()));
    order(&folder, &elsewhere, &runner).expect("written down");
    assert_eq!(outcome(&folder).expect("there").refused.expect("refused").reason, Reason::Directory);
    let own = Certificates { mode: CertificateMode::Own, ..elsewhere };
    order(&folder, &own, &runner).expect("nothing to do");
    assert_eq!(outcome(&folder), None, "what was refused is forgotten with the wish");
}

#[test]
fn a_certificate_of_another_wish_or_past_its_end_is_not_taken() {
    let place = tempfile::tempdir().expect("temporary folder");
    let authority =
        crate::tls::Authority::make(rcgen::KeyPair::generate().expect("a key"), &[]).expect("made");
    let key = rcgen::KeyPair::generate().expect("a key");
    let certificates = Certificates {
        mode: CertificateMode::AcmeHttp,
        domains: vec!["box.example.org".to_owned()],
        email: Some("ada@example.org".to_owned()),
        ..Certificates::default()
    };
    let (chain_file, key_file) = lego::files(&order_folder(place.path(), &certificates), &certificates);
    fs::create_dir_all(chain_file.parent().expect("a folder")).expect("made");
    let chain = authority.issue(&BTreeSet::from(["box.example.org".to_owned()]), &key).expect("issued");
    fs::write(&chain_file, chain).expect("written");
    fs::write(&key_file, key.serialize_pem()).expect("written");
    assert!(pair(place.path(), &certificates).is_some());
    let more = Certificates {
        domains: vec!["box.example.org".to_owned(), "b.example.org".to_owned()],
        ..certificates.clone()
    };
    let staging =
        Certificates { directory: Some("https://staging.example/dir".to_owned()), ..certificates.clone() };
    let own = Certificates { mode: CertificateMode::Own, ..certificates.clone() };
    for other in [more, staging, own] {
        assert!(pair(place.path(), &other).is_none(), "{other:?}");
    }
    let mut old = rcgen::CertificateParams::new(vec!["box.example.org".to_owned()]).expect("named");
    old.not_before = OffsetDateTime::now_utc() - std::time::Duration::from_secs(90 * 86_400);
    old.not_after = OffsetDateTime::now_utc() - std::time::Duration::from_secs(2 * 86_400);
    fs::write(&chain_file, old.self_signed(&key).expect("signed").pem()).expect("written");
    assert!(pair(place.path(), &certificates).is_none());
    // No link of the ordering user's leads root elsewhere.
    fs::remove_file(&chain_file).expect("removed");
    std::os::unix::fs::symlink("/etc/hostname", &chain_file).expect("linked");
    assert!(read(&chain_file).is_err());
}
