//! A manager of one association sees nothing of another: every call that takes an actor is tried.

use std::collections::BTreeSet;

use mazet_directory::aliases::Reader;
use mazet_directory::organisations::Wish;
use mazet_directory::people::Profile;
use mazet_directory::resources::Kind;
use mazet_directory::{
    Actor, Directory, Error, OrganisationId, PersonId, Role, aliases, application_passwords, audit, csv,
    groups, invitations, leaving, organisations, outbox, people, resets, resources, second_factor, sessions,
};

use crate::test_box::test_box;

/// How a call ended: `ok`, `not found`, `forbidden`.
fn told<T>(result: Result<T, Error>) -> &'static str {
    match result {
        Ok(_) => "ok",
        Err(Error::NotFound) => "not found",
        Err(Error::Forbidden) => "forbidden",
        Err(other) => panic!("{other}"),
    }
}

fn text() -> outbox::Text {
    outbox::Text { subject: "S".to_owned(), body: "B".to_owned() }
}

/// Every call about the association and the person, by one actor.
async fn all(
    directory: &Directory,
    actor: &Actor,
    organisation: OrganisationId,
    person: PersonId,
) -> Vec<(&'static str, &'static str)> {
    let d = directory;
    let none = BTreeSet::new();
    let profile = Profile { name: "X".to_owned(), contact: String::new(), language: None };
    let new = people::New {
        organisation,
        login: "intruder".to_owned(),
        name: "Intruder".to_owned(),
        contact: String::new(),
        language: None,
        roles: none.clone(),
    };
    let wish = Wish::named("Taken over");
    vec![
        ("organisations::get", told(organisations::get(d, actor, organisation).await)),
        ("organisations::add", told(organisations::add(d, actor, &wish).await)),
        ("organisations::change", told(organisations::change(d, actor, organisation, &wish).await)),
        (
            "leaving::remove_organisation",
            told(leaving::remove_organisation(d, actor, organisation, true).await),
        ),
        ("leaving::consequences", told(leaving::consequences(d, actor, organisation).await)),
        ("people::list", told(people::list(d, actor, Some(organisation)).await)),
        ("people::list all", told(people::list(d, actor, None).await)),
        ("people::get", told(people::get(d, actor, person).await)),
        ("people::find", told(people::find(d, actor, "bob").await)),
        ("people::add", told(people::add(d, actor, &new).await)),
        ("people::change", told(people::change(d, actor, person, &profile).await)),
        ("people::set_roles", told(people::set_roles(d, actor, person, organisation, &none).await)),
        ("people::join", told(people::join(d, actor, person, organisation).await)),
        ("people::set_quota", told(people::set_quota(d, actor, person, Some(1)).await)),
        ("people::set_active", told(people::set_active(d, actor, person, true).await)),
        ("people::set_operator", told(people::set_operator(d, actor, person, true).await)),
        ("groups::list", told(groups::list(d, actor, organisation).await)),
        ("groups::add", told(groups::add(d, actor, organisation, "G").await)),
        ("resources::list", told(resources::list(d, actor, organisation).await)),
        ("resources::add", told(resources::add(d, actor, organisation, "R", Kind::Room).await)),
        ("aliases::list", told(aliases::list(d, actor, organisation).await)),
        (
            "aliases::add",
            told(aliases::add(d, actor, organisation, "x@b.example", Reader::Person(person)).await),
        ),
        ("invitations::make", told(invitations::make(d, actor, person).await)),
        ("resets::make", told(resets::make(d, actor, person).await)),
        ("second_factor::remove", told(second_factor::remove(d, actor, person).await)),
        ("sessions::list", told(sessions::list(d, actor, person).await)),
        ("sessions::end_all", told(sessions::end_all(d, actor, person, true).await)),
        ("application_passwords::list", told(application_passwords::list(d, actor, person).await)),
        ("csv::preview", told(csv::preview(d, actor, organisation, b"name\n").await)),
        ("csv::import", told(csv::import(d, actor, organisation, b"name\n").await)),
        ("csv::export", told(csv::export(d, actor, organisation).await)),
        ("audit::list", told(audit::list(d, actor, Some(organisation), None, 10).await)),
        ("audit::list all", told(audit::list(d, actor, None, None, 10).await)),
        ("audit::machine", told(audit::machine(d, actor, "a", "b", "c").await)),
        ("audit::site", told(audit::site(d, actor, organisation, audit::SiteAct::Add, "amis").await)),
        ("invitations::send", told(invitations::send(d, actor, person, |_, _| text()).await)),
        ("outbox::latest", told(outbox::latest(d, actor, person).await)),
        ("outbox::list", told(outbox::list(d, actor, 10).await)),
        ("outbox::clear", told(outbox::clear(d, actor).await)),
        ("leaving::leave", told(leaving::leave(d, actor, person, organisation).await)),
        ("leaving::remove", told(leaving::remove(d, actor, person).await)),
    ]
}

