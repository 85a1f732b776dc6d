//! A forgotten password: whoever asks for a message is told the same, whether there is anybody or not.

use std::sync::Arc;

use axum::response::Response;
use mazet_directory::resets;
use serde_json::{Value, json};

use super::one;
use crate::web::failure::Failure;
use crate::web::form::Faults;
use crate::web::letters::{self, Writer};
use crate::web::stranger::{Knock, Stranger};

/// `GET /forgotten`.
///
/// # Errors
/// The broker fails.
pub async fn show(stranger: Stranger) -> Result<Response, Failure> {
    page(&stranger, "", false, &Faults::default()).await
}

/// `POST /forgotten`: field `who`, a login or an address elsewhere.
///
/// # Errors
/// The broker or the directory fails.
pub async fn save(knock: Knock) -> Result<Response, Failure> {
    let (stranger, who) = (&knock.stranger, knock.fields.text("who"));
    if who.is_empty() {
        return page(stranger, "", false, &one("who", stranger.say("forgotten.missing", &[]))).await;
    }
    if !stranger.app.broker.status().await?.sends_mail {
        return page(stranger, &who, false, &Faults::default()).await;
    }
    let directory = stranger.directory()?.clone();
    let asked = match resets::ask(&directory, &who, stranger.address).await {
        Ok(asked) => asked,
        Err(error) => {
            let tried = stranger.tried(error, "who", "signin.wrong")?;
            return Ok(tried.answer(page(stranger, &who, false, &tried.faults).await?));
        }
    };
    let (app, writer) = (Arc::clone(&stranger.app), Writer::new(&stranger.app).await?);
    // Beside the answer, which takes no longer when there is somebody to write to.
    tokio::spawn(async move {
        match resets::send(&directory, &asked, |to, ticket| writer.reset(to, ticket)).await {
            Ok(()) => letters::post(&app).await,
            Err(error) => eprintln!("writing a message for another password: {error}"),
        }
    });
    page(stranger, "", true, &Faults::default()).await
}

async fn page(stranger: &Stranger, who: &str, done: bool, faults: &Faults) -> Result<Response, Failure> {
    let sends_mail = stranger.app.broker.status().await?.sends_mail;
    let more: Value = json!({ "done": done, "sends_mail": sends_mail });
    stranger.form("account/forgotten", "forgotten.title", &json!({ "who": who }), faults, more)
}
