//! Passwords for what knows no second factor: one for each device.

use axum::extract::Path;
use axum::response::Response;
use mazet_directory::ApplicationPasswordId;
use mazet_directory::application_passwords::{self as passwords, ApplicationPassword};
use serde_json::{Value, json};

use crate::web::failure::Failure;
use crate::web::form::{Faults, Fields};
use crate::web::member::{Member, Sent};
use crate::web::said;

const PATH: &str = "/account/applications";

/// `GET /account/applications`.
///
/// # Errors
/// The directory fails.
pub async fn show(member: Member) -> Result<Response, Failure> {
    page(&member, &Fields::default(), &Faults::default()).await
}

/// `POST /account/applications`: fields `name`, and `api` where it is for the API. The page that answers shows the password once.
///
/// # Errors
/// The directory fails.
pub async fn save(sent: Sent) -> Result<Response, Failure> {
    let (member, name) = (&sent.member, sent.fields.text("name"));
    let (directory, api) = (member.directory()?, sent.fields.get("api") == "on");
    let made = if api {
        passwords::make_for_api(directory, &member.session, &name).await
    } else {
        passwords::make(directory, &member.session, &name).await
    };
    match made {
        Ok((_, password)) => {
            let data = json!({
                "label": name,
                "login": member.session.login,
                "password": password.grouped(),
                "api": api,
            });
            let member = member.at(PATH);
            member.show("account/application", "application.title", &Faults::default(), data)
        }
        Err(error) => page(member, &sent.fields, &member.refused(error)?).await,
    }
}

/// `POST /account/applications/{id}`: takes it back.
///
/// # Errors
/// There is none, or the directory fails.
pub async fn remove(Path(id): Path<ApplicationPasswordId>, sent: Sent) -> Result<Response, Failure> {
    let member = &sent.member;
    passwords::remove(member.directory()?, member.actor(), member.session.person, id).await?;
    Ok(said::and_go(PATH, "applications.removed"))
}

async fn page(member: &Member, fields: &Fields, faults: &Faults) -> Result<Response, Failure> {
    let all = passwords::list(member.directory()?, member.actor(), member.session.person).await?;
    let show = |one: &ApplicationPassword| {
        json!({
            "id": one.id,
            "label": one.name,
            "api": one.api,
            "created": member.date(one.created_at),
            "used": one.used_at.map(|used| member.date(used)).unwrap_or_default(),
        })
    };
    let more = json!({
        "applications": all.iter().map(show).collect::<Value>(),
        "wants_api": fields.get("api") == "on",
    });
    let form = json!({ "name": fields.get("name") });
    member.form("account/applications", "applications.title", &form, faults, more)
}
