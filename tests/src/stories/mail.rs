//! Mail, calendars and contacts on the installed box: clients that we did not write send, fetch and make
//! appointments with an application password, and a phone's browser reads mail without one.

use std::fs;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use mazet_boot::firmware::Firmware;
use mazet_boot::watch::Goal;
use mazet_boot::{Machine, Qemu};

use crate::browser::FRENCH_PHONE;
use crate::dav::Client;
use crate::inside;
use crate::lab::Bench;
use crate::members::{self, OPERATOR};
use crate::stories::{common, install, mail_ways, web_server};

/// The name that the French installation gave the box.
pub const DOMAIN: &str = "cabanon.local";
/// Somebody whom the operator is not.
const STRANGER: &str = "president@elysee.example";
/// Ports of the box that mail programs connect to.
const SUBMISSIONS: u16 = 465;
const IMAPS: u16 = 993;
/// The same, for a machine's settings.
pub const PORTS: [u16; 2] = [SUBMISSIONS, IMAPS];
/// How curl ends when the server refuses who writes, and when it refuses the password (curl(1), exit codes).
const REFUSED: &str = "55";
const DENIED: &str = "67";
/// Time for a letter from one mailbox to another, on an emulated machine.
const POST: Duration = Duration::from_secs(120);
/// An appointment (RFC 5545).
const MEETING: &str = "BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//Mazet//Test//FR\r\nBEGIN:VEVENT\r\nUID:reunion\r\n\
                       DTSTAMP:20261130T000000Z\r\nDTSTART:20261204T180000Z\r\nDTEND:20261204T190000Z\r\n\
                       SUMMARY:Réunion à l’étang\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n";

/// Everything of it, on the disk that the French installation left.
pub fn is_kept(bench: &Bench) -> Result<()> {
    let mut machine = bench.machine("mail", Firmware::Bios).disk(install::installed(bench)?);
    machine.guest_ports.extend(PORTS);
    let qemu = bench.boot(&machine, &Goal::home())?;
    qemu.shell()?.wait_ready(Duration::from_secs(300))?;
    let base = format!("https://127.0.0.1:{}", qemu.port(443)?);
    let phone = members::operator(bench, &base, FRENCH_PHONE, "fr")?;
    let program = Program { bench, qemu: &qemu, password: Client::of(bench, &phone, &base)?.password };
    inside::no_unit_failed(&qemu)?;
    qemu.shell()?.ask("mazetd health").context("the box is not well")?;
    program.sends_and_fetches()?;
    for server in ["nginx", "apache"] {
        web_server::choose(&qemu, server)?;
        program.makes_an_appointment(&base).with_context(|| format!("an appointment, under {server}"))?;
        phone.go(&format!("{base}/SOGo/"))?;
        phone
            .wait_for("//body[starts-with(@ng-app, 'SOGo.')]")
            .with_context(|| format!("the pages, under {server}"))?;
        phone.forget_complaints()?;
    }
    mail_ways::are_seen(&qemu, &phone, &base, DOMAIN, STRANGER)?;
    common::is_held(&program, &phone, &base)?;
    is_kept_apart(&qemu)?;
    println!("{} MiB in use: {}", inside::memory_in_use(&qemu)?, inside::memory_by_program(&qemu)?);
    inside::no_unit_failed(&qemu)?;
    qemu.power_button()?;
    qemu.wait_end(Duration::from_secs(600)).context("the power button does not switch it off")?;
    is_there_again(bench, &machine, &program.password).context("after it was switched off and on")
}

/// Everything is as it was left.
fn is_there_again(bench: &Bench, machine: &Machine, password: &str) -> Result<()> {
    let qemu = bench.boot(machine, &Goal::home())?;
    qemu.shell()?.wait_ready(Duration::from_secs(300))?;
    inside::no_unit_failed(&qemu)?;
    let base = format!("https://127.0.0.1:{}", qemu.port(443)?);
    Program { bench, qemu: &qemu, password: password.to_owned() }.finds_what_was_left(&base)
}

/// A mail and calendar program: curl, with an application password.
pub struct Program<'a> {
    /// Where it keeps its files.
    pub bench: &'a Bench,
    /// The box.
    pub qemu: &'a Qemu,
    /// An application password of the operator.
    pub password: String,
}

