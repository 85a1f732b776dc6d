//! Share links: what they open, to whom, how often, and what they never do.

use mazet_files::testing::{TestBox, test_box};

use crate::browser::{Answer, Browser, file};

/// Makes a link and gives its path.
async fn link(browser: &Browser, path: &str, more: &[(&str, &str)]) -> String {
    let fields: Vec<(&str, &str)> = [("path", path)].into_iter().chain(more.iter().copied()).collect();
    let made = browser.post("/files/links", &fields).await;
    made.says(200, "The link is made");
    made.between("value=\"https://mazet.local", "\"")
}

async fn made(login: &'static str, more: &[(&str, &str)]) -> Option<(TestBox, Browser, Browser, String)> {
    let home = test_box().await?;
    file(&home, login, "note.txt", "0123456789").await;
    let owner = Browser::of(&home, login);
    let path = link(&owner, "note.txt", more).await;
    let visitor = owner.also(None).without_cookies();
    Some((home, owner, visitor, path))
}

fn nowhere(answer: &Answer) {
    answer.says(404, "This link leads nowhere.");
}

#[tokio::test]
async fn a_link_opens_a_file_to_who_has_it() {
    let Some((home, owner, visitor, path)) = made("zoe", &[("label", "For the printer")]).await else {
        return;
    };
    assert!(path.len() >= "/s/".len() + 22, "{path}");
    let page = visitor.get(&path).await;
    page.says(200, "<h1 id=\"shared\">note.txt</h1>");
    page.says(200, "0123456789</pre>");
    assert_eq!(page.header("referrer-policy"), "no-referrer");
    let saved = visitor.get(&format!("{path}/raw?download=1")).await;
    assert_eq!(saved.text(), "0123456789");
    assert!(saved.header("content-disposition").starts_with("attachment; filename=\"note.txt\""));
    let list = owner.get("/files/links").await;
    list.says(200, "For the printer");
    list.says(200, "1 download<");
    // Nobody can read it again.
    assert!(!list.text().contains(&path));
    assert_eq!(home.count("select count(*) from share where length(sha256) = 32").await, 1);
    for table in ["share"] {
        let token = path.trim_start_matches("/s/");
        assert_eq!(
            home.count(&format!("select count(*) from {table} t where t::text like '%{token}%'")).await,
            0
        );
    }
}

#[tokio::test]
async fn a_wrong_link_is_told_nothing() {
    let Some((_home, _, visitor, path)) = made("zoe", &[]).await else { return };
    let wrong = visitor.get(&format!("/s/{}", "A".repeat(27))).await;
    nowhere(&wrong);
    for other in [
        format!("{path}A"),
        "/s/x".to_owned(),
        "/s/%00".to_owned(),
        format!("{path}/raw/x"),
        format!("{path}/at/x"),
    ] {
        let answer = visitor.get(&other).await;
        nowhere(&answer);
        assert_eq!(
            answer.text(),
            wrong.text().replace(&"A".repeat(27), other.trim_start_matches("/s/")),
            "{other}"
        );
    }
}

#[tokio::test]
async fn a_link_that_is_taken_back_leads_nowhere_at_once() {
    let Some((_home, owner, visitor, path)) = made("zoe", &[]).await else { return };
    let id = owner.get("/files/links").await.between("name=\"id\" value=\"", "\"");
    // It is not for others to take back.
    owner
        .also(Some("ada"))
        .post("/files/links/take-back", &[("id", &id)])
        .await
        .says(404, "nothing at this address");
    visitor.get(&path).await.says(200, "note.txt");
    owner.post("/files/links/take-back", &[("id", &id)]).await.leads_to("/files/links?said=said.taken_back");
    nowhere(&visitor.get(&path).await);
    nowhere(&visitor.get(&format!("{path}/raw")).await);
}

