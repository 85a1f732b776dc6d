//! Nobody sees anything without the claim code, and no form works that was not meant.

use super::routes::{Access, table};
use super::*;

#[tokio::test]
async fn every_route_but_the_claim_is_behind_the_wall() {
    let mut stranger = Browser::new(Mode::Live);
    for route in table(Mode::Live) {
        let path = route.path.replace("{name}", "mazet.css");
        let seen = stranger.get(&path).await;
        let sent = stranger.send(&path, &[("csrf", "x"), ("purpose", "new")]).await;
        if route.access == Access::Public {
            assert_eq!(seen.status, StatusCode::OK, "{path}");
            continue;
        }
        let expected = if path.ends_with(".json") { "403 Forbidden" } else { "/claim" };
        assert_eq!(seen.leads_to(), expected, "GET {path}");
        assert_eq!(sent.status, StatusCode::FORBIDDEN, "POST {path}");
    }
    assert_eq!(stranger.broker.state().asked, Vec::<String>::new(), "a stranger made the broker work");
}

#[tokio::test]
async fn what_is_not_a_route_is_behind_the_wall_too() {
    let mut stranger = Browser::new(Mode::Live);
    assert_eq!(stranger.get("/nothing").await.leads_to(), "/claim");
    assert_eq!(stranger.get("/assets").await.leads_to(), "/claim");
    assert_eq!(stranger.get("/claim/").await.leads_to(), "/claim");
    assert_eq!(stranger.get("/assets/../disks").await.status, StatusCode::NOT_FOUND);
    let mut claimed = Browser::claimed().await;
    assert_eq!(claimed.get("/nothing").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn only_public_routes_are_public() {
    let public = |mode| -> Vec<&str> {
        table(mode)
            .into_iter()
            .filter(|route| route.access == Access::Public)
            .map(|route| route.path)
            .collect()
    };
    assert_eq!(public(Mode::Live), ["/assets/{name}", "/robots.txt", "/claim"]);
    // The wall has its own list, written once more.
    let mut installed = public(Mode::Installed);
    assert_eq!(installed.remove(0), "/assets/{name}");
    installed.sort_unstable();
    let mut exceptions = crate::web::site::EXCEPTIONS;
    exceptions.sort_unstable();
    assert_eq!(installed, exceptions);
}

#[tokio::test]
async fn an_invented_session_is_none() {
    let mut stranger = Browser::new(Mode::Live);
    stranger.cookies.push((session::COOKIE.to_owned(), "0".repeat(64)));
    assert_eq!(stranger.get("/").await.leads_to(), "/claim");
    stranger.cookies[0].1 = String::new();
    assert_eq!(stranger.get("/").await.leads_to(), "/claim");
}

#[tokio::test]
async fn the_code_opens_a_session_with_a_guarded_cookie() {
    let mut browser = Browser::new(Mode::Live);
    let answer = browser.claim(CODE).await;
    assert_eq!(answer.leads_to(), "/");
    let cookie = answer.headers.get_all("set-cookie").iter().next().unwrap().to_str().unwrap();
    let (value, flags) = cookie.strip_prefix("__Host-mazet=").unwrap().split_once(';').unwrap();
    assert_eq!(value.len(), 64);
    assert_eq!(flags, " Path=/; Secure; HttpOnly; SameSite=Strict");
    assert_eq!(browser.get("/").await.leads_to(), "/language");
    assert_eq!(browser.get("/claim").await.leads_to(), "/");
}

#[tokio::test]
async fn wrong_codes_are_told_then_limited() {
    let mut browser = Browser::new(Mode::Live);
    for _ in 0..5 {
        let answer = browser.claim("AAAA-AAAA").await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN);
        assert!(answer.body.contains("That is not the code."));
    }
    browser.language = "fr";
    let answer = browser.claim(CODE).await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS);
    assert_eq!(answer.headers["retry-after"], "42");
    assert!(answer.body.contains("Attendez 42 secondes"), "{}", answer.body);
    assert_eq!(browser.get("/").await.leads_to(), "/claim");
}

#[tokio::test]
async fn the_claim_form_needs_its_own_token() {
    let mut browser = Browser::new(Mode::Live);
    let csrf = browser.get("/claim").await.csrf();
    for token in ["", "x", &"0".repeat(64)] {
        let answer = browser.send("/claim", &[("csrf", token), ("code", CODE)]).await;
        assert_eq!(answer.status, StatusCode::FORBIDDEN, "{token}");
    }
    browser.cookies.retain(|(name, _)| name != claim::COOKIE);
    let answer = browser.send("/claim", &[("csrf", &csrf), ("code", CODE)]).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert!(browser.broker.state().asked.is_empty(), "a try was counted for a forged form");
}

#[tokio::test]
async fn forms_need_their_sessions_token() {
    let mut browser = Browser::claimed().await;
    let mut other = Browser::claimed().await;
    let foreign = other.get("/language").await.csrf();
    let posts = ["/language", "/start", "/disks", "/association", "/operator", "/install", "/reboot"];
    for path in posts {
        for token in ["", foreign.as_str()] {
            let answer = browser.send(path, &[("csrf", token), ("language", "fr")]).await;
            assert_eq!(answer.status, StatusCode::FORBIDDEN, "{path}");
        }
    }
    let changes = ["save-answers", "install", "reboot", "set-password"];
    assert!(browser.broker.state().asked.iter().all(|request| !changes.contains(&request.as_str())));
}

#[tokio::test]
async fn a_form_from_another_site_is_refused_even_with_the_token() {
    let mut browser = Browser::claimed().await;
    let csrf = browser.get("/language").await.csrf();
    let request = Request::post("/language")
        .header("content-type", "application/x-www-form-urlencoded")
        .header("sec-fetch-site", "cross-site");
    let answer = browser.ask(request, encode(&[("csrf", &csrf), ("language", "fr")])).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn long_bodies_are_refused() {
    let mut browser = Browser::claimed().await;
    let csrf = browser.get("/language").await.csrf();
    let answer = browser.send("/language", &[("csrf", &csrf), ("more", &"x".repeat(17 * 1024))]).await;
    assert_eq!(answer.status, StatusCode::PAYLOAD_TOO_LARGE);
    assert!(answer.body.contains("That is too long"));
}

#[tokio::test]
async fn every_answer_carries_the_headers() {
    let mut browser = Browser::new(Mode::Live);
    for path in ["/claim", "/", "/progress.json", "/assets/mazet.css", "/robots.txt"] {
        let headers = browser.get(path).await.headers;
        let policy = headers["content-security-policy"].to_str().unwrap();
        assert_eq!(
            policy,
            "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; connect-src 'self'; \
             form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
        );
        assert_eq!(headers["x-content-type-options"], "nosniff", "{path}");
        assert_eq!(headers["referrer-policy"], "no-referrer", "{path}");
        assert_eq!(headers["x-frame-options"], "DENY", "{path}");
        let kept = headers["cache-control"] != "no-store";
        assert_eq!(kept, path.starts_with("/assets/"), "{path}");
    }
}
