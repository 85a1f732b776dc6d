//! Where a person is signed in, and signing out: here, there, everywhere.

use axum::extract::Path;
use axum::http::header;
use axum::response::{IntoResponse as _, Response};
use mazet_directory::SessionId;
use mazet_directory::sessions::{self, Listed};
use serde_json::{Value, json};

use crate::web::failure::Failure;
use crate::web::form::Faults;
use crate::web::member::{Member, Sent};
use crate::web::{agent, said, session};

const PATH: &str = "/account/devices";

/// `GET /account/devices`.
///
/// # Errors
/// The directory fails.
pub async fn show(member: Member) -> Result<Response, Failure> {
    let all = sessions::list(member.directory()?, member.actor(), member.session.person).await?;
    let show = |one: &Listed| {
        json!({
            "id": one.id,
            "browser": agent::short(&one.agent),
            "address": one.address,
            "begun": member.date(one.created_at),
            "seen": member.date(one.seen_at),
            "this_one": one.id == member.session.id,
        })
    };
    let data = json!({ "devices": all.iter().map(show).collect::<Value>() });
    member.show("account/devices", "devices.title", &Faults::default(), data)
}

/// `POST /account/devices/{id}`: ends that session.
///
/// # Errors
/// There is none, or the directory fails.
pub async fn end(Path(id): Path<SessionId>, sent: Sent) -> Result<Response, Failure> {
    let member = &sent.member;
    sessions::end_one(member.directory()?, member.actor(), member.session.person, id).await?;
    Ok(said::and_go(PATH, "devices.ended"))
}

/// `POST /account/devices`: ends every session, this one too.
///
/// # Errors
/// The directory fails.
pub async fn everywhere(sent: Sent) -> Result<Response, Failure> {
    let member = &sent.member;
    sessions::end_all(member.directory()?, member.actor(), member.session.person, false).await?;
    Ok(gone())
}

/// `POST /sign-out`: ends this session.
///
/// # Errors
/// The directory fails.
pub async fn sign_out(sent: Sent) -> Result<Response, Failure> {
    let (member, session) = (&sent.member, &sent.member.session);
    sessions::end_one(member.directory()?, member.actor(), session.person, session.id).await?;
    Ok(gone())
}

fn gone() -> Response {
    let forget = format!("{}; Max-Age=0", session::cookie(session::COOKIE, ""));
    ([(header::SET_COOKIE, forget)], said::and_go("/", "signin.ended")).into_response()
}
