//! What is done to files: folders, names, places, the bin.

use mazet_files::testing::{ORGANISATION, test_box};

use crate::browser::{Browser, file};

#[tokio::test]
async fn a_folder_is_made_once() {
    let Some(home) = test_box().await else { return };
    let browser = Browser::of(&home, "zoe");
    browser
        .post("/files/new-folder", &[("folder", ""), ("name", "Été 2026")])
        .await
        .leads_to("/files/?said=said.folder");
    browser.get("/files/?said=said.folder").await.says(200, "The folder is made.");
    let again = browser.post("/files/new-folder", &[("folder", ""), ("name", "Été 2026")]).await;
    again.says(409, "Something has that name already.");
    again.says(409, "value=\"Été 2026\"");
    for (name, fault) in
        [("", "Give a name."), ("..", "Give a name."), ("a/b", "A name cannot have a slash.")]
    {
        browser.post("/files/new-folder", &[("folder", ""), ("name", name)]).await.says(422, fault);
    }
    browser
        .post("/files/new-folder", &[("folder", ""), ("name", &"é".repeat(128))])
        .await
        .says(422, "That name is too long.");
    browser
        .post("/files/new-folder", &[("folder", "gone"), ("name", "x")])
        .await
        .says(404, "nothing at this address");
}

#[tokio::test]
async fn nothing_is_done_that_was_not_meant() {
    let Some(home) = test_box().await else { return };
    file(&home, "zoe", "note.txt", "hello").await;
    let browser = Browser::of(&home, "zoe");
    let wrong = "0".repeat(64);
    let of_ada = browser.also(Some("ada")).csrf().await;
    for csrf in ["", wrong.as_str(), of_ada.as_str()] {
        for path in [
            "/files/bring-back",
            "/files/new-folder",
            "/files/rename",
            "/files/selected",
            "/files/choose",
            "/files/place",
            "/files/bin",
            "/files/links",
            "/files/links/take-back",
            "/files/uploads",
            "/files/uploads/cancel",
        ] {
            let fields = [
                ("csrf", csrf),
                ("verb", "delete"),
                ("item", "note.txt"),
                ("path", "note.txt"),
                ("name", "x"),
            ];
            browser.post_bare(path, &fields).await.says(403, "This form does not come from this page");
        }
    }
    let csrf = browser.csrf().await;
    let foreign = browser
        .request("POST", "/files/new-folder")
        .header("sec-fetch-site", "same-site")
        .header("content-type", "application/x-www-form-urlencoded")
        .body(format!("csrf={csrf}&folder=&name=x").into());
    browser.send(foreign.expect("a request")).await.says(403, "This form does not come from this page");
    assert_eq!(home.count("select count(*) from node where name in ('x', 'note.txt')").await, 1);
    let fresh = browser.without_cookies().get("/files/").await;
    assert!(fresh.header("set-cookie").starts_with("__Host-mazet-files="), "{:?}", fresh.headers);
    assert!(fresh.header("set-cookie").ends_with("; Path=/; Secure; HttpOnly; SameSite=Lax"));
}

#[tokio::test]
async fn a_file_gets_another_name() {
    let Some(home) = test_box().await else { return };
    file(&home, "zoe", "a/note.txt", "hello").await;
    file(&home, "zoe", "a/other.txt", "other").await;
    let browser = Browser::of(&home, "zoe");
    browser
        .post("/files/rename", &[("path", "a/note.txt"), ("name", "other.txt")])
        .await
        .says(409, "Something has that name already.");
    browser.post("/files/rename", &[("path", "a/note.txt"), ("name", "")]).await.says(422, "Give a name.");
    browser
        .post("/files/rename", &[("path", "a/note.txt"), ("name", "../up.txt")])
        .await
        .says(422, "A name cannot have a slash.");
    let done = browser.post("/files/rename", &[("path", "a/note.txt"), ("name", "50%.txt")]).await;
    done.leads_to("/files/about/a/50%25.txt?said=said.renamed");
    assert_eq!(home.get("zoe", "a/50%.txt").await, "hello");
    let shared = [("path", "Les%20Amis%20du%20Mazet"), ("name", "Mine")];
    browser.post("/files/rename", &shared).await.says(403, "You may not change that.");
}

