//! Who is seen, and what is kept of a person.

use std::collections::{BTreeMap, BTreeSet};

use mazet_directory::aliases::{self, Alias, Reader};
use mazet_directory::csv::What;
use mazet_directory::organisations::Organisation;
use mazet_directory::people::{self, Membership, Person, Profile};
use mazet_directory::permission::{Action, Target};
use mazet_directory::{Actor, Directory, OrganisationId, PersonId, Result, Role};
use mazet_model::settings::Language;

use super::{Wrong, wrongs};

/// The organisations in which the actor may do that, by name.
///
/// # Errors
/// The directory fails.
pub async fn organisations(
    directory: &Directory,
    actor: &Actor,
    action: Action,
) -> Result<Vec<Organisation>> {
    let mut all = mazet_directory::organisations::list(directory, actor).await?;
    all.retain(|one| actor.may(action, &Target::Organisation(one.id)));
    Ok(all)
}

/// Those of one organisation, or of all whose people the actor sees, by name.
///
/// # Errors
/// The organisation is not the actor's affair, or the directory fails.
pub async fn seen(
    directory: &Directory,
    actor: &Actor,
    chosen: Option<OrganisationId>,
) -> Result<Vec<Person>> {
    if chosen.is_some() || actor.may(Action::SeePeople, &Target::Machine) {
        return people::list(directory, actor, chosen).await;
    }
    let mut all: BTreeMap<PersonId, Person> = BTreeMap::new();
    for one in organisations(directory, actor, Action::SeePeople).await? {
        let people = people::list(directory, actor, Some(one.id)).await?;
        all.extend(people.into_iter().map(|person| (person.id, person)));
    }
    let mut all: Vec<Person> = all.into_values().collect();
    all.sort_by_key(|person| (person.name.to_lowercase(), person.id));
    Ok(all)
}

/// Does a part of the person's name or login read so?
pub fn matches(person: &Person, wanted: &str) -> bool {
    let wanted = wanted.to_lowercase();
    [&person.name, &person.login].into_iter().any(|text| text.to_lowercase().contains(&wanted))
}

/// What a person is to become; what is none stays.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Wish {
    /// Full name.
    pub name: Option<String>,
    /// Address elsewhere; may be empty.
    pub contact: Option<String>,
    /// Language of their pages; inner none: what the browser asks for.
    pub language: Option<Option<Language>>,
    /// Bytes; inner none: what their organisation gives its members.
    pub quota_bytes: Option<Option<u64>>,
    /// Roles beside that of a member, by organisation.
    pub roles: BTreeMap<OrganisationId, BTreeSet<Role>>,
    /// All their addresses beside the usual ones that the actor may give.
    pub aliases: Option<Vec<String>>,
}

/// Keeps what changed, and only that: what the actor may not do they did not ask for. Gives what cannot
/// be taken.
///
/// # Errors
/// The actor may not, or the directory fails.
pub async fn keep(directory: &Directory, actor: &Actor, person: &Person, wish: &Wish) -> Result<Vec<Wrong>> {
    let mut wrong = Vec::new();
    let contact = person.contact.clone().unwrap_or_default();
    let profile = Profile {
        name: wish.name.clone().unwrap_or_else(|| person.name.clone()),
        contact: wish.contact.clone().unwrap_or_else(|| contact.clone()),
        language: wish.language.unwrap_or(person.language),
    };
    if profile.name != person.name || profile.contact != contact || profile.language != person.language {
        note(people::change(directory, actor, person.id, &profile).await, &mut wrong)?;
    }
    if let Some(quota) = wish.quota_bytes.filter(|quota| *quota != person.quota_bytes) {
        note(people::set_quota(directory, actor, person.id, quota).await, &mut wrong)?;
    }
    for (organisation, roles) in &wish.roles {
        let held = person.memberships.iter().find(|one| one.organisation == *organisation);
        if held.is_none_or(|held| held.roles != *roles) {
            note(people::set_roles(directory, actor, person.id, *organisation, roles).await, &mut wrong)?;
        }
    }
    if let Some(wanted) = &wish.aliases {
        keep_aliases(directory, actor, person, wanted, &mut wrong).await?;
    }
    Ok(wrong)
}

fn note(result: Result<()>, wrong: &mut Vec<Wrong>) -> Result<()> {
    if let Err(error) = result {
        wrong.extend(wrongs(error)?);
    }
    Ok(())
}

/// Adds and removes addresses, so that there are those and no others.
async fn keep_aliases(
    directory: &Directory,
    actor: &Actor,
    person: &Person,
    wanted: &[String],
    wrong: &mut Vec<Wrong>,
) -> Result<()> {
    let known = addresses(directory, actor, person).await?;
    for alias in known.iter().filter(|alias| !wanted.contains(&alias.address)) {
        note(aliases::remove(directory, actor, alias.id).await, wrong)?;
    }
    for address in wanted.iter().filter(|address| known.iter().all(|alias| alias.address != **address)) {
        let added = match home_of(directory, actor, person, address).await? {
            Some(organisation) => {
                aliases::add(directory, actor, organisation, address, Reader::Person(person.id)).await
            }
            None => {
                let key = "invalid.domain.unknown".to_owned();
                wrong.push(Wrong {
                    field: "aliases".into(),
                    key,
                    value: address.clone(),
                    ..Wrong::default()
                });
                continue;
            }
        };
        if let Err(error) = added {
            let faults = wrongs(error)?.into_iter();
            wrong.extend(faults.map(|one| Wrong { field: "aliases".into(), value: address.clone(), ..one }));
        }
    }
    Ok(())
}

/// Which of the person's organisations has the domain of an address.
async fn home_of(
    directory: &Directory,
    actor: &Actor,
    person: &Person,
    address: &str,
) -> Result<Option<OrganisationId>> {
    let domain = address.rsplit_once('@').map_or("", |(_, domain)| domain).to_lowercase();
    for one in &person.memberships {
        let organisation = mazet_directory::organisations::get(directory, actor, one.organisation).await?;
        if organisation.domains.contains(&domain) {
            return Ok(Some(organisation.id));
        }
    }
    Ok(None)
}

/// The person's addresses beside the usual ones, as far as the actor may give them.
///
/// # Errors
/// The directory fails.
pub async fn addresses(directory: &Directory, actor: &Actor, person: &Person) -> Result<Vec<Alias>> {
    let mut found = Vec::new();
    for one in within(actor, person, Action::ManageAliases) {
        let all = aliases::list(directory, actor, one.organisation).await?;
        found.extend(all.into_iter().filter(|alias| alias.reader == Reader::Person(person.id)));
    }
    Ok(found)
}

/// The memberships of a person in organisations where the actor may do that.
pub fn within<'p>(
    actor: &'p Actor,
    person: &'p Person,
    action: Action,
) -> impl Iterator<Item = &'p Membership> {
    let may = move |one: &&Membership| actor.may(action, &Target::Organisation(one.organisation));
    person.memberships.iter().filter(may)
}

/// Catalogue key of what is wrong with a line of a table; it has a gap `{count}`: most people of one.
pub fn line_key(what: What) -> String {
    match what {
        What::Value(invalid) => format!("invalid.{}", invalid.key()),
        What::Twice => "import.twice".to_owned(),
        What::NoNames => "import.no_names".to_owned(),
        What::UnknownColumn => "import.unknown_column".to_owned(),
        What::ColumnTwice => "import.column_twice".to_owned(),
        What::Ragged => "import.ragged".to_owned(),
        What::TooMany => "import.too_many".to_owned(),
    }
}
