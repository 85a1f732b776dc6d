//! Another password, by who knows the present one.

use axum::extract::Extension;
use axum::response::Response;
use mazet_directory::{Error, sign_in};
use serde_json::json;

use super::{new_password, one};
use crate::web::failure::Failure;
use crate::web::form::Faults;
use crate::web::member::{Member, Sent};
use crate::web::said;
use crate::web::serve::Peer;

/// `GET /account/password`.
///
/// # Errors
/// The page cannot be rendered.
pub async fn show(member: Member) -> Result<Response, Failure> {
    page(&member, &Faults::default())
}

/// `POST /account/password`: fields `current`, `password`, `password_again`.
///
/// # Errors
/// Too many tries, or the directory fails.
pub async fn save(Extension(Peer(address)): Extension<Peer>, sent: Sent) -> Result<Response, Failure> {
    let (member, fields) = (&sent.member, &sent.fields);
    let session = &*member.session;
    if let Some((input, key)) = new_password(fields, &[&session.name, &session.login]) {
        return page(member, &one(input, member.say(key, &[])));
    }
    let (old, new) = (fields.get("current"), fields.get("password"));
    match sign_in::change_password(member.directory()?, session, old, new, address).await {
        Ok(()) => Ok(said::and_go("/account", "change.done")),
        Err(Error::Refused) => page(member, &one("current", member.say("change.wrong", &[]))),
        Err(error @ Error::Invalid(_)) => page(member, &member.refused(error)?),
        Err(error) => Err(error.into()),
    }
}

fn page(member: &Member, faults: &Faults) -> Result<Response, Failure> {
    let form = json!({ "current": "", "password": "", "password_again": "" });
    let more = json!({ "login": member.session.login });
    member.form("account/change", "change.title", &form, faults, more)
}
