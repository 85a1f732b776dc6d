//! A device that is told of the box's own authority trusts the box; another authority certifies its domain.

use std::fs;
use std::path::{Path, PathBuf};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use mazet_boot::disk::{Disk, Format};
use mazet_boot::firmware::Firmware;
use mazet_boot::guest::GuestShell;
use mazet_boot::watch::Goal;
use mazet_boot::{Qemu, Runner};

use crate::browser::{Browser, ENGLISH_DESKTOP};
use crate::inside;
use crate::lab::Bench;
use crate::members::{self, NEXT};
use crate::stories::install;

/// The name that the box has on its own network.
const LOCAL: &str = "cabanon.local";
/// A public domain, and one that the other authority does not certify.
const DOMAIN: &str = "amis.example.org";
const BLOCKED: &str = "interdit.example.org";
/// Time for a change, or for an order, on an emulated machine.
const CHANGE: Duration = Duration::from_secs(600);
/// What curl says when a certificate is of nobody that it trusts (curl(1), exit codes).
const UNTRUSTED: i32 = 60;

/// Starts pebble, Let's Encrypt's server for tests, and the DNS that it asks, inside the machine: the Internet that
/// the test has. The box trusts pebble's own certificate as it would trust any authority of its operator's.
const PEBBLE: &str = r#"
set -e
mkdir -p /run/internet && mount -o ro LABEL=INTERNET /run/internet && mkdir -p /var/tmp/pebble && cd /var/tmp/pebble
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj "/CN=pebble" \
    -addext "subjectAltName=IP:127.0.0.1" -keyout own-key.pem -out own.pem 2>/dev/null
cp own.pem /usr/local/share/ca-certificates/pebble.crt && update-ca-certificates >/dev/null 2>&1
cat >pebble.json <<END
{"pebble": {"listenAddress": "127.0.0.1:14000", "managementListenAddress": "127.0.0.1:15000",
 "certificate": "own.pem", "privateKey": "own-key.pem", "httpPort": 80, "tlsPort": 443, "ocspResponderURL": "",
 "externalAccountBindingRequired": false, "domainBlocklist": ["interdit.example.org"]}}
END
for part in pebble pebble-challtestsrv; do install -m 755 "/run/internet/$part" .; done
systemd-run --quiet --unit=names --working-directory=/var/tmp/pebble /var/tmp/pebble/pebble-challtestsrv -http01 "" -https01 "" \
    -tlsalpn01 "" -doh "" -management 127.0.0.1:8055 -dns01 127.0.0.1:8053 -defaultIPv4 127.0.0.1 -defaultIPv6 ""
systemd-run --quiet --unit=pebble --working-directory=/var/tmp/pebble --setenv=PEBBLE_VA_NOSLEEP=1 \
    /var/tmp/pebble/pebble -config pebble.json -dnsserver 127.0.0.1:8053
timeout 120 sh -c 'until openssl s_client -connect 127.0.0.1:14000 </dev/null >/dev/null 2>&1; do sleep 1; done'
"#;
/// The certificate of pebble's authority itself.
const ROOT: &str = "printf 'GET /roots/0 HTTP/1.0\\r\\n\\r\\n' | openssl s_client -quiet -connect 127.0.0.1:15000 2>/dev/null | \
                    sed -n '/BEGIN/,/END/p'";

/// Everything of it, on the disk that the French installation left.
pub fn is_certified(bench: &Bench) -> Result<()> {
    let internet = Disk::sata(internet(bench)?, Format::Raw, "INTERNET", "Mazet Test Disk");
    let machine = bench.machine("certified", Firmware::Bios).disk(install::installed(bench)?).disk(internet);
    let qemu = bench.boot(&machine, &Goal::home())?;
    let shell = qemu.shell()?;
    shell.wait_ready(Duration::from_secs(300))?;
    let base = format!("https://127.0.0.1:{}", qemu.port(443)?);
    let own = authority(bench, &qemu)?;
    trusted(bench, &qemu, &own, LOCAL, "/")?;
    let desk = Browser::open(bench, ENGLISH_DESKTOP)?;
    desk.go(&format!("{base}/authority/"))?;
    desk.page_is_well("authority", "en")?;
    same_fingerprint(bench, &desk, &own)?;
    members::sign_in(&desk, &base, members::OPERATOR)?;
    members::set_up(bench, &desk, "en")?;
    shell.ask(PEBBLE)?;
    refused(&desk, &base)?;
    trusted(bench, &qemu, &own, LOCAL, "/")?;
    certified(&desk, &base)?;
    let root = bench.path("pebble.pem");
    fs::write(&root, shell.ask(ROOT)?)?;
    in_force(|| trusted(bench, &qemu, &root, DOMAIN, "/sign-in")).context("the public name")?;
    trusted(bench, &qemu, &own, LOCAL, "/").context("the name on its own network")?;
    is_quiet(shell)?;
    inside::no_unit_failed(&qemu)
}

/// A small disk with the programs that play the Internet.
fn internet(bench: &Bench) -> Result<PathBuf> {
    let (tools, image) = (&bench.lab.tools, bench.path("internet.img"));
    fs::File::create(&image)?.set_len(96 << 20)?;
    let drive = image.display().to_string();
    tools.output("mformat", &["-i", &drive, "-F", "-v", "INTERNET", "::"])?;
    for program in ["pebble", "pebble-challtestsrv"] {
        let file = bench.path(program);
        fs::write(&file, bench.lab.test_tree.output("cat", &[format!("/usr/bin/{program}")])?)?;
        tools.output("mcopy", &["-i", &drive, &file.display().to_string(), "::"])?;
        fs::remove_file(&file)?;
    }
    Ok(image)
}

