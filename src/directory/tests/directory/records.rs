//! Associations, people, groups, addresses, and what services see of them.

use mazet_directory::aliases::Reader;
use mazet_directory::organisations::Wish;
use mazet_directory::people::{Profile, State};
use mazet_directory::resources::Kind;
use mazet_directory::{
    Actor, Error, Fault, Field, Role, aliases, audit, groups, leaving, organisations, people, resources,
};

use crate::test_box::{TestBox, test_box};

/// The faults of a refused value.
fn faults<T>(result: Result<T, Error>) -> Vec<(Field, Fault)> {
    match result {
        Err(Error::Invalid(all)) => all.iter().map(|one| (one.field, one.fault)).collect(),
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("it should be refused"),
    }
}

/// Rows of a view, as services see it.
async fn view(home: &TestBox, statement: &str) -> Vec<String> {
    let client = home.server.superuser(&home.name).await;
    let rows = client.query(statement, &[]).await.expect("asked");
    rows.iter().map(|row| row.get(0)).collect()
}

#[tokio::test]
async fn associations_have_domains_of_their_own() {
    let Some(home) = test_box().await else { return };
    let (directory, root) = (&home.directory, Actor::system());
    let mut wish = Wish::named(" Chorale de l'Étang ");
    wish.domains = vec!["Chorale.Example.".to_owned(), String::new(), "chant.example".to_owned()];
    let id = organisations::add(directory, &root, &wish).await.expect("added");
    let found = organisations::get(directory, &root, id).await.expect("there");
    assert_eq!((found.name.as_str(), found.people), ("Chorale de l'Étang", 0));
    assert_eq!(found.domains, ["chant.example", "chorale.example"]);

    let mut second = Wish::named("CHORALE DE L'ÉTANG");
    assert_eq!(faults(organisations::add(directory, &root, &second).await), [(Field::Name, Fault::Taken)]);
    second = Wish::named("Other");
    second.domains = vec!["chant.example".to_owned()];
    assert_eq!(faults(organisations::add(directory, &root, &second).await), [(Field::Domain, Fault::Taken)]);
    let bad = Wish {
        name: " ".to_owned(),
        domains: vec!["x".to_owned()],
        quota_bytes: Some(u64::MAX),
        member_quota_bytes: 0,
    };
    assert_eq!(
        faults(organisations::add(directory, &root, &bad).await),
        [(Field::Name, Fault::Empty), (Field::Domain, Fault::Malformed), (Field::Quota, Fault::Long)]
    );
    wish.domains.truncate(1);
    organisations::change(directory, &root, id, &wish).await.expect("changed");
    assert_eq!(organisations::get(directory, &root, id).await.expect("there").domains, ["chorale.example"]);
    leaving::remove_organisation(directory, &root, id, false).await.expect("removed");
    assert_eq!(
        faults(leaving::remove_organisation(directory, &root, home.organisation, false).await),
        [(Field::Name, Fault::Last)]
    );
}

#[tokio::test]
async fn people_are_as_they_were_made() {
    let Some(home) = test_box().await else { return };
    let (directory, root) = (&home.directory, Actor::system());
    let zoe = home.person(home.organisation, "zoe", &[Role::SiteEditor]).await;
    let profile = Profile {
        name: "Zoé".to_owned(),
        contact: "z@example.org".to_owned(),
        language: Some(mazet_model::settings::Language::Fr),
    };
    let own = home.signed_in("zoe").await.actor;
    people::change(directory, &own, zoe, &profile).await.expect("her own");
    let found = people::get(directory, &own, zoe).await.expect("herself");
    assert_eq!((found.name.as_str(), found.state, found.operator), ("Zoé", State::Active, false));
    assert_eq!(found.memberships[0].roles, [Role::SiteEditor].into());
    assert!(found.signed_in_at.is_some());
    let all = people::list(directory, &root, None).await.expect("listed");
    assert_eq!(all.iter().map(|one| one.login.as_str()).collect::<Vec<_>>(), ["ada", "zoe"]);

    let mut new = people::New {
        organisation: home.organisation,
        login: "ZOE".to_owned(),
        name: "Another".to_owned(),
        contact: String::new(),
        language: None,
        roles: Default::default(),
    };
    assert_eq!(faults(people::add(directory, &root, &new).await), [(Field::Login, Fault::Taken)]);
    new.login = "postmaster".to_owned();
    assert_eq!(faults(people::add(directory, &root, &new).await), [(Field::Login, Fault::Reserved)]);
    people::set_active(directory, &root, zoe, false).await.expect("locked");
    assert_eq!(people::get(directory, &root, zoe).await.expect("there").state, State::Locked);
    leaving::remove(directory, &root, zoe).await.expect("removed");
    assert!(matches!(people::get(directory, &root, zoe).await, Err(Error::NotFound)));
}

