//! Both languages, escaping, the installed box, and the pages for what goes wrong.

use super::broker::{complete, running};
use super::*;

#[tokio::test]
async fn the_browser_chooses_the_language_and_the_visitor_changes_it() {
    let mut browser = Browser::new(Mode::Live);
    browser.language = "fr-FR,fr;q=0.8";
    let page = browser.get("/claim").await.body;
    assert!(page.contains("<html lang=\"fr\">") && page.contains("Code de prise en main"));
    assert_eq!(browser.get("/claim?lang=en").await.leads_to(), "/claim");
    let page = browser.get("/claim").await.body;
    assert!(page.contains("<html lang=\"en\">") && page.contains("Claim code"));
    assert_eq!(browser.get("//elsewhere.example/?lang=fr").await.leads_to(), "/claim");
}

#[tokio::test]
async fn every_page_renders_in_both_languages() {
    for language in ["fr", "en"] {
        let mut browser = Browser::claimed().await;
        browser.language = language;
        browser.broker.state().answers = complete();
        let mut seen = Vec::new();
        for path in ["/language", "/start", "/wifi", "/disks", "/association", "/operator", "/summary"] {
            seen.push((path, browser.get(path).await));
        }
        browser.broker.state().progress = running();
        seen.push(("running", browser.get("/progress").await));
        browser.broker.state().progress.error = Some("no".to_owned());
        seen.push(("failed", browser.get("/progress").await));
        browser.broker.state().progress.error = None;
        browser.broker.state().progress.finished = true;
        seen.push(("finished", browser.get("/progress").await));
        let mut installed = Browser::new(Mode::Installed);
        installed.language = language;
        for path in ["/", "/done"] {
            seen.push((path, installed.get(path).await));
        }
        for (path, answer) in seen {
            assert_eq!(answer.status, StatusCode::OK, "{path} in {language}");
            assert!(answer.body.contains(&format!("<html lang=\"{language}\">")), "{path}");
            assert!(answer.body.contains("</html>") && answer.body.contains("<h1"), "{path}");
            assert!(!answer.body.contains("style="), "{path} has a style that the policy forbids");
        }
    }
}

#[tokio::test]
async fn what_visitors_type_is_never_markup() {
    let mut browser = Browser::claimed().await;
    browser.broker.state().answers = complete();
    let evil = "<script>alert(1)</script> & \"fils\"";
    let fields = [("organisation", evil), ("box_name", "mazet"), ("timezone", "Europe/Paris")];
    assert_eq!(browser.fill("/association", &fields).await.leads_to(), "/");
    browser.broker.state().disks[0].model = evil.to_owned();
    for path in ["/association", "/summary", "/disks"] {
        let page = browser.get(path).await.body;
        assert!(!page.contains("<script>"), "{path}");
        assert!(
            page.contains("&lt;script&gt;alert(1)&lt;/script&gt; &amp; &quot;fils&quot;"),
            "{path}: {page}"
        );
    }
    let mut installed = Browser::new(Mode::Installed);
    installed.broker.state().status.organisation = evil.to_owned();
    for path in ["/", "/done"] {
        assert!(!installed.get(path).await.body.contains("<script>"), "{path}");
    }
}

#[tokio::test]
async fn the_installed_box_has_a_home_and_no_wizard() {
    let mut browser = Browser::new(Mode::Installed);
    let home = browser.get("/").await;
    assert!(home.body.contains("Welcome to Les Amis du Mazet"), "{}", home.body);
    let done = browser.get("/done").await.body;
    assert!(done.contains("https://mazet.local/") && done.contains("Take the USB stick out"), "{done}");
    browser.broker.state().status.keeps_medium = true;
    let done = browser.get("/done").await.body;
    assert!(done.contains("Leave the card in") && !done.contains("USB stick"), "{done}");
    browser.language = "de";
    assert!(
        browser.get("/").await.body.contains("Bienvenue chez Les Amis du Mazet"),
        "the box's own language"
    );
    for route in routes::table(Mode::Live) {
        if route.access == routes::Access::Claimed && route.path != "/" || route.path == "/claim" {
            let page = browser.get(route.path).await;
            assert!(page.leads_to().starts_with("/sign-in?next="), "{}", route.path);
        }
    }
}

#[tokio::test]
async fn what_goes_wrong_has_a_page_in_both_languages() {
    let mut browser = Browser::claimed().await;
    for (language, text) in [("fr", "Cette page n’existe pas"), ("en", "There is no such page")] {
        browser.language = language;
        let answer = browser.get("/nothing").await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND);
        assert!(answer.body.contains(text), "{}", answer.body);
    }
    let answer = browser.get("/install").await;
    assert_eq!(answer.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(answer.headers["allow"], "POST");
    browser.broker.state().refuse = Some(("progress", "broken a cable"));
    let answer = browser.get("/").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.body.contains("Something went wrong") && !answer.body.contains("cable"));
}

#[tokio::test]
async fn search_engines_are_sent_away() {
    let answer = Browser::new(Mode::Installed).get("/robots.txt").await;
    assert_eq!(answer.body, "User-agent: *\nDisallow: /\n");
}

#[tokio::test]
async fn a_broker_that_never_answers_is_waited_for_only_so_long() {
    let mut browser = Browser::claimed().await;
    let (_asked, answer) = browser.broker.hold();
    drop(answer);
    tokio::time::pause();
    let answer = browser.get("/").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.body.contains("Something went wrong"));
}
