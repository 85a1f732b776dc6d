//! Every path of the installed box, tried by every role: what happens stands in the directory's table.

use std::net::Ipv4Addr;

use mazet_directory::Role;
use mazet_directory::permission::{Action, ROLES, Scope, scope};
use mazet_model::manifest::PASSWORD as PASSWORD_ACCESS;

use super::installed::{Installed, PASSWORD, Visitor, between};
use super::*;
use crate::web::access::{self, Question, Verdict};
use crate::web::member::role_name;
use crate::web::navigation::ENTRIES;
use crate::web::routes::{Access, table};

/// What the page of a refusal says to who is signed in.
const DENIED: &str = "Your role does not allow it";

/// May somebody with this one role (and that of a member) come to where that is done?
pub fn may(role: Role, action: Action) -> bool {
    [role, Role::Member].into_iter().any(|role| scope(role, action) != Scope::Nothing)
}

/// A browser for each role, the stranger first.
pub async fn everybody(site: &Installed) -> Vec<(Option<Role>, Visitor)> {
    let organisation = site.first().await;
    let mut all = vec![(None, site.browser())];
    for role in ROLES {
        if role == Role::Operator {
            all.push((Some(role), site.operator().await));
            continue;
        }
        let login = format!("{role:?}").to_lowercase();
        let given: &[Role] = if role == Role::Member { &[] } else { &[role] };
        site.person(organisation, &login, given).await;
        all.push((Some(role), site.signed_in(&login).await));
    }
    all
}

#[tokio::test]
async fn every_role_is_let_in_where_the_table_says_and_nowhere_else() {
    let Some(site) = Installed::start().await else { return };
    let mut tried = 0;
    for (role, mut browser) in everybody(&site).await {
        for route in table(Mode::Installed) {
            let path = route.path.replace("{name}", "mazet.css").replace("{id}", "1");
            let seen = browser.get(&path).await;
            let sent = browser.send(&path, &[("csrf", "x"), ("do", "x")]).await;
            let what = format!("{path} as {role:?}");
            tried += 1;
            let Some(role) = role else {
                stranger(&route.access, &seen, &sent, &what);
                continue;
            };
            let allowed = match route.access {
                Access::Public | Access::Member => true,
                Access::May(action) => may(role, action),
                Access::Claimed => panic!("{what}: the wizard is over"),
            };
            assert!(!seen.leads_to().starts_with("/sign-in?"), "{what}");
            let refusals = [&seen, &sent].into_iter().filter(|one| one.body.contains(DENIED)).count();
            if allowed {
                assert_eq!(refusals, 0, "{what}: {} {}", seen.status, seen.body);
            } else {
                let only_one = [&seen, &sent].iter().any(|one| one.status == StatusCode::METHOD_NOT_ALLOWED);
                assert_eq!(refusals, if only_one { 1 } else { 2 }, "{what}: {}", seen.body);
            }
            // No form goes through without its token.
            let refused = [StatusCode::FORBIDDEN, StatusCode::METHOD_NOT_ALLOWED];
            assert!(refused.contains(&sent.status), "POST {what}: {}", sent.status);
        }
    }
    assert!(tried > 6 * 30, "only {tried} were tried");
}

fn stranger(access: &Access, seen: &Answer, sent: &Answer, what: &str) {
    if *access == Access::Public {
        // The code of the second factor is asked after the password.
        assert!(seen.status == StatusCode::OK || seen.leads_to() == "/sign-in", "{what}: {}", seen.status);
    } else {
        assert!(seen.leads_to().starts_with("/sign-in?next=/"), "GET {what}: {}", seen.leads_to());
        assert_eq!(sent.status, StatusCode::FORBIDDEN, "POST {what}");
    }
    assert!(!seen.body.contains("id=\"menu\""), "{what}");
}

#[tokio::test]
async fn the_menu_leads_only_where_one_may_go() {
    for entry in ENTRIES {
        let route = table(Mode::Installed).into_iter().find(|route| route.path == entry.path);
        assert_eq!(route.map(|route| route.access), Some(entry.access), "{}", entry.path);
    }
    let Some(site) = Installed::start().await else { return };
    for (role, mut browser) in everybody(&site).await {
        let home = browser.get("/").await.body;
        for entry in ENTRIES {
            let shown = home.contains(&format!("id=\"nav-{}\"", entry.name));
            let expected = match (role, entry.access) {
                (None, _) => false,
                (Some(role), Access::May(action)) => may(role, action),
                (Some(_), _) => true,
            };
            assert_eq!(shown, expected, "{} for {role:?}", entry.path);
        }
    }
}

