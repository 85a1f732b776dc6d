//! The machine's mail, network, certificates and web server, through programs: looked at before it is done,
//! and no secret ever comes back.

use serde_json::json;

use super::*;
use crate::measure::desk;
use crate::protocol::{Heard, Network};
use crate::trial::{Lapsed, Pending};
use crate::updates::{Updates, Waiting};
use crate::web::api::routes::all;

/// An operator's program.
async fn program(site: &Installed) -> Program {
    let ada = site.operator().await;
    site.program_of(&ada).await
}

/// Was the broker asked for that?
fn asked(site: &Installed, name: &str) -> bool {
    site.broker.state().asked.iter().any(|one| one == name)
}

#[tokio::test]
async fn a_mail_relay_is_looked_at_put_in_force_and_tried() {
    let Some(site) = Installed::start().await else { return };
    let ada = site.operator().await;
    let (program, keyed) = (site.script_of(&ada).await, site.program_of(&ada).await);
    let wish = json!({ "relay": {
        "host": "smtp.example.org", "port": 465, "security": "tls", "user": "box", "sender": "box@example.org",
    } });
    let (path, tried) = ("/api/v1/machine/mail", "/api/v1/machine/mail/test");
    assert_eq!(program.order("post", tried).await.problem(), "not-now", "no relay yet");
    let looked = program.send("post", &format!("{path}/preview"), &wish).await;
    assert_eq!(looked.status, StatusCode::OK, "{}", looked.text);
    assert!(!asked(&site, "change-settings"), "nothing was ordered yet");
    let mut wrong = wish.clone();
    (wrong["relay"]["host"], wrong["relay"]["port"]) = ("a b".into(), 0.into());
    for (method, path) in [("put", path.to_owned()), ("post", format!("{path}/preview"))] {
        let refused = program.send(method, &path, &wrong).await;
        assert_eq!(refused.errors(), ["host: mail.host_wrong", "port: mail.port_wrong"]);
    }
    // Codes for another password go through it: an application password does not say where to.
    assert_eq!(keyed.send("put", path, &wish).await.problem(), "denied");
    let mut settings = keyed.get("/api/v1/machine/settings").await.body;
    settings["settings"]["mail"] = wish.clone();
    let all = json!({ "settings": settings["settings"], "seen": settings["version"] });
    assert_eq!(keyed.send("put", "/api/v1/machine/settings", &all).await.problem(), "denied");
    let mut outdated = wish.clone();
    outdated["seen"] = "2".repeat(64).into();
    assert_eq!(program.send("put", path, &outdated).await.problem(), "conflict");
    let ordered = program.send("put", path, &wish).await;
    assert_eq!(ordered.status, StatusCode::ACCEPTED, "{}", ordered.text);
    let shown = program.get(path).await.body;
    assert_eq!((&shown["relay"], &shown["password_kept"]), (&wish["relay"], &json!(false)));

    site.broker.state().status.sends_mail = true;
    let nowhere = program.order("post", tried).await;
    assert_eq!(nowhere.errors(), ["contact: invalid.contact.empty"], "{}", nowhere.text);
    let ada = people::find(&site.directory, &Actor::system(), "ada").await.unwrap();
    let profile = people::Profile {
        name: "Ada Lovelace".to_owned(),
        contact: "ada@example.org".to_owned(),
        language: None,
    };
    people::change(&site.directory, &Actor::system(), ada, &profile).await.unwrap();
    let sent = program.order("post", tried).await;
    assert_eq!(
        (sent.status, &sent.body["state"]),
        (StatusCode::ACCEPTED, &json!("waiting")),
        "{}",
        sent.text
    );
    assert!(asked(&site, "send-mail"));
    let messages = program.get(&format!("{path}/messages")).await;
    assert_eq!(messages.body[0]["recipient"], "ada@example.org");
    assert!(!messages.text.contains("Hello"), "what a message says is not told: {}", messages.text);
    let failed = "update outbox set state = 'failed', ended_at = now(), body = null";
    site.server.superuser(&site.database).await.batch_execute(failed).await.unwrap();
    assert_eq!(program.order("post", &format!("{path}/clear")).await.status, StatusCode::NO_CONTENT);
    assert_eq!(program.get(&format!("{path}/messages")).await.body, json!([]));
    let forgotten = program.send("put", path, &json!({})).await;
    assert_eq!(forgotten.errors(), ["relay: api.missing_field"], "no relay goes by a slip of the hand");
    let none = program.send("put", path, &json!({ "relay": null })).await;
    assert_eq!(none.status, StatusCode::ACCEPTED, "{}", none.text);
    assert_eq!(program.get(path).await.body["relay"], Value::Null);
}

