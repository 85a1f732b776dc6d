//! People, groups and organisations, for those who manage them. What each may do, the directory
//! decides at every call; these pages hide what leads nowhere.

pub mod acts;
pub mod events;
pub mod export;
pub mod group;
pub mod groups;
pub mod import;
pub mod leaving;
pub mod list;
pub mod new;
pub mod organisation;
pub mod organisations;
mod paper;
pub mod person;
pub mod removal;
pub mod resources;

use std::collections::BTreeSet;

use mazet_directory::organisations::Organisation;
use mazet_directory::permission::Action;
use mazet_directory::{OrganisationId, Role, people};
use serde_json::{Value, json};

use super::failure::Failure;
use super::form::{Faults, Fields};
use super::member::{Member, role_name};

/// Roles that are given within an organisation, beside that of a member.
const GIVEN: [Role; 3] = [Role::Manager, Role::SiteEditor, Role::BackupKeeper];

/// The organisations in which the member may do that, by name.
async fn organisations(member: &Member, action: Action) -> Result<Vec<Organisation>, Failure> {
    Ok(crate::acts::people::organisations(member.directory()?, member.actor(), action).await?)
}

/// The options of a choice among organisations.
fn options(organisations: &[Organisation], chosen: Option<OrganisationId>) -> Value {
    let show =
        |one: &Organisation| json!({ "id": one.id, "name": one.name, "chosen": Some(one.id) == chosen });
    organisations.iter().map(show).collect()
}

/// The organisation that a form names.
fn chosen(fields: &Fields) -> Result<OrganisationId, Failure> {
    fields.get("organisation").parse().map_err(|_| Failure::NotFound)
}

/// The roles of somebody, in words.
pub fn role_words(member: &Member, roles: &BTreeSet<Role>) -> String {
    let words = roles.iter().map(|role| member.say(&format!("role.{}", role_name(*role)), &[]));
    words.collect::<Vec<_>>().join(", ")
}

/// A person's memberships, as lists show them.
pub fn memberships(member: &Member, person: &people::Person) -> Value {
    let show = |one: &people::Membership| json!({ "organisation": one.name, "role": role_words(member, &one.roles) });
    person.memberships.iter().map(show).collect()
}

/// The boxes of the roles that can be given in an organisation. The input's name ends in its number.
fn role_boxes(member: &Member, organisation: OrganisationId, held: &BTreeSet<Role>) -> Value {
    let show = |role: &Role| {
        let name = role_name(*role);
        let title = member.say(&format!("role.{name}"), &[]);
        json!({ "name": name, "title": title, "chosen": held.contains(role), "organisation": organisation })
    };
    GIVEN.iter().map(show).collect()
}

/// The roles whose boxes are ticked.
fn ticked(fields: &Fields, input: &str) -> BTreeSet<Role> {
    let ticked: Vec<&str> = fields.all(input).collect();
    GIVEN.into_iter().filter(|role| ticked.contains(&role_name(*role))).collect()
}

/// Bytes of a gigabyte, as these pages count.
const GIGABYTE: u64 = 1 << 30;

/// Bytes as whole gigabytes, to be shown in a field; empty for none.
fn gigabytes(bytes: Option<u64>) -> String {
    bytes.map(|bytes| bytes.div_ceil(GIGABYTE).to_string()).unwrap_or_default()
}

/// The bytes of a field in gigabytes; none where it is empty. A fault is noted.
fn bytes(member: &Member, fields: &Fields, input: &str, faults: &mut Faults) -> Option<u64> {
    let text: String = fields.get(input).chars().filter(|c| !c.is_whitespace()).collect();
    if text.is_empty() {
        return None;
    }
    let number = text.parse::<u64>().ok().filter(|number| (1..=100_000).contains(number));
    if number.is_none() {
        faults.add(input, member.say("invalid.quota.malformed", &[]));
    }
    number.map(|number| number * GIGABYTE)
}

/// The lines of a field that hold something.
fn lines(text: &str) -> Vec<String> {
    text.lines().map(str::trim).filter(|line| !line.is_empty()).map(str::to_owned).collect()
}
