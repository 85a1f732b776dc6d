//! One group: its name, and who is in it.

use axum::extract::Path;
use axum::response::{IntoResponse as _, Redirect, Response};
use mazet_directory::groups::{self, Group};
use mazet_directory::{GroupId, PersonId, organisations, people};
use mazet_model::manifest::Feature;
use serde_json::{Value, json};

use super::lines;
use crate::acts::groups::{self as acts, Wish};
use crate::web::failure::Failure;
use crate::web::form::Faults;
use crate::web::member::{Member, Sent};
use crate::web::said;

/// `GET /groups/{id}`.
///
/// # Errors
/// There is none that the member may see, or the directory fails.
pub async fn show(Path(id): Path<GroupId>, member: Member) -> Result<Response, Failure> {
    let group = groups::get(member.directory()?, member.actor(), id).await?;
    page(&member, &group, &Faults::default()).await
}

/// `POST /groups/{id}`: field `do` is `save` (with `name`, `mailbox`, `address` (lines), and a `member` for each person) or
/// `remove`.
///
/// # Errors
/// There is none that the member may see, they may not do that, or the directory fails.
pub async fn save(Path(id): Path<GroupId>, sent: Sent) -> Result<Response, Failure> {
    let (member, fields) = (&sent.member, &sent.fields);
    let (directory, actor) = (member.directory()?, member.actor());
    if fields.get("do") == "remove" {
        groups::remove(directory, actor, id).await?;
        return Ok(said::and_go("/groups", "groups.removed"));
    }
    let chosen: Result<Vec<PersonId>, _> = fields.all("member").map(str::parse).collect();
    let Ok(chosen) = chosen else { return Ok(Redirect::to(&format!("/groups/{id}")).into_response()) };
    let known = groups::get(directory, actor, id).await?;
    let mut wish = Wish { name: fields.text("name"), members: chosen, mailbox: None, addresses: None };
    // Where nothing has mailboxes, the page has no such fields, and both stay as they are.
    if member.app.broker.has(Feature::Mailboxes).await? {
        wish.mailbox = Some(fields.get("mailbox") == "yes");
        wish.addresses = Some(lines(fields.get("address")).iter().map(|one| one.to_lowercase()).collect());
    }
    match acts::keep(directory, actor, &known, &wish).await {
        Ok(()) => Ok(said::and_go(&format!("/groups/{id}"), "groups.saved")),
        Err(error) => {
            let faults = member.refused(error)?.at(&["aliases", "domains"], "address");
            let typed = Group {
                name: wish.name,
                members: wish.members,
                mailbox: wish.mailbox.unwrap_or(known.mailbox),
                addresses: wish.addresses.unwrap_or_else(|| known.addresses.clone()),
                ..known
            };
            page(member, &typed, &faults).await
        }
    }
}

async fn page(member: &Member, group: &Group, faults: &Faults) -> Result<Response, Failure> {
    let (directory, actor) = (member.directory()?, member.actor());
    let organisation = organisations::get(directory, actor, group.organisation).await?;
    let people = people::list(directory, actor, Some(group.organisation)).await?;
    let people: Value = people
        .iter()
        .map(|person| {
            let chosen = group.members.contains(&person.id);
            json!({ "id": person.id, "name": person.name, "login": person.login, "chosen": chosen })
        })
        .collect();
    let offers = member.app.broker.offers().await?;
    // The address that it has wherever it is, beside those that it was given.
    let own = format!("{}@{}", group.account, offers.home);
    let more = json!({
        "id": group.id,
        "organisation": organisation.name,
        "people": people,
        "mailbox": group.mailbox,
        "own": member.say("groups.own", &[("address", &own)]),
        "mail": offers.features.contains(&Feature::Mailboxes),
        "kept": !offers.features.is_empty(),
    });
    let form = json!({ "name": group.name, "address": group.addresses.join("\n") });
    member.form("people/group", "groups.title", &form, faults, more)
}
