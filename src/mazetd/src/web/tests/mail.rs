//! The box's own messages, over a mail server that we did not write (see fixtures/README.md): it takes
//! them, refuses them, asks to come back; what came is followed.

use std::io::{BufRead as _, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use mazet_database::testing::PREFIX;
use mazet_directory::outbox::{Queue, SENDER};
use mazet_model::settings::{Relay, Security, Settings};
use serde_json::Value;
use tempfile::TempDir;

use super::installed::{Installed, PASSWORD, Visitor, between};
use super::*;
use crate::mail::Sender;
use crate::tls;

/// What the server takes as login and password.
const LOGIN: (&str, &str) = ("box@example.org", "sésame 42");

/// A mail server of the tests.
struct MailServer {
    folder: TempDir,
    port: u16,
    security: Security,
    /// It ends when its standard input is closed.
    _life: Child,
}

impl MailServer {
    fn start(security: Security) -> Self {
        let folder = tempfile::Builder::new().prefix("mazet-smtp-").tempdir().unwrap();
        tls::ensure(folder.path(), "mazet", None).unwrap();
        let prefix = std::env::var(PREFIX).unwrap_or_default();
        let word = match security {
            Security::Tls => "tls",
            Security::Starttls => "starttls",
            Security::NoneOnLoopback => "plain",
        };
        let mut words: Vec<&str> = prefix.lines().collect();
        words.extend(["python3", "-c", include_str!("../../../fixtures/smtp.py")]);
        let mut child = Command::new(words[0])
            .args(&words[1..])
            .args([folder.path(), Path::new(word)])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = String::new();
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut said).unwrap();
        let port = said.trim().parse().expect("a port: is python3-aiosmtpd there?");
        Self { folder, port, security, _life: child }
    }

    fn relay(&self) -> Relay {
        Relay {
            host: "localhost".to_owned(),
            port: self.port,
            security: self.security,
            user: (self.security != Security::NoneOnLoopback).then(|| LOGIN.0.to_owned()),
            sender: "box@amis.example.org".to_owned(),
        }
    }

    /// What came, in order.
    fn messages(&self) -> Vec<Value> {
        let read = |number: usize| {
            let text = std::fs::read(self.folder.path().join(format!("{number}.json"))).ok()?;
            Some(serde_json::from_slice(&text).unwrap())
        };
        (0..).map_while(read).collect()
    }
}

impl Installed {
    /// The box with that relay, and what the broker would say then.
    fn relay_is(&self, relay: Relay) {
        let mut state = self.broker.state();
        state.settings.settings.mail.relay = Some(relay);
        state.status.sends_mail = true;
    }

    /// What the unit does, started anew: a restart in between loses nothing.
    async fn send(&self, server: &MailServer, password: &str) {
        let settings =
            Settings { mail: self.broker.state().settings.settings.mail.clone(), ..Settings::live() };
        let place = self.server.place(&self.database, SENDER);
        let trusted = Some(server.folder.path().join(tls::AUTHORITY));
        Sender { settings, password: Some(password.to_owned()), place, trusted }.run().await.unwrap();
    }

    async fn sql(&self, statement: &str) {
        self.server.superuser(&self.database).await.batch_execute(statement).await.unwrap();
    }

    /// One text of the database.
    async fn text(&self, statement: &str) -> String {
        self.server.superuser(&self.database).await.query_one(statement, &[]).await.unwrap().get(0)
    }

    /// Until a message is in the outbox: it is written beside the answer.
    async fn written(&self, count: i64) {
        let client = self.server.superuser(&self.database).await;
        let all =
            async || client.query_one("select count(*) from outbox", &[]).await.unwrap().get::<_, i64>(0);
        while all().await < count {
            tokio::task::yield_now().await;
        }
    }
}

/// The path of the link in a message.
fn link(message: &Value) -> String {
    let text = message["text"].as_str().unwrap();
    text.lines().find_map(|line| line.strip_prefix("https://mazet.local")).expect("a link").to_owned()
}

/// Follows a link, and chooses a password.
async fn follow(browser: &mut Visitor, path: &str, password: &str) -> Answer {
    let page = browser.get(path).await;
    assert_eq!(page.status, StatusCode::OK);
    let code = between(&page.body, "name=\"code\" type=\"text\" value=\"", "\"");
    let fields = [("csrf", &*page.csrf()), ("code", &*code)];
    let action = path.split('?').next().unwrap();
    let choose = browser.send(action, &fields).await;
    let fields =
        [("csrf", &*choose.csrf()), ("code", &*code), ("password", password), ("password_again", password)];
    browser.send(action, &fields).await
}

