//! The mail relay: which server takes the box's own messages, whether it does, and how they went.

use axum::response::{IntoResponse as _, Redirect, Response};
use mazet_directory::outbox::{self, Kind, Message, State};
use mazet_directory::people;
use mazet_model::settings::{Relay, Security, Settings};
use serde_json::{Value, json};

use super::{change, current};
use crate::acts;
use crate::protocol::Request;
use crate::web::failure::Failure;
use crate::web::form::{Faults, Fields, refusal};
use crate::web::letters::{self, Writer};
use crate::web::member::{Member, Sent, by_field};
use crate::web::pages::Page;
use crate::web::{navigation, said};

const PATH: &str = "/machine/mail";
/// Messages on the page.
const COUNT: u32 = 20;
/// Seconds until the page of a message on its way looks again.
const LOOK_AGAIN: u8 = 2;
/// How the way is kept secret, by its word in `box.toml`, with the usual port and its title.
const SECURITIES: [(Security, &str, &str, &str); 3] = [
    (Security::Tls, "tls", "465", "mail.security_tls"),
    (Security::Starttls, "starttls", "587", "mail.security_starttls"),
    (Security::NoneOnLoopback, "none-on-loopback", "25", "mail.security_none_on_loopback"),
];

/// `GET /machine/mail`, with `test` (the number of a message) in the query after a try.
///
/// # Errors
/// The broker or the directory fails.
pub async fn show(member: Member) -> Result<Response, Failure> {
    let current = current(&member).await?;
    page(&member, &typed(&current.settings), &Faults::default()).await
}

/// `POST /machine/mail`: fields `host` (empty: no relay), `port` (empty: the usual one), `security`,
/// `user`, `sender`. Leads to what would change.
///
/// # Errors
/// The broker fails.
pub async fn save(Sent { member, fields }: Sent) -> Result<Response, Failure> {
    let current = current(&member).await?;
    let mut wished = current.settings;
    wished.mail.relay = wish(&fields);
    let mut faults = Faults::default();
    for wrong in wished.mail.relay.iter().flat_map(acts::machine::of_relay) {
        faults.add(&wrong.field, member.say(&wrong.key, &[]));
    }
    if faults.is_empty() {
        match change::preview(&member, wished, &current.version, PATH).await? {
            Ok(page) => return Ok(page),
            Err(found) => faults = found,
        }
    }
    page(&member, &as_sent(&fields), &faults).await
}

/// `POST /machine/mail/password`: field `password`, kept at once; empty: the kept one is forgotten.
///
/// # Errors
/// The broker fails.
pub async fn password(Sent { member, fields }: Sent) -> Result<Response, Failure> {
    let password = fields.get("password").to_owned();
    let said = if password.is_empty() { "mail.password_gone" } else { "mail.password_kept" };
    match member.app.broker.order(&Request::SetMailPassword { password }).await {
        Ok(()) => Ok(said::and_go(PATH, said)),
        Err(error) => {
            let faults = refusal(&member.app, member.language, error)?;
            let current = current(&member).await?;
            page(&member.at(PATH), &typed(&current.settings), &faults).await
        }
    }
}

/// `POST /machine/mail/test`: a message to the operator themselves.
///
/// # Errors
/// The broker or the directory fails.
pub async fn test(sent: Sent) -> Result<Response, Failure> {
    let member = &sent.member;
    let writer = Writer::new(&member.app).await?;
    let (directory, actor) = (member.directory()?, member.actor());
    match outbox::test(directory, actor, member.session.person, |to| writer.test(to)).await {
        Ok(id) => {
            letters::post(&member.app).await;
            Ok(Redirect::to(&format!("{PATH}?test={id}")).into_response())
        }
        Err(error) => {
            member.refused(error)?;
            Ok(Redirect::to(PATH).into_response())
        }
    }
}

/// `POST /machine/mail/clear`: the messages that were given up are known.
///
/// # Errors
/// The directory fails.
pub async fn clear(sent: Sent) -> Result<Response, Failure> {
    outbox::clear(sent.member.directory()?, sent.member.actor()).await?;
    Ok(said::and_go(PATH, "mail.cleared"))
}

