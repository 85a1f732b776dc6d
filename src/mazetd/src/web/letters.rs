//! What the box's messages say: plain text, in the language of whom they are for.

use mazet_directory::invitations::{self, Ticket};
use mazet_directory::outbox::{Recipient, Text};
use mazet_directory::{Actor, Directory, PersonId};
use mazet_model::settings::Language;

use super::app::App;
use super::catalogue::Catalogue;
use super::dates;
use super::failure::Failure;
use crate::health::Report;
use crate::protocol::Request;

/// Writes messages of this box.
pub struct Writer {
    /// Where the box answers, without the last slash.
    base: String,
    organisation: String,
    language: Language,
}

impl Writer {
    /// A writer who knows the box's address, the name of its organisation, and its language.
    pub fn of(base: String, organisation: String, language: Language) -> Self {
        Self { base, organisation, language }
    }

    /// A writer who asks the broker for them.
    ///
    /// # Errors
    /// The broker fails.
    pub async fn new(app: &App) -> Result<Self, Failure> {
        let (status, offers) = (app.broker.status().await?, app.broker.offers().await?);
        Ok(Self::of(offers.address, status.organisation, status.language))
    }

    /// Puts an invitation into the outbox; gives the address that it goes to.
    ///
    /// # Errors
    /// See [`invitations::send`].
    pub async fn invite(
        &self,
        directory: &Directory,
        actor: &Actor,
        id: PersonId,
    ) -> mazet_directory::Result<String> {
        let compose = |to: &Recipient, ticket: &Ticket| self.invitation(to, ticket);
        invitations::send(directory, actor, id, compose).await
    }

    /// An invitation, with the link that opens the account.
    pub fn invitation(&self, to: &Recipient, ticket: &Ticket) -> Text {
        self.with_code(to, ticket, "/welcome", ["mail.invitation_subject", "mail.invitation_body"])
    }

    /// The link to another password.
    pub fn reset(&self, to: &Recipient, ticket: &Ticket) -> Text {
        self.with_code(to, ticket, "/reset", ["mail.reset_subject", "mail.reset_body"])
    }

    /// An operator's try.
    pub fn test(&self, to: &Recipient) -> Text {
        let values = [("name", &*to.name), ("address", &*self.base)];
        self.text(to, ["mail.test_subject", "mail.test_body"], &values)
    }

    /// What is not well with the box, in sentences; without one, all is well again.
    pub fn alarm(&self, to: &Recipient, report: &Report) -> Text {
        let language = to.language.unwrap_or(self.language);
        let bad: Vec<String> = report
            .bad()
            .map(|finding| {
                let catalogue = Catalogue::shared();
                let (title, found) =
                    (finding.title(catalogue, language), finding.sentence(catalogue, language));
                catalogue.say(language, "mail.alarm_line", &[("title", &title), ("found", &found)])
            })
            .collect();
        let keys = match bad.is_empty() {
            false => ["mail.alarm_subject", "mail.alarm_body"],
            true => ["mail.well_subject", "mail.well_body"],
        };
        let (address, found) = (format!("{}/machine", self.base), bad.join("\n"));
        let host = self.base.strip_prefix("https://").unwrap_or(&self.base);
        let values = [("name", &*to.name), ("host", host), ("address", &*address), ("findings", &*found)];
        self.text(to, keys, &values)
    }

    fn with_code(&self, to: &Recipient, ticket: &Ticket, path: &str, keys: [&str; 2]) -> Text {
        let address = format!("{}{path}", self.base);
        let organisations = to.organisations.join(", ");
        let language = to.language.unwrap_or(self.language);
        let values = [
            ("name", &*to.name),
            ("login", &*to.login),
            ("organisation", if organisations.is_empty() { &*self.organisation } else { &*organisations }),
            ("link", &*format!("{address}?code={}", ticket.code.plain())),
            ("address", &*address),
            ("code", &*ticket.code.grouped()),
            ("until", &*dates::shown(language, ticket.expires_at.unix_timestamp())),
        ];
        self.text(to, keys, &values)
    }

    fn text(&self, to: &Recipient, [subject, body]: [&str; 2], values: &[(&str, &str)]) -> Text {
        let language = to.language.unwrap_or(self.language);
        let say = |key| Catalogue::shared().say(language, key, values);
        Text { subject: say(subject), body: say(body) }
    }
}

/// Has the messages that are due sent now. Where that fails, the unit's timer sends them a little later.
pub async fn post(app: &App) {
    if let Err(error) = app.broker.order(&Request::SendMail).await {
        eprintln!("sending messages at once: {error}");
    }
}
