//! Somebody leaves an association, or their account is deleted for good.

use mazet_directory::people::{self, Person, State};
use mazet_directory::permission::{Action, Target};
use mazet_directory::{
    Actor, Directory, Error, Fault, Field, Invalid, OrganisationId, PersonId, Result, leaving,
};

use super::Wrong;

/// Somebody in an organisation whose people the actor manages. Nobody takes themselves out.
///
/// # Errors
/// The person or the organisation is not the actor's affair, or the directory fails.
pub async fn inside(
    directory: &Directory,
    actor: &Actor,
    id: PersonId,
    organisation: OrganisationId,
) -> Result<Person> {
    let person = people::get(directory, actor, id).await?;
    if person.memberships.iter().all(|one| one.organisation != organisation) {
        return Err(Error::NotFound);
    }
    if actor.person() == Some(id) || !actor.may(Action::ManagePeople, &Target::Organisation(organisation)) {
        return Err(Error::Forbidden);
    }
    Ok(person)
}

/// Takes somebody out of an organisation, as [`inside`] allows.
///
/// # Errors
/// As [`inside`].
pub async fn leave(
    directory: &Directory,
    actor: &Actor,
    id: PersonId,
    organisation: OrganisationId,
) -> Result<()> {
    inside(directory, actor, id, organisation).await?;
    leaving::leave(directory, actor, id, organisation).await
}

/// Somebody whose account ended: it alone is deleted, so that nobody is deleted by a slip of the hand. None:
/// it has not ended.
///
/// # Errors
/// There is nobody whom the actor may see, or the directory fails.
pub async fn ended(directory: &Directory, actor: &Actor, id: PersonId) -> Result<Option<Person>> {
    let person = people::get(directory, actor, id).await?;
    Ok(Some(person).filter(|person| person.state == State::Ended))
}

/// What a person can mend where an organisation was not removed; other errors stay errors.
///
/// # Errors
/// The directory did not refuse but fail.
pub fn of_removal(error: Error) -> Result<Vec<Wrong>> {
    let Error::Invalid(list) = error else { return Err(error) };
    let wrong = |Invalid { field, fault }: Invalid| match (field, fault) {
        (Field::Person, Fault::Taken) => Wrong::at("people", "leaving.people_there"),
        (Field::Name, Fault::Last) => Wrong::at("", "leaving.last_organisation"),
        _ => Wrong::at("", "invalid.other"),
    };
    Ok(list.into_iter().map(wrong).collect())
}
