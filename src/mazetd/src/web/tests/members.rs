//! Signing in, and one's own account.

use mazet_directory::totp;

use super::installed::{Installed, PASSWORD, between};
use super::*;

const NEW: &str = "girofle cabestan 38 pervenche";

#[tokio::test]
async fn an_operator_sets_up_a_second_factor_before_anything_else() {
    let Some(site) = Installed::start().await else { return };
    let mut browser = site.browser();
    assert_eq!(browser.get("/people").await.leads_to(), "/sign-in?next=/people");
    let answer = browser.sign_in("ada", PASSWORD).await;
    assert_eq!(answer.leads_to(), "/account/second-factor");
    let cookie = answer.headers["set-cookie"].to_str().unwrap();
    assert!(
        cookie.starts_with("__Host-mazet=")
            && cookie.ends_with("; Path=/; Secure; HttpOnly; SameSite=Strict")
    );
    for path in ["/people", "/account", "/organisations/new"] {
        assert_eq!(browser.get(path).await.leads_to(), "/account/second-factor", "{path}");
    }
    let page = browser.get("/account/second-factor").await.body;
    assert!(page.contains("<svg class=\"qr\"") && page.contains("must have one"), "{page}");
    let wrong = [("do", "confirm"), ("code", "000000")];
    let answer = browser.fill("/account/second-factor", "/account/second-factor", &wrong).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    let (secret, codes) = browser.set_up().await;
    assert_eq!(codes.len(), 10);
    assert!(browser.get("/").await.body.contains("Hello Ada Lovelace"));
    assert!(browser.get("/people").await.body.contains("Ada Lovelace"));

    // Elsewhere the code is asked; the one that was taken counts no more, and a recovery code once.
    let mut other = site.browser();
    let answer = other.sign_in("ada", PASSWORD).await;
    assert_eq!(answer.leads_to(), "/sign-in/code?next=/");
    assert!(!other.get("/").await.body.contains("Hello"), "the password alone opens nothing");
    let used = secret.code(totp::now());
    for code in ["", "123456", &used] {
        let answer =
            other.fill("/sign-in/code", "/sign-in/code", &[("code", code), ("next", "/people")]).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{code}");
    }
    let recovery = [("code", codes[0].as_str()), ("next", "/people")];
    assert_eq!(other.fill("/sign-in/code", "/sign-in/code", &recovery).await.leads_to(), "/people");
    assert_eq!(other.get("/people").await.status, StatusCode::OK);
    let mut third = site.browser();
    third.sign_in("ada", PASSWORD).await;
    let answer = third.fill("/sign-in/code", "/sign-in/code", &recovery).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "a recovery code counted twice");
    let next = secret.code(totp::now() + 1);
    assert_eq!(third.fill("/sign-in/code", "/sign-in/code", &[("code", &next)]).await.leads_to(), "/");
    let stop = other.fill("/account/second-factor", "/account/second-factor", &[("do", "stop")]).await;
    assert_eq!(stop.status, StatusCode::FORBIDDEN, "an operator did without");
}

#[tokio::test]
async fn wrong_logins_and_passwords_are_told_alike_and_limited() {
    let Some(site) = Installed::start().await else { return };
    site.person(site.first().await, "zoe", &[]).await;
    let mut browser = site.browser();
    let told = |page: &str| between(page, "id=\"login-fault\">", "</p>");
    let known = browser.sign_in("zoe", "not the password at all").await;
    let unknown = browser.sign_in("nobody.here", "not the password at all").await;
    assert_eq!((known.status, unknown.status), (StatusCode::UNPROCESSABLE_ENTITY, unknown.status));
    assert_eq!(told(&known.body), told(&unknown.body));
    assert!(!known.body.contains("not the password"), "the password went back");
    let mut status = known.status;
    for _ in 0..10 {
        let answer = browser.sign_in("zoe", "not the password at all").await;
        status = answer.status;
        if status == StatusCode::TOO_MANY_REQUESTS {
            let seconds: u64 = answer.headers["retry-after"].to_str().unwrap().parse().unwrap();
            assert!((1..=900).contains(&seconds), "{seconds}");
            assert!(told(&answer.body).contains(&format!("Wait {seconds} seconds")), "{}", answer.body);
        }
    }
    assert_eq!(status, StatusCode::TOO_MANY_REQUESTS);
    let answer = browser.sign_in("zoe", PASSWORD).await;
    assert_eq!(answer.status, StatusCode::TOO_MANY_REQUESTS, "the right password passed the limit");
    let empty = browser.sign_in("", "").await;
    assert!(empty.body.contains("Give your login.") && empty.body.contains("Give your password."));
}