impl Program<'_> {
    /// A letter to oneself comes, one in another's name does not; one's own password opens nothing.
    pub fn sends_and_fetches(&self) -> Result<()> {
        let own = format!("{}@{DOMAIN}", OPERATOR.login);
        let end = self.sends(&own, &own, "Été")?;
        ensure!(end == "0", "a letter to oneself was refused (curl: {end})");
        let end = self.sends(STRANGER, &own, "Faux")?;
        ensure!(end == REFUSED, "somebody wrote as somebody else: {end}");
        let found = self.fetches("INBOX")?;
        ensure!(found.contains("Subject: Été"), "what was sent is not what was fetched: {found}");
        // Who has a second factor has no other password for programs.
        let box_of_mail = format!("imaps://127.0.0.1:{}/", self.qemu.port(IMAPS)?);
        let (end, _) = self.curl(OPERATOR.password, &box_of_mail, &[])?;
        ensure!(end == DENIED, "an operator's own password opened a mailbox: {end}");
        Ok(())
    }

    /// The first letter of a mailbox, which may still be on its way.
    pub fn fetches(&self, mailbox: &str) -> Result<String> {
        let url = format!("imaps://127.0.0.1:{}/{mailbox};MAILINDEX=1", self.qemu.port(IMAPS)?);
        let begun = Instant::now();
        loop {
            let (end, letter) = self.curl(&self.password, &url, &[])?;
            if end == "0" || begun.elapsed() > POST {
                return Ok(letter);
            }
            thread::sleep(Duration::from_secs(1));
        }
    }

    /// Sends a letter; how curl ends.
    pub fn sends(&self, from: &str, to: &str, subject: &str) -> Result<String> {
        let letter = self.bench.path("letter");
        fs::write(&letter, format!("From: {from}\r\nTo: {to}\r\nSubject: {subject}\r\n\r\nBonjour.\r\n"))?;
        let url = format!("smtps://127.0.0.1:{}", self.qemu.port(SUBMISSIONS)?);
        let file = letter.display().to_string();
        let words = ["--mail-from", from, "--mail-rcpt", to, "--upload-file", &file];
        self.curl(&self.password, &url, &words).map(|(end, _)| end)
    }

    /// The letter and the appointment of an earlier time.
    pub fn finds_what_was_left(&self, base: &str) -> Result<()> {
        let letter = self.fetches("INBOX")?;
        ensure!(letter.contains("Subject: Été"), "the first letter is {letter}");
        let url = format!("{base}/SOGo/dav/{}/Calendar/personal/reunion.ics", OPERATOR.login);
        let (_, text) = self.curl(&self.password, &url, &[])?;
        ensure!(text.contains("Réunion à l’étang"), "the appointment is {text}");
        Ok(())
    }

    /// One is put into the operator's calendar by CalDAV, and comes back.
    pub fn makes_an_appointment(&self, base: &str) -> Result<()> {
        let file = self.bench.path("meeting.ics");
        fs::write(&file, MEETING)?;
        let url = format!("{base}/SOGo/dav/{}/Calendar/personal/reunion.ics", OPERATOR.login);
        // Without it, SOGo takes a text that is not plain ASCII for none at all (404).
        let kind = "Content-Type: text/calendar; charset=utf-8";
        let words = ["--header", kind, "--upload-file", &file.display().to_string()];
        let (end, answer) = self.curl(&self.password, &url, &words)?;
        if end != "0" {
            let said = self
                .qemu
                .shell()?
                .ask("journalctl --no-pager --lines=15 --unit=nginx --unit=mazet-web --unit=apache2; nft list ruleset | grep -C3 20000; id www-data")?;
            bail!("the calendar takes no appointment (curl: {end}): {answer}\n{said}");
        }
        let (_, text) = self.curl(&self.password, &url, &[])?;
        ensure!(text.contains("Réunion à l’étang"), "the appointment came back as {text}");
        let (end, _) = self.curl("wrong", &url, &[])?;
        ensure!(end == "22", "a wrong password opened the calendar: {end}");
        Ok(())
    }

    /// How curl ends, and what it is given, asking as the operator.
    pub fn curl(&self, password: &str, url: &str, words: &[&str]) -> Result<(String, String)> {
        self.asks(Some((OPERATOR.login, password)), url, words)
    }

    /// The same as anybody, or as nobody.
    pub fn asks(&self, who: Option<(&str, &str)>, url: &str, words: &[&str]) -> Result<(String, String)> {
        // The file, not the command line, holds the password.
        let netrc = self.bench.path("netrc");
        let line = |(login, password)| format!("machine 127.0.0.1 login {login} password \"{password}\"\n");
        fs::write(&netrc, who.map(line).unwrap_or_default())?;
        let netrc = netrc.display().to_string();
        let mut arguments = vec![
            "-c",
            "curl \"$@\"; end=$?; echo; echo $end",
            "sh",
            "--silent",
            if url.starts_with("https") { "--fail-with-body" } else { "--fail" },
            "--insecure",
            "--noproxy",
            "*",
        ];
        arguments.extend(["--max-time", "120", "--netrc-file", &netrc]);
        arguments.extend(words);
        arguments.push(url);
        let output =
            self.bench.lab.test_tree.output("sh", &arguments).with_context(|| format!("asking {url}"))?;
        let text = String::from_utf8_lossy(&output).trim_end().to_owned();
        let (body, end) = text.rsplit_once('\n').unwrap_or(("", &text));
        Ok((end.to_owned(), body.to_owned()))
    }
}

/// What the pages' programs listen at is theirs: not even another program of the box comes in.
fn is_kept_apart(qemu: &Qemu) -> Result<()> {
    let kept = "for port in 10025 10143 10587 14190 20000; do \
                if timeout 5 bash -c \"exec 3<>/dev/tcp/127.0.0.1/$port\" 2>/dev/null; then echo \"$port\"; fi; done";
    let open = qemu.shell()?.ask(kept)?;
    ensure!(open.trim().is_empty(), "root came in at {open}");
    Ok(())
}
