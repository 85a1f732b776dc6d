//! The organisations that share the box.

use axum::response::Response;
use mazet_directory::organisations::{self, Organisation, Wish};
use serde_json::{Value, json};

use super::{GIGABYTE, bytes, lines};
use crate::web::failure::Failure;
use crate::web::form::{Faults, Fields};
use crate::web::member::{Member, Sent};
use crate::web::said;

/// Gigabytes that are offered for each member of a new organisation.
const USUAL: &str = "10";

/// `GET /organisations`.
///
/// # Errors
/// The directory fails.
pub async fn show(member: Member) -> Result<Response, Failure> {
    let all = organisations::list(member.directory()?, member.actor()).await?;
    let show = |one: &Organisation| {
        let people = usize::try_from(one.people).unwrap_or(usize::MAX);
        json!({
            "id": one.id,
            "name": one.name,
            "domains": one.domains.join(", "),
            "people": member.count("organisations.people", people),
        })
    };
    let data = json!({ "organisations": all.iter().map(show).collect::<Value>() });
    member.show("people/organisations", "organisations.title", &Faults::default(), data)
}

/// `GET /organisations/new`.
///
/// # Errors
/// The page cannot be rendered.
pub async fn add(member: Member) -> Result<Response, Failure> {
    let form = json!({ "name": "", "domains": "", "quota": "", "member_quota": USUAL });
    page(&member, &form, &Faults::default())
}

/// `POST /organisations/new`: fields `name`, `domains` (lines), `quota`, `member_quota`.
///
/// # Errors
/// The member may not, or the directory fails.
pub async fn create(sent: Sent) -> Result<Response, Failure> {
    let (member, fields) = (&sent.member, &sent.fields);
    let mut faults = Faults::default();
    let wish = wish(member, fields, &mut faults);
    if faults.is_empty() {
        match organisations::add(member.directory()?, member.actor(), &wish).await {
            Ok(id) => return Ok(said::and_go(&format!("/organisations/{id}"), "organisation.saved")),
            Err(error) => faults = member.refused(error)?,
        }
    }
    page(member, &typed(fields), &faults)
}

/// What a form asks for.
pub fn wish(member: &Member, fields: &Fields, faults: &mut Faults) -> Wish {
    let quota_bytes = bytes(member, fields, "quota", faults);
    let member_quota = bytes(member, fields, "member_quota", faults);
    if fields.text("member_quota").is_empty() {
        faults.add("member_quota", member.say("invalid.quota.malformed", &[]));
    }
    Wish {
        name: fields.text("name"),
        domains: lines(fields.get("domains")),
        quota_bytes,
        member_quota_bytes: member_quota.unwrap_or(GIGABYTE),
    }
}

/// The form as it was typed.
pub fn typed(fields: &Fields) -> Value {
    json!({
        "name": fields.get("name"),
        "domains": fields.get("domains"),
        "quota": fields.get("quota"),
        "member_quota": fields.get("member_quota"),
    })
}

fn page(member: &Member, form: &Value, faults: &Faults) -> Result<Response, Failure> {
    member.form("people/organisation-new", "organisation.new_title", form, faults, json!({}))
}
