//! Services switched on and off.

use axum::response::Response;
use serde_json::{Value, json};

use super::{change, current};
use crate::change::Current;
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

/// `POST /machine/services`: a field `on` for each service that shall be on.
///
/// # Errors
/// The broker fails.
pub async fn save(Sent { member, fields }: Sent) -> Result<Response, Failure> {
    let mut current = current(&member).await?;
    let seen = current.version.clone();
    current.settings.disabled_services = off(&current, &fields);
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

fn page(member: &Member, current: &Current, faults: &Faults) -> Result<Response, Failure> {
    let services: Value = current
        .services
        .iter()
        .map(|service| {
            json!({
                "name": service.name,
                "title": service.title.of(member.language),
                "summary": service.summary.of(member.language),
                "optional": service.optional,
                "on": !current.settings.disabled_services.contains(&service.name),
            })
        })
        .collect();
    let optional = current.services.iter().any(|service| service.optional);
    let data = json!({ "services": services, "optional": optional });
    member.show("machine/services", "machine.services", faults, data)
}
