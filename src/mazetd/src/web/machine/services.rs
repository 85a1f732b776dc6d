//! Services switched on and off.

use axum::response::Response;
use mazet_model::options::Chosen;
use serde_json::{Value, json};

use super::{change, current, group_title};
use crate::acts::machine::{Switches, groups, switched};
use crate::change::{ChoiceValue, Current, Service};
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

/// `POST /machine/services`: a field `on` for each service that shall be on, for each group of alternatives a field
/// `choice-<group>` that names one, and for each option a field `option-<service>-<option>` that names a value.
///
/// # Errors
/// The broker fails.
pub async fn save(Sent { member, fields }: Sent) -> Result<Response, Failure> {
    let mut current = current(&member).await?;
    let seen = current.version.clone();
    // No form of ours names a service that there is not.
    let wished = switched(&current, &switches(&current, &fields)).map_err(|_| Failure::Bad)?;
    current.settings = wished.clone();
    match change::preview(&member, wished, &seen, "/machine/services").await? {
        Ok(page) => Ok(page),
        Err(faults) => page(&member, &current, &faults),
    }
}

/// What the form asks for. What it does not know stays as it is.
fn switches(current: &Current, fields: &Fields) -> Switches {
    let ticked = |name: &str| fields.all("on").any(|on| on == name);
    let optional = current.services.iter().filter(|service| service.optional);
    let named = |group: String| {
        let name = fields.text(&format!("choice-{group}"));
        (!name.is_empty()).then_some((group, name))
    };
    Switches {
        on: optional.map(|service| (service.name.clone(), ticked(&service.name))).collect(),
        alternatives: groups(current).into_iter().filter_map(named).collect(),
        options: options(current, fields),
    }
}

/// What is chosen of services that are on; the others' options are not on the page.
fn options(current: &Current, fields: &Fields) -> Chosen {
    let mut chosen = Chosen::new();
    for service in current.services.iter().filter(|service| service.on) {
        for option in &service.options {
            let value = fields.text(&format!("option-{}-{}", service.name, option.name));
            if !value.is_empty() {
                chosen.entry(service.name.clone()).or_default().insert(option.name.clone(), value);
            }
        }
    }
    chosen
}

/// The options of services that are on, as the page shows them.
fn shown(member: &Member, current: &Current) -> Value {
    let mut shown = Vec::new();
    for service in current.services.iter().filter(|service| service.on) {
        let title_of = |name: &str| {
            service.reports.iter().find(|one| one.name == name).map(|one| one.title.of(member.language))
        };
        for option in &service.options {
            let written = current.settings.options.get(&service.name).and_then(|all| all.get(&option.name));
            let holds = written.unwrap_or(&option.value);
            let value = |one: &ChoiceValue| {
                let proof = one.report.as_deref().map(|name| {
                    json!({ "path": format!("/machine/reports/{}/{name}", service.name), "title": title_of(name) })
                });
                json!({
                    "name": one.name,
                    "title": one.title.of(member.language),
                    "text": one.text.of(member.language),
                    "chosen": one.name == *holds,
                    "offered": one.offered,
                    "proof": proof,
                })
            };
            shown.push(json!({
                "id": format!("option-{}-{}", service.name, option.name),
                "title": option.title.of(member.language),
                "service": service.title.of(member.language),
                "values": option.values.iter().map(value).collect::<Value>(),
            }));
        }
    }
    shown.into()
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
    let has_options = current.services.iter().any(|service| service.on && !service.options.is_empty());
    let changeable =
        has_options || !groups(current).is_empty() || current.services.iter().any(|service| service.optional);
    let data = json!({ "services": of(None), "choices": choices, "options": shown(member, current), "changeable": changeable });
    member.show("machine/services", "machine.services", faults, data)
}
