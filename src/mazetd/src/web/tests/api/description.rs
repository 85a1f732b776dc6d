//! The description: it says what there is, and validators that we did not write agree with it.

use std::collections::BTreeSet;
use std::process::Command;

use mazet_database::testing::PREFIX;
use mazet_model::settings::Language;
use serde_json::json;

use super::*;
use crate::web::api::describe::document;
use crate::web::api::routes::all;
use crate::web::catalogue::Catalogue;

#[test]
fn the_description_has_every_operation_and_no_other() {
    let catalogue = Catalogue::load().unwrap();
    let document = Value::Object(document(&catalogue));
    let described: BTreeSet<(String, String)> = document["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, all)| {
            all.as_object().unwrap().keys().map(move |method| (path.clone(), method.clone()))
        })
        .collect();
    let there: BTreeSet<(String, String)> =
        all().iter().map(|one| (one.path.to_owned(), one.method.to_owned())).collect();
    assert_eq!(described, there);
    assert_eq!(there.len(), all().len(), "an operation stands there twice");
    let names: BTreeSet<&str> = all().iter().map(|one| one.name).collect();
    assert_eq!(names.len(), all().len(), "two operations have one name");
    for one in all() {
        for language in [Language::Fr, Language::En] {
            let key = format!("operation.{}", one.name);
            assert!(catalogue.get(language, &key).is_some(), "no text has the key {key}");
        }
        let shape = (one.shape)(&mut schemars::SchemaGenerator::default());
        assert_eq!(shape.body.is_some(), one.example.is_some(), "{} {}", one.method, one.path);
        if let Some(example) = one.example {
            let text = example.as_str().map_or_else(|| example.to_string(), str::to_owned);
            assert!((one.takes)(text.as_bytes()), "{} {} takes not its own example", one.method, one.path);
        }
    }
}

/// A command of the test tree; none where the test is to be skipped.
pub fn tool(program: &str, probe: &[&str]) -> Option<Command> {
    let prefix = std::env::var(PREFIX).unwrap_or_default();
    let words: Vec<&str> = prefix.lines().chain([program]).collect();
    let command = || {
        let mut command = Command::new(words[0]);
        command.args(&words[1..]);
        command
    };
    let there = command().args(probe).output().is_ok_and(|output| output.status.success());
    if there {
        return Some(command());
    }
    let must = !prefix.is_empty() || std::env::var_os("CI").is_some();
    assert!(!must, "{program} {probe:?} does not run: run the tests with ./mazet test");
    eprintln!("skipped: {program} {probe:?} does not run here (./mazet test brings it)");
    None
}

#[tokio::test]
async fn validators_of_others_agree_with_document_examples_and_answers() {
    let Some(site) = Installed::start().await else { return };
    let Some(mut python) = tool("python3", &["-c", "import openapi_spec_validator"]) else { return };
    let first = site.first().await;
    let ada = site.operator().await;
    let script = site.script_of(&ada).await;
    let group = json!({ "organisation": first, "name": "Bureau" });
    let id = script.send("post", "/api/v1/groups", &group).await.body["id"].to_string();
    let me = script.get("/api/v1/account").await.body["person"]["id"].to_string();
    let mut answers = Vec::new();
    for one in all().iter().filter(|one| one.method == "get") {
        let id = if one.path.contains("/groups/") { &id } else { &me };
        let path = one.path.replace("{id}", id).replace("export", &format!("export?organisation={first}"));
        let which = if path.ends_with("/machine/report") { "?service=chat&report=rooms" } else { "" };
        let reply = script.get(&format!("{path}{which}")).await;
        assert_eq!(reply.status, StatusCode::OK, "{path}: {}", reply.text);
        // Files, which are no JSON.
        let is_file = one.path.ends_with("export") || one.path.ends_with("/archives");
        let body = if is_file { reply.text.into() } else { reply.body };
        answers.push(json!({ "path": one.path, "method": "get", "status": 200, "body": body }));
    }
    let new = json!({ "organisation": first, "login": "zoe", "name": "Zoé", "roles": ["manager"] });
    let other = json!({ "organisation": first, "login": "1", "name": "" });
    for (path, body) in [
        ("/api/v1/people", &new),
        ("/api/v1/people", &other),
        ("/api/v1/people", &json!({})),
        ("/api/v1/groups", &group),
        ("/api/v1/account/applications", &json!({ "name": "Script", "api": true })),
        ("/api/v1/organisations", &json!({ "name": "Les Randonneurs", "quota_bytes": 1 })),
    ] {
        let reply = script.send("post", path, body).await;
        let status = reply.status.as_u16();
        answers.push(json!({ "path": path, "method": "post", "status": status, "body": reply.body }));
    }
    // The machine takes every example of its own: previews, changes, orders.
    for one in all().iter().filter(|one| one.method != "get" && one.path.contains("/machine/")) {
        let reply = match &one.example {
            Some(example) => script.send(one.method, one.path, example).await,
            None => script.order(one.method, one.path).await,
        };
        let status = reply.status.as_u16();
        answers.push(json!({ "path": one.path, "method": one.method, "status": status, "body": reply.body }));
    }
    let count = answers.len();
    let document = document(&Catalogue::load().unwrap());
    let folder = tempfile::tempdir().unwrap();
    let (given, validator) = (folder.path().join("given.json"), folder.path().join("openapi.py"));
    std::fs::write(&given, json!({ "document": document, "answers": answers }).to_string()).unwrap();
    std::fs::write(&validator, include_str!("../../../../fixtures/openapi.py")).unwrap();
    let output = python.arg(validator).arg(given).output().unwrap();
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    assert!(said.contains(&format!("and {count} answers are valid")), "{said}");
}

#[tokio::test]
async fn the_page_for_people_names_every_operation_and_every_problem() {
    let Some(site) = Installed::start().await else { return };
    site.person(site.first().await, "zoe", &[]).await;
    let mut zoe = site.signed_in("zoe").await;
    for (language, word) in [("fr", "Tout"), ("en", "everybody")] {
        zoe.language = language;
        let page = zoe.get("/api").await;
        assert_eq!(page.status, StatusCode::OK, "{}", page.body);
        assert!(page.body.to_lowercase().contains(&word.to_lowercase()), "{}", page.body);
        for one in all() {
            let shown = format!("<code>{} {}</code>", one.method.to_uppercase(), one.path);
            assert!(page.body.contains(&shown), "{shown}");
        }
        for (_, name, ..) in crate::web::api::problem::KINDS {
            assert!(page.body.contains(&format!("id=\"{name}\"")), "{name}");
        }
    }
    assert_eq!(site.browser().get("/api").await.leads_to(), "/sign-in?next=/api");
}
