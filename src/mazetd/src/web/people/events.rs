//! What happened lately: the audit log, as far as the member may read it.

use axum::response::Response;
use mazet_directory::audit::Entry;
use serde_json::{Value, json};

use crate::acts::events;
use crate::web::failure::Failure;
use crate::web::form::Faults;
use crate::web::member::Member;

/// Entries of a page.
const COUNT: u32 = 100;

/// `GET /events`, with `before` (a number) in the query for older ones.
///
/// # Errors
/// The member may not read it, or the directory fails.
pub async fn show(member: Member) -> Result<Response, Failure> {
    let before = member.query("before").parse().ok();
    let entries = events::latest(member.directory()?, member.actor(), before, COUNT).await?;
    let full = entries.len() == COUNT as usize;
    let older = entries.last().filter(|_| full).map(|last| format!("/events?before={}", last.id));
    let shown: Value = entries.iter().map(|entry| line(&member, entry)).collect();
    let data = json!({ "events": shown, "older": older.unwrap_or_default() });
    member.show("people/events", "events.title", &Faults::default(), data)
}

/// An entry as the templates show it: `when`, `who` (empty: not known), `what`.
pub fn line(member: &Member, entry: &Entry) -> Value {
    let known = format!("event.{}", entry.action);
    let key = match member.app.pages.catalogue.get(member.language, &known) {
        Some(_) => known.as_str(),
        None => "event.other",
    };
    let values = [("action", &*entry.action), ("target", &*entry.target), ("detail", &*entry.detail)];
    let who = match entry.actor.as_str() {
        "-" => String::new(),
        login => login.to_owned(),
    };
    json!({ "when": member.date(entry.at), "who": who, "what": member.say(key, &values).trim() })
}