#[tokio::test]
async fn chosen_files_go_to_a_chosen_folder() {
    let Some(home) = test_box().await else { return };
    file(&home, "zoe", "note.txt", "hello").await;
    file(&home, "zoe", "a/b/deep.txt", "deep").await;
    file(&home, "zoe", "a/b/note.txt", "other").await;
    let browser = Browser::of(&home, "zoe");
    let choose = browser
        .post("/files/selected", &[("verb", "move"), ("item", "note.txt"), ("item", "a"), ("folder", "")])
        .await;
    choose.says(200, "Move where?");
    choose.says(200, "value=\"Les%20Amis%20du%20Mazet\"");
    // A folder cannot go into itself: it is not offered.
    assert!(!choose.text().contains("name=\"to\" value=\"a\""));
    let deeper = browser.post("/files/choose", &[("verb", "move"), ("item", "note.txt"), ("to", "a")]).await;
    deeper.says(200, "name=\"to\" value=\"a/b\"");
    let there = browser.post("/files/place", &[("verb", "move"), ("item", "note.txt"), ("to", "a/b")]).await;
    there.says(409, "note.txt – Something has that name already.");
    browser
        .post("/files/place", &[("verb", "move"), ("item", "a"), ("to", "a/b")])
        .await
        .says(409, "A folder cannot go into itself.");
    let moved = browser
        .post("/files/place", &[("verb", "move"), ("item", "note.txt"), ("to", "Les%20Amis%20du%20Mazet")])
        .await;
    moved.leads_to("/files/at/Les%20Amis%20du%20Mazet?said=said.moved");
    assert_eq!(home.get("paul", &format!("{ORGANISATION}/note.txt")).await, "hello");
    let copied = browser
        .post("/files/place", &[("verb", "copy"), ("item", "a/b/note.txt"), ("item", "a/b"), ("to", "a/b")])
        .await;
    copied.says(409, "b – A folder cannot go into itself.");
    assert_eq!(home.get("zoe", "a/b/note (2).txt").await, "other");
}

#[tokio::test]
async fn what_is_deleted_can_be_put_back_or_goes_for_good() {
    let Some(home) = test_box().await else { return };
    file(&home, "zoe", "a/note.txt", "hello").await;
    file(&home, "zoe", "b.txt", "bye").await;
    let browser = Browser::of(&home, "zoe");
    browser
        .post("/files/selected", &[("verb", "delete"), ("folder", "")])
        .await
        .leads_to("/files/?said=said.unchanged");
    let fields = [("verb", "delete"), ("item", "a"), ("item", "b.txt"), ("folder", "")];
    browser.post("/files/selected", &fields).await.leads_to("/files/?said=said.deleted");
    let bin = browser.get("/files/bin").await;
    bin.says(200, "2 entries");
    let ids: Vec<String> = bin
        .text()
        .split("name=\"id\" value=\"")
        .skip(1)
        .map(|rest| rest.split('"').next().expect("an id").to_owned())
        .collect();
    // The latest first.
    browser
        .post("/files/bin", &[("verb", "restore"), ("id", &ids[1])])
        .await
        .leads_to("/files/bin?said=said.restored");
    assert_eq!(home.get("zoe", "a/note.txt").await, "hello");
    browser
        .post("/files/bin", &[("verb", "purge"), ("id", &ids[0])])
        .await
        .says(200, "This entry cannot be found again:");
    assert_eq!(home.count("select count(*) from bin").await, 1);
    // Somebody else's bin is not theirs to empty.
    let paul = browser.also(Some("paul"));
    paul.post("/files/bin", &[("verb", "purge"), ("id", &ids[0]), ("sure", "1")])
        .await
        .says(404, "nothing at this address");
    browser
        .post("/files/bin", &[("verb", "purge"), ("id", &ids[0]), ("sure", "1")])
        .await
        .leads_to("/files/bin?said=said.purged");
    assert_eq!(home.count("select count(*) from bin").await, 0);
    browser.post("/files/selected", &[("verb", "delete"), ("item", "a"), ("folder", "")]).await;
    browser.post("/files/bin", &[("verb", "empty")]).await.says(200, "Delete for good?");
    browser
        .post("/files/bin", &[("verb", "empty"), ("sure", "1")])
        .await
        .leads_to("/files/bin?said=said.emptied");
    assert_eq!(home.count("select count(*) from bin").await, 0);
}

#[tokio::test]
async fn a_manager_says_who_may_write() {
    let Some(home) = test_box().await else { return };
    let ada = Browser::of(&home, "ada");
    let zoe = ada.also(Some("zoe"));
    let path = "Les%20Amis%20du%20Mazet";
    let about = format!("/files/about/{path}");
    ada.get(&about).await.says(200, "value=\"members\" checked");
    assert!(!zoe.get(&about).await.text().contains("rights-form"));
    let alone = [("path", path), ("who", "managers")];
    zoe.post("/files/rights", &alone).await.says(403, "You may not change that.");
    zoe.post("/files/new-folder", &[("folder", path), ("name", "before")])
        .await
        .leads_to(&format!("/files/at/{path}?said=said.folder"));
    ada.post("/files/rights", &alone).await.leads_to(&format!("{about}?said=said.rights"));
    zoe.post("/files/new-folder", &[("folder", path), ("name", "after")])
        .await
        .says(403, "You may not change that.");
    ada.post("/files/new-folder", &[("folder", path), ("name", "after")])
        .await
        .leads_to(&format!("/files/at/{path}?said=said.folder"));
    ada.post("/files/rights", &[("path", path), ("who", "everybody")])
        .await
        .says(400, "The request was not understood.");
    ada.post("/files/rights", &[("path", ""), ("who", "managers")])
        .await
        .says(404, "nothing at this address");
}
