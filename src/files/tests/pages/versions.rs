//! What there was, as a browser sees it.

use mazet_files::snapshots::Moment;
use mazet_files::testing::{ORGANISATION, test_box};

use crate::browser::{Browser, file};

/// 25 November 2025, 07:10:12, in UTC; and so many hours later.
fn moment(hours: i64) -> Moment {
    Moment::at(1_764_054_612 + hours * 3600)
}

#[tokio::test]
async fn nothing_is_offered_where_nothing_is_kept() {
    let Some(home) = test_box().await else { return };
    file(&home, "zoe", "a/note.txt", "hello").await;
    let zoe = Browser::of(&home, "zoe");
    for page in ["/files/", "/files/at/a", "/files/about/a", "/files/about/a/note.txt"] {
        let answer = zoe.get(page).await;
        assert!(answer.status.is_success() && !answer.text().contains("to-versions"), "{page}");
    }
    zoe.get("/files/versions/a/note.txt").await.says(200, "It has not changed since the oldest moment");
    let then = format!("/files/then/{}/a", moment(0).name());
    zoe.get(&then).await.says(404, "nothing at this address");
}

#[tokio::test]
async fn an_earlier_version_is_found_saved_and_brought_back() {
    let Some(home) = test_box().await else { return };
    file(&home, "zoe", "a/note.txt", "hello").await;
    home.snapshot(moment(0)).await;
    file(&home, "zoe", "a/note.txt", "bye").await;
    let zoe = Browser::of(&home, "zoe");
    for (page, target) in [
        ("/files/", ""),
        ("/files/at/a", "a"),
        ("/files/about/a", "a"),
        ("/files/about/a/note.txt", "a/note.txt"),
    ] {
        zoe.get(page).await.says(200, &format!("id=\"to-versions\" href=\"/files/versions/{target}\""));
    }
    let at = moment(0).name();
    let page = zoe.get("/files/versions/a/note.txt").await;
    page.says(200, "<h1 id=\"versions-title\">Earlier versions of note.txt</h1>");
    page.says(200, "As it was on 25 November 2025, ");
    page.says(200, "5\u{a0}B – changed on <time datetime=\"2023-11-14T22:13:20Z\">");
    let saved = page.between("<span><a href=\"", "\"");
    assert_eq!(saved, format!("/files/old/{at}/a/note.txt?download=1"));
    let saved = zoe.get(&saved).await;
    assert_eq!((saved.status.as_u16(), saved.text().as_str()), (200, "hello"));
    assert!(saved.header("content-disposition").starts_with("attachment; filename=\"note.txt\""));
    assert!(saved.header("content-security-policy").contains("sandbox"));
    let fields = [("at", at.as_str()), ("item", "a/note.txt")];
    let answer = zoe.post("/files/bring-back", &fields).await;
    let name = format!("note ({}).txt", moment(0).in_a_name());
    let about =
        format!("/files/about/a/{}", name.replace(' ', "%20").replace('(', "%28").replace(')', "%29"));
    answer.leads_to(&format!("{about}?said=said.brought_back"));
    zoe.get(&format!("{about}?said=said.brought_back")).await.says(200, "It is back.");
    assert_eq!(home.get("zoe", &format!("a/{name}")).await, "hello");
    assert_eq!(home.get("zoe", "a/note.txt").await, "bye");
    let french = zoe.get_with("/files/versions/a/note.txt", &[("accept-language", "fr")]).await;
    assert_eq!(french.status.as_u16(), 200);
}

