//! One person: who they are, and what can be done with their account.

use axum::extract::Path;
use axum::response::Response;
use mazet_directory::aliases::Alias;
use mazet_directory::people::{self, Membership, Person, State};
use mazet_directory::permission::{Account, Action, Target};
use mazet_directory::{PersonId, outbox};
use serde_json::{Value, json};

use super::{bytes, gigabytes, lines, organisations, role_boxes, ticked};
use crate::acts::people::{self as acts, Wish};
use crate::web::failure::{self, Failure};
use crate::web::form::{Faults, Fields};
use crate::web::machine::mail;
use crate::web::member::{Member, Sent};
use crate::web::said;

/// `GET /people/{id}`.
///
/// # Errors
/// There is nobody whom the member may see, or the directory fails.
pub async fn show(Path(id): Path<PersonId>, member: Member) -> Result<Response, Failure> {
    again(&member, id, &Faults::default()).await
}

/// What the form shows of what is known.
async fn known(member: &Member, person: &Person) -> Result<Value, Failure> {
    Ok(json!({
        "name": person.name,
        "email": person.contact.clone().unwrap_or_default(),
        "quota": gigabytes(person.quota_bytes),
        "aliases": words(&addresses(member, person).await?),
    }))
}

/// The page of somebody with faults of what was to be done.
///
/// # Errors
/// There is nobody whom the member may see, or the directory fails.
pub async fn again(member: &Member, id: PersonId, faults: &Faults) -> Result<Response, Failure> {
    let person = people::get(member.directory()?, member.actor(), id).await?;
    let form = known(member, &person).await?;
    page(&member.at(&format!("/people/{id}")), &person, &form, faults).await
}

/// `POST /people/{id}`: fields `name`, `email`, `quota`, `aliases` (lines), `roles-<organisation>`.
///
/// # Errors
/// There is nobody whom the member may see, they may not do that, or the directory fails.
pub async fn save(Path(id): Path<PersonId>, sent: Sent) -> Result<Response, Failure> {
    let (member, fields) = (&sent.member, &sent.fields);
    let person = people::get(member.directory()?, member.actor(), id).await?;
    let faults = keep(member, &person, fields).await?;
    if faults.is_empty() {
        return Ok(said::and_go(&format!("/people/{id}"), "person.saved"));
    }
    let form = json!({
        "name": fields.get("name"),
        "email": fields.get("email"),
        "quota": fields.get("quota"),
        "aliases": fields.get("aliases"),
    });
    page(member, &person, &form, &faults).await
}

/// Keeps what the form asks for.
async fn keep(member: &Member, person: &Person, fields: &Fields) -> Result<Faults, Failure> {
    let mut faults = Faults::default();
    let quota = bytes(member, fields, "quota", &mut faults);
    if !faults.is_empty() {
        return Ok(faults);
    }
    let roles = |one: &Membership| (one.organisation, ticked(fields, &format!("roles-{}", one.organisation)));
    let wish = Wish {
        name: Some(fields.text("name")),
        contact: Some(fields.text("email")),
        language: None,
        // Shown in whole gigabytes: what shows the same was not changed.
        quota_bytes: (gigabytes(quota) != gigabytes(person.quota_bytes)).then_some(quota),
        roles: appointed(member, person).map(roles).collect(),
        aliases: Some(lines(fields.get("aliases"))),
    };
    let wrong = acts::keep(member.directory()?, member.actor(), person, &wish).await?;
    for one in wrong {
        faults.add(input(&one.field), failure::sentence(&member.app, member.language, &one));
    }
    Ok(faults)
}

/// The input of this form that a value comes from.
fn input(field: &str) -> &str {
    match field {
        "contact" => "email",
        "quota_bytes" => "quota",
        "name" | "aliases" => field,
        _ => "",
    }
}

/// The person's other addresses that the member may see.
async fn addresses(member: &Member, person: &Person) -> Result<Vec<Alias>, Failure> {
    Ok(acts::addresses(member.directory()?, member.actor(), person).await?)
}

fn words(aliases: &[Alias]) -> String {
    aliases.iter().map(|alias| alias.address.as_str()).collect::<Vec<_>>().join("\n")
}

/// The memberships in which the member may give roles.
fn appointed<'p>(member: &'p Member, person: &'p Person) -> impl Iterator<Item = &'p Membership> {
    acts::within(member.actor(), person, Action::AppointRoles)
}

/// The memberships in which the member may give addresses.
fn aliased<'p>(member: &'p Member, person: &'p Person) -> impl Iterator<Item = &'p Membership> {
    acts::within(member.actor(), person, Action::ManageAliases)
}