#[tokio::test]
async fn one_goes_on_to_a_page_of_this_box_only() {
    let Some(site) = Installed::start().await else { return };
    site.person(site.first().await, "zoe", &[]).await;
    for (next, expected) in [
        ("/account/devices", "/account/devices"),
        ("https://elsewhere.example/", "/"),
        ("//elsewhere.example/", "/"),
        ("/\\elsewhere.example/", "/"),
    ] {
        let mut browser = site.browser();
        let fields = [("login", "zoe"), ("password", PASSWORD), ("next", next)];
        assert_eq!(browser.fill("/sign-in", "/sign-in", &fields).await.leads_to(), expected, "{next}");
        assert_eq!(browser.get("/sign-in?next=/connect").await.leads_to(), "/connect");
    }
}

#[tokio::test]
async fn forms_need_their_own_token() {
    let Some(site) = Installed::start().await else { return };
    site.person(site.first().await, "zoe", &[]).await;
    site.person(site.first().await, "max", &[]).await;
    let (mut zoe, mut max) = (site.signed_in("zoe").await, site.signed_in("max").await);
    let foreign = max.get("/account").await.csrf();
    for token in ["", "x", foreign.as_str()] {
        let fields = [("csrf", token), ("name", "Mallory"), ("language", "fr")];
        assert_eq!(zoe.send("/account", &fields).await.status, StatusCode::FORBIDDEN, "{token}");
    }
    assert!(zoe.get("/account").await.body.contains("value=\"zoe Dupont\""));
    let mut stranger = site.browser();
    stranger.get("/sign-in").await;
    let answer =
        stranger.send("/sign-in", &[("csrf", &foreign), ("login", "zoe"), ("password", PASSWORD)]).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
}

#[tokio::test]
async fn a_member_looks_after_their_account() {
    let Some(site) = Installed::start().await else { return };
    site.person(site.first().await, "zoe", &[]).await;
    let mut zoe = site.signed_in("zoe").await;
    let home = zoe.get("/").await.body;
    assert!(home.contains("id=\"service-wiki\" href=\"/wiki/\"") && home.contains("Notebook"), "{home}");
    assert!(!home.contains("id=\"manage\""), "{home}");
    assert_eq!(site.broker.state().asked, ["offers"], "what the box offers comes from its manifests");
    let connect = zoe.get("/connect").await.body;
    for told in
        ["A reader", "Copy the address.", "<code>https://mazet.local/wiki/feed</code>", "zoe@mazet.local"]
    {
        assert!(connect.contains(told), "{told}: {connect}");
    }
    assert!(connect.contains("href=\"/connect/wiki/wiki.mobileconfig\""), "{connect}");
    let file = zoe.get("/connect/wiki/wiki.mobileconfig").await;
    assert_eq!(file.headers["content-type"], "application/x-apple-aspen-config");
    assert_eq!(file.body, "zoe -");
    assert_eq!(zoe.get("/connect/wiki/other.mobileconfig").await.status, StatusCode::NOT_FOUND);

    let wrong = [("name", ""), ("email", "nonsense"), ("language", "en")];
    let answer = zoe.fill("/account", "/account", &wrong).await;
    assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(
        answer.body.contains("href=\"#name\"") && answer.body.contains("href=\"#email\""),
        "{}",
        answer.body
    );
    let right = [("name", "Zoé <b>"), ("email", "zoe@example.org"), ("language", "fr")];
    assert_eq!(zoe.fill("/account", "/account", &right).await.leads_to(), "/account?said=account.saved");
    let page = zoe.get("/account?said=account.saved").await.body;
    assert!(page.contains("<html lang=\"fr\">") && page.contains("C’est enregistré."), "{page}");
    assert!(page.contains("Zoé &lt;b&gt;") && page.contains("zoe@example.org"), "{page}");
    zoe.get("/account?lang=en").await;

    for (fields, told) in [
        ([("current", PASSWORD), ("password", "short"), ("password_again", "short")], "too short"),
        ([("current", PASSWORD), ("password", NEW), ("password_again", "other")], "not the same"),
        ([("current", "wrong"), ("password", NEW), ("password_again", NEW)], "not your present password"),
    ] {
        let answer = zoe.fill("/account/password", "/account/password", &fields).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{told}");
        assert!(answer.body.contains(told), "{told}: {}", answer.body);
    }
    let mut other = site.signed_in("zoe").await;
    let fields = [("current", PASSWORD), ("password", NEW), ("password_again", NEW)];
    let answer = zoe.fill("/account/password", "/account/password", &fields).await;
    assert_eq!(answer.leads_to(), "/account?said=change.done");
    assert!(other.get("/account").await.leads_to().starts_with("/sign-in"), "another device stayed");
    assert_eq!(zoe.get("/account").await.status, StatusCode::OK);
    assert_eq!(site.browser().sign_in("zoe", NEW).await.leads_to(), "/");
}

