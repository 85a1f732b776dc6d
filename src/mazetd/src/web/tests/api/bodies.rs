//! Bodies and queries that are not of their form, and what is said of them, in both languages.

use mazet_model::manifest::Feature;
use serde_json::json;

use super::*;

#[tokio::test]
async fn faulty_bodies_are_told_clearly() {
    let Some(site) = Installed::start().await else { return };
    let ada = site.operator().await;
    let mut program = site.program_of(&ada).await;
    let path = "/api/v1/people";
    let ask = async |media: Option<&str>, body: &str| program.ask("post", path, media, body).await;
    let json = Some("application/json");
    let reply = ask(json, "{\n \"login\": }").await;
    assert_eq!((reply.status, reply.problem()), (StatusCode::BAD_REQUEST, "malformed"));
    assert_eq!(reply.body["detail"], "The body is not JSON: look at line 2, column 11.");
    assert_eq!(reply.headers["content-type"], "application/problem+json");
    assert_eq!(reply.headers["content-language"], "en");
    let reply = ask(json, "{\"login\": \"zoe\"").await;
    assert_eq!(reply.problem(), "malformed", "{}", reply.text);
    let twice = "{\"organisation\":1,\"login\":\"zoe\",\"name\":\"Z\"} {}";
    assert_eq!(ask(json, twice).await.problem(), "malformed");
    for media in [None, Some("text/plain"), Some("application/x-www-form-urlencoded")] {
        let reply = ask(media, "{}").await;
        assert_eq!((reply.status, reply.problem()), (StatusCode::UNSUPPORTED_MEDIA_TYPE, "content-type"));
        assert!(reply.body["detail"].as_str().unwrap().contains("application/json"));
    }
    let large = format!("{{\"name\":\"{}\"}}", "a".repeat(20_000));
    let reply = ask(Some("application/json; charset=utf-8"), &large).await;
    assert_eq!((reply.status, reply.problem()), (StatusCode::PAYLOAD_TOO_LARGE, "too-large"));
    let reply = ask(json, "{\"organisation\":1,\"mane\":\"Z\",\"rolse\":[]}").await;
    assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY);
    let mut errors = reply.errors();
    errors.sort();
    let expected = [
        "login: api.missing_field",
        "mane: api.unknown_field",
        "name: api.missing_field",
        "rolse: api.unknown_field",
    ];
    assert_eq!(errors, expected);
    let reply = ask(json, "{\"organisation\":\"x\",\"login\":\"zoe\",\"name\":\"Z\"}").await;
    assert_eq!(reply.errors(), ["organisation: api.wrong_type"]);
    assert_eq!(ask(json, "[]").await.errors(), [": api.wrong_type"]);
    let settings = json!({ "settings": { "box": { "name": "x", "colour": "red" } }, "seen": "" });
    let reply = program.send("put", "/api/v1/machine/settings", &settings).await;
    assert_eq!(reply.errors(), ["settings.box.colour: api.wrong_type"]);
    assert_eq!(program.ask("post", "/api/v1/people/1/resume", None, "{}").await.problem(), "malformed");
    program.language = "fr-FR,fr;q=0.9";
    let reply = program.send("post", path, &json!({ "organisation": 1, "login": "1", "name": "" })).await;
    assert_eq!(reply.headers["content-language"], "fr");
    assert_eq!(reply.body["title"], "Des valeurs ne conviennent pas");
    let mut errors = reply.errors();
    errors.sort();
    assert_eq!(errors, ["login: invalid.login.malformed", "name: invalid.name.empty"]);
    assert!(reply.text.contains("L’identifiant commence"), "{}", reply.text);
}