#[tokio::test]
async fn an_operator_stays() {
    let Some(home) = test_box().await else { return };
    let (directory, root) = (&home.directory, Actor::system());
    let last = [(Field::Person, Fault::Last)];
    assert_eq!(faults(people::set_active(directory, &root, home.operator, false).await), last);
    assert_eq!(faults(people::set_operator(directory, &root, home.operator, false).await), last);
    assert_eq!(faults(leaving::remove(directory, &root, home.operator).await), last);
    let zoe = home.person(home.organisation, "zoe", &[]).await;
    people::set_operator(directory, &root, zoe, true).await.expect("appointed");
    people::set_operator(directory, &root, home.operator, false).await.expect("relieved");
    assert_eq!(faults(leaving::remove(directory, &root, zoe).await), last);
}

#[tokio::test]
async fn groups_and_addresses_stay_within_an_association() {
    let Some(home) = test_box().await else { return };
    let (directory, root) = (&home.directory, Actor::system());
    let mut wish = Wish::named("B");
    wish.domains = vec!["b.example".to_owned()];
    let b = organisations::add(directory, &root, &wish).await.expect("added");
    let (zoe, bob) = (home.person(b, "zoe", &[]).await, home.person(b, "bob", &[]).await);
    let choir = groups::add(directory, &root, b, "Choir").await.expect("added");
    assert_eq!(faults(groups::add(directory, &root, b, "choir").await), [(Field::Name, Fault::Taken)]);
    groups::change(directory, &root, choir, "Choir", &[zoe, bob, zoe]).await.expect("filled");
    assert_eq!(groups::get(directory, &root, choir).await.expect("there").members, [zoe, bob]);
    let stranger = groups::change(directory, &root, choir, "Choir", &[home.operator]).await;
    assert_eq!(faults(stranger), [(Field::Person, Fault::Unknown)]);
    assert_eq!(groups::get(directory, &root, choir).await.expect("there").members, [zoe, bob]);

    let add = async |address: &str, reader| aliases::add(directory, &root, b, address, reader).await;
    add("choir@b.example", Reader::Group(choir)).await.expect("added");
    let info = add("Info@B.example", Reader::Person(zoe)).await.expect("added");
    assert_eq!(faults(add("info@b.example", Reader::Person(bob)).await), [(Field::Address, Fault::Taken)]);
    assert_eq!(faults(add("bob@b.example", Reader::Person(zoe)).await), [(Field::Address, Fault::Taken)]);
    assert_eq!(faults(add("x@c.example", Reader::Person(zoe)).await), [(Field::Domain, Fault::Unknown)]);
    assert_eq!(
        faults(add("x@b.example", Reader::Person(home.operator)).await),
        [(Field::Person, Fault::Unknown)]
    );
    assert_eq!(faults(add("x y", Reader::Person(zoe)).await).len(), 2);

    let addresses = "select address || ' ' || login from service_address order by 1";
    let all = [
        "bob@b.example bob",
        "choir@b.example bob",
        "choir@b.example zoe",
        "info@b.example zoe",
        "zoe@b.example zoe",
    ];
    assert_eq!(view(&home, addresses).await, all);

    let shared = async |owner| organisations::is_shared(directory, "bob", owner).await.expect("asked");
    let known = groups::get(directory, &root, choir).await.expect("there");
    assert!(shared("zoe").await && shared(&known.account).await && shared("bob").await);
    assert!(!shared("ada").await && !shared("nobody").await && !shared("zoe@b.example").await);
    assert!(!shared("BOB").await && !shared("_choir-99").await);

    // Kept in one mailbox, it is still theirs to read, and to write as.
    let delivered = "select login from service_mail_address where address = 'choir@b.example' order by 1";
    let senders = "select login from service_mail_sender where address = 'choir@b.example' order by 1";
    assert_eq!(view(&home, delivered).await, ["bob", "zoe"]);
    groups::keep_mail(directory, &root, choir, true).await.expect("kept");
    let known = groups::get(directory, &root, choir).await.expect("there");
    assert_eq!((known.mailbox, known.addresses), (true, vec!["choir@b.example".to_owned()]));
    assert_eq!(view(&home, delivered).await, std::slice::from_ref(&known.account));
    assert_eq!(view(&home, senders).await, ["bob", "zoe"]);
    let reads = "select login || ' ' || reads from service_mailbox order by 1";
    let reader = |login: &str| format!("{login} {}", known.account);
    assert_eq!(
        view(&home, reads).await,
        [format!("{} ", known.account), "ada ".to_owned(), reader("bob"), reader("zoe")]
    );
    leaving::leave(directory, &root, bob, b).await.expect("left");
    aliases::remove(directory, &root, info).await.expect("removed");
    assert_eq!(view(&home, addresses).await, ["choir@b.example zoe", "zoe@b.example zoe"]);
}