/// Somebody is added, and invited by e-mail.
async fn invite(ada: &mut Visitor, organisation: &str, login: &str, email: &str) -> Answer {
    let fields = [
        ("name", &*format!("{login} Œuvre")),
        ("login", login),
        ("email", email),
        ("language", "fr"),
        ("organisation", organisation),
        ("by", "mail"),
    ];
    ada.fill("/people/new", "/people/new", &fields).await
}

#[tokio::test]
async fn an_invitation_by_mail_opens_an_account() {
    let Some(site) = Installed::start().await else { return };
    let organisation = site.organisation("L’Été en Œuvre", "ete.example.org").await.to_string();
    let server = MailServer::start(Security::Starttls);
    let mut ada = site.operator().await;
    assert!(
        !ada.get("/people/new").await.body.contains("by-mail"),
        "without a relay there is the slip alone"
    );
    site.relay_is(server.relay());
    let without = invite(&mut ada, &organisation, "zoe", "").await;
    assert!(without.body.contains("id=\"email-fault\""), "{}", without.body);
    let invited = invite(&mut ada, &organisation, "zoe", "zoe@example.net").await.leads_to();
    let person = between(&invited, "/people/", "?");
    assert!(invited.ends_with("said=person.invited_by_mail"), "{invited}");
    let page = ada.get(&invited).await.body;
    assert!(page.contains("No slip was made") && page.contains("on its way"), "{page}");
    assert!(site.broker.state().asked.contains(&"send-mail".to_owned()));

    site.send(&server, LOGIN.1).await;
    let [message] = &server.messages()[..] else { panic!("{:?}", server.messages()) };
    assert_eq!(message["Subject"], "Votre compte chez L’Été en Œuvre");
    assert_eq!(message["To"], "zoe Œuvre <zoe@example.net>");
    assert_eq!(message["From"], "Mazet <box@amis.example.org>");
    assert_eq!(message["Auto-Submitted"], "auto-generated");
    assert_eq!(message["Content-Type"], "text/plain; charset=\"utf-8\"");
    assert_eq!((&message["secure"], &message["faults"]), (&Value::Bool(true), &Value::Array(Vec::new())));
    assert!(message["Message-ID"].as_str().unwrap().ends_with("@amis.example.org>"), "{message}");
    assert!(message["Date"].as_str().unwrap().contains(" 20"), "{message}");
    let text = message["text"].as_str().unwrap();
    assert!(text.contains("Bonjour zoe Œuvre,") && text.contains("Votre identifiant\u{a0}: zoe"), "{text}");
    let page = ada.get(&format!("/people/{person}")).await.body;
    assert!(page.contains("taken by the server") && page.contains("2.0.0 Kept as number 0"), "{page}");
    // What opens the account is nowhere any more.
    assert_eq!(site.text("select coalesce(body, 'forgotten') from outbox").await, "forgotten");
    site.send(&server, LOGIN.1).await;
    assert_eq!(server.messages().len(), 1, "it was sent twice");

    let mut zoe = site.browser();
    let chosen = follow(&mut zoe, &link(message), PASSWORD).await;
    assert_eq!(chosen.leads_to(), "/sign-in?said=welcome.done", "{}", chosen.body);
    assert_eq!(zoe.sign_in("zoe", PASSWORD).await.leads_to(), "/");
    let again = follow(&mut site.browser(), &link(message), PASSWORD).await;
    assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY, "the link counted twice");
}