#[tokio::test]
async fn devices_and_application_passwords_are_shown_and_taken_back() {
    let Some(site) = Installed::start().await else { return };
    site.person(site.first().await, "zoe", &[]).await;
    let mut zoe = site.signed_in("zoe").await;
    let mut other = site.signed_in("zoe").await;
    let page = zoe.get("/account/devices").await.body;
    assert_eq!(page.matches("Firefox, Linux").count(), 2, "{page}");
    let end = between(&page, "action=\"/account/devices/", "\"");
    assert_eq!(
        zoe.fill("/account/devices", &format!("/account/devices/{end}"), &[]).await.status,
        StatusCode::SEE_OTHER
    );
    assert!(other.get("/account").await.leads_to().starts_with("/sign-in"));

    let answer = zoe.fill("/account/applications", "/account/applications", &[("name", "Agenda")]).await;
    let password = between(&answer.body, "<code id=\"password\">", "</code>");
    assert_eq!(password.len(), 24 + 5, "{password}");
    let signed = mazet_directory::sign_in::application(&site.directory, "zoe", &password, LOCAL).await;
    assert!(signed.is_ok_and(|signed| signed.application.is_some()));
    let page = zoe.get("/account/applications").await.body;
    assert!(page.contains("Agenda") && !page.contains(&password), "{page}");
    let id = between(&page, "action=\"/account/applications/", "\"");
    let answer = zoe.fill("/account/applications", &format!("/account/applications/{id}"), &[]).await;
    assert_eq!(answer.leads_to(), "/account/applications?said=applications.removed");
    assert!(zoe.get("/account/applications").await.body.contains("id=\"no-applications\""));

    let (mut phone, mut desk) = (site.signed_in("zoe").await, site.signed_in("zoe").await);
    assert_eq!(
        phone.fill("/account/devices", "/account/devices", &[]).await.leads_to(),
        "/?said=signin.ended"
    );
    for browser in [&mut zoe, &mut phone, &mut desk] {
        assert!(browser.get("/account").await.leads_to().starts_with("/sign-in"));
    }
    let mut zoe = site.signed_in("zoe").await;
    assert_eq!(zoe.fill("/account", "/sign-out", &[]).await.leads_to(), "/?said=signin.ended");
    assert!(zoe.get("/?said=signin.ended").await.body.contains("You are signed out."));
}

#[tokio::test]
async fn a_second_factor_is_not_turned_off_by_whoever_finds_the_screen_open() {
    let Some(site) = Installed::start().await else { return };
    let organisation = site.first().await;
    site.person(organisation, "zoe", &[]).await;
    let mut zoe = site.signed_in("zoe").await;
    let (_, codes) = zoe.set_up().await;
    let path = "/account/second-factor";
    for (password, code) in [("", ""), (PASSWORD, ""), (PASSWORD, "000000"), ("wrong", &codes[0])] {
        let fields = [("do", "stop"), ("password", password), ("code", code)];
        let answer = zoe.fill(path, path, &fields).await;
        assert_eq!(answer.status, StatusCode::UNPROCESSABLE_ENTITY, "{password} {code}");
        assert!(answer.body.contains("id=\"password-fault\"") && answer.body.contains("id=\"factor-on\""));
    }
    let fields = [("do", "stop"), ("password", PASSWORD), ("code", &codes[0])];
    assert_eq!(zoe.fill(path, path, &fields).await.leads_to(), "/sign-in?said=factor.stopped");
    assert_eq!(zoe.sign_in("zoe", PASSWORD).await.leads_to(), "/", "a code is asked still");
}