#[tokio::test]
async fn a_link_ends_with_its_day() {
    let Some((home, owner, visitor, path)) = made("zoe", &[("until", "2999-12-31")]).await else { return };
    visitor.get(&path).await.says(200, "This link leads here until 1 January 3000");
    home.in_files("update share set expires_at = now() - interval '1 second'").await;
    nowhere(&visitor.get(&path).await);
    nowhere(&visitor.get(&format!("{path}/raw")).await);
    owner.get("/files/links").await.says(200, ">over<");
    let wrong = [("path", "note.txt"), ("until", "2020-01-01")];
    owner.post("/files/links", &wrong).await.says(422, "That day is over.");
    owner
        .post("/files/links", &[("path", "note.txt"), ("until", "soon")])
        .await
        .says(422, "There is no such date.");
}

#[tokio::test]
async fn downloads_are_counted_and_end() {
    let Some((home, owner, visitor, path)) = made("zoe", &[("most", "2")]).await else { return };
    let raw = format!("{path}/raw");
    visitor.get(&path).await.says(200, "2 more downloads are allowed.");
    // The parts of one download are one.
    for range in ["bytes=0-4", "bytes=5-9", "bytes=2-3"] {
        assert_eq!(visitor.get_with(&raw, &[("range", range)]).await.status, 206);
    }
    visitor.get(&path).await.says(200, "1 more download is allowed.");
    let head = visitor.request("HEAD", &raw).body(Default::default()).expect("a request");
    assert_eq!(visitor.send(head).await.status, 200);
    assert_eq!(visitor.at("192.0.2.7").get(&raw).await.text(), "0123456789");
    // The first one's rest still comes; nobody begins anew.
    assert_eq!(visitor.get_with(&raw, &[("range", "bytes=8-")]).await.text(), "89");
    nowhere(&visitor.get(&raw).await);
    nowhere(&visitor.at("192.0.2.8").get_with(&raw, &[("range", "bytes=8-")]).await);
    nowhere(&visitor.at("192.0.2.8").get(&path).await);
    owner.get("/files/links").await.says(200, "2 of 2 downloads");
    assert_eq!(home.count("select downloads::bigint from share").await, 2);
}

#[tokio::test]
async fn two_at_a_time_are_two() {
    let Some((home, _, visitor, path)) = made("zoe", &[("most", "3")]).await else { return };
    let raw = format!("{path}/raw");
    let all = (0..10).map(|_| visitor.get(&raw));
    let answers = futures_util::future::join_all(all).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == 200).count(), 3);
    assert_eq!(home.count("select downloads::bigint from share").await, 3);
}

#[tokio::test]
async fn a_password_is_asked_for_and_not_guessed() {
    let Some((_home, owner, visitor, path)) = made("zoe", &[("password", "tramontane")]).await else {
        return;
    };
    let asked = visitor.get(&path).await;
    asked.says(200, "This link has a password");
    assert!(!asked.text().contains("note.txt"));
    nowhere(&visitor.get(&format!("{path}/raw")).await);
    let post =
        async |browser: &Browser, password: &str| browser.post_bare(&path, &[("password", password)]).await;
    post(&visitor, "mistral").await.says(403, "That is not the password.");
    let right = post(&visitor, "tramontane").await;
    right.leads_to(&path);
    let cookie = right.header("set-cookie");
    assert!(cookie.ends_with(&format!("; Path={path}; Secure; HttpOnly; SameSite=Lax")), "{cookie}");
    let cookie = cookie.split(';').next().expect("a cookie").to_owned();
    let opened = visitor.with_cookie(&cookie);
    opened.get(&path).await.says(200, "note.txt");
    assert_eq!(opened.get(&format!("{path}/raw")).await.text(), "0123456789");
    let forged = visitor.with_cookie(&format!("{}x", &cookie[..cookie.len() - 1]));
    forged.get(&path).await.says(200, "This link has a password");
    // The same cookie opens no other link.
    let other = link(&owner, "note.txt", &[("password", "tramontane")]).await;
    opened.get(&other).await.says(200, "This link has a password");
    for _ in 0..5 {
        post(&visitor, "mistral").await.says(403, "That is not the password.");
    }
    let limited = post(&visitor, "tramontane").await;
    limited.says(429, "Too many tries.");
    assert!(limited.header("retry-after").parse::<u64>().expect("seconds") > 800);
    post(&visitor.at("192.0.2.9"), "tramontane").await.leads_to(&path);
}

