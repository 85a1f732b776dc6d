//! Application passwords for the API: what opens it, and how far they reach.

use mazet_directory::{Actor, Role, application_passwords, people, second_factor, sign_in};
use serde_json::json;

use super::super::installed::PASSWORD;
use super::*;

const PEOPLE: &str = "/api/v1/people";

#[tokio::test]
async fn a_program_lists_people_and_invites_somebody() {
    let Some(site) = Installed::start().await else { return };
    let ada = site.operator().await;
    let program = site.program_of(&ada).await;
    let listed = program.get(PEOPLE).await;
    assert_eq!(listed.status, StatusCode::OK, "{}", listed.text);
    assert_eq!(listed.headers["content-type"], "application/json");
    assert_eq!(listed.headers["cache-control"], "no-store");
    assert!(!listed.headers.contains_key("access-control-allow-origin"));
    assert_eq!(listed.body[0]["login"], "ada");
    let new = json!({ "organisation": site.first().await, "login": "zoe", "name": "Zoé Martin" });
    let made = program.send("post", PEOPLE, &new).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text);
    assert_eq!(made.body["person"]["state"], "invited");
    assert_eq!(made.body["invitation"]["address"], "https://mazet.local/welcome");
    let code = made.body["invitation"]["code"].as_str().unwrap();
    let holder = mazet_directory::invitations::take(&site.directory, code, PASSWORD, LOCAL).await.unwrap();
    assert_eq!(holder.login, "zoe");
    let again = program.send("post", PEOPLE, &new).await;
    assert_eq!(again.errors(), ["login: invalid.login.taken"]);
    // Who did it, and with what.
    let events = program.get("/api/v1/events").await;
    assert_eq!(events.body[0]["action"], "invitation.take");
    assert!(events.text.contains("\"actor\":\"ada (a script)\""), "{}", events.text);
}

#[tokio::test]
async fn nothing_but_a_password_made_for_it_opens_the_api() {
    let Some(site) = Installed::start().await else { return };
    site.person(site.first().await, "zoe", &[]).await;
    let mut browser = site.signed_in("zoe").await;
    let owner = session(&site, &browser).await;
    let (_, service) = application_passwords::make(&site.directory, &owner, "Phone").await.unwrap();
    // Made on the page, where its box is ticked.
    let fields = [("name", "Script"), ("api", "on")];
    let page = browser.fill("/account/applications", "/account/applications", &fields).await;
    assert!(page.body.contains("id=\"for-api\""), "{}", page.body);
    let password = super::super::installed::between(&page.body, "<code id=\"password\">", "</code>");
    let listed = browser.get("/account/applications").await.body;
    assert_eq!(listed.matches("<span class=\"tag\">API</span>").count(), 1, "{listed}");
    let ask = async |who: (&'static str, String)| {
        let program = Program { who: vec![who], ..site.program() };
        program.get("/api/v1/account").await
    };
    let own = ask(basic("zoe", &password)).await;
    assert_eq!((own.status, &own.body["csrf"]), (StatusCode::OK, &Value::Null));
    assert_eq!(ask(basic("ZOE", &password.to_lowercase().replace('-', " "))).await.status, StatusCode::OK);
    for (login, wrong) in
        [("zoe", PASSWORD), ("zoe", service.plain()), ("ada", &*password), ("zoe", ""), ("", "")]
    {
        assert_eq!(ask(basic(login, wrong)).await.problem(), "sign-in", "{login}");
    }
    assert_eq!(ask(("authorization", format!("Bearer {password}"))).await.problem(), "sign-in");
    // And it opens no service.
    assert!(sign_in::application(&site.directory, "zoe", &password, LOCAL).await.is_err());
    let id = people::find(&site.directory, &Actor::system(), "zoe").await.unwrap();
    people::set_active(&site.directory, &Actor::system(), id, false).await.unwrap();
    assert_eq!(ask(basic("zoe", &password)).await.problem(), "sign-in", "suspended");
}

#[tokio::test]
async fn wrong_passwords_are_limited() {
    let Some(site) = Installed::start().await else { return };
    site.person(site.first().await, "zoe", &[]).await;
    let browser = site.signed_in("zoe").await;
    let program = site.program_of(&browser).await;
    // Right ones do not count, however many.
    for _ in 0..12 {
        assert_eq!(program.get("/api/v1/account").await.status, StatusCode::OK);
    }
    let guesser = Program { who: vec![basic("zoe", "AAAA")], ..site.program() };
    for _ in 0..10 {
        assert_eq!(guesser.get("/api/v1/account").await.problem(), "sign-in");
    }
    let limited = guesser.get("/api/v1/account").await;
    assert_eq!((limited.status, limited.problem()), (StatusCode::TOO_MANY_REQUESTS, "too-many"));
    assert!(limited.headers["retry-after"].to_str().unwrap().parse::<u64>().unwrap() > 0);
    assert_eq!(program.get("/api/v1/account").await.problem(), "too-many", "a right one is not looked at");
    assert_eq!(
        site.browser().sign_in("zoe", PASSWORD).await.leads_to(),
        "/",
        "the pages count for themselves"
    );
}

