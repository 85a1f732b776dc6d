//! Who leaves, who is deleted, organisations that are removed, and invitations that are sent.

use mazet_directory::Role;
use serde_json::json;

use super::*;

#[tokio::test]
async fn somebody_leaves_and_the_account_is_deleted() {
    let Some(site) = Installed::start().await else { return };
    let (first, other) =
        (site.first().await, site.organisation("Les Randonneurs", "rando.example.org").await);
    let zoe = site.person(other, "zoe", &[]).await;
    let own = site.person(other, "max", &[Role::Manager]).await;
    site.person(first, "mia", &[Role::Manager]).await;
    let browser = site.signed_in("max").await;
    let max = site.program_of(&browser).await;
    let browser = site.signed_in("mia").await;
    let mia = site.program_of(&browser).await;
    let (leave, remove) = (format!("/api/v1/people/{zoe}/leave"), format!("/api/v1/people/{zoe}/remove"));
    for organisation in [first, other] {
        let theirs = mia.send("post", &leave, &json!({ "organisation": organisation })).await;
        assert_eq!(theirs.problem(), "not-found", "{}", theirs.text);
    }
    let out = json!({ "organisation": other });
    let self_taken = max.send("post", &format!("/api/v1/people/{own}/leave"), &out).await;
    assert_eq!(self_taken.problem(), "denied", "nobody takes themselves out");
    let nowhere = max.send("post", &leave, &json!({ "organisation": first })).await;
    assert_eq!(nowhere.problem(), "not-found", "{}", nowhere.text);
    let ada = site.operator().await;
    let operator = site.program_of(&ada).await;
    let early = operator.send("post", &remove, &json!({ "login": "zoe" })).await;
    assert_eq!(early.errors(), ["login: leaving.not_ended"]);
    assert_eq!(max.send("post", &leave, &out).await.status, StatusCode::NO_CONTENT);
    assert_eq!(operator.get(&format!("/api/v1/people/{zoe}")).await.body["person"]["state"], "ended");
    let wrong = operator.send("post", &remove, &json!({ "login": "max" })).await;
    assert_eq!(wrong.errors(), ["login: leaving.typed_wrong"]);
    assert_eq!(max.send("post", &remove, &json!({ "login": "zoe" })).await.problem(), "denied");
    let gone = operator.send("post", &remove, &json!({ "login": "zoe" })).await;
    assert_eq!(gone.status, StatusCode::NO_CONTENT, "{}", gone.text);
    assert_eq!(operator.get(&format!("/api/v1/people/{zoe}")).await.problem(), "not-found");
}

#[tokio::test]
async fn an_organisation_is_removed_after_its_consequences_were_told() {
    let Some(site) = Installed::start().await else { return };
    let other = site.organisation("Les Randonneurs", "rando.example.org").await;
    site.person(other, "zoe", &[Role::Manager]).await;
    let browser = site.signed_in("zoe").await;
    let manager = site.program_of(&browser).await;
    let ada = site.operator().await;
    let operator = site.program_of(&ada).await;
    let path = format!("/api/v1/organisations/{other}/remove");
    let wish = |name: &str, people: bool| json!({ "name": name, "people": people });
    assert_eq!(manager.get(&path).await.problem(), "denied");
    assert_eq!(manager.send("post", &path, &wish("Les Randonneurs", true)).await.problem(), "denied");
    let told = operator.get(&path).await.body;
    assert_eq!((&told["organisation"]["name"], &told["ending"]), (&json!("Les Randonneurs"), &json!(1)));
    let wrong = operator.send("post", &path, &wish("Les Randonneur", true)).await;
    assert_eq!(wrong.errors(), ["name: leaving.typed_wrong"]);
    let people = operator.send("post", &path, &wish("Les Randonneurs", false)).await;
    assert_eq!(people.errors(), ["people: leaving.people_there"]);
    let removed = operator.send("post", &path, &wish("Les Randonneurs", true)).await;
    assert_eq!(removed.status, StatusCode::NO_CONTENT, "{}", removed.text);
    assert_eq!(operator.get(&path).await.problem(), "not-found");
    let last = format!("/api/v1/organisations/{}/remove", site.first().await);
    let sites = operator.send("post", &last, &wish("Les Amis du Mazet", true)).await;
    assert_eq!(sites.errors(), [": websites.organisation_has_some"]);
    assert!(sites.text.contains("amis"), "{}", sites.text);
    site.broker.state().websites.sites.clear();
    let last = operator.send("post", &last, &wish("Les Amis du Mazet", true)).await;
    assert_eq!(last.errors(), [": leaving.last_organisation"]);
}

#[tokio::test]
async fn invitations_are_sent() {
    let Some(site) = Installed::start().await else { return };
    let (first, other) =
        (site.first().await, site.organisation("Les Randonneurs", "rando.example.org").await);
    site.person(other, "max", &[Role::Manager]).await;
    let browser = site.signed_in("max").await;
    let stranger = site.program_of(&browser).await;
    let ada = site.operator().await;
    let program = site.program_of(&ada).await;
    let new = |login: &str, contact: &str| {
        let name = "Zoé Martin";
        json!({ "organisation": first, "login": login, "name": name, "contact": contact, "by_mail": true })
    };
    let path = "/api/v1/people";
    let early = program.send("post", path, &new("zoe", "zoe@example.org")).await;
    assert_eq!(early.problem(), "not-now", "there is no relay: {}", early.text);
    assert_eq!(program.get("/api/v1/people?q=zoe").await.body, json!([]), "and nobody was added");
    site.broker.state().status.sends_mail = true;
    assert_eq!(
        program.send("post", path, &new("zoe", " ")).await.errors(),
        ["contact: invalid.contact.empty"]
    );
    let added = program.send("post", path, &new("zoe", "zoe@example.org")).await;
    assert_eq!(added.status, StatusCode::CREATED, "{}", added.text);
    assert_eq!(
        (&added.body["mailed_to"], &added.body["invitation"]),
        (&json!("zoe@example.org"), &Value::Null)
    );
    let again = format!("{path}/{}/invitation/mail", added.body["person"]["id"]);
    assert_eq!(stranger.order("post", &again).await.problem(), "not-found");
    let sent = program.order("post", &again).await;
    assert_eq!((sent.status, &sent.body["mailed_to"]), (StatusCode::ACCEPTED, &json!("zoe@example.org")));
    assert!(site.broker.state().asked.iter().any(|one| one == "send-mail"));
    let table = "name,login,contact\nJo Petit,jo,jo@example.org\nLéa Grand,lea,\n";
    let import = format!("{path}/import?organisation={first}&by_mail=true");
    let taken = program.ask("post", &import, Some("text/csv"), table).await;
    assert_eq!(taken.status, StatusCode::CREATED, "{}", taken.text);
    let of = |login: &str| {
        taken.body.as_array().unwrap().iter().find(|one| one["person"]["login"] == login).unwrap().clone()
    };
    assert_eq!((&of("jo")["mailed_to"], &of("jo")["invitation"]), (&json!("jo@example.org"), &Value::Null));
    assert!(
        of("lea")["invitation"]["code"].is_string(),
        "whoever has no address gets a code: {}",
        taken.text
    );
    let messages = program.get("/api/v1/machine/mail/messages").await.body;
    let invited = messages.as_array().unwrap().iter().filter(|one| one["kind"] == "invitation").count();
    assert_eq!(invited, 2, "an earlier invitation that waits is taken back: {messages}");
    assert_eq!(stranger.get("/api/v1/machine/mail/messages").await.problem(), "denied");
}