/// Calls about the machine as a whole: there is nothing to hide.
const MACHINE: [&str; 7] = [
    "organisations::add",
    "people::list all",
    "people::set_operator",
    "audit::list all",
    "audit::machine",
    "outbox::list",
    "outbox::clear",
];

#[tokio::test]
async fn a_manager_sees_nothing_of_another_association() {
    let Some(home) = test_box().await else { return };
    let other = home.organisation("B").await;
    let bob = home.person(other, "bob", &[Role::Manager]).await;
    home.person(home.organisation, "mia", &[Role::Manager, Role::SiteEditor, Role::BackupKeeper]).await;
    let manager = home.signed_in("mia").await.actor;
    for (call, told) in all(&home.directory, &manager, other, bob).await {
        assert_eq!(told, if MACHINE.contains(&call) { "forbidden" } else { "not found" }, "{call}");
    }
    let seen = organisations::list(&home.directory, &manager).await.expect("listed");
    assert_eq!(seen.iter().map(|one| one.id).collect::<Vec<_>>(), [home.organisation]);
}

#[tokio::test]
async fn a_member_does_nothing_to_others() {
    let Some(home) = test_box().await else { return };
    let bob = home.person(home.organisation, "bob", &[]).await;
    home.person(home.organisation, "mia", &[]).await;
    let member = home.signed_in("mia").await.actor;
    for (call, told) in all(&home.directory, &member, home.organisation, bob).await {
        // The association is seen, its people are not.
        let hidden = [
            "people::get",
            "people::find",
            "people::change",
            "people::set_quota",
            "people::set_active",
            "people::join",
            "invitations::make",
            "resets::make",
            "second_factor::remove",
            "sessions::list",
            "sessions::end_all",
            "application_passwords::list",
            "invitations::send",
            "outbox::latest",
            "leaving::remove",
        ];
        let expected = match call {
            "organisations::get" => "ok",
            call if hidden.contains(&call) => "not found",
            _ => "forbidden",
        };
        assert_eq!(told, expected, "{call}");
    }
}

#[tokio::test]
async fn a_manager_cannot_get_into_what_is_not_theirs() {
    let Some(home) = test_box().await else { return };
    let (directory, root) = (&home.directory, Actor::system());
    let other = home.organisation("B").await;
    home.person(home.organisation, "mia", &[Role::Manager]).await;
    let manager = home.signed_in("mia").await.actor;
    // The operator is a member here: seen, and out of reach.
    people::get(directory, &manager, home.operator).await.expect("seen");
    assert_eq!(told(resets::make(directory, &manager, home.operator).await), "forbidden");
    assert_eq!(told(second_factor::remove(directory, &manager, home.operator).await), "forbidden");
    // So is somebody who is in another association too, which is not told.
    let both = home.person(home.organisation, "bob", &[]).await;
    // Nobody is deleted for good by a manager, not even one of their own.
    assert_eq!(told(leaving::remove(directory, &manager, both).await), "forbidden");
    assert_eq!(told(resets::make(directory, &manager, both).await), "ok");
    people::join(directory, &root, both, other).await.expect("joined");
    let person = people::get(directory, &manager, both).await.expect("seen");
    assert_eq!(
        person.memberships.iter().map(|one| one.organisation).collect::<Vec<_>>(),
        [home.organisation]
    );
    for result in [
        told(resets::make(directory, &manager, both).await),
        told(people::set_active(directory, &manager, both, false).await),
        told(people::set_quota(directory, &manager, both, None).await),
        told(leaving::remove(directory, &manager, both).await),
    ] {
        assert_eq!(result, "forbidden");
    }
    // Nobody is made an operator through roles, or taken in from elsewhere.
    let operator = BTreeSet::from([Role::Operator]);
    assert!(people::set_roles(directory, &manager, both, home.organisation, &operator).await.is_err());
    let zoe = home.person(other, "zoe", &[]).await;
    assert_eq!(told(people::join(directory, &manager, zoe, home.organisation).await), "not found");
    assert_eq!(told(leaving::leave(directory, &manager, both, home.organisation).await), "ok");
}
