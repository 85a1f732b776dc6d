//! Setting up a second factor, renewing its recovery codes, and doing without one again.

use std::net::IpAddr;

use axum::extract::Extension;
use axum::response::{IntoResponse as _, Redirect, Response};
use mazet_directory::sessions::Stage;
use mazet_directory::{Code, Error, second_factor};
use mazet_model::qr;
use serde_json::{Value, json};

use super::one;
use crate::web::failure::Failure;
use crate::web::form::{Faults, Fields};
use crate::web::member::{Member, Sent};
use crate::web::said;
use crate::web::serve::Peer;

const PATH: &str = "/account/second-factor";

/// `GET /account/second-factor`; with `set-up` in the query the picture for the phone.
///
/// # Errors
/// The directory fails.
pub async fn show(member: Member) -> Result<Response, Failure> {
    let asked = !member.query("set-up").is_empty() || member.session.stage == Stage::Enrol;
    page(&member, asked, &Faults::default()).await
}

/// `POST /account/second-factor`: field `do` is `start`, `confirm` (with `code`), `codes`, or `stop`
/// (with `password` and `code`).
///
/// # Errors
/// The directory fails.
pub async fn save(Extension(Peer(address)): Extension<Peer>, sent: Sent) -> Result<Response, Failure> {
    let (member, fields) = (&sent.member, &sent.fields);
    let (directory, session) = (member.directory()?, &*member.session);
    match fields.get("do") {
        "confirm" => match second_factor::confirm(directory, session, &fields.text("code")).await {
            Ok(codes) => recovery(member, &codes),
            Err(Error::Refused) => page(member, true, &one("code", member.say("factor.wrong", &[]))).await,
            Err(Error::NotFound) => Ok(Redirect::to(PATH).into_response()),
            Err(error) => Err(error.into()),
        },
        "codes" => recovery(member, &second_factor::renew_codes(directory, session).await?),
        "stop" => stop(member, address, fields).await,
        _ => Ok(Redirect::to(&format!("{PATH}?set-up=1")).into_response()),
    }
}

/// Without a second factor again: an open screen is not enough for that.
async fn stop(member: &Member, address: IpAddr, fields: &Fields) -> Result<Response, Failure> {
    let (password, code) = (fields.get("password"), fields.text("code"));
    match second_factor::stop(member.directory()?, &member.session, password, &code, address).await {
        // Every session has ended, this one too.
        Ok(()) => Ok(said::and_go("/sign-in", "factor.stopped")),
        Err(Error::Refused) => {
            page(member, false, &one("password", member.say("factor.stop_wrong", &[]))).await
        }
        Err(error) => Err(error.into()),
    }
}

/// The codes that open the account without the phone: shown once.
fn recovery(member: &Member, codes: &[Code]) -> Result<Response, Failure> {
    let codes: Value = codes.iter().map(Code::grouped).collect();
    member.at(PATH).show("account/recovery", "recovery.title", &Faults::default(), json!({ "codes": codes }))
}

async fn page(member: &Member, asked: bool, faults: &Faults) -> Result<Response, Failure> {
    let (directory, session) = (member.directory()?, &*member.session);
    let left = second_factor::codes_left(directory, session).await?;
    let offered = match left {
        None if asked => Some(second_factor::offer(directory, session).await?),
        _ => None,
    };
    let issuer = member.app.broker.status().await?.organisation;
    let drawing = offered.as_ref().and_then(|secret| qr::drawing(&secret.uri(&issuer, &session.login)));
    let (size, path) = drawing.map(|drawing| (drawing.size, drawing.path)).unwrap_or_default();
    let more = json!({
        "must": session.stage == Stage::Enrol,
        "operator": session.operator,
        "on": left.is_some(),
        "codes_left": left.unwrap_or_default(),
        "secret": offered.map(|secret| grouped(&secret.base32())).unwrap_or_default(),
        "qr": { "size": size, "path": path },
    });
    member.form("account/factor", "factor.title", &json!({ "code": "", "password": "" }), faults, more)
}

/// In groups of four, as people copy it; authenticators do not mind.
fn grouped(secret: &str) -> String {
    let letters: Vec<char> = secret.chars().collect();
    letters.chunks(4).map(|group| group.iter().collect::<String>()).collect::<Vec<_>>().join(" ")
}