#[tokio::test]
async fn paths_methods_and_queries_that_are_not_there_are_told() {
    let Some(site) = Installed::start().await else { return };
    let ada = site.operator().await;
    let program = site.program_of(&ada).await;
    for path in ["/api/v1/nothing", "/api/v2/people", "/api/", "/api/v1/people/x", "/api/v1/people/999"] {
        let reply = program.get(path).await;
        assert_eq!((reply.status, reply.problem()), (StatusCode::NOT_FOUND, "not-found"), "{path}");
    }
    let reply = program.order("delete", "/api/v1/people").await;
    assert_eq!((reply.status, reply.problem()), (StatusCode::METHOD_NOT_ALLOWED, "method"));
    assert!(reply.headers["allow"].to_str().unwrap().contains("POST"), "{:?}", reply.headers);
    let reply = program.get("/api/v1/people?organisation=x&page=2&q=a").await;
    assert_eq!(reply.errors(), ["organisation: api.wrong_type", "page: api.unknown_field"]);
    assert_eq!(program.get("/api/v1/machine?x=1").await.errors(), ["x: api.unknown_field"]);
    assert_eq!(program.get("/api/v1/people/export").await.errors(), ["organisation: api.missing_field"]);
    site.broker.state().refuse = Some(("settings", "failed no"));
    let reply = program.get("/api/v1/machine/settings").await;
    assert_eq!((reply.status, reply.problem()), (StatusCode::SERVICE_UNAVAILABLE, "unavailable"));
}

#[tokio::test]
async fn settings_are_looked_at_before_they_are_put_in_force() {
    let Some(site) = Installed::start().await else { return };
    let ada = site.operator().await;
    let program = site.program_of(&ada).await;
    let current = program.get("/api/v1/machine/settings").await.body;
    let wish = |name: &str, seen: &Value| {
        let mut settings = current["settings"].clone();
        settings["box"]["name"] = name.into();
        json!({ "settings": settings, "seen": seen })
    };
    let mut look = wish("garrigue", &Value::Null);
    look.as_object_mut().unwrap().remove("seen");
    let preview = program.send("post", "/api/v1/machine/settings/preview", &look).await;
    assert_eq!(preview.body["settings"][0]["new"], "garrigue", "{}", preview.text);
    assert_eq!(site.broker.state().settings.settings.machine.name, "mazet", "nothing was ordered yet");
    let path = "/api/v1/machine/settings";
    let wrong = program.send("put", path, &wish("La Garrigue", &current["version"])).await;
    assert_eq!(wrong.errors(), ["box.name: association.box_name_wrong"]);
    let outdated = program.send("put", path, &wish("garrigue", &"2".repeat(64).into())).await;
    assert_eq!((outdated.status, outdated.problem()), (StatusCode::CONFLICT, "conflict"));
    let ordered = program.send("put", path, &wish("garrigue", &current["version"])).await;
    assert_eq!(ordered.status, StatusCode::ACCEPTED, "{}", ordered.text);
    assert_eq!(site.broker.state().settings.settings.machine.name, "garrigue");
    let services = json!({ "services": { "chat": false }, "alternatives": { "web-server": "two" } });
    let ordered = program.send("put", "/api/v1/machine/services", &services).await;
    assert_eq!(ordered.status, StatusCode::ACCEPTED, "{}", ordered.text);
    let settings = site.broker.state().settings.settings.clone();
    assert_eq!(
        (settings.disabled_services, &*settings.alternatives["web-server"]),
        (vec!["chat".to_owned()], "two")
    );
    let wrong = json!({ "services": { "base": false }, "alternatives": { "web-server": "three" } });
    let wrong = program.send("put", "/api/v1/machine/services", &wrong).await;
    assert_eq!(wrong.errors(), ["services: api.service_unknown", "alternatives: api.service_unknown"]);
}

