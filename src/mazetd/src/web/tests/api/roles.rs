//! Every operation, tried by every role, with a session and with an application password; and by the
//! manager of another organisation.

use mazet_directory::Role;
use mazet_directory::permission::BY_HAND;
use serde_json::json;

use super::super::roles::{everybody, may};
use super::*;
use crate::web::api::operation::Operation;
use crate::web::api::routes::all;
use crate::web::routes::Access;

/// What comes of a body that none of them takes: the role was looked at before.
const ASKED: [StatusCode; 2] = [StatusCode::BAD_REQUEST, StatusCode::UNPROCESSABLE_ENTITY];

async fn tried(program: &Program, one: &Operation) -> Reply {
    let path = one.path.replace("{id}", "1");
    // No table, but one of no organisation.
    program.ask(one.method, &path, Some(media(one)), "{").await
}

fn media(one: &Operation) -> &'static str {
    if one.path.contains("/import") { "text/csv" } else { "application/json" }
}

#[tokio::test]
async fn every_role_is_let_in_where_the_table_says_and_nowhere_else() {
    let Some(site) = Installed::start().await else { return };
    let mut count = 0;
    for (role, browser) in everybody(&site).await {
        let Some(role) = role else {
            for one in all() {
                let reply = tried(&site.program(), &one).await;
                assert_eq!(
                    (reply.status, reply.problem()),
                    (StatusCode::UNAUTHORIZED, "sign-in"),
                    "{}",
                    one.path
                );
                assert_eq!(reply.headers["www-authenticate"], "Basic realm=\"Mazet\", charset=\"UTF-8\"");
            }
            continue;
        };
        let programs = [(false, site.script_of(&browser).await), (true, site.program_of(&browser).await)];
        for (keyed, program) in &programs {
            for one in all() {
                let allowed = match one.access {
                    Access::May(action) => may(role, action) && !(*keyed && BY_HAND.contains(&action)),
                    _ => true,
                };
                let reply = tried(program, &one).await;
                let what = format!("{} {} as {role:?}, keyed: {keyed}: {}", one.method, one.path, reply.text);
                if allowed {
                    assert!(ASKED.contains(&reply.status), "{what}");
                } else {
                    assert_eq!((reply.status, reply.problem()), (StatusCode::FORBIDDEN, "denied"), "{what}");
                }
                count += 1;
            }
        }
    }
    assert!(count > 5 * 2 * 40, "only {count} were tried");
}

#[tokio::test]
async fn another_organisation_is_not_there() {
    let Some(site) = Installed::start().await else { return };
    let (first, other) =
        (site.first().await, site.organisation("Les Randonneurs", "rando.example.org").await);
    site.person(first, "max", &[]).await;
    site.person(other, "zoe", &[Role::Manager]).await;
    let ada = site.operator().await;
    let operator = site.program_of(&ada).await;
    let theirs = operator.get("/api/v1/people?q=max").await.body[0]["id"].to_string();
    let group = json!({ "organisation": first, "name": "Bureau" });
    let group = operator.send("post", "/api/v1/groups", &group).await.body["id"].to_string();
    let before = operator.get(&format!("/api/v1/people/{theirs}")).await.body;
    let browser = site.signed_in("zoe").await;
    let (own, mut count) = (first.to_string(), 0);
    for program in [site.script_of(&browser).await, site.program_of(&browser).await] {
        for one in
            all().into_iter().filter(|one| one.path.contains("{id}") && !one.path.contains("/account/"))
        {
            let id = match one.path.split('/').nth(3) {
                Some("people") => &theirs,
                Some("groups") => &group,
                _ => &own,
            };
            let path = one.path.replace("{id}", id);
            let reply = match &one.example {
                Some(example) => program.send(one.method, &path, example).await,
                None => program.order(one.method, &path).await,
            };
            let what = format!("{} {path}: {} {}", one.method, reply.status, reply.text);
            let role = matches!(one.access, Access::May(action) if !may(Role::Manager, action));
            let expected = if role { "denied" } else { "not-found" };
            assert_eq!(reply.problem(), expected, "{what}");
            count += 1;
        }
        for path in ["people", "groups"] {
            let reply = program.get(&format!("/api/v1/{path}?organisation={first}")).await;
            assert_eq!(reply.problem(), "not-found", "{path}");
        }
        let new = json!({ "organisation": first, "login": "spy", "name": "Spy" });
        assert_eq!(program.send("post", "/api/v1/people", &new).await.problem(), "not-found");
        let seen = program.get("/api/v1/people").await.text;
        assert!(seen.contains("zoe") && !seen.contains("max"), "{seen}");
        let events = program.get("/api/v1/events").await.text;
        assert!(events.contains("zoe") && !events.contains("Bureau"), "{events}");
    }
    assert!(count >= 2 * 15, "only {count} were tried");
    assert_eq!(operator.get(&format!("/api/v1/people/{theirs}")).await.body, before);
}
