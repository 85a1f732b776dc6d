//! What litmus does not ask for: whose files they are, quota, headers, whole folders.

use axum::body::Body;
use mazet_files::testing::{ORGANISATION, PASSWORD, test_box};

use super::server::{self, Client, text};

const SHARED: &str = "/dav/Les%20Amis%20du%20Mazet";

#[tokio::test]
async fn only_who_says_their_password_gets_in() {
    let Some(home) = test_box().await else { return };
    let router = server::router(&home);
    home.put("zoe", "x", "text").await;
    let stranger = Client::new(&router, "zoe", "wrong");
    let refused = stranger.send("GET", "/dav/x", &[("mazet-person", "zoe")], Body::empty()).await;
    assert_eq!(refused.status(), 401);
    assert_eq!(refused.headers()["www-authenticate"], "Basic realm=\"Mazet\", charset=\"UTF-8\"");
    assert_eq!(Client::of(&router, "zoe").text("GET", "/dav/x", &[], "").await, "text");
    // An operator's own password is not enough where no second factor can be asked for.
    assert_eq!(Client::of(&router, "ada").status("GET", "/dav/", &[], "").await, 401);
}

#[tokio::test]
async fn a_password_that_was_taken_back_opens_nothing_any_more() {
    let Some(home) = test_box().await else { return };
    let router = server::router(&home);
    home.put("zoe", "x", "text").await;
    let password = home.application_password("zoe").await;
    let (phone, laptop) = (Client::new(&router, "zoe", &password), Client::of(&router, "zoe"));
    for client in [&phone, &laptop, &phone] {
        assert_eq!(client.status("GET", "/dav/x", &[], "").await, 200);
    }
    home.in_directory("delete from application_password").await;
    assert_eq!(phone.status("GET", "/dav/x", &[], "").await, 401);
    assert_eq!(laptop.status("GET", "/dav/x", &[], "").await, 200);
    home.in_directory("update person set password = replace(password, '$argon2id$v=19', '$argon2id$v=16')")
        .await;
    assert_eq!(laptop.status("GET", "/dav/x", &[], "").await, 401);
}

#[tokio::test]
async fn who_guesses_is_slowed_down() {
    let Some(home) = test_box().await else { return };
    let router = server::router(&home);
    for number in 0..10 {
        let guess = Client::new(&router, "zoe", &format!("guess {number}"));
        assert_eq!(guess.status("GET", "/dav/", &[], "").await, 401);
    }
    let refused = Client::new(&router, "zoe", PASSWORD).send("GET", "/dav/", &[], Body::empty()).await;
    assert_eq!(refused.status(), 429);
    assert!(refused.headers().contains_key("retry-after"));
}

#[tokio::test]
async fn a_file_says_what_it_is_and_harms_no_page() {
    let Some(home) = test_box().await else { return };
    let router = server::router(&home);
    let zoe = Client::of(&router, "zoe");
    let put = zoe.send("PUT", "/dav/page.html", &[("x-oc-mtime", "1600000000")], "<script>").await;
    assert_eq!(
        (put.status().as_u16(), &put.headers()["x-oc-mtime"]),
        (201, &"accepted".parse().expect("a value"))
    );
    let etag = put.headers()["etag"].clone();
    let got = zoe.send("GET", "/dav/page.html", &[], Body::empty()).await;
    assert_eq!(got.headers()["etag"], etag);
    assert_eq!(got.headers()["content-type"], "text/html");
    assert_eq!(got.headers()["last-modified"], "Sun, 13 Sep 2020 12:26:40 GMT");
    assert_eq!(got.headers()["content-security-policy"], "default-src 'none'; sandbox");
    assert_eq!(got.headers()["x-content-type-options"], "nosniff");
    let part = zoe.send("GET", "/dav/page.html", &[("range", "bytes=1-3")], Body::empty()).await;
    assert_eq!((part.status().as_u16(), text(part).await.as_str()), (206, "scr"));
    let found = zoe.text("PROPFIND", "/dav/page.html", &[("depth", "0")], "").await;
    assert!(found.contains(&format!("<D:getetag>{}</D:getetag>", etag.to_str().expect("text"))), "{found}");
}

