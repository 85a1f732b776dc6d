//! Organisations, people and groups: what managers and operators do, and what they do not see.

use mazet_directory::Role;
use mazet_model::manifest::Feature;

use super::installed::{Installed, PASSWORD, between};
use super::*;

#[tokio::test]
async fn an_invitation_on_paper_opens_an_account() {
    let Some(site) = Installed::start().await else { return };
    let mut ada = site.operator().await;
    let wish =
        [("name", "Les Randonneurs"), ("domains", "rando.example.org"), ("member_quota", "5"), ("quota", "")];
    assert!(ada.get("/organisations").await.body.contains("href=\"/organisations/new\""));
    let made = ada.fill("/organisations/new", "/organisations/new", &wish).await.leads_to();
    let id = between(&made, "/organisations/", "?");
    let page = ada.get(&format!("/people/new?organisation={id}")).await;
    assert!(page.body.contains(&format!("<option value=\"{id}\" selected>Les Randonneurs")), "{}", page.body);

    let wrong = [("name", "Zoé Martin"), ("login", "Zoé"), ("email", "x"), ("organisation", &*id)];
    let answer = ada.fill("/people/new", "/people/new", &wrong).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(answer.body.contains("id=\"login-fault\"") && answer.body.contains("id=\"email-fault\""));
    let empty = ada.fill("/people/new", "/people/new", &[("organisation", &*id)]).await;
    assert!(empty.body.find("href=\"#name\"") < empty.body.find("href=\"#login\""), "{}", empty.body);
    let right = [
        ("name", "Zoé Martin"),
        ("login", "zoe"),
        ("email", ""),
        ("organisation", &*id),
        ("roles", "manager"),
    ];
    let slip = ada.fill("/people/new", "/people/new", &right).await;
    assert_eq!(slip.status, StatusCode::OK, "{}", slip.body);
    assert!(slip.body.contains("https://mazet.local/welcome") && slip.body.contains("<svg class=\"qr\""));
    let code = between(&slip.body, "id=\"code\">", "</code>");

    let mut zoe = site.browser();
    let wrong = zoe.fill("/welcome", "/welcome", &[("code", "AAAA-AAAA-AAAA")]).await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY);
    let plain = code.replace('-', "").to_lowercase();
    let page = zoe.get(&format!("/welcome?code={plain}")).await;
    assert!(page.body.contains(&format!("value=\"{plain}\"")), "the QR code fills the form");
    let choose = zoe.send("/welcome", &[("csrf", &page.csrf()), ("code", &plain)]).await;
    assert!(
        choose.body.contains("Welcome, Zoé Martin") && choose.body.contains("value=\"zoe\""),
        "{}",
        choose.body
    );
    let weak = [
        ("csrf", &*choose.csrf()),
        ("code", &plain),
        ("password", "password1234"),
        ("password_again", "password1234"),
    ];
    assert_eq!(zoe.send("/welcome", &weak).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    let strong =
        [("csrf", &*choose.csrf()), ("code", &plain), ("password", PASSWORD), ("password_again", PASSWORD)];
    assert_eq!(zoe.send("/welcome", &strong).await.leads_to(), "/sign-in?said=welcome.done");
    assert_eq!(
        zoe.send("/welcome", &strong).await.status,
        StatusCode::UNPROCESSABLE_ENTITY,
        "the code counted twice"
    );
    assert_eq!(zoe.sign_in("zoe", PASSWORD).await.leads_to(), "/");
    let home = zoe.get("/").await.body;
    assert!(home.contains("id=\"tile-people\"") && !home.contains("id=\"tile-organisations\""), "{home}");
}

