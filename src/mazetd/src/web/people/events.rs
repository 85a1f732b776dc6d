//! What happened lately: the audit log, as far as the member may read it.

use axum::response::Response;
use mazet_directory::audit::{self, Entry};
use mazet_directory::permission::{Action, Target};
use serde_json::{Value, json};

use super::organisations;
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
    let entries = entries(&member, member.query("before").parse().ok()).await?;
    let full = entries.len() == COUNT as usize;
    let older = entries.last().filter(|_| full).map(|last| format!("/events?before={}", last.id));
    let shown: Value = entries.iter().map(|entry| line(&member, entry)).collect();
    let data = json!({ "events": shown, "older": older.unwrap_or_default() });
    member.show("people/events", "events.title", &Faults::default(), data)
}

/// The latest, of the whole box or of the member's organisations.
async fn entries(member: &Member, before: Option<i64>) -> Result<Vec<Entry>, Failure> {
    let (directory, actor) = (member.directory()?, member.actor());
    if actor.may(Action::SeeAudit, &Target::Machine) {
        return Ok(audit::list(directory, actor, None, before, COUNT).await?);
    }
    let mut all = Vec::new();
    for one in organisations(member, Action::SeeAudit).await? {
        all.extend(audit::list(directory, actor, Some(one.id), before, COUNT).await?);
    }
    all.sort_by_key(|entry| std::cmp::Reverse(entry.id));
    all.truncate(COUNT as usize);
    Ok(all)
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
