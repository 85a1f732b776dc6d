//! The installed box: its home page for strangers and for members, and the page that ends the wizard.

use std::sync::Arc;

use axum::extract::{FromRequestParts as _, Request, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::Response;
use mazet_directory::permission::Action;
use mazet_model::manifest::Text;
use mazet_model::settings::Language;
use serde_json::{Value, json};

use super::app::App;
use super::failure::Failure;
use super::form::Faults;
use super::member::{Member, Signed};
use super::pages::Page;
use super::routes::Access;
use super::{language, said};
use crate::protocol::Offer;

/// `GET /`.
///
/// # Errors
/// The broker fails.
pub async fn show(State(app): State<Arc<App>>, request: Request) -> Result<Response, Failure> {
    let (mut parts, _) = request.into_parts();
    if parts.extensions.get::<Signed>().is_some() {
        return tiles(&Member::from_request_parts(&mut parts, &app).await?).await;
    }
    let (here, said) = said::take(&parts.uri);
    answer(&app, &parts.headers, "home", "home.title", &here, said).await
}

/// `GET /done`: where the wizard's last page leads once the installed box answers.
///
/// # Errors
/// The broker fails.
pub async fn done(State(app): State<Arc<App>>, headers: HeaderMap) -> Result<Response, Failure> {
    answer(&app, &headers, "done", "done.title", "/done", None).await
}

async fn answer(
    app: &App,
    headers: &HeaderMap,
    template: &'static str,
    title: &'static str,
    path: &str,
    said: Option<&'static str>,
) -> Result<Response, Failure> {
    let status = app.broker.status().await?;
    let language = language::of(headers).unwrap_or(status.language);
    let data = json!({
        "organisation": status.organisation,
        "name": status.name,
        "address": format!("https://{}.local/", status.name),
        "said": said.map(|key| app.pages.catalogue.say(language, key, &[])).unwrap_or_default(),
        "keeps_medium": status.keeps_medium,
    });
    Ok(app.pages.response(language, StatusCode::OK, &Page::new(template, title, path, data))?)
}

/// A text of a manifest in a language.
pub fn in_language(text: &Text, language: Language) -> &str {
    match language {
        Language::Fr => &text.fr,
        Language::En => &text.en,
    }
}

/// Pages for those who manage something: name, path, title, sentence, what one must be allowed.
const MANAGE: [(&str, &str, &str, &str, Action); 5] = [
    ("people", "/people", "tiles.people", "tiles.people_text", Action::SeePeople),
    ("groups", "/groups", "tiles.groups", "tiles.groups_text", Action::ManageGroups),
    (
        "organisations",
        "/organisations",
        "tiles.organisations",
        "tiles.organisations_text",
        Action::ManageOrganisations,
    ),
    ("websites", "/websites", "tiles.websites", "tiles.websites_text", Action::EditSite),
    ("events", "/events", "tiles.events", "tiles.events_text", Action::SeeAudit),
];

/// What the box offers to a member.
async fn tiles(member: &Member) -> Result<Response, Failure> {
    let offers = member.app.broker.offers().await?;
    let service = |offer: &Offer| {
        let path = offer.path.as_ref().filter(|_| member.is_offered(&offer.access))?;
        Some(json!({
            "name": offer.name,
            "path": path,
            "title": in_language(&offer.title, member.language),
            "summary": in_language(&offer.summary, member.language),
        }))
    };
    let manage: Value = MANAGE
        .iter()
        .filter(|(.., action)| member.may_see(Access::May(*action)))
        .map(|(name, path, title, text, _)| {
            let (title, summary) = (member.say(title, &[]), member.say(text, &[]));
            json!({ "name": name, "path": path, "title": title, "summary": summary })
        })
        .collect();
    let data = json!({
        "name": member.session.name,
        "services": offers.services.iter().filter_map(service).collect::<Value>(),
        "manage": manage,
    });
    member.show("account/tiles", "tiles.title", &Faults::default(), data)
}