/// The authority's certificate, as a device that trusts nothing of the box yet gets it: over plain HTTP.
fn authority(bench: &Bench, qemu: &Qemu) -> Result<PathBuf> {
    let file = bench.path("authority.pem");
    let url = format!("http://127.0.0.1:{}/authority/mazet.pem", qemu.port(80)?);
    let arguments = ["--silent", "--show-error", "--fail", "--noproxy", "*", "--max-time", "120", &url];
    fs::write(&file, bench.lab.test_tree.output("curl", &arguments)?)?;
    Ok(file)
}

/// Who knows that authority, and no other, believes that the box is `name`; who does not know it, does not.
fn trusted(bench: &Bench, qemu: &Qemu, authority: &Path, name: &str, path: &str) -> Result<()> {
    let curl = |more: &[&str]| {
        let mut command = bench.lab.test_tree.command("curl");
        let there = format!("{name}:443:127.0.0.1:{}", qemu.port(443)?);
        command.args(["--silent", "--show-error", "--fail", "--noproxy", "*", "--max-time", "120"]);
        command.args(["--output", "/dev/null", "--connect-to", &there]).args(more);
        Ok::<_, anyhow::Error>(command.arg(format!("https://{name}{path}")).output()?)
    };
    let stranger = curl(&[])?;
    ensure!(stranger.status.code() == Some(UNTRUSTED), "a stranger's curl at {name}: {}", stranger.status);
    let friend = curl(&["--cacert", &authority.display().to_string()])?;
    ensure!(
        friend.status.success(),
        "{name} is not believed: {}",
        String::from_utf8_lossy(&friend.stderr).trim()
    );
    Ok(())
}

/// A certificate that came is put in force by a unit of its own, which nobody outside hears of.
fn in_force(is_trusted: impl Fn() -> Result<()>) -> Result<()> {
    let begun = Instant::now();
    loop {
        match is_trusted() {
            Err(_) if begun.elapsed() < CHANGE => thread::sleep(Duration::from_secs(2)),
            end => return end,
        }
    }
}

/// The page shows the fingerprint that openssl sees, for who compares them.
fn same_fingerprint(bench: &Bench, desk: &Browser, authority: &Path) -> Result<()> {
    let pem = authority.display().to_string();
    let said = openssl(&bench.lab.test_tree, &["x509", "-noout", "-fingerprint", "-sha256", "-in", &pem])?;
    let told = said.split_once('=').map_or("", |(_, print)| print.trim());
    let shown = desk.texts("#fingerprint code")?.join(":");
    ensure!(!shown.is_empty() && shown == told, "the page shows {shown}, openssl {told}");
    Ok(())
}

fn openssl(tree: &Runner, arguments: &[&str]) -> Result<String> {
    Ok(String::from_utf8(tree.output("openssl", arguments)?)?)
}

/// A name that the authority does not take: told, and what was in force stays so.
fn refused(desk: &Browser, base: &str) -> Result<()> {
    wish(desk, base, BLOCKED)?;
    ordered(desk, base)?;
    desk.page_is_well("certificate-refused", "en")?;
    let said = desk.text_now("#refused")?.context("the page calls a refused certificate ordered")?;
    ensure!(said.contains(BLOCKED), "the page does not tell which name was refused: {said}");
    Ok(())
}

fn certified(desk: &Browser, base: &str) -> Result<()> {
    wish(desk, base, DOMAIN)?;
    ordered(desk, base)?;
    desk.page_is_well("certificate-ordered", "en")?;
    let refused = desk.text_now("#refused")?;
    ensure!(refused.is_none(), "the authority refused: {}", refused.unwrap_or_default());
    let names = desk.texts(".certificate dd")?;
    ensure!(names.iter().any(|text| text == DOMAIN), "no certificate for {DOMAIN} in force: {names:?}");
    Ok(())
}

/// Asks for a certificate over HTTP on the page, through its preview.
fn wish(desk: &Browser, base: &str, domain: &str) -> Result<()> {
    desk.go(&format!("{base}/machine/certificates"))?;
    desk.fill("//input[@id='domains']", domain)?;
    desk.click("//label[@for='mode-acme-http']")?;
    desk.fill("//input[@id='email']", "elise@example.org")?;
    desk.fill("//input[@id='directory']", "https://127.0.0.1:14000/dir")?;
    desk.page_is_well(&format!("certificates-{domain}"), "en")?;
    desk.click(NEXT)?;
    let changed = desk.text("//dl[@id='changed-settings']")?;
    ensure!(changed.contains(domain), "the preview shows: {changed}");
    desk.page_is_well(&format!("certificates-preview-{domain}"), "en")?;
    desk.click("//button[@id='confirm']")?;
    desk.wait_long_for("//p[@id='done']", CHANGE).context("the change does not end")
}

/// Waits until the order of the last wish has ended.
fn ordered(desk: &Browser, base: &str) -> Result<()> {
    let begun = Instant::now();
    loop {
        desk.go(&format!("{base}/machine/certificates"))?;
        desk.wait_for("//h2[@id='last-order']")?;
        if desk.count("#refused, #ordered")? > 0 {
            return Ok(());
        }
        ensure!(begun.elapsed() < CHANGE, "the order does not end");
        // The page is drawn by the server alone: a person looks again, too.
        thread::sleep(Duration::from_secs(2));
    }
}

/// What came is in force, and the box has nothing left to do.
fn is_quiet(shell: &GuestShell) -> Result<()> {
    let dry = shell.ask("mazetd apply --dry-run 2>&1")?;
    ensure!(dry.trim() == "nothing to change", "the box is not at rest: {dry}");
    shell.ask("mazetd health").context("the box is not well").map(drop)
}
