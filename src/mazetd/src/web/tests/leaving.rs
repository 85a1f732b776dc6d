//! People who leave, accounts that end, associations that are removed.

use mazet_directory::Role;

use super::installed::{Installed, PASSWORD};
use super::*;

#[tokio::test]
async fn a_manager_takes_somebody_out_and_the_account_ends() {
    let Some(site) = Installed::start().await else { return };
    let here = site.organisation("Les Randonneurs", "rando.example.org").await;
    let there = site.first().await;
    let own = site.person(here, "max", &[Role::Manager]).await;
    site.person(there, "mia", &[Role::Manager]).await;
    let zoe = site.person(here, "zoe", &[]).await;
    let mut browser = site.signed_in("zoe").await;
    let mut max = site.signed_in("max").await;
    let page = format!("/people/{zoe}/leave?organisation={here}");
    assert!(max.get(&format!("/people/{zoe}")).await.body.contains(&page.replace('&', "&amp;")));

    // Another association's manager learns nothing, not even that there is anybody.
    let mut mia = site.signed_in("mia").await;
    let path = format!("/people/{zoe}/leave");
    let organisation = here.to_string();
    for organisation in [here, there] {
        let page = format!("{path}?organisation={organisation}");
        assert_eq!(mia.get(&page).await.status, StatusCode::NOT_FOUND);
        let fields = [("organisation", &*organisation.to_string())];
        assert_eq!(mia.fill("/people", &path, &fields).await.status, StatusCode::NOT_FOUND);
    }
    assert!(!mia.get(&format!("/people/{zoe}/remove")).await.status.is_success());

    let confirm = max.get(&page).await;
    assert!(confirm.body.contains("zoe Dupont leaves Les Randonneurs."), "{}", confirm.body);
    let fields = [("csrf", &*confirm.csrf()), ("organisation", &*organisation)];
    assert_eq!(max.send(&path, &fields).await.leads_to(), "/people?said=leaving.left");
    assert_eq!(max.get(&format!("/people/{zoe}")).await.status, StatusCode::NOT_FOUND);
    assert!(browser.get("/account").await.leads_to().starts_with("/sign-in"));
    assert_eq!(browser.sign_in("zoe", PASSWORD).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    let events = max.get("/events").await.body;
    assert!(events.contains("took zoe out of the organisation") && events.contains("ended the account zoe"));
    // Nobody takes themselves out by mistake.
    let fields = [("organisation", &*organisation)];
    assert_eq!(
        max.fill("/people", &format!("/people/{own}/leave"), &fields).await.status,
        StatusCode::FORBIDDEN
    );

    // The login is not for somebody else.
    let wish = [("name", "Zoé"), ("login", "zoe"), ("organisation", &*organisation)];
    let taken = max.fill("/people/new", "/people/new", &wish).await;
    assert!(taken.body.contains("id=\"login-fault\""), "{}", taken.body);

    let mut ada = site.operator().await;
    let person = format!("/people/{zoe}");
    let page = ada.get(&person).await.body;
    assert!(page.contains("ended: in no organisation") && !page.contains("id=\"person-form\""), "{page}");
    // Back again, and out for good.
    ada.fill(&person, &format!("{person}/join"), &fields).await;
    assert!(ada.get(&person).await.body.contains("invitation not accepted yet"));
    assert_eq!(ada.get(&format!("{person}/remove")).await.status, StatusCode::NOT_FOUND, "it has not ended");
    ada.fill(&person, &path, &fields).await;
    let remove = format!("{person}/remove");
    let wrong = ada.fill(&remove, &remove, &[("typed", "zo")]).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(
        ada.fill(&remove, &remove, &[("typed", "zoe")]).await.leads_to(),
        "/people?said=leaving.removed"
    );
    assert_eq!(ada.get(&person).await.status, StatusCode::NOT_FOUND);
    assert!(ada.fill("/people/new", "/people/new", &wish).await.body.contains("id=\"login-fault\""));
    assert!(ada.get("/events").await.body.contains("removed zoe"), "the log forgot the name");
}

#[tokio::test]
async fn an_operator_removes_an_association_with_its_people() {
    let Some(site) = Installed::start().await else { return };
    let first = site.first().await;
    let other = site.organisation("Les Randonneurs", "rando.example.org").await;
    let zoe = site.person(other, "zoe", &[Role::Manager]).await;
    let both = site.person(other, "max", &[]).await;
    let mut ada = site.operator().await;
    ada.fill(
        &format!("/people/{both}"),
        &format!("/people/{both}/join"),
        &[("organisation", &*first.to_string())],
    )
    .await;
    let mut manager = site.signed_in("zoe").await;
    let path = format!("/organisations/{other}/remove");
    assert_eq!(manager.get(&path).await.status, StatusCode::FORBIDDEN);
    let page = ada.get(&path).await.body;
    assert!(page.contains("2 people") && page.contains("one account ends"), "{page}");
    assert!(page.contains("rando.example.org"), "{page}");
    for (fields, fault) in [
        (vec![("typed", "Les Randonneur"), ("people", "on")], "id=\"typed-fault\""),
        (vec![("typed", "Les Randonneurs")], "id=\"people-fault\""),
    ] {
        let answer = ada.fill(&path, &path, &fields).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(answer.body.contains(fault), "{}", answer.body);
    }
    let fields = [("typed", "Les Randonneurs"), ("people", "on")];
    let removed = ada.fill(&path, &path, &fields).await;
    assert_eq!(removed.leads_to(), "/organisations?said=leaving.organisation_removed", "{}", removed.body);
    assert_eq!(ada.get(&path).await.status, StatusCode::NOT_FOUND);
    assert!(manager.get("/people").await.leads_to().starts_with("/sign-in"), "a session outlives it");
    assert!(ada.get(&format!("/people/{zoe}")).await.body.contains("ended: in no organisation"));
    assert!(!ada.get(&format!("/people/{both}")).await.body.contains("ended: in no organisation"));
    // Its name and domain are free, and the log knows it.
    site.organisation("Les Randonneurs", "rando.example.org").await;
    assert!(ada.get("/events").await.body.contains("removed the organisation Les Randonneurs"));
}
