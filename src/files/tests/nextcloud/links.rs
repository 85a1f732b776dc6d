//! Links that clients make: what they are told, and what the links open.

use mazet_files::shares::{Shares, Wish};
use mazet_files::testing::PASSWORD;
use serde_json::{Value, json};

use crate::server::{Served, answered, ask, basic, served};

const SHARES: &str = "/ocs/v2.php/apps/files_sharing/api/v1/shares";
const FILES: &str = "/remote.php/dav/files/zoe";

/// A call, as these clients make it; gives status and text.
async fn call(box_: &Served, login: &str, method: &str, path: &str, form: &str) -> (u16, String) {
    let authorization = basic(login, PASSWORD);
    let headers = [("authorization", authorization.as_str()), ("ocs-apirequest", "true")];
    let (status, text) = ask(box_, method, path, &headers, form).await;
    (status.as_u16(), text)
}

/// A call that is answered in JSON: gives what it is told, and the number that says how it went.
async fn told(box_: &Served, login: &str, method: &str, path: &str, form: &str) -> (u64, Value) {
    let and = if path.contains('?') { '&' } else { '?' };
    let (status, text) = call(box_, login, method, &format!("{path}{and}format=json"), form).await;
    let mut told: Value = serde_json::from_str(&text).expect("JSON");
    let code = told["ocs"]["meta"]["statuscode"].as_u64().expect("a number");
    assert_eq!(u64::from(status), code, "{text}");
    assert_eq!(told["ocs"]["meta"]["status"] == "ok", code == 200, "{text}");
    (code, told["ocs"]["data"].take())
}

async fn zoe(box_: &Served, method: &str, path: &str, form: &str) -> (u64, Value) {
    told(box_, "zoe", method, path, form).await
}

/// A box with a file of zoe's, and her link to it.
async fn linked(more: &str) -> Option<(Served, Value)> {
    let box_ = served().await?;
    let view = box_.home.storage.view("zoe").await.expect("a view");
    view.create_folder("Été 1").await.expect("made");
    box_.home.put("zoe", "Été 1/note.txt", "0123456789").await;
    let form = format!("path=%2F%C3%89t%C3%A9+1%2Fnote.txt&shareType=3{more}");
    let (code, share) = zoe(&box_, "POST", SHARES, &form).await;
    assert_eq!(code, 200, "{share}");
    Some((box_, share))
}

/// Where the link's pages are.
fn path(share: &Value) -> String {
    let url = share["url"].as_str().expect("an address");
    url.strip_prefix("https://box.example.org").expect("the box's name").to_owned()
}

fn one(share: &Value) -> String {
    format!("{SHARES}/{}", share["id"].as_str().expect("a number"))
}

async fn visit(box_: &Served, path: &str) -> (u16, String) {
    let (status, text) = ask(box_, "GET", path, &[], "").await;
    (status.as_u16(), text)
}

#[tokio::test]
async fn a_client_makes_a_link_that_opens_the_file() {
    let Some((box_, share)) = linked("&label=For+the+printer&hideDownload=true").await else { return };
    let expected = json!({
        "share_type": 3, "permissions": 1, "path": "/Été 1/note.txt", "file_target": "/note.txt",
        "item_type": "file", "mimetype": "text/plain", "label": "For the printer", "uid_owner": "zoe",
        "expiration": null, "share_with": null, "hide_download": 0, "can_delete": true,
    });
    for (name, value) in expected.as_object().expect("an object") {
        assert_eq!(&share[name], value, "{name}");
    }
    assert_eq!(path(&share), format!("/s/{}", share["token"].as_str().expect("a token")));
    assert_eq!(share["token"].as_str().expect("a token").len(), 27);
    let view = box_.home.storage.view("zoe").await.expect("a view");
    assert_eq!(share["item_source"], view.stat("Été 1/note.txt").await.expect("there").id);
    assert_eq!(visit(&box_, &format!("{}/raw", path(&share))).await, (200, "0123456789".to_owned()));
    assert_eq!(zoe(&box_, "DELETE", &one(&share), "").await, (200, json!([])));
    assert_eq!(visit(&box_, &path(&share)).await.0, 404);
    assert_eq!(zoe(&box_, "DELETE", &one(&share), "").await.0, 404);
}