#[tokio::test]
async fn a_file_that_changed_is_not_overwritten_unseen() {
    let Some(home) = test_box().await else { return };
    let router = server::router(&home);
    let zoe = Client::of(&router, "zoe");
    let put = zoe.send("PUT", "/dav/x", &[], "first").await;
    let etag = put.headers()["etag"].to_str().expect("text").to_owned();
    assert_eq!(zoe.status("PUT", "/dav/x", &[("if-match", &etag)], "second").await, 204);
    assert_eq!(zoe.status("PUT", "/dav/x", &[("if-match", &etag)], "third").await, 412);
    assert_eq!(zoe.status("PUT", "/dav/x", &[("if-none-match", "*")], "third").await, 412);
    assert_eq!(zoe.status("PUT", "/dav/x", &[("content-range", "bytes 0-1/5")], "th").await, 400);
    assert_eq!(zoe.status("PUT", "/dav/no/x", &[], "third").await, 409);
    assert_eq!(home.get("zoe", "x").await, "second");
}

#[tokio::test]
async fn a_body_that_is_shorter_than_was_said_is_no_file() {
    let Some(home) = test_box().await else { return };
    let router = server::router(&home);
    let zoe = Client::of(&router, "zoe");
    home.put("zoe", "x", "old").await;
    assert_eq!(zoe.status("PUT", "/dav/x", &[("content-length", "9")], "new").await, 400);
    assert_eq!(zoe.status("PUT", "/dav/x", &[("x-expected-entity-length", "9")], "new").await, 400);
    assert_eq!(zoe.status("PUT", "/dav/x", &[("content-length", "1")], "new").await, 400);
    assert_eq!(home.get("zoe", "x").await, "old");
}

#[tokio::test]
async fn a_full_quota_is_told_before_the_body_comes() {
    let Some(home) = test_box().await else { return };
    home.quota("zoe", 100).await;
    let router = server::router(&home);
    let zoe = Client::of(&router, "zoe");
    home.put("zoe", "x", &"x".repeat(60)).await;
    // A body that never comes: the answer does not wait for it.
    let never = Body::from_stream(futures_util::stream::pending::<std::io::Result<&str>>());
    let refused = zoe.send("PUT", "/dav/y", &[("content-length", "41")], never).await;
    assert_eq!(refused.status(), 507);
    let never = Body::from_stream(futures_util::stream::pending::<std::io::Result<&str>>());
    let refused = zoe.send("PUT", "/dav/y", &[("oc-total-length", "41")], never).await;
    assert_eq!(refused.status(), 507);
    assert_eq!(zoe.status("PUT", "/dav/y", &[], &"y".repeat(41)).await, 507);
    assert_eq!(zoe.status("COPY", "/dav/x", &[("destination", "/dav/z")], "").await, 507);
    let asked = "<propfind xmlns='DAV:'><prop><quota-used-bytes/><quota-available-bytes/></prop></propfind>";
    let told = zoe.text("PROPFIND", "/dav/", &[("depth", "0")], asked).await;
    assert!(told.contains("<D:quota-used-bytes>60</D:quota-used-bytes>"), "{told}");
    assert!(told.contains("<D:quota-available-bytes>40</D:quota-available-bytes>"), "{told}");
    zoe.send("MKCOL", "/dav/f", &[], Body::empty()).await;
    let told = zoe.text("PROPFIND", "/dav/f/", &[("depth", "0")], asked).await;
    assert!(told.contains("<D:quota-available-bytes>40</D:quota-available-bytes>"), "{told}");
    assert_eq!(zoe.put("/dav/y", &"y".repeat(40)).await, 201);
}

#[tokio::test]
async fn a_folder_goes_to_the_bin_as_one() {
    let Some(home) = test_box().await else { return };
    let router = server::router(&home);
    let zoe = Client::of(&router, "zoe");
    for folder in ["/dav/a", "/dav/a/b", "/dav/c"] {
        assert_eq!(zoe.status("MKCOL", folder, &[], "").await, 201);
    }
    for file in ["/dav/a/x", "/dav/a/b/y", "/dav/c/z"] {
        assert_eq!(zoe.put(file, "text").await, 201);
    }
    assert_eq!(zoe.status("COPY", "/dav/a/", &[("destination", "http://mazet.local/dav/c/")], "").await, 204);
    assert_eq!(home.get("zoe", "c/b/y").await, "text");
    assert_eq!(zoe.status("DELETE", "/dav/a", &[], "").await, 204);
    assert_eq!(zoe.status("GET", "/dav/a/b/y", &[], "").await, 404);
    let bin = home.storage.view("zoe").await.expect("a view").bin().await.expect("a bin");
    let told: Vec<(&str, u64)> = bin.iter().map(|one| (one.name.as_str(), one.size)).collect();
    assert_eq!(told, [("a", 8), ("c", 4)]);
}