/// The relay that a form asks for.
fn wish(fields: &Fields) -> Option<Relay> {
    let host = fields.text("host").to_lowercase();
    if host.is_empty() {
        return None;
    }
    let (security, _, usual, _) =
        SECURITIES.into_iter().find(|(_, word, ..)| *word == fields.get("security")).unwrap_or(SECURITIES[0]);
    let port = Some(fields.text("port")).filter(|port| !port.is_empty());
    let port = port.as_deref().unwrap_or(usual).parse().unwrap_or(0);
    let user = Some(fields.text("user")).filter(|user| !user.is_empty());
    Some(Relay { host, port, security, user, sender: fields.text("sender") })
}

/// The form of the settings in force.
fn typed(settings: &Settings) -> Value {
    let relay = settings.mail.relay.as_ref();
    let security = relay.map_or(Security::Tls, |relay| relay.security);
    let word = SECURITIES.iter().find(|(one, ..)| *one == security).map_or("", |(_, word, ..)| word);
    json!({
        "host": relay.map_or("", |relay| &relay.host),
        "port": relay.map(|relay| relay.port.to_string()).unwrap_or_default(),
        "security": word,
        "user": relay.and_then(|relay| relay.user.as_deref()).unwrap_or_default(),
        "sender": relay.map_or("", |relay| &relay.sender),
    })
}

/// The form as it was sent.
fn as_sent(fields: &Fields) -> Value {
    let names = ["host", "port", "security", "user", "sender"];
    names.iter().map(|name| ((*name).to_owned(), Value::from(fields.get(name)))).collect()
}

async fn page(member: &Member, form: &Value, faults: &Faults) -> Result<Response, Failure> {
    let (directory, actor) = (member.directory()?, member.actor());
    let own = people::get(directory, actor, member.session.person).await?;
    let messages = outbox::list(directory, actor, COUNT).await?;
    let tried = member.query("test").parse().ok();
    let tried = messages.iter().find(|message| Some(message.id) == tried);
    let running = tried.is_some_and(|message| message.state == State::Waiting);
    let data = json!({
        "csrf": member.csrf.as_str(),
        "said": member.said,
        "faults": faults.list(),
        "form": form,
        "fault": by_field(form, faults),
        "securities": securities(member, form),
        "kept": member.app.broker.has_mail_password().await?,
        "on": member.app.broker.status().await?.sends_mail,
        "own": own.contact.unwrap_or_default(),
        "tried": tried.map(|message| line(member, message)),
        "running": running,
        "here": member.here,
        "messages": messages.iter().map(|message| line(member, message)).collect::<Value>(),
        "failed": messages.iter().any(|message| message.state == State::Failed),
    });
    let page = Page {
        refresh: running.then_some(LOOK_AGAIN),
        script: running,
        menu: navigation::menu(member),
        ..Page::new("machine/mail", "mail.title", &member.here, data)
    };
    Ok(member.app.pages.response(member.language, faults.status(), &page)?)
}

fn securities(member: &Member, form: &Value) -> Value {
    let show = |(_, word, port, title): &(Security, &str, &str, &str)| json!({ "word": word, "title": member.say(title, &[("port", port)]), "chosen": form["security"] == *word });
    SECURITIES.iter().map(show).collect()
}

/// A message as lists show it.
pub fn line(member: &Member, message: &Message) -> Value {
    let kind = match message.kind {
        Kind::Invitation => "mail.kind_invitation",
        Kind::Reset => "mail.kind_reset",
        Kind::Test => "mail.kind_test",
        Kind::Alarm => "mail.kind_alarm",
    };
    let state = match message.state {
        State::Waiting => "mail.state_waiting",
        State::Sent => "mail.state_sent",
        State::Failed => "mail.state_failed",
    };
    json!({
        "kind": member.say(kind, &[("login", &message.login)]),
        "recipient": message.recipient,
        "state": member.say(state, &[]),
        "bad": message.state == State::Failed,
        "sent": message.state == State::Sent,
        "answer": message.answer,
        "when": member.date(message.ended_at.unwrap_or(message.created_at)),
    })
}