async fn page(member: &Member, person: &Person, form: &Value, faults: &Faults) -> Result<Response, Failure> {
    let appointed: Value = appointed(member, person)
        .map(|one| {
            let roles = role_boxes(member, one.organisation, &one.roles);
            json!({ "organisation_id": one.organisation, "organisation": one.name, "roles": roles })
        })
        .collect();
    let state = match person.state {
        State::Invited => "person.state_invited",
        State::Active => "person.state_active",
        State::Locked => "person.state_suspended",
        State::Ended => "person.state_ended",
    };
    // Which organisations there are beside those of the person.
    let others = organisations(member, Action::ManagePeople).await?;
    let others: Vec<_> = others
        .into_iter()
        .filter(|one| person.memberships.iter().all(|other| other.organisation != one.id))
        .collect();
    let latest = outbox::latest(member.directory()?, member.actor(), person.id).await?;
    let sends_mail = super::new::sends_mail(member).await?;
    let more = json!({
        "id": person.id,
        "message": latest.map(|message| mail::line(member, &message)),
        "leaving": leaving(member, person),
        "ended": person.state == State::Ended,
        "removable": person.state == State::Ended && may_remove(member),
        "name": person.name,
        "login": person.login,
        "state": member.say(state, &[]),
        "operator": person.operator,
        "second": person.second_factor,
        "created": member.date(person.created_at),
        "signed_in": person.signed_in_at.map(|moment| member.date(moment)).unwrap_or_default(),
        "memberships": super::memberships(member, person),
        "appointed": appointed,
        "aliasable": aliased(member, person).next().is_some(),
        "actions": actions(member, person, sends_mail),
        "others": super::options(&others, None),
    });
    member.form("people/person", "people.title", form, faults, more)
}

/// The organisations that the member may take the person out of.
fn leaving(member: &Member, person: &Person) -> Value {
    if member.actor().person() == Some(person.id) {
        return Value::Array(Vec::new());
    }
    acts::within(member.actor(), person, Action::ManagePeople)
        .map(|one| {
            let title = member.say("leaving.from", &[("organisation", &one.name)]);
            json!({ "organisation": one.organisation, "title": title })
        })
        .collect()
}

/// May the member delete accounts?
fn may_remove(member: &Member) -> bool {
    member.actor().may(Action::RemovePeople, &Target::Machine)
}

/// What the member may do with the account now.
fn actions(member: &Member, person: &Person, sends_mail: bool) -> Value {
    let account = Account {
        person: person.id,
        organisations: person.memberships.iter().map(|one| one.organisation).collect(),
        operator: person.operator,
    };
    let may = |action: Action| member.actor().may(action, &Target::Account(account.clone()));
    let oneself = member.actor().person() == Some(person.id);
    let (care, invited) = (may(Action::ManageAccount), person.state == State::Invited);
    let locked = person.state == State::Locked;
    let appoint = member.actor().may(Action::AppointOperators, &Target::Machine) && !oneself;
    let offered = |act: &&Act| match act.name {
        _ if person.state == State::Ended => false,
        "invite" => may(Action::ManagePeople) && invited,
        "invite-by-mail" => may(Action::ManagePeople) && invited && sends_mail && person.contact.is_some(),
        "reset" | "everywhere" => care && !invited && !oneself,
        "factor" => care && person.second_factor && !oneself,
        "resume" => care && locked,
        "suspend" => care && !locked && !oneself,
        "operator" => appoint && !person.operator,
        "no-operator" => appoint && person.operator,
        _ => false,
    };
    let show = |act: &Act| {
        let (title, hint) = (member.say(act.title, &[]), member.say(act.hint, &[]));
        json!({ "name": act.name, "title": title, "hint": hint, "danger": act.danger })
    };
    ACTS.iter().filter(offered).map(show).collect()
}

/// Something to be done with an account: `POST /people/{id}/<name>`.
struct Act {
    name: &'static str,
    title: &'static str,
    hint: &'static str,
    danger: bool,
}

const fn act(name: &'static str, title: &'static str, hint: &'static str, danger: bool) -> Act {
    Act { name, title, hint, danger }
}

const ACTS: [Act; 9] = [
    act("invite", "act.invite", "act.invite_hint", false),
    act("invite-by-mail", "act.invite_by_mail", "act.invite_by_mail_hint", false),
    act("reset", "act.reset", "act.reset_hint", false),
    act("factor", "act.factor", "act.factor_hint", false),
    act("everywhere", "act.everywhere", "act.everywhere_hint", false),
    act("resume", "act.resume", "act.resume_hint", false),
    act("suspend", "act.suspend", "act.suspend_hint", true),
    act("operator", "act.operator", "act.operator_hint", true),
    act("no-operator", "act.no_operator", "act.no_operator_hint", true),
];
