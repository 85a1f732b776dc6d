//! How to connect a phone or a computer: the box's own addresses, told with the reader's own values, and files
//! with which programs set themselves up.

use axum::extract::Path;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use mazet_directory::people;
use mazet_model::client::{Client, Reader};
use mazet_model::manifest::Text;
use mazet_model::qr;
use serde_json::{Value, json};

use crate::protocol::{Offer, Wanted};
use crate::web::failure::Failure;
use crate::web::form::Faults;
use crate::web::home::in_language;
use crate::web::member::Member;

/// `GET /connect`.
///
/// # Errors
/// The broker or the directory fails.
pub async fn show(member: Member) -> Result<Response, Failure> {
    let offers = member.app.broker.offers().await?;
    let login = member.session.login.clone();
    let host = offers.address.trim_start_matches("https://");
    let email = email(&member).await?.unwrap_or_else(|| format!("{login}@{}", offers.home));
    let reader = Reader { host, login: &login, email: &email };
    let services = offers.services.iter().filter(|one| member.is_offered(&one.access));
    let address = format!("{}/", offers.address);
    let data = json!({
        "address": address,
        "login": login,
        "services": services.map(|one| service(&member, one, reader)).collect::<Value>(),
        "qr": drawing(&address),
    });
    member.show("account/connect", "connect.title", &Faults::default(), data)
}

/// `GET /connect/{service}/{file}`: made for who asks.
///
/// # Errors
/// Nothing of that name, or the broker or the directory fails.
pub async fn profile(
    member: Member,
    Path((service, file)): Path<(String, String)>,
) -> Result<Response, Failure> {
    let wanted = Wanted { service, file, login: member.session.login.clone(), email: email(&member).await? };
    let made = member.app.broker.profile(wanted).await?;
    let made = made.filter(|made| member.is_offered(&made.access)).ok_or(Failure::NotFound)?;
    // No name: Safari offers to install what it would otherwise keep as a file.
    Ok(([(header::CONTENT_TYPE, made.media)], made.content).into_response())
}

/// The first mail address that an association gives them, if any does.
async fn email(member: &Member) -> Result<Option<String>, Failure> {
    let actor = &member.session.actor;
    Ok(people::addresses(member.app.directory()?, actor, member.session.person).await?.into_iter().next())
}

fn service(member: &Member, offer: &Offer, reader: Reader<'_>) -> Value {
    let language = member.language;
    json!({
        "title": in_language(&offer.title, language),
        "summary": in_language(&offer.summary, language),
        "url": offer.path.as_ref().map(|path| format!("https://{}{path}", reader.host)),
        "clients": offer.clients.iter().map(|one| client(member, offer, one, reader)).collect::<Value>(),
    })
}

fn client(member: &Member, offer: &Offer, client: &Client, reader: Reader<'_>) -> Value {
    let told = |text: &Text| reader.told(in_language(text, member.language), &client.location);
    let profile = client.profile.as_ref().map(|profile| {
        let path = format!("/connect/{}/{}", offer.name, profile.file);
        let url = format!("https://{}{path}", reader.host);
        json!({ "path": path, "url": url, "qr": drawing(&url) })
    });
    json!({
        "title": in_language(&client.title, member.language),
        "text": told(&client.text),
        "steps": client.steps.iter().map(told).collect::<Vec<_>>(),
        "url": format!("https://{}{}", reader.host, client.location),
        "profile": profile,
    })
}

/// For a phone that looks at the screen.
fn drawing(text: &str) -> Value {
    let drawing = qr::drawing(text).map(|drawing| (drawing.size, drawing.path));
    let (size, path) = drawing.unwrap_or_default();
    json!({ "size": size, "path": path })
}
