//! What these clients are answered, call by call.

use axum::http::StatusCode;
use mazet_files::testing::PASSWORD;

use crate::server::{Served, ask, basic, served};

const FILES: &str = "/remote.php/dav/files/zoe";
const UPLOAD: &str = "/remote.php/dav/uploads/zoe/77";

async fn zoe(
    box_: &Served,
    method: &str,
    path: &str,
    headers: &[(&str, &str)],
    body: &str,
) -> (StatusCode, String) {
    let authorization = basic("zoe", PASSWORD);
    let all: Vec<_> = [("authorization", authorization.as_str())].iter().chain(headers).copied().collect();
    ask(box_, method, path, &all, body).await
}

async fn status(box_: &Served, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> u16 {
    zoe(box_, method, path, headers, body).await.0.as_u16()
}

/// Begins an upload of so many bytes to `/film`.
async fn begin(box_: &Served, total: &str) -> u16 {
    let to = format!("https://box.example.org{FILES}/film");
    status(box_, "MKCOL", UPLOAD, &[("destination", &to), ("oc-total-length", total)], "").await
}

async fn finish(box_: &Served, total: &str) -> u16 {
    let to = format!("{FILES}/film");
    let headers = [("destination", to.as_str()), ("oc-total-length", total), ("x-oc-mtime", "1600000000")];
    status(box_, "MOVE", &format!("{UPLOAD}/.file"), &headers, "").await
}

async fn piece(box_: &Served, number: &str, bytes: &str) -> u16 {
    status(box_, "PUT", &format!("{UPLOAD}/{number}"), &[], bytes).await
}

#[tokio::test]
async fn the_box_says_what_it_is_under_its_own_name() {
    let Some(box_) = served().await else { return };
    let (code, text) = ask(&box_, "GET", "/status.php", &[], "").await;
    assert!(code == 200 && text.contains("\"productname\":\"Mazet\""), "{text}");
    assert_eq!(ask(&box_, "GET", "/ocs/v1.php/cloud/user", &[], "").await.0, 401);
    let (_, text) = zoe(&box_, "GET", "/ocs/v2.php/cloud/capabilities?format=json", &[], "").await;
    assert!(text.contains("\"statuscode\":200") && text.contains("\"chunking\":\"1.0\""), "{text}");
    let (_, text) = zoe(&box_, "GET", "/ocs/v1.php/cloud/user", &[], "").await;
    assert!(text.contains("<statuscode>100</statuscode>") && text.contains("<id>zoe</id>"), "{text}");
    assert_eq!(status(&box_, "GET", "/ocs/v2.php/apps/weather", &[], "").await, 404);
    let (code, text) = zoe(&box_, "GET", "/ocs/v1.php/apps/weather", &[], "").await;
    assert!(code == 200 && text.contains("<statuscode>404</statuscode>"), "{text}");
}

#[tokio::test]
async fn a_file_tells_what_these_clients_ask() {
    let Some(box_) = served().await else { return };
    let put = [("x-oc-mtime", "1600000000")];
    assert_eq!(status(&box_, "PUT", &format!("{FILES}/%C3%A9t%C3%A9.txt"), &put, "sable").await, 201);
    let asked = r#"<d:propfind xmlns:d="DAV:" xmlns:oc="http://owncloud.org/ns" xmlns:nc="http://nextcloud.org/ns">
        <d:prop><d:getetag/><oc:fileid/><oc:permissions/><oc:size/><nc:has-preview/></d:prop></d:propfind>"#;
    for place in [FILES, "/remote.php/webdav"] {
        let (code, text) = zoe(&box_, "PROPFIND", &format!("{place}/"), &[("depth", "1")], asked).await;
        assert_eq!(code, 207);
        assert!(
            text.contains(">RGDNVW</") && text.contains(">SRGCK</") && text.contains(">false</"),
            "{text}"
        );
    }
    assert_eq!(status(&box_, "GET", "/remote.php/dav/files/paul/x", &[], "").await, 404);
    assert_eq!(status(&box_, "PROPFIND", "/remote.php/dav/files/paul/", &[("depth", "0")], "").await, 404);
    assert_eq!(status(&box_, "MKCOL", "/remote.php/dav/uploads/paul/1", &[], "").await, 404);
}

#[tokio::test]
async fn pieces_make_a_file_in_their_order_however_they_come() {
    let Some(box_) = served().await else { return };
    assert_eq!(begin(&box_, "9").await, 201);
    assert_eq!(begin(&box_, "9").await, 405);
    for (number, bytes) in [("3", "ghi"), ("1", "xxxx"), ("2", "def"), ("1", "abc"), ("02", "DEF")] {
        // The first piece in another length at first: in all they are more than was said.
        let expected = if bytes == "def" { 400 } else { 201 };
        assert_eq!(piece(&box_, number, bytes).await, expected, "{number} {bytes}");
    }
    let (_, text) = zoe(&box_, "PROPFIND", UPLOAD, &[("depth", "1")], "").await;
    assert_eq!(text.matches("<d:getcontentlength>3</d:getcontentlength>").count(), 3, "{text}");
    assert_eq!(finish(&box_, "9").await, 201);
    assert_eq!(box_.home.get("zoe", "film").await, "abcDEFghi");
    assert_eq!(finish(&box_, "9").await, 404);
    // The same again, over it: the file is the same one.
    let id = box_.home.storage.view("zoe").await.expect("a view").stat("film").await.expect("there").id;
    assert_eq!(
        (begin(&box_, "2").await, piece(&box_, "1", "ok").await, finish(&box_, "2").await),
        (201, 201, 204)
    );
    let entry = box_.home.storage.view("zoe").await.expect("a view").stat("film").await.expect("there");
    assert_eq!((entry.id, entry.size), (id, 2));
}

#[tokio::test]
async fn an_upload_that_is_not_whole_makes_no_file() {
    let Some(box_) = served().await else { return };
    box_.home.put("zoe", "film", "old").await;
    assert_eq!((begin(&box_, "9").await, piece(&box_, "1", "abc").await), (201, 201));
    assert_eq!(finish(&box_, "9").await, 400);
    assert_eq!(piece(&box_, "2", "more than nine").await, 400);
    assert_eq!(piece(&box_, "two", "def").await, 400);
    assert_eq!(piece(&box_, "../1", "def").await, 400);
    assert_eq!(status(&box_, "DELETE", UPLOAD, &[], "").await, 204);
    assert_eq!(piece(&box_, "2", "def").await, 404);
    assert_eq!(box_.home.get("zoe", "film").await, "old");
    assert_eq!(std::fs::read_dir(box_.home.folder.join("incoming")).expect("a folder").count(), 0);
}

#[tokio::test]
async fn room_is_kept_for_the_whole_of_an_upload_until_it_is_given_up() {
    let Some(box_) = served().await else { return };
    box_.home.quota("zoe", 100).await;
    assert_eq!(begin(&box_, "101").await, 507);
    assert_eq!(begin(&box_, "90").await, 201);
    assert_eq!(status(&box_, "PUT", &format!("{FILES}/x"), &[], "eleven byte").await, 507);
    box_.home.in_files("update sync_upload set seen_at = now() - interval '25 hours'").await;
    let other = "/remote.php/dav/uploads/zoe/78";
    assert_eq!(status(&box_, "MKCOL", other, &[("oc-total-length", "5")], "").await, 201);
    assert_eq!(status(&box_, "PUT", &format!("{FILES}/x"), &[], "eleven byte").await, 201);
    assert_eq!(piece(&box_, "1", "abc").await, 404);
}