#[tokio::test]
async fn shared_folders_are_folders_that_stay() {
    let Some(home) = test_box().await else { return };
    let router = server::router(&home);
    let (zoe, paul) = (Client::of(&router, "zoe"), Client::of(&router, "paul"));
    assert_eq!(zoe.put(&format!("{SHARED}/x"), "ours").await, 201);
    assert_eq!(paul.text("GET", &format!("{SHARED}/x"), &[], "").await, "ours");
    assert_eq!(zoe.status("DELETE", &format!("{SHARED}/"), &[], "").await, 403);
    assert_eq!(zoe.status("MOVE", SHARED, &[("destination", "/dav/mine")], "").await, 403);
    assert_eq!(zoe.status("GET", &format!("{SHARED}%20%E2%80%93%20Bureau/x"), &[], "").await, 404);
    // One locks, the other does not get through, neither by WebDAV nor by pages.
    let lock = "<lockinfo xmlns='DAV:'><lockscope><exclusive/></lockscope><locktype><write/></locktype>\
                <owner>Zoé</owner></lockinfo>";
    let locked = zoe.send("LOCK", &format!("{SHARED}/x"), &[("timeout", "Second-300")], lock).await;
    assert_eq!(locked.status(), 200);
    let token = locked.headers()["lock-token"].to_str().expect("text").to_owned();
    assert_eq!(paul.put(&format!("{SHARED}/x"), "his").await, 423);
    assert_eq!(paul.status("DELETE", &format!("{SHARED}/x"), &[], "").await, 423);
    let pages = home.storage.view("paul").await.expect("a view");
    let path = format!("{ORGANISATION}/x");
    assert!(matches!(pages.begin(&path, None).await, Err(mazet_files::storage::Error::Locked)));
    assert!(matches!(pages.delete(&path).await, Err(mazet_files::storage::Error::Locked)));
    let told = paul.text("PROPFIND", &format!("{SHARED}/x"), &[("depth", "0")], "").await;
    assert!(told.contains("Zoé") && told.contains("Second-300"), "{told}");
    assert_eq!(
        zoe.status("PUT", &format!("{SHARED}/x"), &[("if", &format!("({token})"))], "hers").await,
        204
    );
    // Another router is the program after a restart.
    let again = Client::of(&server::router(&home), "paul");
    assert_eq!(again.put(&format!("{SHARED}/x"), "his").await, 423);
    assert_eq!(zoe.status("UNLOCK", &format!("{SHARED}/x"), &[("lock-token", &token)], "").await, 204);
    assert_eq!(paul.put(&format!("{SHARED}/x"), "his").await, 204);
}

#[tokio::test]
async fn paths_lead_nowhere_else() {
    let Some(home) = test_box().await else { return };
    let router = server::router(&home);
    let zoe = Client::of(&router, "zoe");
    std::fs::write(home.folder.join("secret"), "secret").expect("written");
    home.put("paul", "x", "his").await;
    for path in [
        "/dav/../secret",
        "/dav/%2e%2e/%2e%2e/%2e%2e/secret",
        "/dav/..%2f..%2f..%2fsecret",
        "/dav/../../paul/files/x",
        "/dav/%00",
        "/dav/%ff",
    ] {
        let got = zoe.send("GET", path, &[], Body::empty()).await;
        assert!(got.status().is_client_error() || got.status() == 502, "{path}: {}", got.status());
        let put = zoe.send("PUT", path, &[], "mine").await;
        assert!(put.status().is_client_error() || put.status() == 502, "{path}: {}", put.status());
    }
    assert_eq!(std::fs::read_to_string(home.folder.join("secret")).expect("there"), "secret");
    assert_eq!(home.get("paul", "x").await, "his");
    assert_eq!(zoe.status("PUT", &format!("/dav/{}", "x".repeat(256)), &[], "").await, 400);
    assert_eq!(zoe.put(&format!("/dav/{}", "%C3%A9".repeat(127)), "").await, 201);
}