#[tokio::test]
async fn an_address_is_told_again_to_its_maker_alone_and_the_database_does_not_hold_it() {
    let Some((mut box_, share)) = linked("").await else { return };
    box_.restart().await;
    assert_eq!(zoe(&box_, "GET", &one(&share), "").await, (200, json!([share.clone()])));
    let token = share["token"].as_str().expect("a token");
    let holds = format!("select count(*) from share s where s::text like '%{token}%'");
    assert_eq!(box_.home.count(&holds).await, 0);
    // What was made before there was a way to tell it again still opens.
    box_.home.in_files("update share set seed = null").await;
    let (_, old) = zoe(&box_, "GET", &one(&share), "").await;
    assert_eq!((&old[0]["url"], &old[0]["id"]), (&Value::Null, &share["id"]));
    assert_eq!(visit(&box_, &path(&share)).await.0, 200);
}

#[tokio::test]
async fn a_link_has_the_password_and_the_last_day_that_a_client_gives_it() {
    let Some((box_, share)) = linked("&password=tramontane&expireDate=2100-12-31").await else { return };
    assert_eq!(share["expiration"], "2100-12-31 00:00:00");
    assert!(share["share_with"].is_string() && !share.to_string().contains("tramontane"), "{share}");
    let (page, raw) = (path(&share), format!("{}/raw", path(&share)));
    assert!(visit(&box_, &page).await.1.contains("type=\"password\""));
    assert_eq!(visit(&box_, &raw).await.0, 404);
    let wrong = answered(&box_, "POST", &page, &[], "password=mistral").await.0;
    let right = answered(&box_, "POST", &page, &[], "password=tramontane").await.0;
    assert_eq!((wrong.status.as_u16(), right.status.as_u16()), (403, 303));
    let cookie = right.headers["set-cookie"].to_str().expect("text").split(';').next().expect("a cookie");
    let opened = ask(&box_, "GET", &raw, &[("cookie", cookie)], "").await;
    assert_eq!(opened, (axum::http::StatusCode::OK, "0123456789".to_owned()));
    // Another password: what opened the link does not open it any more.
    let changed = zoe(&box_, "PUT", &one(&share), "password=mistral").await.1;
    assert_eq!((&changed["expiration"], &changed["url"]), (&share["expiration"], &share["url"]));
    assert_eq!(ask(&box_, "GET", &raw, &[("cookie", cookie)], "").await.0, 404);
    let (code, open) = zoe(&box_, "PUT", &one(&share), "password=&expireDate=&label=Open").await;
    assert_eq!((code, &open["expiration"], &open["share_with"]), (200, &Value::Null, &Value::Null));
    assert_eq!(open["label"], "Open");
    assert_eq!(visit(&box_, &raw).await.1, "0123456789");
    box_.home.in_files("update share set expires_at = now() - interval '1 second'").await;
    assert_eq!(visit(&box_, &page).await.0, 404);
    assert_eq!(zoe(&box_, "GET", SHARES, "").await, (200, json!([])));
    assert_eq!(zoe(&box_, "GET", &one(&share), "").await.0, 404);
}

#[tokio::test]
async fn links_of_others_are_not_there() {
    let Some((box_, share)) = linked("").await else { return };
    for (method, form) in
        [("GET", ""), ("PUT", "password=tramontane"), ("PUT", "permissions=31"), ("DELETE", "")]
    {
        assert_eq!(told(&box_, "paul", method, &one(&share), form).await.0, 404, "{method} {form}");
    }
    assert_eq!(told(&box_, "paul", "GET", SHARES, "").await, (200, json!([])));
    let theirs = "path=/%C3%89t%C3%A9%201/note.txt";
    assert_eq!(told(&box_, "paul", "GET", &format!("{SHARES}?{theirs}"), "").await.0, 404);
    assert_eq!(told(&box_, "paul", "POST", SHARES, &format!("{theirs}&shareType=3")).await.0, 404);
    // Nor where both see the file.
    box_.home.put("zoe", "Les Amis du Mazet/ours.txt", "ours").await;
    let ours = "path=/Les%20Amis%20du%20Mazet/ours.txt";
    assert_eq!(zoe(&box_, "POST", SHARES, &format!("{ours}&shareType=3")).await.0, 200);
    assert_eq!(zoe(&box_, "GET", &format!("{SHARES}?{ours}"), "").await.1[0]["label"], "");
    let seen = told(&box_, "paul", "GET", &format!("{SHARES}?reshares=true&{ours}"), "").await;
    assert_eq!(seen, (200, json!([])));
    assert_eq!(visit(&box_, &path(&share)).await.0, 200);
    let stranger = ask(&box_, "GET", SHARES, &[("ocs-apirequest", "true")], "").await;
    assert_eq!(stranger.0, 401);
    let wrong = basic("zoe", "not hers");
    assert_eq!(ask(&box_, "GET", SHARES, &[("authorization", &wrong)], "").await.0, 401);
}

