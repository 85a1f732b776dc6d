//! The code of a paper slip: an invitation, or another password. First the code, then the password.

use axum::response::Response;
use mazet_directory::invitations::Holder;
use mazet_directory::{Result as Known, invitations, resets};
use serde_json::json;

use super::{new_password, one};
use crate::web::failure::Failure;
use crate::web::form::{Faults, Fields};
use crate::web::said;
use crate::web::stranger::{Knock, Stranger};

/// What a slip is for, and what its pages say.
struct Kind {
    path: &'static str,
    title: &'static str,
    intro: &'static str,
    choose_title: &'static str,
    choose_intro: &'static str,
    submit: &'static str,
    done: &'static str,
    invitation: bool,
}

const WELCOME: Kind = Kind {
    path: "/welcome",
    title: "welcome.title",
    intro: "welcome.intro",
    choose_title: "welcome.choose_title",
    choose_intro: "welcome.choose_intro",
    submit: "welcome.submit",
    done: "welcome.done",
    invitation: true,
};
const RESET: Kind = Kind {
    path: "/reset",
    title: "reset.title",
    intro: "reset.intro",
    choose_title: "reset.choose_title",
    choose_intro: "reset.choose_intro",
    submit: "reset.submit",
    done: "reset.done",
    invitation: false,
};

/// `GET /welcome`, with the slip's `code` in the query where its QR code led here.
///
/// # Errors
/// The page cannot be rendered.
pub async fn welcome(stranger: Stranger) -> Result<Response, Failure> {
    let code = stranger.query("code");
    ask(&stranger, &WELCOME, &code, &Faults::default())
}

/// `GET /reset`, likewise.
///
/// # Errors
/// The page cannot be rendered.
pub async fn reset(stranger: Stranger) -> Result<Response, Failure> {
    let code = stranger.query("code");
    ask(&stranger, &RESET, &code, &Faults::default())
}

/// `POST /welcome`: field `code`; then `password` and `password_again` with it.
///
/// # Errors
/// The directory fails.
pub async fn welcome_save(knock: Knock) -> Result<Response, Failure> {
    save(&knock, &WELCOME).await
}

/// `POST /reset`, likewise.
///
/// # Errors
/// The directory fails.
pub async fn reset_save(knock: Knock) -> Result<Response, Failure> {
    save(&knock, &RESET).await
}

async fn save(knock: &Knock, kind: &Kind) -> Result<Response, Failure> {
    let (stranger, fields) = (&knock.stranger, &knock.fields);
    let code = fields.text("code");
    if code.is_empty() {
        return ask(stranger, kind, "", &one("code", stranger.say("slip.missing", &[])));
    }
    let holder = match look(stranger, kind, &code).await {
        Ok(holder) => holder,
        Err(error) => {
            let tried = stranger.tried(error, "code", "slip.wrong")?;
            return Ok(tried.answer(ask(stranger, kind, &code, &tried.faults)?));
        }
    };
    // The first form has no password at all.
    if !fields.has("password") {
        return choose(stranger, kind, &code, &holder, &Faults::default());
    }
    if let Some((input, key)) = new_password(fields, &[&holder.name, &holder.login]) {
        return choose(stranger, kind, &code, &holder, &one(input, stranger.say(key, &[])));
    }
    match take(stranger, kind, &code, fields).await {
        Ok(_) => Ok(said::and_go("/sign-in", kind.done)),
        Err(error) => {
            let tried = stranger.tried(error, "code", "slip.wrong")?;
            Ok(tried.answer(ask(stranger, kind, &code, &tried.faults)?))
        }
    }
}

async fn look(stranger: &Stranger, kind: &Kind, code: &str) -> Known<Holder> {
    let Ok(directory) = stranger.directory() else { return Err(mazet_directory::Error::NotFound) };
    if kind.invitation {
        invitations::look(directory, code, stranger.address).await
    } else {
        resets::look(directory, code, stranger.address).await
    }
}

async fn take(stranger: &Stranger, kind: &Kind, code: &str, fields: &Fields) -> Known<Holder> {
    let Ok(directory) = stranger.directory() else { return Err(mazet_directory::Error::NotFound) };
    let password = fields.get("password");
    if kind.invitation {
        invitations::take(directory, code, password, stranger.address).await
    } else {
        resets::take(directory, code, password, stranger.address).await
    }
}

fn ask(stranger: &Stranger, kind: &Kind, code: &str, faults: &Faults) -> Result<Response, Failure> {
    let form = json!({ "code": code });
    let more = json!({ "title_key": kind.title, "intro_key": kind.intro, "action": kind.path });
    stranger.form("account/slip", kind.title, &form, faults, more)
}

fn choose(
    stranger: &Stranger,
    kind: &Kind,
    code: &str,
    holder: &Holder,
    faults: &Faults,
) -> Result<Response, Failure> {
    let form = json!({ "password": "", "password_again": "" });
    let more = json!({
        "title": stranger.say(kind.choose_title, &[("name", &holder.name)]),
        "intro": stranger.say(kind.choose_intro, &[]),
        "submit": stranger.say(kind.submit, &[]),
        "action": kind.path,
        "code": code,
        "login": holder.login,
    });
    stranger.form("account/choose", kind.title, &form, faults, more)
}
