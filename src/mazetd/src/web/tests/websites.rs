//! The pages and the API of web sites: for whom, and what they order.

use mazet_directory::Role;
use serde_json::json;

use super::broker::ARCHIVE;
use super::installed::{Installed, Visitor, between};
use super::*;
use crate::websites::order::{Administrator, NewSite, Order};

async fn wish(browser: &mut Visitor, organisation: &str, more: &[(&str, &str)]) -> Answer {
    let fields = [("organisation", organisation), ("name", "rando"), ("kind", "blog")];
    browser.fill("/websites/new", "/websites/new", &[&fields[..], more].concat()).await
}

fn orders(site: &Installed) -> Vec<Order> {
    std::mem::take(&mut site.broker.state().website_orders)
}

fn added(site: &Installed) -> (NewSite, Administrator) {
    match orders(site).pop() {
        Some(Order::Add { site, administrator }) => (site, administrator),
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn one_click_makes_a_site_and_shows_its_password_once() {
    let Some(site) = Installed::start().await else { return };
    let first = site.first().await;
    site.person(first, "zoe", &[Role::SiteEditor]).await;
    let mut zoe = site.signed_in("zoe").await;
    let answer = wish(&mut zoe, &first.to_string(), &[("folder", "ignored")]).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    let (wished, administrator) = added(&site);
    let expected = NewSite {
        name: "rando".to_owned(),
        kind: "blog".to_owned(),
        organisation: first.0,
        ..NewSite::default()
    };
    assert_eq!((wished, administrator.login.as_str()), (expected, "zoe"));
    assert_eq!(between(&answer.body, "id=\"password\">", "<"), administrator.password);
    assert_eq!(administrator.password.len(), 19, "sixteen characters in groups of four");
    let list = zoe.get("/websites").await;
    assert!(
        list.body.contains("id=\"live\"") && list.body.contains("http-equiv=\"refresh\""),
        "{}",
        list.body
    );
    assert!(!list.body.contains(&administrator.password));
    let events = site.operator().await.get("/events").await.body;
    assert!(events.contains("added the web site rando") && !events.contains(&administrator.password));
}

#[tokio::test]
async fn a_site_that_shows_a_folder_has_no_account_of_its_own() {
    let Some(site) = Installed::start().await else { return };
    let first = site.first().await.to_string();
    let mut ada = site.operator().await;
    let answer = wish(&mut ada, &first, &[("kind", "pages")]).await;
    assert_eq!(answer.status, StatusCode::OK, "the first of two values of a field counts: {}", answer.body);
    orders(&site);
    site.broker.state().websites.last.running = false;
    let fields =
        [("organisation", first.as_str()), ("name", "vitrine"), ("kind", "pages"), ("folder", "Site web")];
    let answer = ada.fill("/websites/new", "/websites/new", &fields).await;
    assert_eq!(answer.leads_to(), "/websites");
    let (wished, _) = added(&site);
    assert_eq!((wished.folder.as_deref(), wished.kind.as_str()), (Some("Site web"), "pages"));
}

#[tokio::test]
async fn sites_of_others_are_neither_seen_nor_touched() {
    let Some(site) = Installed::start().await else { return };
    let other = site.organisation("Les Randonneurs", "rando.example.org").await;
    let first = site.first().await.to_string();
    site.person(other, "max", &[Role::Manager]).await;
    let mut max = site.signed_in("max").await;
    let list = max.get("/websites").await.body;
    assert!(list.contains("id=\"no-websites\"") && !list.contains("amis"), "{list}");
    assert_eq!(max.get("/websites/1").await.status, StatusCode::NOT_FOUND);
    assert_eq!(max.get("/websites/1/archive?at=1790000000").await.status, StatusCode::NOT_FOUND);
    for act in ["back-up", "restore", "forget", "remove"] {
        let fields = [("do", act), ("archive", "1790000000"), ("typed", "amis")];
        let answer = max.fill("/websites/new", "/websites/1", &fields).await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{act}");
    }
    assert_eq!(wish(&mut max, &first, &[]).await.status, StatusCode::NOT_FOUND);
    let program = site.program_of(&max).await;
    let new = json!({ "name": "x", "kind": "blog", "organisation": 1 });
    assert_eq!(program.send("post", "/api/v1/websites", &new).await.problem(), "not-found");
    assert_eq!(program.get("/api/v1/websites/1/archives?archive=1790000000").await.problem(), "not-found");
    assert_eq!(orders(&site), []);
    // Who writes no site at all is told so.
    site.person(other, "jo", &[Role::BackupKeeper]).await;
    let mut jo = site.signed_in("jo").await;
    assert_eq!(jo.get("/websites").await.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_domain_must_be_the_organisations_and_not_the_boxs() {
    let Some(site) = Installed::start().await else { return };
    let other = site.organisation("Les Randonneurs", "rando.example.org").await;
    site.person(other, "max", &[Role::Manager]).await;
    let mut max = site.signed_in("max").await;
    let own = ["rando.example.org".to_owned()];
    site.broker.state().settings.settings.certificates.domains = own.to_vec();
    let ours = other.to_string();
    for (domain, text) in [
        ("rando.example.org", "the box’s own"),
        ("elsewhere.example.org", "no domain of the organisation"),
        ("xrando.example.org", "no domain of the organisation"),
    ] {
        let answer = wish(&mut max, &ours, &[("domain", domain)]).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{domain}");
        assert!(answer.body.contains(text), "{domain}: {}", answer.body);
    }
    let answer = wish(&mut max, &ours, &[("domain", "www.Rando.example.org")]).await;
    assert_eq!(answer.status, StatusCode::OK, "{}", answer.body);
    assert_eq!(added(&site).0.domain.as_deref(), Some("www.rando.example.org"));
    // What the box answers to is an operator's affair.
    site.broker.state().websites.last.running = false;
    let mut ada = site.operator().await;
    assert_eq!(wish(&mut ada, &ours, &[("domain", "rando.example.org")]).await.status, StatusCode::OK);
}

#[tokio::test]
async fn what_the_broker_refuses_is_told_at_its_field() {
    let Some(site) = Installed::start().await else { return };
    let first = site.first().await.to_string();
    let mut ada = site.operator().await;
    site.broker.state().refuse = Some(("order-website", "websites-busy one"));
    let answer = wish(&mut ada, &first, &[]).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(answer.body.contains("Another site is being changed"), "{}", answer.body);
    assert!(answer.body.contains("value=\"rando\""), "what was typed stays");
    let program = site.program_of(&ada).await;
    site.broker.state().refuse = Some(("order-website", "websites-busy one"));
    let reply = program.order("post", "/api/v1/websites/1/archives").await;
    assert_eq!((reply.status, reply.problem()), (StatusCode::CONFLICT, "conflict"));
}

#[tokio::test]
async fn a_site_is_archived_brought_back_and_removed_by_one_act_each() {
    let Some(site) = Installed::start().await else { return };
    let mut ada = site.operator().await;
    let page = ada.get("/websites/1").await.body;
    for id in ["address", "path", "entrance", "fetch-1790000000", "restore-1790000000", "back-up", "remove"] {
        assert!(page.contains(&format!("id=\"{id}\"")), "{id}: {page}");
    }
    assert_eq!(between(&page, "id=\"organisation\">", "<"), "Les Amis du Mazet");
    let act = async |ada: &mut Visitor, fields: &[(&str, &str)]| {
        ada.fill("/websites/1", "/websites/1", fields).await
    };
    let idle = || site.broker.state().websites.last.running = false;
    assert_eq!(act(&mut ada, &[("do", "back-up")]).await.leads_to(), "/websites/1");
    idle();
    let restore = [("do", "restore"), ("archive", "1790000000")];
    assert_eq!(act(&mut ada, &restore).await.leads_to(), "/websites/1");
    idle();
    let wrong = act(&mut ada, &[("do", "remove"), ("typed", "ami")]).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(wrong.body.contains("id=\"typed-fault\""), "{}", wrong.body);
    assert_eq!(act(&mut ada, &[("do", "remove"), ("typed", "amis")]).await.leads_to(), "/websites");
    assert_eq!(
        orders(&site),
        [Order::BackUp { id: 1 }, Order::Restore { id: 1, archive: 1_790_000_000 }, Order::Remove { id: 1 }]
    );
    idle();
    assert_eq!(act(&mut ada, &[("do", "nothing")]).await.status, StatusCode::BAD_REQUEST);
}

#[tokio::test]
async fn an_archive_is_handed_out_as_it_is() {
    let Some(site) = Installed::start().await else { return };
    let mut ada = site.operator().await;
    let answer = ada.get("/websites/1/archive?at=1790000000").await;
    assert_eq!(answer.status, StatusCode::OK);
    assert_eq!(answer.headers["content-type"], "application/gzip");
    assert_eq!(answer.headers["content-disposition"], "attachment; filename=\"amis-1790000000.tar.gz\"");
    assert!(answer.bytes == ARCHIVE, "{} bytes came", answer.bytes.len());
    assert_eq!(ada.get("/websites/1/archive?at=1").await.status, StatusCode::NOT_FOUND);
    let program = site.program_of(&ada).await;
    let reply = program.get("/api/v1/websites/1/archives?archive=1790000000").await;
    assert_eq!((reply.status, reply.text.len()), (StatusCode::OK, ARCHIVE.len()));
    let gone = program.get("/api/v1/websites/1/archives?archive=1").await;
    assert_eq!((gone.status, gone.problem()), (StatusCode::NOT_FOUND, "not-found"));
}

#[tokio::test]
async fn a_program_adds_a_site_and_is_given_its_password() {
    let Some(site) = Installed::start().await else { return };
    let ada = site.operator().await;
    let program = site.program_of(&ada).await;
    let new = json!({ "name": "rando", "kind": "blog", "organisation": 1 });
    let reply = program.send("post", "/api/v1/websites", &new).await;
    assert_eq!(reply.status, StatusCode::ACCEPTED, "{}", reply.text);
    let (_, administrator) = added(&site);
    assert_eq!(reply.body["administrator"]["password"], administrator.password.as_str());
    assert_eq!(reply.body["last"]["running"], true);
    let wrong = program.send("post", "/api/v1/websites/1/remove", &json!({ "name": "ami" })).await;
    assert_eq!(wrong.errors(), ["name: websites.typed_wrong"]);
    let seen = program.get("/api/v1/websites").await;
    assert_eq!(seen.body["sites"][0]["archives"][0]["bytes"], 1_234_567);
}
