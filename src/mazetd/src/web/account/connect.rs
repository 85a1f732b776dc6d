//! How to connect a phone or a computer: the box's own addresses.

use axum::response::Response;
use mazet_model::manifest::Client;
use mazet_model::qr;
use serde_json::{Value, json};

use crate::protocol::Offer;
use crate::web::failure::Failure;
use crate::web::form::Faults;
use crate::web::home::in_language;
use crate::web::member::Member;

/// `GET /connect`.
///
/// # Errors
/// The broker fails.
pub async fn show(member: Member) -> Result<Response, Failure> {
    let offers = member.app.broker.offers().await?;
    let language = member.language;
    let client = |client: &Client| {
        let url = format!("{}{}", offers.address, client.location);
        json!({ "title": in_language(&client.title, language), "text": in_language(&client.text, language), "url": url })
    };
    let show = |offer: &Offer| {
        json!({
            "title": in_language(&offer.title, language),
            "summary": in_language(&offer.summary, language),
            "url": offer.path.as_ref().map(|path| format!("{}{path}", offers.address)),
            "clients": offer.clients.iter().map(client).collect::<Value>(),
        })
    };
    let address = format!("{}/", offers.address);
    let drawing = qr::drawing(&address);
    let (size, path) = drawing.map(|drawing| (drawing.size, drawing.path)).unwrap_or_default();
    let data = json!({
        "address": address,
        "login": member.session.login,
        "services": offers.services.iter().filter(|one| member.is_offered(&one.access)).map(show).collect::<Value>(),
        "qr": { "size": size, "path": path },
    });
    member.show("account/connect", "connect.title", &Faults::default(), data)
}
