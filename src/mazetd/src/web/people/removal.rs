//! An association is removed: first a page that says what happens, where its name is typed.

use axum::extract::Path;
use axum::response::Response;
use mazet_directory::OrganisationId;
use mazet_directory::leaving::{self, Consequences};
use serde_json::json;

use crate::acts::leaving::of_removal;
use crate::acts::websites::left;
use crate::web::failure::{self, Failure};
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
    let sites = member.app.broker.websites().await?;
    if typed != known.organisation.name {
        faults.add("typed", member.say("leaving.typed_wrong", &[]));
    } else if let Some(wrong) = left(sites.owned(), id) {
        faults.add("", failure::sentence(&member.app, member.language, &wrong));
    } else {
        match leaving::remove_organisation(directory, actor, id, with_people).await {
            Ok(()) => return Ok(said::and_go("/organisations", "leaving.organisation_removed")),
            Err(error) => {
                for wrong in of_removal(error)? {
                    faults.add(&wrong.field, member.say(&wrong.key, &[]));
                }
            }
        }
    }
    page(member, &known, &typed, &faults)
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
