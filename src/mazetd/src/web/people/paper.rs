//! Slips of paper: a one-time code, its address, and both as a QR code.

use axum::response::Response;
use mazet_directory::invitations::Ticket;
use mazet_directory::people::Person;
use mazet_model::qr;
use serde_json::{Value, json};

use crate::web::failure::Failure;
use crate::web::form::Faults;
use crate::web::member::Member;

/// What a slip is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// The first password.
    Invitation,
    /// Another password.
    Reset,
}

impl Kind {
    fn path(self) -> &'static str {
        match self {
            Self::Invitation => "/welcome",
            Self::Reset => "/reset",
        }
    }

    fn title(self) -> &'static str {
        match self {
            Self::Invitation => "paper.invitation_title",
            Self::Reset => "paper.reset_title",
        }
    }
}

/// What a template shows of a slip. `base` is the box's address without a slash at its end.
pub fn slip(member: &Member, kind: Kind, person: &Person, ticket: &Ticket, base: &str) -> Value {
    let address = format!("{base}{}", kind.path());
    let organisations: Vec<&str> = person.memberships.iter().map(|one| one.name.as_str()).collect();
    // Four times as short as any QR code can be.
    let drawing = qr::drawing(&format!("{address}?code={}", ticket.code.plain()));
    let (size, path) = drawing.map(|drawing| (drawing.size, drawing.path)).unwrap_or_default();
    json!({
        "id": person.id,
        "title_key": kind.title(),
        "name": person.name,
        "organisation": organisations.join(", "),
        "login": person.login,
        "address": address,
        "code": ticket.code.grouped(),
        "until": member.date(ticket.expires_at),
        "qr": { "size": size, "path": path },
    })
}

/// The page of one slip, which is shown once.
///
/// # Errors
/// The broker fails: nobody else knows the box's address.
pub async fn page(
    member: &Member,
    kind: Kind,
    person: &Person,
    ticket: &Ticket,
) -> Result<Response, Failure> {
    let base = member.app.broker.offers().await?.address;
    let data = slip(member, kind, person, ticket, &base);
    member.at(&format!("/people/{}", person.id)).show("people/paper", kind.title(), &Faults::default(), data)
}
