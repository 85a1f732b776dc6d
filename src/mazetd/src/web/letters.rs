//! What the box's messages say: plain text, in the language of whom they are for.

use std::sync::Arc;

use mazet_directory::invitations::Ticket;
use mazet_directory::outbox::{Recipient, Text};
use mazet_model::settings::Language;

use super::app::App;
use super::dates;
use super::failure::Failure;
use crate::protocol::Request;

/// Writes messages of this box.
pub struct Writer {
    app: Arc<App>,
    /// Where the box answers, without the last slash.
    base: String,
    organisation: String,
    language: Language,
}

impl Writer {
    /// A writer who knows the box's address, name and language.
    ///
    /// # Errors
    /// The broker fails.
    pub async fn new(app: &Arc<App>) -> Result<Self, Failure> {
        let (status, offers) = (app.broker.status().await?, app.broker.offers().await?);
        let (organisation, language) = (status.organisation, status.language);
        Ok(Self { app: Arc::clone(app), base: offers.address, organisation, language })
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
        let say = |key| self.app.pages.catalogue.say(language, key, values);
        Text { subject: say(subject), body: say(body) }
    }
}

/// Has the messages that are due sent now. Where that fails, the unit's timer sends them a little later.
pub async fn post(app: &App) {
    if let Err(error) = app.broker.order(&Request::SendMail).await {
        eprintln!("sending messages at once: {error}");
    }
}
