//! An association is removed: first a page that says what happens, where its name is typed.

use axum::extract::Path;
use axum::response::Response;
use mazet_directory::leaving::{self, Consequences};
use mazet_directory::{Error, Fault, Field, Invalid, OrganisationId};
use serde_json::json;

use crate::web::failure::Failure;
use crate::web::form::Faults;
use crate::web::member::{Member, Sent};
use crate::web::said;

/// `GET /organisations/{id}/remove`.
///
/// # Errors
/// There is none that the member may see, or the directory fails.
pub async fn show(Path(id): Path<OrganisationId>, member: Member) -> Result<Response, Failure> {
    let known = leaving::consequences(member.directory()?, member.actor(), id).await?;
    page(&member, &known, "", &Faults::default())
}

/// `POST /organisations/{id}/remove`: field `typed` repeats the name; `people` is `on` where its people
/// may leave with it.
///
/// # Errors
/// There is none that the member may see, they may not do that, or the directory fails.
pub async fn save(Path(id): Path<OrganisationId>, sent: Sent) -> Result<Response, Failure> {
    let (member, fields) = (&sent.member, &sent.fields);
    let (directory, actor) = (member.directory()?, member.actor());
    let known = leaving::consequences(directory, actor, id).await?;
    let (typed, with_people) = (fields.text("typed"), fields.get("people") == "on");
    let mut faults = Faults::default();
    if typed == known.organisation.name {
        match leaving::remove_organisation(directory, actor, id, with_people).await {
            Ok(()) => return Ok(said::and_go("/organisations", "leaving.organisation_removed")),
            Err(error) => refuse(member, error, &mut faults)?,
        }
    } else {
        faults.add("typed", member.say("leaving.typed_wrong", &[]));
    }
    page(member, &known, &typed, &faults)
}

/// The two refusals that a person can mend, in words of this page.
fn refuse(member: &Member, error: Error, faults: &mut Faults) -> Result<(), Failure> {
    let Error::Invalid(list) = &error else { return Err(error.into()) };
    for Invalid { field, fault } in list {
        match (field, fault) {
            (Field::Person, Fault::Taken) => faults.add("people", member.say("leaving.people_there", &[])),
            (Field::Name, Fault::Last) => faults.add("", member.say("leaving.last_organisation", &[])),
            _ => faults.add("", member.say("invalid.other", &[])),
        }
    }
    Ok(())
}

fn page(member: &Member, known: &Consequences, typed: &str, faults: &Faults) -> Result<Response, Failure> {
    let number = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
    let one = &known.organisation;
    let more = json!({
        "id": one.id,
        "name": one.name,
        "has_people": one.people > 0,
        "people_count": member.count("organisations.people", number(one.people)),
        "ending": member.count("leaving.ending", number(known.ending)),
        "groups": known.groups,
        "aliases": known.aliases,
        "domains": one.domains.join(", "),
    });
    let form = json!({ "typed": typed, "people": "" });
    member.form("people/organisation-remove", "leaving.organisation_title", &form, faults, more)
}