#[tokio::test]
async fn the_front_web_server_is_answered_by_role() {
    let Some(site) = Installed::start().await else { return };
    let question = |access: &str, cookie: String| Question {
        access: access.to_owned(),
        owners: String::new(),
        cookie,
        credentials: None,
        address: Ipv4Addr::LOCALHOST.into(),
        method: "GET".to_owned(),
        uri: "/wiki/".to_owned(),
        wants_page: true,
    };
    for (role, browser) in everybody(&site).await {
        for asked in ["member", "operator", "manager", "site-editor", "backup-keeper", "unheard-of"] {
            let cookie = super::cookie_header(&browser.cookies);
            let verdict = access::judge(&site.app(), &question(asked, cookie)).await.unwrap();
            let Some(role) = role else {
                assert_eq!(verdict, Verdict::SignIn, "{asked} as nobody");
                continue;
            };
            // Ada, the operator, is a manager too.
            let held = asked == "member"
                || asked == role_name(role)
                || (role == Role::Operator && asked == "manager");
            assert_eq!(matches!(verdict, Verdict::Granted(_)), held, "{asked} as {role:?}");
            assert_eq!(verdict == Verdict::Denied, !held, "{asked} as {role:?}");
        }
    }
    // The password alone, with the second factor still to come or to be set up, opens nothing.
    let mut half = site.browser();
    half.sign_in("ada", PASSWORD).await;
    half.cookies.iter_mut().for_each(|(name, _)| *name = session::COOKIE.to_owned());
    let cookie = super::cookie_header(&half.cookies[half.cookies.len() - 1..]);
    let verdict = access::judge(&site.app(), &question("member", cookie)).await.unwrap();
    assert_eq!(verdict, Verdict::SignIn);
}

#[tokio::test]
async fn what_is_somebodys_is_for_their_associations_alone() {
    let Some(site) = Installed::start().await else { return };
    let other = site.organisation("Les Randonneurs", "rando.example.org").await;
    site.person(other, "max", &[]).await;
    site.person(site.first().await, "zoe", &[]).await;
    site.person(site.first().await, "bob", &[]).await;
    let zoe = site.signed_in("zoe").await;
    let verdict = async |path: &str| {
        let question = Question {
            access: "member".to_owned(),
            owners: "/dav/".to_owned(),
            cookie: super::cookie_header(&zoe.cookies),
            credentials: None,
            address: Ipv4Addr::LOCALHOST.into(),
            method: "GET".to_owned(),
            uri: format!("/dav/{path}"),
            wants_page: true,
        };
        access::judge(&site.app(), &question).await.unwrap()
    };
    let granted = Verdict::Granted("zoe".to_owned());
    for path in ["", "zoe/", "bob/freebusy.ifb", "%62ob/"] {
        assert_eq!(verdict(path).await, granted, "{path}");
    }
    for path in ["max/", "max/freebusy.ifb", "BOB/", "bob@example.org/", "nobody/", "/bob/", "%2562ob/"] {
        assert_eq!(verdict(path).await, Verdict::Denied, "{path}");
    }
}

#[tokio::test]
async fn programs_that_know_no_pages_give_login_and_password() {
    let Some(site) = Installed::start().await else { return };
    site.person(site.first().await, "zoe", &[]).await;
    let mut zoe = site.signed_in("zoe").await;
    let answer = zoe.fill("/account/applications", "/account/applications", &[("name", "Agenda")]).await;
    let application = between(&answer.body, "<code id=\"password\">", "</code>");
    let id = between(&zoe.get("/account/applications").await.body, "action=\"/account/applications/", "\"");
    let asks = |login: &str, password: Option<&str>, cookie: String| Question {
        access: PASSWORD_ACCESS.to_owned(),
        owners: String::new(),
        cookie,
        credentials: password.map(|password| (login.to_owned(), password.to_owned())),
        address: Ipv4Addr::LOCALHOST.into(),
        method: "PROPFIND".to_owned(),
        uri: "/calendars/".to_owned(),
        wants_page: false,
    };
    let judged = async |question: Question| access::judge(&site.app(), &question).await.unwrap();
    let cookie = super::cookie_header(&zoe.cookies);
    assert_eq!(judged(asks("zoe", None, cookie)).await, Verdict::Unknown, "a session is no password");
    // The second time, it is remembered.
    for _ in 0..2 {
        for (login, password) in [("zoe", &*application), (" Zoe", &*application), ("zoe", PASSWORD)] {
            let verdict = judged(asks(login, Some(password), String::new())).await;
            assert_eq!(verdict, Verdict::Granted("zoe".to_owned()), "{login}");
        }
        assert_eq!(judged(asks("zoe", Some("wrong"), String::new())).await, Verdict::Unknown);
        assert_eq!(judged(asks("nobody", Some(PASSWORD), String::new())).await, Verdict::Unknown);
    }
    zoe.fill("/account/applications", &format!("/account/applications/{id}"), &[]).await;
    let verdict = judged(asks("zoe", Some(&application), String::new())).await;
    assert_eq!(verdict, Verdict::Unknown, "one that was taken back");
    // Where a second factor is asked for, one's own password is not enough.
    site.operator().await;
    assert_eq!(judged(asks("ada", Some(PASSWORD), String::new())).await, Verdict::Unknown);
}

#[tokio::test]
async fn without_a_directory_strangers_see_the_home_page_and_members_an_explanation() {
    let mut browser = Browser::new(Mode::Installed);
    assert_eq!(browser.get("/").await.status, StatusCode::OK);
    browser.cookies.push((session::COOKIE.to_owned(), "x".repeat(43)));
    assert_eq!(browser.get("/").await.status, StatusCode::OK);
    let answer = browser.get("/account").await;
    assert_eq!(answer.status, StatusCode::SERVICE_UNAVAILABLE);
    assert!(answer.body.contains("Something went wrong"));
}