#[tokio::test]
async fn a_forgotten_password_is_chosen_anew_and_strangers_learn_nothing() {
    let Some(site) = Installed::start().await else { return };
    let server = MailServer::start(Security::Tls);
    let mut stranger = site.browser();
    let page = stranger.get("/forgotten").await.body;
    assert!(page.contains("id=\"no-mail\"") && !page.contains("forgotten-form"), "{page}");
    site.relay_is(server.relay());
    let organisation = site.first().await;
    site.person(organisation, "zoe", &[]).await;
    site.person(organisation, "max", &[]).await;
    site.sql("update person set contact = 'Zoe@example.net', language = 'en' where login = 'zoe'").await;
    assert!(stranger.get("/sign-in").await.body.contains("href=\"/forgotten\""));
    let empty = stranger.fill("/forgotten", "/forgotten", &[("who", " ")]).await;
    assert_eq!(empty.status, StatusCode::UNPROCESSABLE_ENTITY);

    let mut said = Vec::new();
    // Nobody; somebody without an address; an address of nobody; zoe, twice.
    for who in ["nobody", "max", "nobody@example.net", "ZOE", "zoe@EXAMPLE.net"] {
        let answer = stranger.fill("/forgotten", "/forgotten", &[("who", who)]).await;
        said.push((answer.status, answer.body));
    }
    assert!(said.iter().all(|one| one == &said[0]), "{said:?}");
    assert!(said[0].1.contains("id=\"done\"") && said[0].1.contains("ask whoever manages"), "{}", said[0].1);
    site.written(2).await;
    site.send(&server, LOGIN.1).await;
    let messages = server.messages();
    let answer = site.text("select answer from outbox order by id limit 1").await;
    assert_eq!(messages.len(), 2, "{answer}: {messages:?}");
    assert!(messages.iter().all(|message| message["recipients"][0] == "Zoe@example.net"));
    assert_eq!(messages[0]["Subject"], "Choose another password");
    let new = "girofle cabestan 38 pervenche";
    let chosen = follow(&mut stranger, &link(&messages[0]), new).await;
    assert_eq!(chosen.leads_to(), "/sign-in?said=reset.done", "{}", chosen.body);
    assert_eq!(stranger.sign_in("zoe", new).await.leads_to(), "/");
    let other = follow(&mut site.browser(), &link(&messages[1]), new).await;
    assert_eq!(other.status, StatusCode::UNPROCESSABLE_ENTITY, "a link outlives the reset");

    // No letter box is filled, and asking has its limit like every other try.
    for _ in 0..2 {
        stranger.fill("/forgotten", "/forgotten", &[("who", "zoe@example.net")]).await;
    }
    site.written(3).await;
    for _ in 0..10 {
        stranger.fill("/forgotten", "/forgotten", &[("who", "mallory")]).await;
    }
    let limited = stranger.fill("/forgotten", "/forgotten", &[("who", "mallory")]).await;
    assert_eq!(limited.status, StatusCode::TOO_MANY_REQUESTS);
    assert!(limited.headers.contains_key(header::RETRY_AFTER));
    assert_eq!(site.text("select count(*)::text from outbox").await, "3");
}

#[tokio::test]
async fn a_server_that_refuses_is_told_and_one_that_is_busy_is_asked_again() {
    let Some(site) = Installed::start().await else { return };
    let server = MailServer::start(Security::Starttls);
    site.relay_is(server.relay());
    let organisation = site.first().await.to_string();
    let mut ada = site.operator().await;
    for (login, email) in
        [("gus", "gone@example.net"), ("flo", "full@example.net"), ("zoe", "zoe@example.net")]
    {
        invite(&mut ada, &organisation, login, email).await;
    }
    let states = "select string_agg(name || ': ' || state || ', ' || tries, '; ' order by id) from outbox";
    // The wrong password is nobody's fault but the settings': nothing is given up, and one try is enough.
    site.send(&server, "wrong").await;
    let after = "gus Œuvre: waiting, 1; flo Œuvre: waiting, 0; zoe Œuvre: waiting, 0";
    assert_eq!(site.text(states).await, after);
    assert!(site.text("select answer from outbox order by id limit 1").await.contains("(535)"));
    site.sql("update outbox set next_at = now()").await;
    site.send(&server, LOGIN.1).await;
    let after = "gus Œuvre: failed, 2; flo Œuvre: waiting, 1; zoe Œuvre: sent, 1";
    assert_eq!(site.text(states).await, after);
    assert_eq!(server.messages().len(), 1);
    // Not before its time.
    std::fs::write(server.folder.path().join("room"), "").unwrap();
    site.send(&server, LOGIN.1).await;
    assert_eq!(server.messages().len(), 1);
    site.sql("update outbox set next_at = now() where state = 'waiting'").await;
    site.send(&server, LOGIN.1).await;
    assert_eq!(server.messages()[1]["recipients"][0], "full@example.net");

    let events = ada.get("/events").await.body;
    assert!(events.contains("could not send a message to gus") && events.contains("5.1.1"), "{events}");
    let page = ada.get("/machine/mail").await.body;
    assert!(page.contains("There is nobody of this name") && page.contains("id=\"clear\""), "{page}");
    let queue = Queue::open(&site.server.place(&site.database, mazet_directory::OWNER)).await.unwrap();
    assert_eq!(queue.trouble().await.unwrap().expect("one was given up").given_up, 1);
    assert_eq!(
        ada.fill("/machine/mail", "/machine/mail/clear", &[]).await.leads_to(),
        "/machine/mail?said=mail.cleared"
    );
    assert_eq!(queue.trouble().await.unwrap(), None);
}

