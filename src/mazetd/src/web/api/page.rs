//! `/api`: the operations and the problems, for people.

use axum::response::Response;
use serde_json::{Value, json};

use super::describe::{tag, who};
use super::problem::KINDS;
use super::routes;
use crate::web::failure::Failure;
use crate::web::form::Faults;
use crate::web::member::Member;

/// `GET /api`.
///
/// # Errors
/// The page cannot be rendered.
pub async fn show(member: Member) -> Result<Response, Failure> {
    let mut parts: Vec<(&str, Vec<Value>)> = Vec::new();
    for one in routes::all() {
        let roles = who(one.access).into_iter().map(|role| member.say(&format!("role.{role}"), &[]));
        let shown = json!({
            "method": one.method.to_uppercase(),
            "path": one.path,
            "what": member.say(&format!("operation.{}", one.name), &[]),
            "who": roles.collect::<Vec<_>>().join(", "),
        });
        match parts.iter_mut().find(|(name, _)| *name == tag(one.path)) {
            Some((_, operations)) => operations.push(shown),
            None => parts.push((tag(one.path), vec![shown])),
        }
    }
    let part = |(name, operations): (&str, Vec<Value>)| json!({ "name": name, "operations": operations });
    let problem = |(_, name, status, title, detail): &super::problem::Row| {
        let detail = member.say(detail, &[("media", "application/json"), ("seconds", "…")]);
        json!({ "name": name, "status": status, "title": member.say(title, &[]), "detail": detail })
    };
    let data = json!({
        "parts": parts.into_iter().map(part).collect::<Value>(),
        "problems": KINDS.iter().map(problem).collect::<Value>(),
    });
    member.show("account/api", "api.title", &Faults::default(), data)
}
