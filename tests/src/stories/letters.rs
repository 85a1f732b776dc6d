//! Mail between the box's people, as programs that we did not write send and fetch it: what must be refused, what
//! people's mailboxes do, many letters, and an account that was broken into.

use std::fs;
use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use mazet_boot::Qemu;
use mazet_boot::disk::{Disk, Format};
use mazet_boot::firmware::Firmware;
use mazet_boot::watch::Goal;
use serde_json::{Value, json};

use crate::browser::FRENCH_PHONE;
use crate::inside;
use crate::lab::Bench;
use crate::members;
use crate::programs::Programs;
use crate::stories::install;

/// The programs.
const LETTERS: &str = include_str!("../../clients/letters.py");
/// Somebody else's server, the names of the Internet, and somebody there who writes.
const ELSEWHERE: [(&str, &str); 3] = [
    ("outside.py", include_str!("../../clients/outside.py")),
    ("names.py", include_str!("../../clients/names.py")),
    ("neighbour.py", include_str!("../../clients/neighbour.py")),
];
/// Ports of the box that they connect to.
const PORTS: [u16; 3] = [465, 587, 993];
/// Bytes that one mailbox may hold: five letters of the test.
const TIGHT: &str = "psql -qX -v ON_ERROR_STOP=1 -h /run/postgresql -U mazet mazet -c \
                     \"update person set quota_bytes = 1500000 where login = 'tight'\"";
/// As the webmail's page of rules sends them: a filter and an answer of who is away.
const RULES: &str = "const done = arguments[arguments.length - 1];
    const defaults = {
        SOGoSieveFilters: [{ name: 'Factures', active: 1, match: 'any',
            rules: [{ field: 'subject', operator: 'contains', value: 'facture' }],
            actions: [{ method: 'fileinto', argument: 'Factures' }, { method: 'stop' }] }],
        Vacation: { enabled: 1, autoReplyText: 'De retour lundi.', daysBetweenResponse: 7,
            autoReplyEmailAddresses: ['eight@DOMAIN'], alwaysSend: 0, ignoreLists: 1 } };
    fetch('/SOGo/so/eight/Preferences/save', { method: 'POST', headers: { 'Content-Type': 'application/json' },
            body: JSON.stringify({ defaults, settings: {} }) })
        .then(answer => answer.text().then(text => done(answer.status + ' ' + text)), error => done(String(error)));";
/// What is looked at, in this order; the last stops an account.
const PARTS: [&str; 12] = [
    "tls_is_needed",
    "wrong_passwords_are_refused",
    "nobody_relays",
    "folders_and_search",
    "new_mail_is_told_of",
    "ten_at_once",
    "accents_and_25_mb",
    "a_full_mailbox_takes_nothing",
    "spam_is_filed",
    "rules_are_followed",
    "a_thousand",
    "a_burst_is_stopped",
];

/// Somebody else's mail server in a network of its own, with a certificate that the box believes, as the box's relay.
const RELAY: &str = r#"
set -e
mkdir -p /run/outside /var/tmp/outside && mount -o ro LABEL=OUTSIDE /run/outside && cd /var/tmp/outside
tar --extract --file=/run/outside/modules.tar
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes -days 2 -subj "/CN=relais.example.org" \
    -addext "subjectAltName=DNS:relais.example.org" -keyout key.pem -out cert.pem 2>/dev/null
cp cert.pem /usr/local/share/ca-certificates/relais.crt && update-ca-certificates >/dev/null 2>&1
ip netns add outside && ip link add relay0 type veth peer name there netns outside
ip addr add 198.51.100.1/24 dev relay0 && ip link set relay0 up
ip -n outside addr add 198.51.100.25/24 dev there && ip -n outside link set there up
echo '198.51.100.25 relais.example.org' >>/etc/hosts
printf 'sésame 43' >secret
systemd-run --quiet --unit=outside --property=NetworkNamespacePath=/run/netns/outside --working-directory=/var/tmp/outside \
    --setenv=PYTHONPATH=/var/tmp/outside \
    python3 -B /run/outside/outside.py 198.51.100.25 2587 cert.pem key.pem /var/tmp/outside box@example.org secret
