//! Who is on the box, as far as the member may see.

use axum::response::Response;
use mazet_directory::organisations::Organisation;
use mazet_directory::people::{Person, State};
use mazet_directory::permission::{Action, Target};
use serde_json::{Value, json};

use super::{memberships, options, organisations};
use crate::acts::people;
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
    let mut found = people::seen(member.directory()?, member.actor(), chosen).await?;
    found.retain(|person| people::matches(person, &wanted));
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