#[tokio::test]
async fn what_is_in_no_bin_any_more_is_found_in_its_folder_as_it_was() {
    let Some(home) = test_box().await else { return };
    file(&home, "zoe", "a/b/été 50%.txt", "hello").await;
    file(&home, "zoe", "a/note.txt", "hi").await;
    home.snapshot(moment(0)).await;
    let zoe = Browser::of(&home, "zoe");
    zoe.post("/files/selected", &[("verb", "delete"), ("item", "a"), ("folder", "")]).await;
    zoe.post("/files/bin", &[("verb", "empty")]).await.says(200, "This entry leaves the bin.");
    zoe.post("/files/bin", &[("verb", "empty"), ("sure", "1")])
        .await
        .leads_to("/files/bin?said=said.emptied");
    let at = moment(0).name();
    let versions = zoe.get("/files/versions/").await;
    versions.says(200, "Earlier versions of My files");
    // The root is not brought back as a whole.
    assert!(!versions.text().contains("/files/bring-back"));
    let then = versions.between("<span><a href=\"", "\"");
    assert_eq!(then, format!("/files/then/{at}/"));
    let page = zoe.get(&then).await;
    page.says(200, "My files, as it was on 25 November 2025");
    page.says(200, &format!("<a class=\"folder\" id=\"entry-0\" href=\"/files/then/{at}/a\">"));
    let inner = zoe.get(&format!("/files/then/{at}/a/b")).await;
    inner.says(200, &format!("href=\"/files/old/{at}/a/b/%C3%A9t%C3%A9%2050%25.txt?download"));
    inner.says(200, "href=\"/files/versions/a/b/%C3%A9t%C3%A9%2050%25.txt\"");
    inner.says(200, &format!("<a href=\"/files/then/{at}/a\">a</a>"));
    let gone = zoe.get("/files/versions/a/b/%C3%A9t%C3%A9%2050%25.txt").await;
    gone.says(200, "It is not there now.");
    zoe.get(&format!("/files/then/{at}/a/note.txt")).await.leads_to("/files/versions/a/note.txt");
    let none = [("at", at.as_str()), ("folder", "a")];
    zoe.post("/files/bring-back", &none).await.leads_to(&format!("/files/then/{at}/a?said=said.unchanged"));
    let both = [("at", at.as_str()), ("folder", "a"), ("item", "a/b"), ("item", "a/note.txt")];
    zoe.post("/files/bring-back", &both).await.leads_to("/files/at/a?said=said.brought_back");
    assert_eq!(home.get("zoe", "a/b/été 50%.txt").await, "hello");
    assert_eq!(home.get("zoe", "a/note.txt").await, "hi");
}

#[tokio::test]
async fn rights_are_those_of_now() {
    let Some(home) = test_box().await else { return };
    let ours = format!("{ORGANISATION}/ours.txt");
    file(&home, "ada", &ours, "ours").await;
    file(&home, "ada", "mine.txt", "mine").await;
    home.snapshot(moment(0)).await;
    file(&home, "ada", &ours, "others").await;
    let (ada, at) = (Browser::of(&home, "ada"), moment(0).name());
    let (zoe, nino) = (ada.also(Some("zoe")), ada.also(Some("nino")));
    let path = "Les%20Amis%20du%20Mazet";
    ada.post("/files/rights", &[("path", path), ("who", "managers")]).await;
    let page = zoe.get(&format!("/files/versions/{path}/ours.txt")).await;
    page.says(200, "As it was on");
    assert!(!page.text().contains("/files/bring-back"));
    let then = zoe.get(&format!("/files/then/{at}/{path}")).await;
    then.says(200, "You may read what is in this folder, but not change it.");
    assert!(!then.text().contains("checkbox"));
    let item = format!("{path}/ours.txt");
    let fields = [("at", at.as_str()), ("item", item.as_str())];
    zoe.post("/files/bring-back", &fields).await.says(403, "You may not change that.");
    nino.post("/files/bring-back", &fields).await.says(404, "nothing at this address");
    for page in [format!("versions/{path}/ours.txt"), format!("then/{at}/{path}"), format!("old/{at}/{item}")]
    {
        nino.get(&format!("/files/{page}")).await.says(404, "nothing at this address");
    }
    for page in ["versions/mine.txt".to_owned(), format!("old/{at}/mine.txt")] {
        zoe.get(&format!("/files/{page}")).await.says(404, "nothing at this address");
    }
}

#[tokio::test]
async fn only_moments_and_paths_lead_anywhere() {
    let Some(home) = test_box().await else { return };
    file(&home, "zoe", "note.txt", "hello").await;
    home.snapshot(moment(0)).await;
    let (zoe, at) = (Browser::of(&home, "zoe"), moment(0).name());
    for bad in ["..", "%2e%2e", "..%2f..%2fpeople", ".new", "20251125T071013Z", "x"] {
        for kind in ["then", "old"] {
            let answer = zoe.get(&format!("/files/{kind}/{bad}/note.txt")).await;
            assert_eq!(answer.status.as_u16(), 404, "{kind} {bad}");
        }
        let answer = zoe.post("/files/bring-back", &[("at", bad), ("item", "note.txt")]).await;
        assert!(answer.status.is_client_error(), "{bad}: {}", answer.status);
    }
    for bad in ["..%2f..%2fada", "%2e%2e/ada", "a/../note.txt", "note.txt%00"] {
        for kind in ["then", "old"] {
            let answer = zoe.get(&format!("/files/{kind}/{at}/{bad}")).await;
            assert!(answer.status.is_client_error(), "{kind} {bad}: {}", answer.status);
        }
        let answer = zoe.get(&format!("/files/versions/{bad}")).await;
        assert!(answer.status.is_client_error(), "{bad}: {}", answer.status);
    }
}