#[tokio::test]
async fn people_are_changed_imported_and_grouped() {
    let Some(site) = Installed::start().await else { return };
    let other = site.organisation("Les Randonneurs", "rando.example.org").await;
    let zoe = site.person(other, "zoe", &[]).await;
    let ada = site.operator().await;
    let program = site.program_of(&ada).await;
    let path = format!("/api/v1/people/{zoe}");
    let change = json!({
        "name": "Zoé Martin",
        "quota_bytes": 5_368_709_120_u64,
        "roles": [{ "organisation": other, "roles": ["site-editor"] }],
        "aliases": ["bureau@rando.example.org"],
    });
    let changed = program.send("patch", &path, &change).await;
    assert_eq!(changed.body["aliases"][0], "bureau@rando.example.org", "{}", changed.text);
    assert_eq!(changed.body["person"]["quota_bytes"], 5_368_709_120_u64);
    assert_eq!(changed.body["person"]["memberships"][0]["roles"][0], "site-editor");
    let changed = program.send("patch", &path, &json!({ "quota_bytes": null })).await;
    assert_eq!(changed.body["person"]["quota_bytes"], Value::Null);
    assert_eq!(changed.body["person"]["name"], "Zoé Martin", "what is not given stays");
    let wrong =
        program.send("patch", &path, &json!({ "name": " ", "aliases": ["x@elsewhere.example"] })).await;
    assert_eq!(wrong.errors(), ["name: invalid.name.empty", "aliases: invalid.domain.unknown"]);
    let import = format!("/api/v1/people/import?organisation={other}");
    let wrong = program.ask("post", &import, Some("text/csv"), "name\n;\n").await;
    assert_eq!(wrong.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", wrong.text);
    let table = "name,login\nJo Petit,jo\n";
    let seen = format!("/api/v1/people/import/preview?organisation={other}");
    let seen = program.ask("post", &seen, Some("text/csv"), table).await;
    assert_eq!(seen.body["people"][0]["login"], "jo", "{}", seen.text);
    let taken = program.ask("post", &import, Some("text/csv; charset=utf-8"), table).await;
    assert_eq!(taken.body[0]["person"]["name"], "Jo Petit", "{}", taken.text);
    let export = program.get(&format!("/api/v1/people/export?organisation={other}")).await;
    assert!(export.text.contains("Jo Petit,jo"), "{}", export.text);
    let group =
        program.send("post", "/api/v1/groups", &json!({ "organisation": other, "name": "Bureau" })).await;
    let path = format!("/api/v1/groups/{}", group.body["id"]);
    let filled = program.send("put", &path, &json!({ "name": "Conseil", "members": [zoe] })).await;
    assert_eq!((&filled.body["name"], &filled.body["members"][0]), (&json!("Conseil"), &json!(zoe)));
    assert_eq!(program.order("delete", &path).await.status, StatusCode::NO_CONTENT);
    assert_eq!(program.get(&path).await.problem(), "not-found");
    for (act, state) in [("suspend", "locked"), ("resume", "active")] {
        let path = format!("/api/v1/people/{zoe}");
        assert_eq!(program.order("post", &format!("{path}/{act}")).await.status, StatusCode::NO_CONTENT);
        assert_eq!(program.get(&path).await.body["person"]["state"], state);
    }
}

#[tokio::test]
async fn what_no_service_does_is_refused_in_words() {
    let Some(site) = Installed::start().await else { return };
    let ada = site.operator().await;
    let program = site.program_of(&ada).await;
    site.broker.state().features.clear();
    let organisation = site.organisation("Les Randonneurs", "rando.example.org").await;
    let room = json!({ "organisation": organisation, "name": "Salle", "kind": "room" });
    let refused = program.send("post", "/api/v1/resources", &room).await;
    assert_eq!((refused.status, refused.problem()), (StatusCode::CONFLICT, "not-now"), "{}", refused.text);
    assert_eq!(refused.body["detail"], "No service that is on does this.");
    assert_eq!(program.get("/api/v1/resources").await.problem(), "not-now");
    let group = json!({ "organisation": organisation, "name": "Bureau" });
    let path = format!("/api/v1/groups/{}", program.send("post", "/api/v1/groups", &group).await.body["id"]);
    let plain = json!({ "name": "Conseil", "members": [] });
    assert_eq!(program.send("put", &path, &plain).await.body["name"], "Conseil");
    let mailbox = json!({ "name": "Conseil", "members": [], "mailbox": true });
    assert_eq!(program.send("put", &path, &mailbox).await.problem(), "not-now");
    site.broker.state().features.push(Feature::Mailboxes);
    assert_eq!(program.send("put", &path, &mailbox).await.body["mailbox"], true);
}