#[tokio::test]
async fn a_network_is_on_trial_and_kept() {
    let Some(site) = Installed::start().await else { return };
    let program = program(&site).await;
    let path = "/api/v1/machine/network";
    let shown = program.get(path).await.body;
    assert_eq!(shown["now"]["cards"][0]["addresses"][0]["address"], "192.168.1.20");
    let wish = json!({ "name": "garrigue", "network": {
        "method": "static", "address": "192.168.1.10/24", "gateway": "192.168.1.1", "dns": ["192.168.1.1"],
    } });
    let looked = program.send("post", &format!("{path}/preview"), &wish).await;
    assert_eq!(looked.body["settings"][1]["new"], "192.168.1.10/24", "{}", looked.text);
    assert!(!asked(&site, "change-settings"), "nothing was ordered yet");
    let wrong = json!({ "network": { "method": "static", "address": "192.168.1.0/24", "dns": ["x"] } });
    let wrong = program.send("put", path, &wrong).await;
    assert_eq!(wrong.errors(), ["address: network.address_unusable", "dns: network.dns_wrong"]);
    let wrong = program.send("put", path, &json!({ "name": "La Garrigue", "network": {} })).await;
    assert_eq!(wrong.errors(), ["box.name: association.box_name_wrong"]);
    let ordered = program.send("put", path, &wish).await;
    assert_eq!(ordered.status, StatusCode::ACCEPTED, "{}", ordered.text);
    let settings = site.broker.state().settings.settings.clone();
    assert_eq!((&*settings.machine.name, settings.network.dns.len()), ("garrigue", 1));

    let keep = format!("{path}/keep");
    let over = program.order("post", &keep).await;
    assert_eq!((over.status, over.problem()), (StatusCode::CONFLICT, "not-now"), "{}", over.text);
    assert!(over.body["detail"].as_str().unwrap().contains("nothing to confirm any more"), "{}", over.text);
    let hosts = vec!["192.168.1.10".to_owned()];
    site.broker.state().trial.pending = Some(Pending { hosts: hosts.clone(), going_back: false });
    assert_eq!(program.get(path).await.body["trial"]["pending"]["hosts"][0], "192.168.1.10");
    assert_eq!(program.order("post", &format!("{path}/go-back")).await.status, StatusCode::NO_CONTENT);
    assert_eq!(program.get(path).await.body["trial"]["pending"]["going_back"], true);
    assert_eq!(program.order("post", &keep).await.status, StatusCode::NO_CONTENT);
    site.broker.state().trial.lapsed = Some(Lapsed { at: 1, hosts });
    assert_eq!(program.get(path).await.body["trial"]["lapsed"]["at"], 1);
    assert_eq!(program.order("post", &format!("{path}/seen")).await.status, StatusCode::NO_CONTENT);
    assert_eq!(program.get(path).await.body["trial"], json!({ "pending": null, "lapsed": null }));
}

#[tokio::test]
async fn a_wifi_network_is_chosen_from_those_that_are_heard() {
    let Some(site) = Installed::start().await else { return };
    let program = program(&site).await;
    let network = |ssid: &str, signal, secured| Network { ssid: ssid.to_owned(), signal, secured };
    site.broker.state().heard = Heard { networks: vec![network("Les Amis", -50, true)] };
    let path = "/api/v1/machine/wifi";
    let shown = program.get(&format!("{path}?listen=true")).await.body;
    assert_eq!((&shown["wireless"], &shown["heard"][0]["ssid"]), (&json!(true), &json!("Les Amis")));
    let wish = json!({ "ssid": "Les Amis", "country": "FR" });
    let missing = program.send("put", path, &wish).await;
    assert_eq!(missing.errors(), ["passphrase: wifi.passphrase_missing"]);
    let wrong = json!({ "ssid": "Les Amis", "country": "France", "passphrase": "s3cret" });
    let wrong = program.send("post", &format!("{path}/preview"), &wrong).await;
    assert_eq!(wrong.errors(), ["country: wifi.country_wrong", "passphrase: wifi.passphrase_wrong"]);
    assert!(!wrong.text.contains("s3cret") && !asked(&site, "set-wifi"), "{}", wrong.text);
    let wish = json!({ "ssid": "Les Amis", "country": "FR", "passphrase": "tramontane 71" });
    let looked = program.send("post", &format!("{path}/preview"), &wish).await;
    assert_eq!(looked.body["settings"][0]["new"], "Les Amis", "{}", looked.text);
    assert!(!asked(&site, "change-settings"));
    let ordered = program.send("put", path, &wish).await;
    assert_eq!(ordered.status, StatusCode::ACCEPTED, "{}", ordered.text);
    assert_eq!(site.broker.state().passwords.last().unwrap(), "tramontane 71");
    let chosen = program.get(path).await;
    assert_eq!(chosen.body["settings"], json!({ "country": "FR", "ssid": "Les Amis" }));
    // Its key is kept: the passphrase is not asked for again.
    assert_eq!(program.send("put", path, &json!({ "ssid": "Les Amis", "country": "FR" })).await.status, 202);
    let forgotten = program.send("put", path, &json!({ "country": "FR" })).await;
    assert_eq!(forgotten.errors(), ["ssid: api.missing_field"]);
    assert_eq!(program.send("put", path, &json!({ "ssid": null })).await.status, 202);
    assert_eq!(program.get(path).await.body["settings"], json!({}));
}

