//! Folders, search, who may see what.

use mazet_files::testing::{ORGANISATION, test_box};

use crate::browser::{Browser, file};

#[tokio::test]
async fn a_folder_shows_what_is_in_it_and_what_is_shared() {
    let Some(home) = test_box().await else { return };
    file(&home, "ada", "note.txt", "hello").await;
    let page = Browser::of(&home, "ada").get("/files/").await;
    page.says(200, "<h1 id=\"folder\">My files</h1>");
    let text = page.text();
    for wanted in [
        "href=\"/files/about/note.txt\"",
        "5\u{a0}B – <time datetime=\"2023-11-14T22:13:20Z\">",
        "href=\"/files/at/Les%20Amis%20du%20Mazet\"",
        "href=\"/files/at/Les%20Amis%20du%20Mazet%20%E2%80%93%20Bureau\"",
        "<a id=\"nav-home\" href=\"/\">Home</a>",
        "3 entries",
    ] {
        assert!(text.contains(wanted), "no {wanted} in {text}");
    }
    for (name, value) in
        [("x-content-type-options", "nosniff"), ("cache-control", "no-store"), ("x-frame-options", "DENY")]
    {
        assert_eq!(page.header(name), value);
    }
    assert!(page.header("content-security-policy").contains("default-src 'none'"));
}

#[tokio::test]
async fn the_page_of_a_folder_is_as_it_was() {
    let Some(home) = test_box().await else { return };
    file(&home, "ada", "Photos/été.txt", "hello").await;
    let page = Browser::of(&home, "ada").get("/files/at/Photos").await.text();
    let version = page.split("files.css?v=").nth(1).expect("a version")[..16].to_owned();
    let csrf = page.split("name=\"csrf\" value=\"").nth(1).expect("a token")[..64].to_owned();
    let texts =
        page.split("data-texts=\"").nth(1).expect("texts").split_once('"').expect("an end").0.to_owned();
    let left =
        page.split("data-available=\"").nth(1).expect("room").split_once('"').expect("an end").0.to_owned();
    // What is left on the disk of whoever tests, where that is less than their quota.
    let room =
        page.split("Room left: ").nth(1).expect("room").split_once(".</p>").expect("an end").0.to_owned();
    let page = page
        .replace(&format!("Room left: {room}"), "Room left: ROOM")
        .replace(&version, "VERSION")
        .replace(&csrf, "CSRF")
        .replace(&texts, "TEXTS")
        .replace(&left, "LEFT");
    insta::assert_snapshot!("folder", page);
}

#[tokio::test]
async fn who_is_nobody_sees_nothing() {
    let Some(home) = test_box().await else { return };
    let ada = Browser::of(&home, "ada");
    ada.also(Some("nobody")).get("/files/").await.says(403, "Your account has no files here");
    ada.also(None).get("/files/").await.says(403, "That could not be done");
    home.in_directory("update person set active = false where login = 'zoe'").await;
    ada.also(Some("zoe")).get("/files/").await.says(403, "Your account has no files here");
}

#[tokio::test]
async fn nobody_sees_what_is_others() {
    let Some(home) = test_box().await else { return };
    file(&home, "ada", "note.txt", "hello").await;
    let zoe = Browser::of(&home, "zoe");
    for path in ["/files/about/note.txt", "/files/raw/note.txt", "/files/zip/note.txt", "/files/at/Chorale"] {
        zoe.get(path).await.says(404, "There is nothing at this address");
    }
}

#[tokio::test]
async fn steps_upwards_lead_nowhere() {
    let Some(home) = test_box().await else { return };
    file(&home, "zoe", "note.txt", "hello").await;
    let zoe = Browser::of(&home, "zoe");
    for path in ["..%2f..%2fada", "%2e%2e/ada", "a/../note.txt", "note.txt%00"] {
        for kind in ["at", "raw", "about", "zip"] {
            let answer = zoe.get(&format!("/files/{kind}/{path}")).await;
            assert!(answer.status.is_client_error(), "{kind} {path}: {}", answer.status);
        }
    }
}

#[tokio::test]
async fn any_name_can_be_followed() {
    let Some(home) = test_box().await else { return };
    let long = format!("{}.txt", "é".repeat(125));
    let browser = Browser::of(&home, "zoe");
    for name in [
        "a b.txt",
        "50% #1?.txt",
        "\"quo'tes\" <b>&amp;.txt",
        "😀.txt",
        "two\nlines.txt",
        "back\\slash.txt",
        "a+b.txt",
        &long,
    ] {
        file(&home, "zoe", &format!("{name}/{name}"), name).await;
        let folder = browser.get("/files/").await;
        let folder = folder.between("class=\"folder\" id=\"entry-1\" href=\"", "\"");
        let page = browser.get(&folder).await;
        let about = page.between("class=\"document\" id=\"entry-0\" href=\"", "\"");
        let page = browser.get(&about).await;
        assert_eq!(page.status, 200, "{name}");
        let raw = page.between("id=\"download\" href=\"", "\"");
        assert_eq!(browser.get(&raw).await.text(), name);
        let item = page.between("name=\"item\" value=\"", "\"");
        browser
            .post("/files/selected", &[("verb", "delete"), ("item", &item), ("folder", "")])
            .await
            .leads_to("/files/?said=said.deleted");
        let folder = page.between("name=\"folder\" value=\"", "\"");
        browser
            .post("/files/selected", &[("verb", "delete"), ("item", &folder), ("folder", "")])
            .await
            .leads_to("/files/?said=said.deleted");
    }
    assert_eq!(home.count("select count(*) from bin").await, 16);
}

