//! Handing one message to the relay.

use std::fs;
use std::path::Path;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result};
use lettre::message::header::{ContentType, Header, HeaderName, HeaderValue};
use lettre::message::{Mailbox, Message};
use lettre::transport::smtp::authentication::Credentials;
use lettre::transport::smtp::client::{Certificate, Tls, TlsParameters};
use lettre::transport::smtp::extension::ClientId;
use lettre::transport::smtp::{Error, SmtpTransport};
use lettre::{Address, Transport as _};
use mazet_directory::outbox::Due;
use mazet_model::settings::{Relay, Security, Settings};

/// For every word of the server.
const PATIENCE: Duration = Duration::from_secs(30);
/// Answers to a login: the settings are wrong, not the message (RFC 4954 § 6).
const LOGIN: [u16; 5] = [454, 530, 534, 535, 538];

/// What became of a message.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The server took it, with these words.
    Sent(String),
    /// Not now, for this reason. `relay`: it is about the server, and other messages would fare alike.
    Later {
        /// The server's own words, or why it could not be asked.
        answer: String,
        /// The server as a whole refuses or cannot be reached.
        relay: bool,
    },
    /// The server refused it for good, with these words.
    Never(String),
}

/// The way to the relay.
pub struct Way {
    transport: SmtpTransport,
    from: Mailbox,
}

impl Way {
    /// The way that the settings say, with the password where one is kept; `trusted` is believed beside
    /// the system's certificates.
    ///
    /// # Errors
    /// When the sender is no address, or the certificates of the system cannot be read.
    pub fn new(
        settings: &Settings,
        relay: &Relay,
        password: Option<&str>,
        trusted: Option<&Path>,
    ) -> Result<Self> {
        let sender: Address = relay.sender.parse().context("reading the sender's address")?;
        let tls = || tls(&relay.host, trusted);
        let tls = match relay.security {
            Security::Tls => Tls::Wrapper(tls()?),
            Security::Starttls => Tls::Required(tls()?),
            Security::NoneOnLoopback => Tls::None,
        };
        let mut builder = SmtpTransport::builder_dangerous(&relay.host)
            .port(relay.port)
            .tls(tls)
            .timeout(Some(PATIENCE))
            // The box's own name ends in .local, which servers elsewhere cannot know.
            .hello_name(ClientId::Domain(sender.domain().to_owned()));
        if let Some(user) = &relay.user {
            let password = password.unwrap_or_default().to_owned();
            builder = builder.credentials(Credentials::new(user.clone(), password));
        }
        let from = Mailbox::new(Some(settings.organisation.name.clone()), sender);
        Ok(Self { transport: builder.build(), from })
    }

    /// Hands a message over.
    pub fn send(&self, due: &Due) -> Outcome {
        let message = match self.message(due) {
            Ok(message) => message,
            Err(error) => return Outcome::Never(format!("{error:#}")),
        };
        match self.transport.send(&message) {
            Ok(response) => Outcome::Sent(format!(
                "{} {}",
                response.code(),
                response.message().collect::<Vec<_>>().join(" ")
            )),
            Err(error) => outcome(&error),
        }
    }

    fn message(&self, due: &Due) -> Result<Message> {
        let to: Address = due.recipient.parse().context("reading the recipient's address")?;
        let domain = self.from.email.domain();
        Message::builder()
            .from(self.from.clone())
            .to(Mailbox::new(Some(due.name.clone()), to))
            .subject(due.text.subject.clone())
            .date(SystemTime::from(due.created_at))
            .message_id(Some(format!("<{}@{domain}>", due.message_id)))
            .header(AutoSubmitted)
            .header(ContentType::TEXT_PLAIN)
            .body(due.text.body.clone())
            .context("writing the message")
    }
}

fn tls(host: &str, trusted: Option<&Path>) -> Result<TlsParameters> {
    let mut builder = TlsParameters::builder(host.to_owned());
    if let Some(path) = trusted {
        let pem = fs::read(path).with_context(|| format!("reading {}", path.display()))?;
        builder = builder.add_root_certificate(Certificate::from_pem(&pem).context("reading a certificate")?);
    }
    builder.build().context("preparing TLS")
}

fn outcome(error: &Error) -> Outcome {
    let answer = error.to_string();
    match error.status().map(u16::from) {
        Some(code) if LOGIN.contains(&code) => Outcome::Later { answer, relay: true },
        Some(_) if error.is_permanent() => Outcome::Never(answer),
        Some(_) => Outcome::Later { answer, relay: false },
        None => Outcome::Later { answer, relay: true },
    }
}

/// So that nobody's absence notice answers the box (RFC 3834).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct AutoSubmitted;

impl Header for AutoSubmitted {
    fn name() -> HeaderName {
        HeaderName::new_from_ascii_str("Auto-Submitted")
    }

    fn parse(_: &str) -> Result<Self, Box<dyn std::error::Error + Send + Sync>> {
        Ok(Self)
    }

    fn display(&self) -> HeaderValue {
        HeaderValue::new(Self::name(), "auto-generated".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use mazet_directory::outbox::{Kind, Text};
    use mazet_directory::{MessageId, OffsetDateTime};

    use super::*;

    fn due() -> Due {
        Due {
            id: MessageId(7),
            kind: Kind::Invitation,
            recipient: "zoe@example.org".to_owned(),
            name: "Zoé Œuvre".to_owned(),
            text: Text { subject: "Votre compte : l’été".to_owned(), body: "Bonjour Zoé,\n".to_owned() },
            message_id: "0b1c".to_owned(),
            created_at: OffsetDateTime::from_unix_timestamp(1_764_054_600).expect("a time"),
            tries: 0,
        }
    }

    fn way() -> Way {
        let relay = Relay {
            host: "localhost".to_owned(),
            port: 1,
            security: Security::NoneOnLoopback,
            user: None,
            sender: "box@amis.example.org".to_owned(),
        };
        Way::new(&Settings::live(), &relay, None, None).expect("a way")
    }

    #[test]
    fn a_message_is_plain_text_with_proper_headers() {
        let written = way().message(&due()).expect("written").formatted();
        insta::assert_snapshot!(String::from_utf8(written).expect("UTF-8").replace("\r\n", "\n"));
    }

    #[test]
    fn an_address_that_is_none_is_given_up_and_a_server_that_is_away_is_not() {
        let way = way();
        let nowhere = Due { recipient: "zoe".to_owned(), ..due() };
        assert!(matches!(way.send(&nowhere), Outcome::Never(_)));
        let Outcome::Later { answer, relay: true } = way.send(&due()) else { panic!("it cannot be sent") };
        assert!(answer.to_lowercase().contains("connection"), "{answer}");
    }
}
