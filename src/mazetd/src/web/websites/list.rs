//! Which sites there are, and how the last act stands.

use axum::response::Response;
use mazet_directory::permission::Action;
use serde_json::{Value, json};

use super::{PATH, page};
use crate::acts::people::organisations;
use crate::acts::websites::seen;
use crate::web::failure::Failure;
use crate::web::form::Faults;
use crate::web::member::Member;
use crate::websites::order::Last;

/// `GET /websites`.
///
/// # Errors
/// The broker or the directory fails.
pub async fn show(member: Member) -> Result<Response, Failure> {
    let state = seen(member.actor(), member.app.broker.websites().await?);
    let own = organisations(member.directory()?, member.actor(), Action::EditSite).await?;
    let name = |id: i64| own.iter().find(|one| one.id.0 == id).map(|one| one.name.as_str());
    let sites: Value = state
        .sites
        .iter()
        .map(|site| {
            json!({
                "id": site.id,
                "name": site.name,
                "title": site.title.of(member.language),
                "address": site.address,
                "organisation": name(site.organisation).unwrap_or_default(),
            })
        })
        .collect();
    let more = json!({
        "sites": sites,
        "kinds": !state.kinds.is_empty(),
        "told": told(&member, &state.last),
        "error": state.last.error,
    });
    page(&member, ("websites/list", PATH), (&json!({}), &Faults::default()), state.last.running, more)
}

/// How the last act went, in words; empty while it runs, and where there was none.
pub fn told(member: &Member, last: &Last) -> String {
    if last.running || last.act.is_empty() || last.error.is_some() {
        return String::new();
    }
    let key = match last.act.as_str() {
        "add" => "websites.added",
        "remove" => "websites.removed",
        "restore" => "websites.restored",
        _ => "websites.backed_up",
    };
    member.say(key, &[("name", &last.site)])
}