#[tokio::test]
async fn after_a_day_a_message_is_given_up_and_told() {
    let Some(site) = Installed::start().await else { return };
    let server = MailServer::start(Security::Starttls);
    // Nobody listens there.
    site.relay_is(Relay { port: 1, ..server.relay() });
    let organisation = site.first().await.to_string();
    let mut ada = site.operator().await;
    invite(&mut ada, &organisation, "zoe", "zoe@example.net").await;
    site.send(&server, LOGIN.1).await;
    assert_eq!(site.text("select state || tries from outbox").await, "waiting1");
    let hours = "select round(extract(epoch from give_up_at - created_at) / 3600)::text from outbox";
    assert_eq!(site.text(hours).await, "24");
    site.sql("update outbox set created_at = now() - interval '2 hours'").await;
    let queue = Queue::open(&site.server.place(&site.database, mazet_directory::OWNER)).await.unwrap();
    assert_eq!(queue.trouble().await.unwrap().expect("it is late").late, 1);
    site.sql("update outbox set give_up_at = now()").await;
    site.send(&server, LOGIN.1).await;
    assert_eq!(
        site.text("select state || coalesce(body, ' forgotten') from outbox").await,
        "failed forgotten"
    );
    assert!(ada.get("/events").await.body.contains("could not send a message to zoe"));
    assert_eq!(queue.trouble().await.unwrap().expect("it is told").given_up, 1);
}

#[tokio::test]
async fn an_operator_tries_the_relay_and_reads_the_servers_own_words() {
    let Some(site) = Installed::start().await else { return };
    let server = MailServer::start(Security::NoneOnLoopback);
    let mut ada = site.operator().await;
    let page = ada.get("/machine/mail").await.body;
    assert!(page.contains("id=\"no-relay\"") && page.contains("No password is kept."), "{page}");
    let kept = ada.fill("/machine/mail", "/machine/mail/password", &[("password", "s3cret")]).await;
    assert_eq!(kept.leads_to(), "/machine/mail?said=mail.password_kept");
    assert_eq!(site.broker.state().passwords, ["s3cret"]);
    let page = ada.get("/machine/mail").await.body;
    assert!(page.contains("A password is kept.") && !page.contains("s3cret"), "{page}");

    let wrong =
        [("host", "smtp.example.org"), ("port", "x"), ("security", "none-on-loopback"), ("sender", "box")];
    let answer = ada.fill("/machine/mail", "/machine/mail", &wrong).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    for field in ["port", "security", "sender"] {
        assert!(answer.body.contains(&format!("id=\"{field}-fault\"")), "{field}: {}", answer.body);
    }
    let port = server.port.to_string();
    let right = [
        ("host", "LocalHost"),
        ("port", &*port),
        ("security", "none-on-loopback"),
        ("user", ""),
        ("sender", "box@amis.example.org"),
    ];
    let preview = ada.fill("/machine/mail", "/machine/mail", &right).await;
    let value = |name: &str| {
        between(&preview.body, &format!("name=\"{name}\" value=\""), "\"").replace("&quot;", "\"")
    };
    assert!(!preview.body.contains("s3cret") && site.broker.state().settings.settings.mail.relay.is_none());
    let confirmed = [("csrf", &*value("csrf")), ("wished", &*value("wished")), ("seen", &*value("seen"))];
    assert_eq!(ada.send("/machine/change", &confirmed).await.leads_to(), "/machine/change");
    site.broker.state().status.sends_mail = true;
    assert_eq!(site.broker.state().settings.settings.mail.relay, Some(server.relay()));

    assert!(ada.get("/machine/mail").await.body.contains("id=\"no-address\""));
    for (address, words) in [
        ("gone@example.net", "5.1.1 There is nobody of this name"),
        ("full@example.net", "4.2.2"),
        ("ada@example.net", ""),
    ] {
        site.sql(&format!("update person set contact = '{address}' where login = 'ada'")).await;
        let tried = ada.fill("/machine/mail", "/machine/mail/test", &[]).await.leads_to();
        assert!(tried.starts_with("/machine/mail?test="), "{tried}");
        assert!(ada.get(&tried).await.body.contains("on its way"));
        site.send(&server, "").await;
        let page = ada.get(&tried).await.body;
        let verdict = if words.is_empty() { "The server took the message" } else { "did not go out" };
        let shown = between(&page, "id=\"verdict\"", "</section>");
        assert!(shown.contains(verdict) && shown.contains(words), "{shown}");
    }
    assert_eq!(server.messages()[0]["Subject"], "Message d’essai du serveur");
}
