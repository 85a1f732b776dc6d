//! Services switched on and off.

use axum::response::Response;
use serde_json::{Value, json};

use super::{change, current, group_title};
use crate::change::{Current, Service};
use crate::web::failure::Failure;
use crate::web::form::{Faults, Fields};
use crate::web::member::{Member, Sent};

/// `GET /machine/services`.
///
/// # Errors
/// The broker fails.
pub async fn show(member: Member) -> Result<Response, Failure> {
    let current = current(&member).await?;
    page(&member, &current, &Faults::default())
}

/// `POST /machine/services`: a field `on` for each service that shall be on, and for each group of
/// alternatives a field `choice-<group>` that names one.
///
/// # Errors
/// The broker fails.
pub async fn save(Sent { member, fields }: Sent) -> Result<Response, Failure> {
    let mut current = current(&member).await?;
    let seen = current.version.clone();
    current.settings.disabled_services = off(&current, &fields);
    choose(&mut current, &fields);
    let wished = current.settings.clone();
    match change::preview(&member, wished, &seen, "/machine/services").await? {
        Ok(page) => Ok(page),
        Err(faults) => page(&member, &current, &faults),
    }
}

/// Those that may be off and were not ticked. What the form does not know stays as it is.
fn off(current: &Current, fields: &Fields) -> Vec<String> {
    let ticked = |name: &str| fields.all("on").any(|on| on == name);
    let mut off: Vec<String> = current.settings.disabled_services.clone();
    for service in current.services.iter().filter(|service| service.optional) {
        off.retain(|name| *name != service.name);
        if !ticked(&service.name) {
            off.push(service.name.clone());
        }
    }
    off
}

/// Of each group of alternatives, the one that was chosen; what is chosen already is not written down.
pub fn choose(current: &mut Current, fields: &Fields) {
    for group in groups(current) {
        let name = fields.text(&format!("choice-{group}"));
        let chosen = current.services.iter().find(|service| service.name == name);
        if chosen.is_some_and(|service| !service.on && service.alternative.as_ref() == Some(&group)) {
            current.settings.alternatives.insert(group, name);
        }
    }
}

/// The groups of alternatives, each once.
pub fn groups(current: &Current) -> Vec<String> {
    let mut groups: Vec<String> =
        current.services.iter().filter_map(|service| service.alternative.clone()).collect();
    groups.dedup();
    groups
}

fn page(member: &Member, current: &Current, faults: &Faults) -> Result<Response, Failure> {
    let is_on = |service: &Service| match &service.alternative {
        Some(group) => match current.settings.alternatives.get(group) {
            Some(name) => *name == service.name,
            None => service.on,
        },
        None => !current.settings.disabled_services.contains(&service.name),
    };
    let show = |service: &Service| {
        json!({
            "name": service.name,
            "title": service.title.of(member.language),
            "summary": service.summary.of(member.language),
            "optional": service.optional,
            "on": is_on(service),
        })
    };
    let of = |group: Option<&str>| -> Value {
        let services = current.services.iter();
        services.filter(|service| service.alternative.as_deref() == group).map(show).collect()
    };
    let choices: Value = groups(current)
        .iter()
        .map(|group| {
            json!({ "group": group, "title": group_title(member, group), "services": of(Some(group)) })
        })
        .collect();
    let changeable = !groups(current).is_empty() || current.services.iter().any(|service| service.optional);
    let data = json!({ "services": of(None), "choices": choices, "changeable": changeable });
    member.show("machine/services", "machine.services", faults, data)
}