#[tokio::test]
async fn a_session_changes_something_with_its_token_alone() {
    let Some(site) = Installed::start().await else { return };
    site.person(site.first().await, "zoe", &[]).await;
    let browser = site.signed_in("zoe").await;
    let mut script = site.script_of(&browser).await;
    let change = json!({ "name": "Zoé Martin" });
    assert_eq!(script.send("patch", "/api/v1/account", &change).await.status, StatusCode::OK);
    let own = script.get("/api/v1/account").await;
    assert_eq!(own.body["csrf"], script.who[1].1);
    script.who.push(("sec-fetch-site", "cross-site".to_owned()));
    assert_eq!(script.send("patch", "/api/v1/account", &change).await.problem(), "token");
    script.who.truncate(1);
    assert_eq!(script.send("patch", "/api/v1/account", &change).await.problem(), "token");
    assert_eq!(script.get("/api/v1/account").await.status, StatusCode::OK);
    // An operator without second factor comes no further here than on the pages.
    let mut half = site.browser();
    half.sign_in("ada", PASSWORD).await;
    let script = site.script_of(&half).await;
    assert_eq!(script.get("/api/v1/account").await.problem(), "second-factor");
    assert_eq!(script.get("/api/v1/machine").await.problem(), "second-factor");
}

#[tokio::test]
async fn a_password_lets_nobody_into_an_account_or_the_machine() {
    let Some(site) = Installed::start().await else { return };
    let zoe = site.person(site.first().await, "zoe", &[Role::Manager]).await;
    let ada = site.operator().await;
    let (script, program) = (site.script_of(&ada).await, site.program_of(&ada).await);
    let me = program.get("/api/v1/account").await.body["person"]["id"].to_string();
    for (method, path, body) in [
        ("put", format!("{PEOPLE}/{zoe}/operator"), None),
        ("post", format!("{PEOPLE}/{me}/reset"), None),
        ("delete", format!("{PEOPLE}/{me}/second-factor"), None),
        ("patch", format!("{PEOPLE}/{me}"), Some(json!({ "contact": "evil@example.org" }))),
        ("patch", "/api/v1/account".to_owned(), Some(json!({ "contact": "evil@example.org" }))),
        ("post", "/api/v1/account/applications".to_owned(), Some(json!({ "name": "More", "api": true }))),
        ("get", "/api/v1/account/second-factor".to_owned(), None),
        (
            "post",
            "/api/v1/account/second-factor/stop".to_owned(),
            Some(json!({ "password": PASSWORD, "code": "123456" })),
        ),
        (
            "post",
            "/api/v1/account/password".to_owned(),
            Some(json!({ "current": PASSWORD, "password": "girofle cabestan 38 pervenche" })),
        ),
    ] {
        let reply = match body {
            Some(body) => program.send(method, &path, &body).await,
            None => program.order(method, &path).await,
        };
        assert_eq!(reply.problem(), "denied", "{method} {path}: {}", reply.text);
        assert!(reply.body["detail"].as_str().unwrap().contains("application password"), "{}", reply.text);
    }
    let mut settings = program.get("/api/v1/machine/settings").await.body;
    let wish = |settings: &Value| json!({ "settings": settings["settings"], "seen": settings["version"] });
    settings["settings"]["ssh"] = json!({ "enabled": true, "keys": ["ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIHUYnhLVpmVbdP2VRpqYGkCBmsSMYDIGdDtFBFpbNCVI me"] });
    let reply = program.send("put", "/api/v1/machine/settings", &wish(&settings)).await;
    assert_eq!(reply.problem(), "denied", "{}", reply.text);
    let reply = script.send("put", "/api/v1/machine/settings", &wish(&settings)).await;
    assert_eq!(reply.status, StatusCode::ACCEPTED, "{}", reply.text);
    // A manager's password does to others what the manager does, and nothing to the manager's own account.
    let browser = site.signed_in("zoe").await;
    let managers = site.program_of(&browser).await;
    assert_eq!(managers.order("post", &format!("{PEOPLE}/{zoe}/reset")).await.problem(), "denied");
}

#[tokio::test]
async fn an_operators_password_is_as_strong_as_the_session_that_made_it() {
    let Some(site) = Installed::start().await else { return };
    let zoe = site.person(site.first().await, "zoe", &[]).await;
    let (directory, system) = (&site.directory, Actor::system());
    let browser = site.signed_in("zoe").await;
    let early = site.program_of(&browser).await;
    people::set_operator(directory, &system, zoe, true).await.unwrap();
    assert_eq!(
        early.get("/api/v1/machine").await.problem(),
        "denied",
        "made before there was a second factor"
    );
    let mut browser = site.browser();
    browser.sign_in("zoe", PASSWORD).await;
    browser.set_up().await;
    let strong = site.program_of(&browser).await;
    assert_eq!(strong.get("/api/v1/machine").await.status, StatusCode::OK);
    assert_eq!(early.get("/api/v1/machine").await.problem(), "denied");
    second_factor::remove(directory, &system, zoe).await.unwrap();
    assert_eq!(strong.get("/api/v1/machine").await.problem(), "denied", "its second factor is gone");
    assert_eq!(strong.get("/api/v1/account").await.status, StatusCode::OK);
}
