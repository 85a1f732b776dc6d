//! One organisation: its name, domains and quotas.

use axum::extract::Path;
use axum::response::Response;
use mazet_directory::OrganisationId;
use mazet_directory::organisations::{self, Organisation};
use serde_json::{Value, json};

use super::gigabytes;
use super::organisations::{typed, wish};
use crate::web::failure::Failure;
use crate::web::form::Faults;
use crate::web::member::{Member, Sent};
use crate::web::said;

/// `GET /organisations/{id}`.
///
/// # Errors
/// There is none that the member may see, or the directory fails.
pub async fn show(Path(id): Path<OrganisationId>, member: Member) -> Result<Response, Failure> {
    let one = organisations::get(member.directory()?, member.actor(), id).await?;
    let form = json!({
        "name": one.name,
        "domains": one.domains.join("\n"),
        "quota": gigabytes(one.quota_bytes),
        "member_quota": gigabytes(Some(one.member_quota_bytes)),
    });
    page(&member, &one, &form, &Faults::default())
}

/// `POST /organisations/{id}`: fields `name`, `domains` (lines), `quota`, `member_quota`.
///
/// # Errors
/// There is none that the member may see, they may not do that, or the directory fails.
pub async fn save(Path(id): Path<OrganisationId>, sent: Sent) -> Result<Response, Failure> {
    let (member, fields) = (&sent.member, &sent.fields);
    let one = organisations::get(member.directory()?, member.actor(), id).await?;
    let mut faults = Faults::default();
    let wish = wish(member, fields, &mut faults);
    if faults.is_empty() {
        match organisations::change(member.directory()?, member.actor(), id, &wish).await {
            Ok(()) => return Ok(said::and_go(&format!("/organisations/{id}"), "organisation.saved")),
            Err(error) => faults = member.refused(error)?,
        }
    }
    page(member, &one, &typed(fields), &faults)
}

fn page(member: &Member, one: &Organisation, form: &Value, faults: &Faults) -> Result<Response, Failure> {
    let more = json!({ "id": one.id, "name": one.name });
    member.form("people/organisation", "organisations.title", form, faults, more)
}