#[tokio::test]
async fn a_manager_sees_nothing_of_another_organisation() {
    let Some(site) = Installed::start().await else { return };
    let (first, other) =
        (site.first().await, site.organisation("Les Randonneurs", "rando.example.org").await);
    site.person(first, "zoe", &[Role::Manager]).await;
    let theirs = site.person(other, "max", &[Role::Manager]).await;
    let mut max = site.signed_in("max").await;
    let group =
        max.fill("/groups", "/groups", &[("name", "Bureau"), ("organisation", &other.to_string())]).await;
    let group = between(&group.leads_to(), "/groups/", "?");

    let mut zoe = site.signed_in("zoe").await;
    let list = zoe.get("/people").await.body;
    assert!(
        list.contains("zoe Dupont") && !list.contains("max Dupont") && !list.contains("Randonneurs"),
        "{list}"
    );
    for path in [
        format!("/people/{theirs}"),
        format!("/people?organisation={other}"),
        format!("/people/export?organisation={other}"),
        format!("/groups/{group}"),
        "/people/999999".to_owned(),
        "/groups/999999".to_owned(),
    ] {
        assert_eq!(zoe.get(&path).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    let csrf = zoe.get("/people").await.csrf();
    let organisation = other.to_string();
    for (path, fields) in [
        (format!("/people/{theirs}"), vec![("name", "Mallory")]),
        (format!("/people/{theirs}/suspend"), vec![]),
        (format!("/people/{theirs}/reset"), vec![]),
        (format!("/people/{theirs}/everywhere"), vec![]),
        (format!("/people/{theirs}/factor"), vec![]),
        (format!("/people/{theirs}/join"), vec![("organisation", "1")]),
        (format!("/people/{theirs}/leave"), vec![("organisation", &*organisation)]),
        (format!("/people/{theirs}/invite-by-mail"), vec![]),
        (
            "/people/new".to_owned(),
            vec![("name", "M"), ("login", "mallory"), ("organisation", &*organisation)],
        ),
        (
            "/people/import".to_owned(),
            vec![("text", "name\nM"), ("organisation", &*organisation), ("do", "confirm")],
        ),
        ("/groups".to_owned(), vec![("name", "X"), ("organisation", &*organisation)]),
        (format!("/groups/{group}"), vec![("do", "remove")]),
    ] {
        let fields: Vec<_> = [("csrf", csrf.as_str())].into_iter().chain(fields).collect();
        assert_eq!(zoe.send(&path, &fields).await.status, StatusCode::NOT_FOUND, "{path}");
    }
    let events = zoe.get("/events").await.body;
    assert!(events.contains("zoe") && !events.contains("max"), "{events}");
    let events = max.get("/events").await.body;
    assert!(events.contains("added the group Bureau") && !events.contains("zoe"), "{events}");
}

#[tokio::test]
async fn a_manager_looks_after_people() {
    let Some(site) = Installed::start().await else { return };
    let organisation = site.organisation("Les Randonneurs", "rando.example.org").await;
    site.person(organisation, "max", &[Role::Manager]).await;
    let zoe = site.person(organisation, "zoe", &[]).await;
    let mut max = site.signed_in("max").await;
    let path = format!("/people/{zoe}");
    let editor = format!("roles-{organisation}");
    let fields = [
        ("name", "Zoé Martin"),
        ("email", "zoe@example.net"),
        ("quota", "20"),
        ("aliases", "presidente@rando.example.org\r\nbureau@rando.example.org"),
        (&*editor, "site-editor"),
    ];
    assert_eq!(max.fill(&path, &path, &fields).await.leads_to(), format!("{path}?said=person.saved"));
    let page = max.get(&path).await.body;
    for text in ["Zoé Martin", "zoe@example.net", "value=\"20\"", "bureau@rando.example.org", "(site editor)"]
    {
        assert!(page.contains(text), "{text}: {page}");
    }
    for (field, value) in
        [("quota", "many"), ("aliases", "info@elsewhere.example"), ("name", " "), ("email", "x@")]
    {
        let fields: Vec<_> =
            fields.iter().map(|(name, old)| (*name, if *name == field { value } else { *old })).collect();
        let answer = max.fill(&path, &path, &fields).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{field}");
        assert!(answer.body.contains(&format!("id=\"{field}-fault\"")), "{field}: {}", answer.body);
    }
    let mut browser = site.signed_in("zoe").await;
    assert_eq!(
        max.fill(&path, &format!("{path}/suspend"), &[]).await.leads_to(),
        format!("{path}?said=person.suspended_now")
    );
    assert!(browser.get("/account").await.leads_to().starts_with("/sign-in"));
    assert_eq!(browser.sign_in("zoe", PASSWORD).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    max.fill(&path, &format!("{path}/resume"), &[]).await;
    assert_eq!(browser.sign_in("zoe", PASSWORD).await.leads_to(), "/");

    let slip = max.fill(&path, &format!("{path}/reset"), &[]).await;
    let code = between(&slip.body, "id=\"code\">", "</code>");
    assert!(slip.body.contains("https://mazet.local/reset"));
    let new = "girofle cabestan 38 pervenche";
    let mut stranger = site.browser();
    let fields = [("code", &*code), ("password", new), ("password_again", new)];
    assert_eq!(stranger.fill("/reset", "/reset", &fields).await.leads_to(), "/sign-in?said=reset.done");
    assert!(browser.get("/account").await.leads_to().starts_with("/sign-in"), "a reset leaves sessions open");
    assert_eq!(stranger.sign_in("zoe", new).await.leads_to(), "/");
}

#[tokio::test]
async fn a_list_is_looked_at_before_it_is_taken_in() {
    let Some(site) = Installed::start().await else { return };
    let organisation = site.organisation("Les Randonneurs", "rando.example.org").await;
    site.person(organisation, "max", &[Role::Manager]).await;
    let mut max = site.signed_in("max").await;
    let id = organisation.to_string();
    let bad =
        "nom;identifiant;courriel\nZoé Œuvre;;zoe@example.org\n;;\nLéa;Léa!;nonsense\nMax;max;\nJo;jo\n";
    let preview = max
        .fill("/people/import", "/people/import", &[("organisation", &id), ("text", bad), ("do", "preview")])
        .await;
    for text in ["Line 4", "Line 5", "Line 6", "One person to add", "zoe.oeuvre"] {
        assert!(preview.body.contains(text), "{text}: {}", preview.body);
    }
    assert!(!preview.body.contains("value=\"confirm\""), "it may be taken in with its faults");
    let confirm = max
        .fill("/people/import", "/people/import", &[("organisation", &id), ("text", bad), ("do", "confirm")])
        .await;
    assert!(confirm.body.contains("id=\"faults\""));
    assert!(!max.get("/people").await.body.contains("zoe.oeuvre"));

    let good = "nom;courriel\r\nZoé Œuvre;zoe@example.org\r\nJo Petit;\r\n";
    let preview = max
        .fill("/people/import", "/people/import", &[("organisation", &id), ("text", good), ("do", "preview")])
        .await;
    assert!(
        preview.body.contains("2 people to add") && preview.body.contains("value=\"confirm\""),
        "{}",
        preview.body
    );
    let slips = max
        .fill("/people/import", "/people/import", &[("organisation", &id), ("text", good), ("do", "confirm")])
        .await;
    assert_eq!(slips.body.matches("<article class=\"slip\">").count(), 2, "{}", slips.body);
    let table = max.get(&format!("/people/export?organisation={id}")).await;
    assert_eq!(table.headers["content-type"], "text/csv; charset=utf-8");
    assert!(table.body.contains("Zoé Œuvre,zoe.oeuvre,zoe@example.org"), "{}", table.body);
    let found = max.get("/people?q=%C5%93uvre").await.body;
    assert!(
        found.contains("Zoé Œuvre") && !found.contains("Jo Petit") && found.contains("One person"),
        "{found}"
    );
}

#[tokio::test]
async fn a_list_comes_as_a_file_of_a_spreadsheet() {
    let Some(site) = Installed::start().await else { return };
    let organisation = site.organisation("Les Randonneurs", "rando.example.org").await.to_string();
    let mut ada = site.operator().await;
    let fields = [("organisation", &*organisation), ("text", ""), ("do", "preview")];
    // As LibreOffice and Excel write them in French: semicolons; UTF-8 with its mark, and Windows-1252.
    let utf8 = "\u{feff}nom;courriel\r\nZoé Œuvre;zoe@example.org\r\n".as_bytes();
    let windows = b"nom;courriel\r\nZo\xe9 \x8cuvre;zoe@example.org\r\n";
    let commas = "nom,courriel\nZoé Œuvre,zoe@example.org\n".as_bytes();
    for bytes in [utf8, windows, commas] {
        let preview = ada.upload("/people/import", &fields, ("file", "membres.csv", bytes)).await;
        assert_eq!(preview.status, StatusCode::OK, "{}", preview.body);
        assert!(
            preview.body.contains("Zoé Œuvre") && preview.body.contains("zoe.oeuvre"),
            "{}",
            preview.body
        );
        assert!(preview.body.contains("value=\"confirm\""), "{}", preview.body);
    }
    for (bytes, fault) in [
        (b"PK\x03\x04xlsx".to_vec(), "Save the table as CSV"),
        (vec![b'a'; 256 * 1024 + 1], "too large"),
        (Vec::new(), "Choose a file, or paste the table."),
    ] {
        let answer = ada.upload("/people/import", &fields, ("file", "membres.csv", &bytes)).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
        assert!(answer.body.contains(fault), "{}", answer.body);
    }
    let huge = ada.upload("/people/import", &fields, ("file", "membres.csv", &vec![b'a'; 2 << 20])).await;
    assert_eq!(huge.status, StatusCode::PAYLOAD_TOO_LARGE);
    site.broker.state().status.sends_mail = true;
    let table = "nom;courriel\nZoé Œuvre;zoe@example.org\nJo Petit;\n";
    let fields = [("organisation", &*organisation), ("text", table), ("do", "confirm"), ("by", "mail")];
    let done = ada.fill("/people/import", "/people/import", &fields).await;
    assert_eq!(done.body.matches("<article class=\"slip\">").count(), 1, "{}", done.body);
    let mailed = between(&done.body, "id=\"mailed\">", "</ul>");
    assert!(mailed.contains("zoe@example.org") && !mailed.contains("Jo"), "{mailed}");
}

/// A page without what differs from one time to the next.
fn settled(page: &str) -> String {
    let mut page = page.to_owned();
    for (before, after) in [("name=\"csrf\" value=\"", "\""), ("?v=", "\""), (" on</dt><dd>", "<")] {
        let parts: Vec<&str> = page.split(before).collect();
        let rest = parts[1..].iter().map(|part| format!("{before}…{}", &part[part.find(after).unwrap()..]));
        page = parts[0].to_owned() + &rest.collect::<String>();
    }
    page
}

#[tokio::test]
async fn pages_are_as_they_were_drawn() {
    let Some(site) = Installed::start().await else { return };
    let organisation = site.organisation("Les Randonneurs", "rando.example.org").await;
    site.person(organisation, "max", &[Role::Manager]).await;
    let mut stranger = site.browser();
    stranger.language = "fr";
    insta::assert_snapshot!("sign-in", settled(&stranger.get("/sign-in?next=/connect").await.body));
    let mut max = site.signed_in("max").await;
    insta::assert_snapshot!("home-of-a-manager", settled(&max.get("/").await.body));
    insta::assert_snapshot!("people", settled(&max.get("/people").await.body));
}

#[tokio::test]
async fn a_group_has_addresses_and_a_mailbox() {
    let Some(site) = Installed::start().await else { return };
    let organisation = site.organisation("Les Randonneurs", "rando.example.org").await;
    let zoe = site.person(organisation, "zoe", &[Role::Manager]).await.to_string();
    let mut browser = site.signed_in("zoe").await;
    let made = [("name", "Bureau"), ("organisation", &*organisation.to_string())];
    let made = browser.fill("/groups", "/groups", &made).await;
    let path = format!("/groups/{}", between(&made.leads_to(), "/groups/", "?"));
    let addresses = "Contact@rando.example.org\r\nbureau@rando.example.org";
    let mut fields = vec![
        ("name", "Bureau"),
        ("member", &*zoe),
        ("mailbox", "yes"),
        ("address", addresses),
        ("do", "save"),
    ];
    assert_eq!(browser.fill(&path, &path, &fields).await.leads_to(), format!("{path}?said=groups.saved"));
    let page = browser.get(&path).await.body;
    let box_is_ticked = "name=\"mailbox\" value=\"yes\" checked";
    for text in ["bureau@rando.example.org\ncontact@rando.example.org", "_bureau-", box_is_ticked] {
        assert!(page.contains(text), "{text}: {page}");
    }
    fields[3] = ("address", "contact@elsewhere.example");
    let answer = browser.fill(&path, &path, &fields).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(answer.body.contains("id=\"address-fault\""), "{}", answer.body);
    let without = [("name", "Bureau"), ("member", &*zoe), ("do", "save")];
    browser.fill(&path, &path, &without).await.leads_to();
    let page = browser.get(&path).await.body;
    assert!(!page.contains(box_is_ticked) && !page.contains("bureau@rando.example.org"), "{page}");
}

#[tokio::test]
async fn rooms_are_added_and_removed() {
    let Some(site) = Installed::start().await else { return };
    let organisation = site.organisation("Les Randonneurs", "rando.example.org").await.to_string();
    site.person(site.first().await, "max", &[Role::Manager]).await;
    let mut ada = site.operator().await;
    let room = [("name", "Grande salle"), ("kind", "room"), ("organisation", &*organisation)];
    let saved = "/resources?said=resources.saved";
    assert_eq!(ada.fill("/resources", "/resources", &room).await.leads_to(), saved);
    let again = ada.fill("/resources", "/resources", &room).await;
    assert_eq!(again.status, StatusCode::UNPROCESSABLE_ENTITY);
    let page = ada.get("/resources").await.body;
    assert!(page.contains("Grande salle") && page.contains("A room"), "{page}");
    let id = between(&page, "action=\"/resources/", "/remove");
    let remove = format!("/resources/{id}/remove");
    let mut max = site.signed_in("max").await;
    assert!(!max.get("/resources").await.body.contains("Grande salle"));
    assert_eq!(max.fill("/resources", &remove, &[]).await.status, StatusCode::NOT_FOUND);
    ada.fill("/resources", &remove, &[]).await.leads_to();
    assert!(ada.get("/resources").await.body.contains("id=\"no-resources\""));
}

#[tokio::test]
async fn what_no_service_does_is_on_no_page() {
    let Some(site) = Installed::start().await else { return };
    let organisation = site.organisation("Les Randonneurs", "rando.example.org").await;
    let zoe = site.person(organisation, "zoe", &[Role::Manager]).await.to_string();
    let mut browser = site.signed_in("zoe").await;
    let made = [("name", "Bureau"), ("organisation", &*organisation.to_string())];
    let made = browser.fill("/groups", "/groups", &made).await;
    let path = format!("/groups/{}", between(&made.leads_to(), "/groups/", "?"));
    let address = ("address", "contact@rando.example.org");
    let fields = [("name", "Bureau"), ("member", &*zoe), ("mailbox", "yes"), address, ("do", "save")];
    browser.fill(&path, &path, &fields).await.leads_to();

    site.broker.state().features.clear();
    let page = browser.get(&path).await.body;
    assert!(!page.contains("id=\"mailbox\"") && !page.contains("id=\"address\""), "{page}");
    assert!(!browser.get("/groups").await.body.contains("/resources"));
    assert_eq!(browser.get("/resources").await.status, StatusCode::NOT_FOUND);
    let room = [("name", "Salle"), ("kind", "room"), ("organisation", &*organisation.to_string())];
    assert_eq!(browser.fill("/groups", "/resources", &room).await.status, StatusCode::NOT_FOUND);
    browser.fill(&path, &path, &[("name", "Le bureau"), ("do", "save")]).await.leads_to();

    // Both are as they were left, for the day there is mail again.
    site.broker.state().features = vec![Feature::Mailboxes];
    let page = browser.get(&path).await.body;
    let ticked = "name=\"mailbox\" value=\"yes\" checked";
    for text in ["Le bureau", "contact@rando.example.org", ticked] {
        assert!(page.contains(text), "{text}: {page}");
    }
}

#[tokio::test]
async fn pages_are_in_both_languages_without_a_style_of_their_own() {
    let Some(site) = Installed::start().await else { return };
    let organisation = site.organisation("<script>alert(1)</script>", "rando.example.org").await;
    let zoe = site.person(organisation, "zoe", &[Role::Manager]).await;
    let mut ada = site.operator().await;
    let group = ada
        .fill("/groups", "/groups", &[("name", "Bureau"), ("organisation", &organisation.to_string())])
        .await;
    let group = between(&group.leads_to(), "/groups/", "?");
    for language in ["fr", "en"] {
        ada.language = language;
        for path in [
            "/",
            "/connect",
            "/account",
            "/account/password",
            "/account/second-factor",
            "/account/applications",
            "/account/devices",
            "/people",
            "/people/new",
            "/people/import",
            "/groups",
            "/resources",
            "/organisations",
            "/organisations/new",
            "/events",
            "/machine/mail",
            &format!("/people/{zoe}/leave?organisation={organisation}"),
            &format!("/organisations/{organisation}/remove"),
            &format!("/people/{zoe}"),
            &format!("/groups/{group}"),
            &format!("/organisations/{organisation}"),
        ] {
            let page = ada.get(path).await;
            assert_eq!(page.status, StatusCode::OK, "{path} in {language}: {}", page.body);
            assert!(page.body.contains(&format!("<html lang=\"{language}\">")), "{path}");
            assert!(page.body.contains("id=\"menu\"") && page.body.contains("<h1"), "{path}");
            assert!(!page.body.contains("style=") && !page.body.contains("<script>"), "{path}");
        }
        let mut stranger = site.browser();
        stranger.language = language;
        for path in ["/", "/sign-in", "/welcome", "/reset", "/forgotten"] {
            let page = stranger.get(path).await;
            assert_eq!(page.status, StatusCode::OK, "{path}");
            assert!(page.body.contains(&format!("<html lang=\"{language}\">")), "{path}");
        }
    }
}