#[tokio::test]
async fn links_are_found_by_what_they_lead_to() {
    let Some((box_, share)) = linked("").await else { return };
    let folder = "path=/%C3%89t%C3%A9%201";
    let (_, other) = zoe(&box_, "POST", SHARES, &format!("{folder}&shareType=3&permissions=17")).await;
    assert_eq!((&other["item_type"], &other["permissions"]), (&json!("folder"), &json!(1)));
    assert_eq!(visit(&box_, &format!("{}/raw/note.txt", path(&other))).await.1, "0123456789");
    let found = async |query: &str| zoe(&box_, "GET", &format!("{SHARES}{query}"), "").await;
    assert_eq!(found("").await, (200, json!([share.clone(), other.clone()])));
    assert_eq!(found(&format!("?{folder}&reshares=true")).await.1, json!([other.clone()]));
    assert_eq!(found(&format!("?{folder}&subfiles=true")).await.1, json!([share.clone()]));
    assert_eq!(found(&format!("?{folder}%2Fnote.txt&subfiles=true")).await.0, 400);
    assert_eq!(found(&format!("?{folder}&shared_with_me=true")).await.1, json!([]));
    assert_eq!(found("?path=/none").await.0, 404);
    // One that a page made is told, too.
    let (shares, view) = (Shares::new(box_.home.storage.clone()), box_.home.storage.view("zoe").await);
    let made = shares.expect("a key").make(&view.expect("a view"), "Été 1", Wish::default()).await;
    let all = found(&format!("?{folder}")).await.1;
    assert_eq!(all[1]["token"], made.expect("made").1);
}

#[tokio::test]
async fn what_the_box_has_not_is_refused_by_the_protocols_numbers() {
    let Some((box_, share)) = linked("").await else { return };
    let note = "path=/%C3%89t%C3%A9%201/note.txt";
    for (form, code) in [
        (format!("{note}&shareType=0&shareWith=paul"), 403),
        (format!("{note}&shareType=1&shareWith=Bureau"), 403),
        (format!("{note}&shareType=6&shareWith=paul@example.org"), 403),
        (format!("{note}&shareType=99"), 400),
        (note.to_owned(), 400),
        ("shareType=3".to_owned(), 404),
        ("path=/none&shareType=3".to_owned(), 404),
        ("path=/&shareType=3".to_owned(), 403),
        (format!("{note}&shareType=3&permissions=31"), 403),
        (format!("{note}&shareType=3&permissions=4"), 403),
        (format!("{note}&shareType=3&permissions=lots"), 403),
        (format!("{note}&shareType=3&publicUpload=true"), 403),
        (format!("{note}&shareType=3&password=abc"), 403),
        (format!("{note}&shareType=3&expireDate=2020-01-01"), 404),
        (format!("{note}&shareType=3&expireDate=tomorrow"), 404),
    ] {
        assert_eq!(zoe(&box_, "POST", SHARES, &form).await.0, code, "{form}");
    }
    assert_eq!(zoe(&box_, "PUT", &one(&share), "permissions=3").await.0, 403);
    assert_eq!(zoe(&box_, "PUT", SHARES, "").await.0, 405);
    assert_eq!(zoe(&box_, "GET", &format!("{SHARES}/none"), "").await.0, 404);
    assert_eq!(box_.home.count("select count(*) from share").await, 1);
    // A page of another site could send this with a password that a browser keeps.
    let authorization = basic("zoe", PASSWORD);
    let form = format!("{note}&shareType=3");
    let foreign = ask(&box_, "POST", SHARES, &[("authorization", &authorization)], &form).await;
    assert_eq!(foreign.0, 412);
    let sharees = SHARES.replace("/shares", "/sharees?search=paul&itemType=file");
    let (code, found) = zoe(&box_, "GET", &sharees, "").await;
    assert_eq!((code, &found["users"], &found["exact"]["users"]), (200, &json!([]), &json!([])));
}