#[tokio::test]
async fn a_folders_link_never_leads_outside_of_it() {
    let Some(home) = test_box().await else { return };
    file(&home, "zoe", "open/a b/in.txt", "inside").await;
    file(&home, "zoe", "secret.txt", "secret").await;
    let owner = Browser::of(&home, "zoe");
    let path = link(&owner, "open", &[]).await;
    let visitor = owner.also(None).without_cookies();
    let page = visitor.get(&path).await;
    page.says(200, &format!("href=\"{path}/at/a%20b\""));
    visitor.get(&format!("{path}/at/a%20b")).await.says(200, &format!("href=\"{path}/at/a%20b/in.txt\""));
    visitor.get(&format!("{path}/at/a%20b/in.txt")).await.says(200, "inside</pre>");
    assert_eq!(visitor.get(&format!("{path}/raw/a%20b/in.txt")).await.text(), "inside");
    assert_eq!(visitor.get(&format!("{path}/zip")).await.header("content-type"), "application/zip");
    for outside in [
        "../secret.txt",
        "..%2fsecret.txt",
        "%2e%2e/secret.txt",
        "a%20b/../../secret.txt",
        "%2fsecret.txt",
        "/secret.txt",
    ] {
        for kind in ["at", "raw", "zip"] {
            nowhere(&visitor.get(&format!("{path}/{kind}/{outside}")).await);
        }
    }
    // Put there by hand, a symbolic link leads nowhere either.
    let folder = home.folder.join("people/zoe/files");
    std::os::unix::fs::symlink(folder.join("secret.txt"), folder.join("open/link.txt")).expect("linked");
    home.storage.scan().await.expect("scanned");
    nowhere(&visitor.get(&format!("{path}/raw/link.txt")).await);
}

#[tokio::test]
async fn nobody_shares_all_that_they_have() {
    let Some(home) = test_box().await else { return };
    let owner = Browser::of(&home, "zoe");
    owner.post("/files/links", &[("path", "")]).await.says(403, "You may not change that.");
}

#[tokio::test]
async fn a_link_follows_its_file_and_ends_with_it() {
    let Some((_home, owner, visitor, path)) = made("zoe", &[]).await else { return };
    owner
        .post("/files/rename", &[("path", "note.txt"), ("name", "new.txt")])
        .await
        .leads_to("/files/about/new.txt?said=said.renamed");
    visitor.get(&path).await.says(200, "<h1 id=\"shared\">new.txt</h1>");
    owner.post("/files/selected", &[("verb", "delete"), ("item", "new.txt"), ("folder", "")]).await;
    nowhere(&visitor.get(&path).await);
    owner.get("/files/links").await.says(200, "What it opened is gone");
}

#[tokio::test]
async fn a_link_ends_with_its_makers_rights() {
    let Some(home) = test_box().await else { return };
    file(&home, "zoe", "Les Amis du Mazet/ours.txt", "ours").await;
    let owner = Browser::of(&home, "zoe");
    let path = link(&owner, "Les%20Amis%20du%20Mazet/ours.txt", &[]).await;
    let visitor = owner.also(None).without_cookies();
    visitor.get(&path).await.says(200, "ours.txt");
    home.in_directory("update person set active = false where login = 'zoe'").await;
    nowhere(&visitor.get(&path).await);
}

#[tokio::test]
async fn a_large_shared_folder_comes_in_pages() {
    let Some(home) = test_box().await else { return };
    file(&home, "zoe", "many/00000.txt", "x").await;
    home.in_files(
        "insert into node (space_id, parent_id, name, is_folder, size, modified, inode, changed) \
         select space_id, parent_id, to_char(number, 'FM00000') || '.txt', false, number, number, 0, 0 \
         from node, generate_series(1, 600) number where name = '00000.txt'",
    )
    .await;
    let owner = Browser::of(&home, "zoe");
    let path = link(&owner, "many", &[]).await;
    let visitor = owner.also(None).without_cookies();
    let page = visitor.get(&path).await;
    assert_eq!(page.text().matches("class=\"file\"").count(), 500);
    let next = page.between("id=\"next\" rel=\"next\" href=\"", "\"");
    visitor.get(&next).await.says(200, "00600.txt");
}