cat >>/srv/mazet/box.toml <<END
[mail.relay]
host = "relais.example.org"
port = 2587
security = "starttls"
user = "box@example.org"
sender = "box@example.org"
END
mazetd mail password <secret >/dev/null
mazetd apply
timeout 120 sh -c 'until test "$(postconf -h relayhost)" = "[relais.example.org]:2587" && test -s /run/postfix/relay; do sleep 1; done'
"#;
/// The box as the mail server of a domain: the names that lead to it and to that other server are those of the same network.
const FULL: &str = r#"
set -e
cd /var/tmp/outside && systemctl stop outside && rm -f ./*.eml
psql -qX -v ON_ERROR_STOP=1 -h /run/postgresql -U mazet mazet -c \
    "insert into domain (name, organisation_id) select 'cercle.example.org', id from organisation where name = 'Les Écrivains'"
in_there() {
    unit=$1
    shift
    systemd-run --quiet --unit="$unit" --property=NetworkNamespacePath=/run/netns/outside --working-directory=/var/tmp/outside \
        --setenv=PYTHONPATH=/var/tmp/outside python3 -B "$@"
}
in_there names /run/outside/names.py 198.51.100.25 198.51.100.1
in_there outside /run/outside/outside.py 198.51.100.25 25 cert.pem key.pem /var/tmp/outside "" secret
resolvectl dns relay0 198.51.100.25 && resolvectl domain relay0 '~.'
timeout 120 sh -c 'until resolvectl query --type=TXT banque.example.net; do sleep 1; done'
printf '\n[options.mail]\nway = "full"\n' >>/srv/mazet/box.toml
mazetd apply
timeout 120 sh -c 'until ss -Hltn "sport = 25" | grep -q .; do sleep 1; done'
"#;
/// Somebody there writes to the box.
const NEIGHBOUR: &str = "ip netns exec outside python3 -B /run/outside/neighbour.py 198.51.100.1 2>&1";
/// What Postfix and the server say.
const WHY: &str =
    "postqueue -j; journalctl --no-pager --lines=30 --unit=postfix --unit=outside --unit=names --unit=rspamd";
/// The letter that came there, as soon as there is one.
const OUTSIDE: &str = "timeout 300 sh -c 'until test -e /var/tmp/outside/0.eml; do sleep 1; done' && base64 -w 0 /var/tmp/outside/0.eml";

/// Everything of it, on the disk that the French installation left.
pub fn are_exchanged(bench: &Bench) -> Result<()> {
    let outside = Disk::sata(outside(bench)?, Format::Raw, "OUTSIDE", "Mazet Test Disk");
    let mut machine = bench.machine("letters", Firmware::Bios).disk(install::installed(bench)?).disk(outside);
    machine.guest_ports.extend(PORTS);
    let qemu = bench.boot(&machine, &Goal::home())?;
    qemu.shell()?.wait_ready(Duration::from_secs(300))?;
    inside::no_unit_failed(&qemu)?;
    let programs = Programs::new(bench, &qemu)?;
    qemu.shell()?.ask(TIGHT)?;
    programs.in_the_pages("eight", "Preferences", RULES).context("rules")?;
    programs.run(LETTERS, &PARTS, &PORTS, &Value::Null)?;
    a_stop_is_seen_and_lifted(bench, &qemu, programs.base()).context("an account that is stopped")?;
    programs.run(LETTERS, &["is_let_go"], &PORTS, &Value::Null)?;
    a_relay_carries(bench, &qemu, &programs).context("through a relay")?;
    a_domain_is_served(bench, &qemu, &programs).context("as a full mail server")?;
    println!("{}", inside::memory_by_program(&qemu)?);
    inside::no_unit_failed(&qemu)
}

/// The operator is told, by health and by the page, and lets the account go.
fn a_stop_is_seen_and_lifted(bench: &Bench, qemu: &Qemu, base: &str) -> Result<()> {
    let health = qemu.shell()?.run("mazetd health", Duration::from_secs(300))?;
    ensure!(health.status != 0 && health.text.contains("nine"), "health says: {}", health.text);
    let phone = members::operator(bench, base, FRENCH_PHONE, "fr")?;
    phone.go(&format!("{base}/machine/reports/mail/queue"))?;
    phone.wait_for("//button[@value='lift']")?;
    phone.page_is_well("a stopped account", "fr")?;
    phone.click("//button[@value='lift']")?;
    phone.wait_for("//p[@id='said']")?;
    ensure!(phone.count("button[value=\\'lift\\']")? == 0, "the account is stopped still");
    qemu.shell()?.ask("mazetd health").context("the box is not well again").map(drop)
}

/// A small disk with the programs that play somebody else's mail server.
fn outside(bench: &Bench) -> Result<PathBuf> {
    let (tools, image) = (&bench.lab.tools, bench.path("outside.img"));
    fs::File::create(&image)?.set_len(16 << 20)?;
    let drive = image.display().to_string();
    tools.output("mformat", &["-i", &drive, "-F", "-v", "OUTSIDE", "::"])?;
    let modules = bench.path("modules.tar");
    let words = ["--create", "--dereference", "--directory=/usr/lib/python3/dist-packages"];
    let words = [&words[..], &["aiosmtpd", "attr", "attrs", "public", "dnslib"]].concat();
    fs::write(&modules, bench.lab.test_tree.output("tar", &words)?)?;
    let mut files = vec![modules];
    for (name, script) in ELSEWHERE {
        fs::write(bench.path(name), script)?;
        files.push(bench.path(name));
    }
    for file in files {
        tools.output("mcopy", &["-i", &drive, &file.display().to_string(), "::"])?;
    }
    Ok(image)
}

/// What is written to somebody elsewhere goes through the relay, over TLS, signed by the box.
fn a_relay_carries(bench: &Bench, qemu: &Qemu, programs: &Programs<'_>) -> Result<()> {
    let set_up = qemu.shell()?.run(RELAY, Duration::from_secs(900))?;
    ensure!(set_up.status == 0, "setting the relay up: {}", set_up.text);
    programs.run(LETTERS, &["goes_outside"], &PORTS, &Value::Null)?;
    comes_signed(bench, qemu, programs)
}

/// What is written from outside is looked at as its domain wishes; what goes there finds its server.
fn a_domain_is_served(bench: &Bench, qemu: &Qemu, programs: &Programs<'_>) -> Result<()> {
    let set_up = qemu.shell()?.run(FULL, Duration::from_secs(900))?;
    ensure!(set_up.status == 0, "setting it up: {}", set_up.text);
    let tries = qemu.shell()?.run(NEIGHBOUR, Duration::from_secs(900))?;
    println!("{}", tries.text);
    ensure!(tries.status == 0, "{}\n{}", tries.text, qemu.shell()?.ask(WHY)?);
    programs.run(LETTERS, &["comes_from_outside", "answers_outside"], &PORTS, &Value::Null)?;
    comes_signed(bench, qemu, programs)
}

/// The letter that came to the server outside has the box's signature.
fn comes_signed(bench: &Bench, qemu: &Qemu, programs: &Programs<'_>) -> Result<()> {
    let letter = qemu.shell()?.run(OUTSIDE, Duration::from_secs(600))?;
    ensure!(letter.status == 0, "no letter came outside: {}", qemu.shell()?.ask(WHY)?);
    let file = bench.path("outside.eml");
    fs::write(&file, STANDARD.decode(letter.text.trim())?)?;
    let record = qemu.shell()?.ask("cat /srv/mail-filter/mazet.txt")?;
    programs.run(LETTERS, &["is_signed"], &[], &json!({ "outside": file, "record": record }))
}