#[tokio::test]
async fn calls_are_answered_in_xml_and_take_json() {
    let Some((box_, share)) = linked("&label=a<b").await else { return };
    let first = one(&share).replace("v2.php", "v1.php");
    let (code, text) = call(&box_, "zoe", "GET", &first, "").await;
    assert_eq!(code, 200);
    let url = share["url"].as_str().expect("an address");
    for part in [
        "<statuscode>100</statuscode>".to_owned(),
        "<data><element>".to_owned(),
        "<can_delete>1</can_delete>".to_owned(),
        format!("<url>{url}</url>"),
        "<label>a&lt;b</label>".to_owned(),
        "<expiration/>".to_owned(),
    ] {
        assert!(text.contains(&part), "{part}: {text}");
    }
    let (code, text) = call(&box_, "zoe", "GET", &format!("{first}0"), "").await;
    assert!(code == 200 && text.contains("<statuscode>404</statuscode>"), "{text}");
    let authorization = basic("zoe", PASSWORD);
    let headers = [
        ("authorization", authorization.as_str()),
        ("ocs-apirequest", "true"),
        ("content-type", "application/json"),
    ];
    let body = r#"{"path": "/Été 1", "shareType": 3, "password": null, "label": "By JSON"}"#;
    let (code, text) = ask(&box_, "POST", SHARES, &headers, body).await;
    assert!(code == 200 && text.contains("<label>By JSON</label>"), "{text}");
}

#[tokio::test]
async fn a_folders_list_tells_which_files_have_links() {
    let Some((box_, share)) = linked("").await else { return };
    box_.home.put("zoe", "Été 1/other.txt", "x").await;
    let authorization = basic("zoe", PASSWORD);
    let headers = [("authorization", authorization.as_str()), ("depth", "1")];
    let asked = r#"<d:propfind xmlns:d="DAV:" xmlns:oc="http://owncloud.org/ns" xmlns:nc="http://nextcloud.org/ns">
        <d:prop><oc:share-types/><nc:sharees/><oc:permissions/></d:prop></d:propfind>"#;
    let list = async || {
        let (code, text) =
            ask(&box_, "PROPFIND", &format!("{FILES}/%C3%89t%C3%A9%201"), &headers, asked).await;
        assert_eq!(code, 207);
        text
    };
    let text = list().await;
    let about = |name: &str| {
        let (_, rest) = text.split_once(&format!("/{name}</")).expect("listed");
        rest.split("</D:response>").next().expect("a response").to_owned()
    };
    assert!(about("note.txt").contains(">3</oc:share-type>"), "{text}");
    assert!(about("note.txt").contains("RGDNVW"), "{text}");
    assert!(!about("other.txt").contains("share-type>"), "{text}");
    assert_eq!(zoe(&box_, "DELETE", &one(&share), "").await.0, 200);
    assert!(!list().await.contains("share-type>"));
}

#[tokio::test]
async fn what_can_be_shared_is_announced() {
    let Some(box_) = served().await else { return };
    let (_, told) = zoe(&box_, "GET", "/ocs/v2.php/cloud/capabilities", "").await;
    let sharing = &told["capabilities"]["files_sharing"];
    assert_eq!(sharing["api_enabled"], true);
    assert_eq!(sharing["public"]["enabled"], true);
    assert_eq!(sharing["public"]["multiple_links"], true);
    assert_eq!(sharing["public"]["upload"], false);
    assert_eq!(sharing["public"]["password"]["enforced"], false);
    assert_eq!((&sharing["resharing"], &sharing["group_sharing"]), (&json!(false), &json!(false)));
    assert_eq!(sharing["federation"]["outgoing"], false);
}
