//! How the machine is: health, space, updates, certificate, services, what happened last.

use axum::response::Response;
use mazet_directory::audit;
use serde_json::{Value, json};

use super::{current, group_title, network};
use crate::acts::machine::groups;
use crate::change::{Current, Page};
use crate::health::Finding;
use crate::updates::{Updates, Waiting};
use crate::web::dates;
use crate::web::failure::Failure;
use crate::web::form::Faults;
use crate::web::member::Member;
use crate::web::people::events::line;

/// Findings that stand in a section of their own.
const SPACE: &str = "disk-space";
/// The same.
const CERTIFICATE: &str = "certificate";
/// Entries of the audit log that are shown.
const EVENTS: u32 = 5;

/// `GET /machine`.
///
/// # Errors
/// The broker or the directory fails.
pub async fn show(member: Member) -> Result<Response, Failure> {
    let report = member.app.broker.health().await?;
    let (status, current) = (member.app.broker.status().await?, current(&member).await?);
    let services: Value = current
        .services
        .iter()
        .map(|service| json!({ "title": service.title.of(member.language), "on": service.on }))
        .collect();
    let choices: Value = groups(&current)
        .iter()
        .map(|group| json!({ "group": group, "title": group_title(&member, group) }))
        .collect();
    let (updates, events) = (updates(&member).await?, events(&member).await?);
    let trial = network::trial(&member).await?;
    let of = |wanted: &dyn Fn(&str) -> bool| -> Value {
        report.findings.iter().filter(|one| wanted(&one.subject)).map(|one| finding(&member, one)).collect()
    };
    let data = json!({
        "well": report.is_well(),
        "findings": of(&|subject| ![SPACE, CERTIFICATE].contains(&subject)),
        "space": of(&|subject| subject == SPACE),
        "certificates": of(&|subject| subject == CERTIFICATE),
        "updates": updates,
        "events": events,
        "services": services,
        "name": status.name,
        "address": format!("https://{}.local/", status.name),
        "version": status.version,
        "choices": choices,
        "reports": reports(&member, &current),
        "trial": trial,
    });
    member.show("machine/overview", "machine.title", &Faults::default(), data)
}

/// Pages that services which are on give to the operator.
fn reports(member: &Member, current: &Current) -> Value {
    let on = current.services.iter().filter(|service| service.on);
    let all = on.flat_map(|service| service.reports.iter().map(move |page| (&service.name, page)));
    let show = |(service, page): (&String, &Page)| {
        json!({
            "id": format!("to-{service}-{}", page.name),
            "path": format!("/machine/reports/{service}/{}", page.name),
            "title": page.title.of(member.language),
            "summary": page.summary.of(member.language),
        })
    };
    all.map(show).collect()
}

fn finding(member: &Member, one: &Finding) -> Value {
    let catalogue = &member.app.pages.catalogue;
    let free: Option<u8> = one.values.get("free").and_then(|free| free.parse().ok());
    json!({
        "title": one.title(catalogue, member.language),
        "ok": one.ok,
        "detail": one.sentence(catalogue, member.language),
        "path": one.values.get("path"),
        "used": free.map(|free| 100_u8.saturating_sub(free)),
    })
}

async fn updates(member: &Member) -> Result<Value, Failure> {
    let Updates { listed, installed, waiting, restart } = member.app.broker.updates().await?;
    let when = |moment: Option<u64>| match moment {
        Some(seconds) => dates::shown(member.language, i64::try_from(seconds).unwrap_or_default()),
        None => member.say("updates.never", &[]),
    };
    let waiting = match waiting {
        None => member.say("updates.looking", &[]),
        // That nothing waits is not known before Debian was asked.
        Some(Waiting { packages: 0, .. }) if listed.is_none() => member.say("updates.unknown", &[]),
        Some(Waiting { packages, security }) => {
            let all = member.count("updates.waiting", packages as usize);
            let of_security = member.count("updates.security", security as usize);
            if security > 0 { format!("{all} {of_security}") } else { all }
        }
    };
    Ok(
        json!({ "listed": when(listed), "installed": when(installed), "waiting": waiting, "restart": restart }),
    )
}

async fn events(member: &Member) -> Result<Value, Failure> {
    let entries = audit::list(member.directory()?, member.actor(), None, None, EVENTS).await?;
    Ok(entries.iter().map(|entry| line(member, entry)).collect())
}