#[tokio::test]
async fn ten_thousand_files_come_in_pages() {
    let Some(home) = test_box().await else { return };
    file(&home, "zoe", "many/00000.txt", "x").await;
    home.in_files(
        "insert into node (space_id, parent_id, name, is_folder, size, modified, inode, changed) \
         select space_id, parent_id, to_char(number, 'FM00000') || '.txt', false, number, number, 0, 0 \
         from node, generate_series(1, 9999) number where name = '00000.txt'",
    )
    .await;
    let browser = Browser::of(&home, "zoe");
    let page = browser.get("/files/at/many").await;
    page.says(200, "10000 entries");
    page.says(200, "Page 1 of 20");
    assert_eq!(page.text().matches("class=\"file\"").count(), 500);
    let next = page.between("id=\"next\" rel=\"next\" href=\"", "\"");
    browser.get(&next).await.says(200, "00500.txt");
    browser.get("/files/at/many?sort=size&page=1").await.says(200, "09999.txt");
    browser.get("/files/at/many?sort=size&page=20").await.says(200, "00001.txt");
    browser.get("/files/at/many?sort=name&page=99").await.says(200, "Page 20 of 20");
}

#[tokio::test]
async fn a_name_is_found_whatever_its_case_and_accents() {
    let Some(home) = test_box().await else { return };
    file(&home, "zoe", "Photos/ÉTÉ à Nîmes.jpg", "x").await;
    file(&home, "zoe", &format!("{ORGANISATION}/cœur.txt"), "x").await;
    file(&home, "ada", "ete of ada.jpg", "x").await;
    let browser = Browser::of(&home, "zoe");
    for words in ["ete", "%C3%A9t%C3%A9", "NIMES+ete", "e%CC%81te", "a+nim"] {
        let page = browser.get(&format!("/files/search?q={words}")).await;
        page.says(200, "1 entry found");
        page.says(200, "href=\"/files/about/Photos/%C3%89T%C3%89%20%C3%A0%20N%C3%AEmes.jpg\"");
    }
    browser.get("/files/search?q=COEUR").await.says(200, "1 entry found");
    browser.get("/files/search?q=%25").await.says(200, "0 entries found");
    browser.get("/files/search").await.says(200, "<p class=\"count\" id=\"count\" role=\"status\"></p>");
}

#[tokio::test]
async fn a_page_speaks_the_readers_language() {
    let Some(home) = test_box().await else { return };
    let browser = Browser::of(&home, "zoe");
    let chosen = browser.get("/files/at/x?sort=date&lang=fr").await;
    chosen.leads_to("/files/at/x?sort=date");
    assert!(chosen.header("set-cookie").starts_with("__Host-mazet-lang=fr; Path=/; Secure"));
    let french = browser.with_cookie("__Host-mazet-lang=fr").get("/files/").await;
    french.says(200, "<html lang=\"fr\">");
    french.says(200, "Mes fichiers");
}

#[tokio::test]
async fn who_may_only_read_is_offered_no_change() {
    let Some(home) = test_box().await else { return };
    file(&home, "zoe", &format!("{ORGANISATION}/ours.txt"), "x").await;
    home.in_files("update space set read_only = true where kind = 'organisation'").await;
    let browser = Browser::of(&home, "zoe");
    let page = browser.get("/files/at/Les%20Amis%20du%20Mazet").await;
    page.says(200, "You may read what is in this folder, but not change it.");
    assert!(!page.text().contains("upload-form"));
    let fields = [("verb", "delete"), ("item", "Les%20Amis%20du%20Mazet/ours.txt"), ("folder", "")];
    browser.post("/files/selected", &fields).await.says(403, "You may not change that.");
}

#[tokio::test]
async fn the_quota_is_shown_and_a_full_one_said() {
    let Some(home) = test_box().await else { return };
    file(&home, "zoe", "note.txt", "0123456789").await;
    home.quota("zoe", 2_000).await;
    let browser = Browser::of(&home, "zoe");
    browser.get("/files/").await.says(200, "10\u{a0}B of 2\u{a0}KB used");
    home.quota("zoe", 10).await;
    browser.get("/files/").await.says(200, "There is no room left here.");
}