#[tokio::test]
async fn certificates_are_chosen_and_ordered() {
    let Some(site) = Installed::start().await else { return };
    let program = program(&site).await;
    let path = "/api/v1/machine/certificates";
    let wish = |domain: &str, mode: &str| json!({ "certificates": { "mode": mode, "domains": [domain], "email": "box@example.org" } });
    let wrong = program.send("put", path, &wish("mazet.local", "acme-dns")).await;
    let expected = ["domains: setting_fault.domain", "dns-provider: setting_fault.dns_provider_missing"];
    assert_eq!(wrong.errors(), expected);
    let looked =
        program.send("post", &format!("{path}/preview"), &wish("amis.example.org", "acme-http")).await;
    assert_eq!(looked.status, StatusCode::OK, "{}", looked.text);
    assert!(!asked(&site, "change-settings"), "nothing was ordered yet");
    let ordered = program.send("put", path, &wish("amis.example.org", "acme-http")).await;
    assert_eq!(ordered.status, StatusCode::ACCEPTED, "{}", ordered.text);
    let shown = program.get(path).await.body;
    assert_eq!(
        (&shown["settings"]["domains"][0], &shown["running"]),
        (&json!("amis.example.org"), &json!(false))
    );
    let order = program.order("post", &format!("{path}/order")).await;
    assert_eq!(
        (order.status, &order.body["running"]),
        (StatusCode::ACCEPTED, &json!(true)),
        "{}",
        order.text
    );
    site.broker.state().refuse = Some(("set-dns-account", "dns-account SOME_TOKEN is missing"));
    let account = json!({ "provider": "somebody", "values": { "SOME_ZONE": "x" } });
    let refused = program.send("put", &format!("{path}/account"), &account).await;
    assert_eq!(refused.problem(), "invalid", "{}", refused.text);
    assert!(refused.body["detail"].as_str().unwrap().contains("SOME_TOKEN is missing"), "{}", refused.text);
}

#[tokio::test]
async fn the_machine_is_looked_at_and_measured() {
    let Some(site) = Installed::start().await else { return };
    let program = program(&site).await;
    {
        let mut state = site.broker.state();
        state.updates = Updates {
            waiting: Some(Waiting { packages: 3, security: 1 }),
            restart: true,
            ..Updates::default()
        };
        state.comparison.standing = desk::Standing::default();
    }
    assert_eq!(program.get("/api/v1/machine/updates").await.body["waiting"]["security"], 1);
    site.organisation("Les Randonneurs", "rando.example.org").await;
    let sites = program.get("/api/v1/machine/sites").await.body;
    assert_eq!((&sites["certificate_days"], &sites["sites"][1]["location"]), (&json!(812), &json!("/wiki/")));
    let owned = sites["organisations"].as_array().unwrap();
    let owned = owned.iter().find(|one| one["name"] == "Les Randonneurs").unwrap();
    assert_eq!(owned["domains"][0]["name"], "rando.example.org");
    let path = "/api/v1/machine/comparisons";
    let all = program.get(path).await.body;
    let candidates = &all[0]["comparison"]["candidates"];
    assert_eq!(
        (&all[0]["alternative"], &candidates[1]["usage"]["percent"]),
        (&json!("web-server"), &json!("44.9"))
    );
    let ordered = program.order("post", &format!("{path}/measure")).await;
    let running = &ordered.body[0]["comparison"]["standing"]["running"];
    assert_eq!((ordered.status, running), (StatusCode::ACCEPTED, &json!(true)), "{}", ordered.text);
}

#[tokio::test]
async fn no_secret_comes_back() {
    let Some(site) = Installed::start().await else { return };
    let ada = site.operator().await;
    let (script, program) = (site.script_of(&ada).await, site.program_of(&ada).await);
    let secret = "s3cret of the box";
    let mut said = String::new();
    for (path, body) in [
        ("/api/v1/machine/mail/password", json!({ "password": secret })),
        ("/api/v1/machine/wifi", json!({ "ssid": "Les Amis", "passphrase": secret, "country": "FR" })),
        ("/api/v1/machine/certificates/account", json!({ "provider": "x", "values": { "TOKEN": secret } })),
        // Not of their form: what is wrong is told, not what was sent.
        ("/api/v1/machine/mail/password", json!({ "password": [secret] })),
        ("/api/v1/machine/wifi", json!({ "ssid": "Les Amis", "passphrase": secret, "country": 1 })),
        ("/api/v1/machine/certificates/account", json!({ "provider": "x", "values": { "TOKEN": [secret] } })),
    ] {
        said.push_str(&program.send("put", path, &body).await.text);
    }
    assert_eq!(site.broker.state().passwords.iter().filter(|one| *one == secret).count(), 3);
    assert_eq!(program.get("/api/v1/machine/mail").await.body["password_kept"], true);
    let account = program.get("/api/v1/machine/certificates").await.body["account"].clone();
    assert_eq!(account, json!({ "provider": "x", "variables": ["TOKEN"] }));
    for one in all().iter().filter(|one| one.method == "get") {
        said.push_str(&script.get(&one.path.replace("{id}", "1")).await.text);
    }
    said.push_str(&program.get("/api/v1/events").await.text);
    assert!(!said.contains("s3cret"), "{said}");
}
