//! People out of a table: a file, or pasted; looked at line by line, and taken in when nothing is wrong.

use axum::response::Response;
use mazet_directory::csv::{self, Column, LineFault, Preview, Row};
use mazet_directory::organisations::Organisation;
use mazet_directory::permission::Action;
use mazet_directory::{OrganisationId, people};
use serde_json::{Value, json};

use super::paper::{self, Kind};
use super::{chosen, new, options, organisations};
use crate::web::failure::{self, Failure};
use crate::web::form::{Faults, Fields};
use crate::web::letters::{self, Writer};
use crate::web::member::{Member, Sent};

const PATH: &str = "/people/import";
/// Largest file. It goes through the page of the preview as text, where a byte may take six.
const FILE_BYTES: usize = 256 * 1024;

/// `GET /people/import`.
///
/// # Errors
/// The directory fails.
pub async fn show(member: Member) -> Result<Response, Failure> {
    form(&member, &Fields::default(), &Faults::default()).await
}

/// `POST /people/import`: fields `organisation`, `file` or `text` (the table; a file goes first), `by`
/// (`mail`: invitations by e-mail to who has an address) and `do`: `preview`, `confirm` or `edit`.
///
/// # Errors
/// The member may not, or the directory fails.
pub async fn save(Sent { member, fields }: Sent) -> Result<Response, Failure> {
    let member = &member;
    if let Some(key) = fault_of_file(fields.file("file")) {
        let mut faults = Faults::default();
        faults.add("file", member.say(key, &[]));
        return form(member, &fields, &faults).await;
    }
    let fields = &if fields.file("file").is_empty() {
        fields
    } else {
        let text = csv::decoded(fields.file("file"));
        fields.with("text", text)
    };
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
            Ok(taken) => invite(member, &taken, fields.get("by") == "mail").await,
            Err(preview) => show_preview(member, organisation, text, &preview).await,
        };
    }
    let preview = csv::preview(directory, actor, organisation, text.as_bytes()).await?;
    show_preview(member, organisation, text, &preview).await
}

/// Why a file is not looked at; the catalogue key of it.
fn fault_of_file(bytes: &[u8]) -> Option<&'static str> {
    match bytes {
        bytes if bytes.len() > FILE_BYTES => Some("import.file_large"),
        // Spreadsheets' own files are ZIP archives.
        [b'P', b'K', 3, 4, ..] => Some("import.file_sheet"),
        _ => None,
    }
}

async fn form(member: &Member, fields: &Fields, faults: &Faults) -> Result<Response, Failure> {
    let own: Vec<Organisation> = organisations(member, Action::ExchangePeople).await?;
    let more = json!({
        "organisations": options(&own, chosen(fields).ok()),
        "columns": Column::ALL.map(Column::name).join(","),
    });
    let form = json!({ "text": fields.get("text"), "file": "" });
    member.form("people/import", "import.title", &form, faults, more)
}

async fn show_preview(
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
        "sends_mail": new::sends_mail(member).await?,
        "ready": preview.faults.is_empty() && !preview.people.is_empty(),
    });
    member.show("people/preview", "import.preview_title", &Faults::default(), data)
}

fn problem(member: &Member, fault: &LineFault) -> Value {
    let message = failure::line(&member.app, member.language, fault.what);
    json!({ "line": fault.line, "value": fault.value, "message": message })
}

/// Messages to those who have an address, where that is wished; and the slips of all others, shown once.
async fn invite(member: &Member, taken: &[csv::TakenIn], by_mail: bool) -> Result<Response, Failure> {
    let base = member.app.broker.offers().await?.address;
    let status = member.app.broker.status().await?;
    let writer = (by_mail && status.sends_mail)
        .then(|| Writer::of(base.clone(), status.organisation, status.language));
    let (directory, actor) = (member.directory()?, member.actor());
    let (mut papers, mut mailed) = (Vec::new(), Vec::new());
    for one in taken {
        let person = people::get(directory, actor, one.person).await?;
        let writer = writer.as_ref().filter(|_| person.contact.is_some());
        // Whoever gets no message gets a slip.
        match writer {
            Some(writer) if writer.invite(directory, actor, person.id).await.is_ok() => {
                mailed.push(json!({ "name": person.name, "address": person.contact }));
            }
            _ => papers.push(paper::slip(member, Kind::Invitation, &person, &one.invitation, &base)),
        }
    }
    if !mailed.is_empty() {
        letters::post(&member.app).await;
    }
    let data = json!({ "papers": papers, "mailed": mailed });
    member.at(PATH).show("people/papers", "import.done_title", &Faults::default(), data)
}