/// For services that keep what they found as long as the number is the same.
#[tokio::test]
async fn what_people_hold_in_common_raises_the_version() {
    let Some(home) = test_box().await else { return };
    let (directory, root) = (&home.directory, Actor::system());
    let version = async || view(&home, "select number::text from service_version").await;
    let first = version().await;
    let hall = resources::add(directory, &root, home.organisation, "Hall", Kind::Room).await.expect("added");
    let second = version().await;
    assert_ne!(first, second);
    resources::remove(directory, &root, hall).await.expect("removed");
    assert_ne!(second, version().await);
}

/// What services keep under its name may be brought back for a month.
#[tokio::test]
async fn an_account_is_gone_for_services_a_month_after_it_was_removed() {
    let Some(home) = test_box().await else { return };
    let (directory, root) = (&home.directory, Actor::system());
    let choir = groups::add(directory, &root, home.organisation, "Choir").await.expect("added");
    let account = groups::get(directory, &root, choir).await.expect("there").account;
    groups::remove(directory, &root, choir).await.expect("removed");
    let gone = "select account from service_removed_account";
    assert!(view(&home, gone).await.is_empty());
    let client = home.server.superuser(&home.name).await;
    let later = "update removed_account set removed_at = removed_at - interval '30 days'";
    assert_eq!(client.execute(later, &[]).await.expect("updated"), 1);
    assert_eq!(view(&home, gone).await, [account]);
}

#[tokio::test]
async fn services_see_logins_that_may_be_used_with_a_password_alone() {
    let Some(home) = test_box().await else { return };
    let (directory, root) = (&home.directory, Actor::system());
    let zoe = home.person(home.organisation, "zoe", &[]).await;
    let logins = "select login from service_login where password like '$argon2id$v=19$m=19456,t=2,p=1$%'";
    // Not the operator's.
    assert_eq!(view(&home, logins).await, ["zoe"]);
    let quotas = "select login || ' ' || quota_bytes from service_quota order by 1";
    assert_eq!(view(&home, quotas).await, ["ada 10737418240", "zoe 10737418240"]);
    people::set_quota(directory, &root, zoe, Some(5)).await.expect("set");
    assert_eq!(view(&home, quotas).await, ["ada 10737418240", "zoe 5"]);
    people::set_active(directory, &root, zoe, false).await.expect("locked");
    assert!(view(&home, logins).await.is_empty());
    assert_eq!(view(&home, quotas).await, ["ada 10737418240"]);
}

