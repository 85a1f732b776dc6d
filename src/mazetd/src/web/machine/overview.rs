//! How the machine is.

use axum::response::Response;
use serde_json::{Value, json};

use super::current;
use crate::web::failure::Failure;
use crate::web::form::Faults;
use crate::web::member::Member;

/// `GET /machine`.
///
/// # Errors
/// The broker fails.
pub async fn show(member: Member) -> Result<Response, Failure> {
    let report = member.app.broker.health().await?;
    let (status, current) = (member.app.broker.status().await?, current(&member).await?);
    let findings: Value = report
        .findings
        .iter()
        .map(|finding| json!({ "subject": finding.subject, "ok": finding.ok, "detail": finding.detail }))
        .collect();
    let services: Value = current
        .services
        .iter()
        .map(|service| json!({ "title": service.title.of(member.language), "on": service.on }))
        .collect();
    let data = json!({
        "well": report.is_well(),
        "findings": findings,
        "services": services,
        "name": status.name,
        "address": format!("https://{}.local/", status.name),
        "version": status.version,
    });
    member.show("machine/overview", "machine.title", &Faults::default(), data)
}
