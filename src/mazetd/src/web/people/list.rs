//! Who is on the box, as far as the member may see.

use std::collections::BTreeMap;

use axum::response::Response;
use mazet_directory::organisations::Organisation;
use mazet_directory::people::{self, Person, State};
use mazet_directory::permission::{Action, Target};
use mazet_directory::{OrganisationId, PersonId};
use serde_json::{Value, json};

use super::{memberships, options, organisations};
use crate::web::failure::Failure;
use crate::web::form::Faults;
use crate::web::member::Member;

/// `GET /people`, with `q` (a part of a name or login) and `organisation` (a number) in the query.
///
/// # Errors
/// The organisation is not the member's affair, or the directory fails.
pub async fn show(member: Member) -> Result<Response, Failure> {
    let own = organisations(&member, Action::SeePeople).await?;
    let chosen = member.query("organisation").parse().ok();
    let wanted = member.query("q");
    let mut found = people(&member, chosen).await?;
    found.retain(|person| matches(person, &wanted));
    let shown: Value = found.iter().map(|person| row(&member, person)).collect();
    let may = |action: Action| -> Vec<Organisation> {
        let may = |one: &&Organisation| member.actor().may(action, &Target::Organisation(one.id));
        own.iter().filter(may).cloned().collect()
    };
    let data = json!({
        "q": wanted,
        "many": own.len() > 1,
        "organisations": options(&own, chosen),
        "exports": options(&may(Action::ExchangePeople), None),
        "may_add": !may(Action::ManagePeople).is_empty(),
        "may_import": !may(Action::ExchangePeople).is_empty(),
        "count": member.count("people.count", found.len()),
        "people": shown,
    });
    member.show("people/list", "people.title", &Faults::default(), data)
}

/// Those of one organisation, or of all whose people the member sees, by name.
pub async fn people(member: &Member, chosen: Option<OrganisationId>) -> Result<Vec<Person>, Failure> {
    let (directory, actor) = (member.directory()?, member.actor());
    if chosen.is_some() || actor.may(Action::SeePeople, &Target::Machine) {
        return Ok(people::list(directory, actor, chosen).await?);
    }
    let mut all: BTreeMap<PersonId, Person> = BTreeMap::new();
    for one in organisations(member, Action::SeePeople).await? {
        let people = people::list(directory, actor, Some(one.id)).await?;
        all.extend(people.into_iter().map(|person| (person.id, person)));
    }
    let mut all: Vec<Person> = all.into_values().collect();
    all.sort_by_key(|person| (person.name.to_lowercase(), person.id));
    Ok(all)
}

fn matches(person: &Person, wanted: &str) -> bool {
    let wanted = wanted.to_lowercase();
    [&person.name, &person.login].into_iter().any(|text| text.to_lowercase().contains(&wanted))
}

fn row(member: &Member, person: &Person) -> Value {
    let state = match person.state {
        State::Active => String::new(),
        State::Invited => member.say("people.invited", &[]),
        State::Locked => member.say("people.suspended", &[]),
        State::Ended => member.say("people.ended", &[]),
    };
    json!({
        "id": person.id,
        "name": person.name,
        "login": person.login,
        "state": state,
        "memberships": memberships(member, person),
    })
}
