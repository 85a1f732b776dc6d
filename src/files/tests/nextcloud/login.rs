//! A device is let in: Login Flow v2.

use axum::http::StatusCode;
use serde_json::Value;

use crate::server::{Served, ask, basic, served};

/// A device asks: its own token, and the page's path.
async fn begin(box_: &Served) -> (String, String) {
    let agent = [("user-agent", "laptop (Desktop Client - Linux)"), ("x-forwarded-for", "192.0.2.7")];
    let (status, text) = ask(box_, "POST", "/index.php/login/v2", &agent, "").await;
    assert_eq!(status, 200, "{text}");
    let told: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!(told["poll"]["endpoint"], "https://box.example.org/index.php/login/v2/poll");
    let page =
        told["login"].as_str().expect("an address").strip_prefix("https://box.example.org").expect("ours");
    (told["poll"]["token"].as_str().expect("a token").to_owned(), page.to_owned())
}

async fn poll(box_: &Served, token: &str) -> (StatusCode, String) {
    ask(box_, "POST", "/index.php/login/v2/poll", &[], &format!("token={token}")).await
}

pub const ZOE: [(&str, &str); 2] = [("mazet-person", "zoe"), ("accept-language", "en")];

/// The page's form, as it would be sent.
async fn form(box_: &Served, page: &str, act: &str) -> String {
    let (text, form) = page_and_form(box_, page, act).await;
    assert!(text.contains("laptop (Desktop Client - Linux)") && text.contains("192.0.2.7"), "{text}");
    form
}

/// The page, and its form as it would be sent.
pub async fn page_and_form(box_: &Served, page: &str, act: &str) -> (String, String) {
    let (status, text) = ask(box_, "GET", page, &ZOE, "").await;
    assert_eq!(status, 200, "{text}");
    let proof = text.split("name=\"proof\" value=\"").nth(1).and_then(|rest| rest.split('"').next());
    let form = format!("proof={}&act={act}", proof.expect("a proof"));
    (text, form)
}

#[tokio::test]
async fn a_device_that_is_let_in_gets_a_password_once_for_the_files_alone() {
    let Some(box_) = served().await else { return };
    let (token, page) = begin(&box_).await;
    assert_eq!(poll(&box_, &token).await.0, 404);
    let form = form(&box_, &page, "allow").await;
    let (status, text) = ask(&box_, "POST", &page, &ZOE, &form).await;
    assert!(status == 200 && text.contains("The device is let in"), "{text}");
    let (status, text) = poll(&box_, &token).await;
    assert_eq!(status, 200, "{text}");
    let told: Value = serde_json::from_str(&text).expect("JSON");
    assert_eq!((&told["server"], &told["loginName"]), (&"https://box.example.org".into(), &"zoe".into()));
    assert_eq!(poll(&box_, &token).await.0, 404);
    let password = told["appPassword"].as_str().expect("a password");
    let user = [("authorization", basic("zoe", password))];
    let user = user.each_ref().map(|(name, value)| (*name, value.as_str()));
    let (status, text) = ask(&box_, "GET", "/ocs/v2.php/cloud/user?format=json", &user, "").await;
    assert!(status == 200 && text.contains("\"id\":\"zoe\""), "{text}");
    // Other services ask as other roles, and do not find it.
    let address = [192, 0, 2, 7].into();
    let elsewhere =
        mazet_directory::sign_in::application(&box_.home.directory, "zoe", password, address).await;
    assert!(matches!(elsewhere, Err(mazet_directory::Error::Refused)), "{elsewhere:?}");
    box_.home.in_directory("delete from application_password").await;
    assert_eq!(ask(&box_, "GET", "/ocs/v2.php/cloud/user", &user, "").await.0, 401);
}

#[tokio::test]
async fn nobody_is_let_in_but_by_the_pages_own_form() {
    let Some(box_) = served().await else { return };
    let (token, page) = begin(&box_).await;
    let form = form(&box_, &page, "allow").await;
    let paul = [("mazet-person", "paul")];
    let foreign = [("mazet-person", "zoe"), ("sec-fetch-site", "cross-site")];
    assert_eq!(ask(&box_, "POST", &page, &ZOE, "act=allow&proof=").await.0, 403);
    assert_eq!(ask(&box_, "POST", &page, &paul, &form).await.0, 403);
    assert_eq!(ask(&box_, "POST", &page, &foreign, &form).await.0, 403);
    assert_eq!(ask(&box_, "GET", &page, &[], "").await.0, 403);
    assert_eq!(poll(&box_, &token).await.0, 404);
    // The page's token is not the device's.
    let other = page.rsplit('/').next().expect("a token");
    assert_eq!(ask(&box_, "POST", &page, &ZOE, &form).await.0, 200);
    assert_eq!(poll(&box_, other).await.0, 404);
    assert_eq!(poll(&box_, &token).await.0, 200);
}

#[tokio::test]
async fn who_refuses_or_waits_too_long_lets_nobody_in() {
    let Some(box_) = served().await else { return };
    let (token, page) = begin(&box_).await;
    let refusal = form(&box_, &page, "refuse").await;
    assert_eq!(ask(&box_, "POST", &page, &ZOE, &refusal).await.0, 200);
    assert_eq!(poll(&box_, &token).await.0, 404);
    assert_eq!(ask(&box_, "GET", &page, &ZOE, "").await.0, 404);
    let (token, page) = begin(&box_).await;
    let consent = form(&box_, &page, "allow").await;
    box_.home.in_files("update device_login set created_at = now() - interval '21 minutes'").await;
    assert_eq!(ask(&box_, "POST", &page, &ZOE, &consent).await.0, 404);
    box_.home.in_files("update device_login set login = 'zoe'").await;
    assert_eq!(poll(&box_, &token).await.0, 404);
}

#[tokio::test]
async fn one_address_does_not_keep_all_others_out() {
    let Some(box_) = served().await else { return };
    let from = |address| [("x-forwarded-for", address)];
    for _ in 0..20 {
        assert_eq!(ask(&box_, "POST", "/index.php/login/v2", &from("192.0.2.7"), "").await.0, 200);
    }
    assert_eq!(ask(&box_, "POST", "/index.php/login/v2", &from("192.0.2.7"), "").await.0, 429);
    assert_eq!(ask(&box_, "POST", "/index.php/login/v2", &from("192.0.2.8"), "").await.0, 200);
}
