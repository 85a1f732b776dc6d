//! People out of a table: pasted, looked at line by line, and taken in when nothing is wrong.

use axum::response::Response;
use mazet_directory::csv::{self, Column, LineFault, Preview, Row};
use mazet_directory::organisations::Organisation;
use mazet_directory::permission::Action;
use mazet_directory::{OrganisationId, people};
use serde_json::{Value, json};

use super::paper::{self, Kind};
use super::{chosen, options, organisations};
use crate::web::failure::{self, Failure};
use crate::web::form::{Faults, Fields};
use crate::web::member::{Member, Sent};

const PATH: &str = "/people/import";

/// `GET /people/import`.
///
/// # Errors
/// The directory fails.
pub async fn show(member: Member) -> Result<Response, Failure> {
    form(&member, &Fields::default(), &Faults::default()).await
}

/// `POST /people/import`: fields `organisation`, `text` (the table) and `do`: `preview`, `confirm` or
/// `edit`.
///
/// # Errors
/// The member may not, or the directory fails.
pub async fn save(sent: Sent) -> Result<Response, Failure> {
    let (member, fields) = (&sent.member, &sent.fields);
    let (organisation, text) = (chosen(fields)?, fields.get("text"));
    if fields.get("do") == "edit" {
        return form(member, fields, &Faults::default()).await;
    }
    if text.trim().is_empty() {
        let mut faults = Faults::default();
        faults.add("text", member.say("import.missing", &[]));
        return form(member, fields, &faults).await;
    }
    let (directory, actor) = (member.directory()?, member.actor());
    if fields.get("do") == "confirm" {
        return match csv::import(directory, actor, organisation, text.as_bytes()).await? {
            Ok(taken) => papers(member, &taken).await,
            Err(preview) => show_preview(member, organisation, text, &preview),
        };
    }
    let preview = csv::preview(directory, actor, organisation, text.as_bytes()).await?;
    show_preview(member, organisation, text, &preview)
}

async fn form(member: &Member, fields: &Fields, faults: &Faults) -> Result<Response, Failure> {
    let own: Vec<Organisation> = organisations(member, Action::ExchangePeople).await?;
    let more = json!({
        "organisations": options(&own, chosen(fields).ok()),
        "columns": Column::ALL.map(Column::name).join(","),
    });
    let form = json!({ "text": fields.get("text") });
    member.form("people/import", "import.title", &form, faults, more)
}

fn show_preview(
    member: &Member,
    organisation: OrganisationId,
    text: &str,
    preview: &Preview,
) -> Result<Response, Failure> {
    let show = |row: &Row| {
        json!({
            "line": row.line,
            "name": row.new.name,
            "login": row.new.login,
            "email": row.new.contact,
            "roles": super::role_words(member, &row.new.roles),
            "groups": row.groups.join(", "),
        })
    };
    let data = json!({
        "organisation": organisation,
        "text": text,
        "problems": preview.faults.iter().map(|fault| problem(member, fault)).collect::<Value>(),
        "count": member.count("import.good", preview.people.len()),
        "people": preview.people.iter().map(show).collect::<Value>(),
        "ready": preview.faults.is_empty() && !preview.people.is_empty(),
    });
    member.show("people/preview", "import.preview_title", &Faults::default(), data)
}

fn problem(member: &Member, fault: &LineFault) -> Value {
    let message = failure::line(&member.app, member.language, fault.what);
    json!({ "line": fault.line, "value": fault.value, "message": message })
}

/// The slips of all who were taken in: shown once.
async fn papers(member: &Member, taken: &[csv::TakenIn]) -> Result<Response, Failure> {
    let base = member.app.broker.offers().await?.address;
    let mut papers = Vec::new();
    for one in taken {
        let person = people::get(member.directory()?, member.actor(), one.person).await?;
        papers.push(paper::slip(member, Kind::Invitation, &person, &one.invitation, &base));
    }
    let data = json!({ "papers": papers });
    member.at(PATH).show("people/papers", "import.done_title", &Faults::default(), data)
}