#[tokio::test]
async fn who_leaves_the_last_association_has_an_account_that_ended() {
    let Some(home) = test_box().await else { return };
    let (directory, root) = (&home.directory, Actor::system());
    let other = home.organisation("B").await;
    let zoe = home.person(home.organisation, "zoe", &[]).await;
    people::join(directory, &root, zoe, other).await.expect("joined");
    leaving::leave(directory, &root, zoe, other).await.expect("left");
    assert_eq!(people::get(directory, &root, zoe).await.expect("there").state, State::Active);
    leaving::leave(directory, &root, zoe, home.organisation).await.expect("left");
    let found = people::get(directory, &root, zoe).await.expect("there");
    assert_eq!((found.state, found.contact, found.memberships.len()), (State::Ended, None, 0));
    assert!(matches!(leaving::leave(directory, &root, zoe, other).await, Err(Error::NotFound)));
    // Nothing opens it, and nothing is done to it.
    let gone = [(Field::Person, Fault::Unknown)];
    assert_eq!(faults(people::set_active(directory, &root, zoe, true).await), gone);
    assert_eq!(faults(people::set_operator(directory, &root, zoe, true).await), gone);
    let profile = Profile { name: "Z".to_owned(), contact: "z@example.org".to_owned(), language: None };
    assert_eq!(faults(people::change(directory, &root, zoe, &profile).await), gone);
    // An operator's account does not end: somebody must look after the machine.
    leaving::leave(directory, &root, home.operator, home.organisation).await.expect("left");
    assert_eq!(people::get(directory, &root, home.operator).await.expect("there").state, State::Active);
    // It does when they are none any more.
    let max = home.person(other, "max", &[]).await;
    people::set_operator(directory, &root, max, true).await.expect("appointed");
    people::set_operator(directory, &root, home.operator, false).await.expect("relieved");
    assert_eq!(people::get(directory, &root, home.operator).await.expect("there").state, State::Ended);

    people::join(directory, &root, zoe, other).await.expect("back");
    assert_eq!(people::get(directory, &root, zoe).await.expect("there").state, State::Invited);
    let kept = "select count(*)::text from outbox";
    assert_eq!(view(&home, kept).await, ["0"]);
    leaving::remove(directory, &root, zoe).await.expect("removed");
    let again = people::New {
        organisation: other,
        login: "zoe".to_owned(),
        name: "Another".to_owned(),
        contact: String::new(),
        language: None,
        roles: Default::default(),
    };
    assert_eq!(faults(people::add(directory, &root, &again).await), [(Field::Login, Fault::Taken)]);
    let table = b"name,login\nAnother,zoe\n";
    let preview = mazet_directory::csv::preview(directory, &root, other, table).await.expect("looked");
    assert_eq!(preview.faults.len(), 1);
    let log = audit::list(directory, &root, None, None, 100).await.expect("read");
    let told: Vec<_> = log.iter().filter(|one| one.target == "zoe").map(|one| one.action.as_str()).collect();
    assert_eq!(told[..5], ["person.remove", "person.join", "person.end", "person.leave", "person.leave"]);
}

#[tokio::test]
async fn an_association_goes_with_what_is_its_own_and_its_names_are_free() {
    let Some(home) = test_box().await else { return };
    let (directory, root) = (&home.directory, Actor::system());
    let mut wish = Wish::named("B");
    wish.domains = vec!["b.example".to_owned()];
    let b = organisations::add(directory, &root, &wish).await.expect("added");
    let (zoe, both) = (home.person(b, "zoe", &[Role::Manager]).await, home.person(b, "max", &[]).await);
    people::join(directory, &root, both, home.organisation).await.expect("joined");
    groups::add(directory, &root, b, "Choir").await.expect("added");
    aliases::add(directory, &root, b, "info@b.example", Reader::Person(zoe)).await.expect("added");
    let known = leaving::consequences(directory, &root, b).await.expect("looked");
    assert_eq!((known.organisation.people, known.ending, known.groups, known.aliases), (2, 1, 1, 1));
    let refused = leaving::remove_organisation(directory, &root, b, false).await;
    assert_eq!(faults(refused), [(Field::Person, Fault::Taken)]);
    leaving::remove_organisation(directory, &root, b, true).await.expect("removed");
    assert_eq!(people::get(directory, &root, zoe).await.expect("there").state, State::Ended);
    assert_eq!(people::get(directory, &root, both).await.expect("there").state, State::Active);
    assert!(view(&home, "select local from alias").await.is_empty());
    organisations::add(directory, &root, &wish).await.expect("its name and domain are free");
    let log = audit::list(directory, &root, Some(b), None, 100).await.expect("read");
    assert!(log.iter().any(|one| (one.action.as_str(), one.target.as_str()) == ("organisation.remove", "B")));
}
