//! What the box knows of a person, and what they may change of it.

use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use mazet_directory::people::{self, Person, Profile};
use mazet_model::settings::Language;
use serde_json::{Value, json};

use crate::web::failure::Failure;
use crate::web::form::Faults;
use crate::web::language::{self, tag};
use crate::web::member::{Member, Sent};
use crate::web::people::memberships;
use crate::web::{said, session};

/// `GET /account`.
///
/// # Errors
/// The directory fails.
pub async fn show(member: Member) -> Result<Response, Failure> {
    let person = own(&member).await?;
    let form = json!({
        "name": person.name,
        "email": person.contact.clone().unwrap_or_default(),
        "language": tag(person.language.unwrap_or(member.language)),
    });
    page(&member, &person, &form, &Faults::default())
}

/// `POST /account`: fields `name`, `email`, `language`.
///
/// # Errors
/// The directory fails.
pub async fn save(sent: Sent) -> Result<Response, Failure> {
    let (member, fields) = (&sent.member, &sent.fields);
    let language = language::parse(fields.get("language"));
    let profile = Profile { name: fields.text("name"), contact: fields.text("email"), language };
    let changed = people::change(member.directory()?, member.actor(), member.session.person, &profile).await;
    let faults = member.checked(changed)?;
    if faults.is_empty() {
        // What is chosen here counts for this browser too.
        let chosen = session::cookie(language::COOKIE, tag(language.unwrap_or(member.language)));
        let answer = said::and_go("/account", "account.saved");
        return Ok(([(header::SET_COOKIE, chosen)], answer).into_response());
    }
    let form = json!({
        "name": fields.get("name"),
        "email": fields.get("email"),
        "language": fields.get("language"),
    });
    page(member, &own(member).await?, &form, &faults)
}

async fn own(member: &Member) -> Result<Person, Failure> {
    Ok(people::get(member.directory()?, member.actor(), member.session.person).await?)
}

fn page(member: &Member, person: &Person, form: &Value, faults: &Faults) -> Result<Response, Failure> {
    let catalogue = &member.app.pages.catalogue;
    let choice = |language: Language| {
        let (tag, name) = (tag(language), catalogue.say(language, "site.language_name", &[]));
        json!({ "tag": tag, "name": name, "chosen": form["language"] == tag })
    };
    let more = json!({
        "login": person.login,
        "operator": person.operator,
        "memberships": memberships(member, person),
        "choices": [choice(Language::Fr), choice(Language::En)],
        "second": person.second_factor,
    });
    member.form("account/profile", "account.title", form, faults, more)
}
