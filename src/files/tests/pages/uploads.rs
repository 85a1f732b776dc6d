//! Uploads in pieces.

use axum::body::{Body, Bytes};
use mazet_files::testing::{TestBox, test_box};
use mazet_files::uploads::Uploads;

use crate::browser::{Answer, Browser, file};

async fn begin(browser: &Browser, name: &str, size: usize) -> Answer {
    browser.post("/files/uploads", &[("folder", ""), ("name", name), ("size", &size.to_string())]).await
}

async fn begun(browser: &Browser, name: &str, size: usize) -> String {
    let answer = begin(browser, name, size).await;
    assert_eq!(answer.status, 201, "{}", answer.text());
    format!("/files/uploads/{}", answer.json()["id"].as_str().expect("an id"))
}

async fn piece(browser: &Browser, upload: &str, offset: usize, body: impl Into<Body>) -> Answer {
    piece_with(browser, upload, offset, body, &[]).await
}

async fn piece_with(
    browser: &Browser,
    upload: &str,
    offset: usize,
    body: impl Into<Body>,
    headers: &[(&str, &str)],
) -> Answer {
    let csrf = browser.csrf().await;
    let request = browser.request("PATCH", upload).header("x-csrf", csrf).header("upload-offset", offset);
    let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
    browser.send(request.body(body.into()).expect("a request")).await
}

async fn offset(browser: &Browser, upload: &str) -> u64 {
    browser.get(upload).await.json()["offset"].as_u64().expect("an offset")
}

async fn nothing_is_seen(home: &TestBox) {
    assert_eq!(home.count("select count(*) from node where name like 'film%'").await, 0);
}

#[tokio::test]
async fn a_file_comes_in_pieces() {
    let Some(home) = test_box().await else { return };
    let browser = Browser::of(&home, "zoe");
    let upload = begun(&browser, "film%20%C3%A9t%C3%A9.txt", 10).await;
    assert_eq!(piece(&browser, &upload, 0, "01234").await.json()["offset"], 5);
    nothing_is_seen(&home).await;
    let request = browser.request("HEAD", &upload).body(Body::empty()).expect("a request");
    let head = browser.send(request).await;
    assert_eq!((head.header("upload-offset"), head.header("upload-length")), ("5", "10"));
    browser.get("/files/").await.says(200, "5\u{a0}B of 10\u{a0}B");
    // A piece that does not fit to the others is told where it should begin.
    let elsewhere = piece(&browser, &upload, 0, "01234").await;
    assert_eq!((elsewhere.status.as_u16(), elsewhere.json()["offset"].as_u64()), (409, Some(5)));
    let done = piece_with(&browser, &upload, 5, "56789", &[("upload-modified", "1700000000123")]).await;
    assert_eq!(done.json()["path"], "film%20%C3%A9t%C3%A9.txt");
    assert_eq!(home.get("zoe", "film été.txt").await, "0123456789");
    let page = browser.get("/files/raw/film%20%C3%A9t%C3%A9.txt").await;
    assert_eq!(page.header("last-modified"), "Tue, 14 Nov 2023 22:13:20 GMT");
    assert_eq!(browser.get(&upload).await.status, 404);
    assert_eq!(home.count("select count(*) from upload").await, 0);
    assert_eq!(std::fs::read_dir(home.folder.join("incoming")).expect("a folder").count(), 0);
}

#[tokio::test]
async fn what_came_before_the_client_went_away_is_kept() {
    let Some(home) = test_box().await else { return };
    let browser = Browser::of(&home, "zoe");
    let upload = begun(&browser, "film.txt", 10).await;
    let broken = futures_util::stream::iter([Ok(Bytes::from("012")), Err(std::io::Error::other("gone"))]);
    piece(&browser, &upload, 0, Body::from_stream(broken)).await;
    assert_eq!(offset(&browser, &upload).await, 3);
    // Another process, after a restart that removes what else was on its way.
    home.storage.start().await.expect("started");
    let after = Browser::of(&home, "zoe");
    assert_eq!(offset(&after, &upload).await, 3);
    assert_eq!(piece(&after, &upload, 3, "3456789").await.status, 200);
    assert_eq!(home.get("zoe", "film.txt").await, "0123456789");
}

#[tokio::test]
async fn bytes_that_were_not_acknowledged_are_written_anew() {
    let Some(home) = test_box().await else { return };
    let browser = Browser::of(&home, "zoe");
    let upload = begun(&browser, "film.txt", 6).await;
    piece(&browser, &upload, 0, "012").await;
    let id = upload.rsplit('/').next().expect("an id").replace('-', "");
    // As a power cut leaves it: bytes on the disk of which the database knows nothing.
    let on_disk = home.folder.join("incoming").join(id).join("bytes");
    std::fs::write(&on_disk, "012\0\0").expect("written");
    piece(&browser, &upload, 3, "345").await;
    assert_eq!(home.get("zoe", "film.txt").await, "012345");
}

#[tokio::test]
async fn a_file_of_the_same_name_is_kept_or_replaced() {
    let Some(home) = test_box().await else { return };
    file(&home, "zoe", "film.txt", "old").await;
    let browser = Browser::of(&home, "zoe");
    let upload = begun(&browser, "film.txt", 3).await;
    assert_eq!(piece(&browser, &upload, 0, "new").await.json()["path"], "film%20%282%29.txt");
    assert_eq!(home.get("zoe", "film.txt").await, "old");
    let upload = begun(&browser, "film.txt", 3).await;
    piece_with(&browser, &upload, 0, "new", &[("upload-replace", "1")]).await;
    assert_eq!(home.get("zoe", "film.txt").await, "new");
    let empty = begun(&browser, "film-empty.txt", 0).await;
    assert_eq!(piece(&browser, &empty, 0, "").await.json()["path"], "film-empty.txt");
}

#[tokio::test]
async fn room_is_kept_from_the_beginning_on() {
    let Some(home) = test_box().await else { return };
    home.quota("zoe", 100).await;
    let browser = Browser::of(&home, "zoe");
    let large = begin(&browser, "film.txt", 101).await;
    assert_eq!(large.status, 507);
    assert!(large.json()["error"].as_str().expect("a text").starts_with("There is not enough room"));
    let first = begun(&browser, "film.txt", 60).await;
    assert_eq!(begin(&browser, "film2.txt", 60).await.status, 507);
    // A program that starts anew keeps it, too.
    drop(browser);
    let after = Browser::of(&home, "zoe");
    assert_eq!(begin(&after, "film2.txt", 60).await.status, 507);
    let csrf = after.csrf().await;
    let cancel =
        after.request("DELETE", &first).header("x-csrf", csrf).body(Body::empty()).expect("a request");
    assert_eq!(after.send(cancel).await.status, 204);
    assert_eq!(begin(&after, "film2.txt", 60).await.status, 201);
    nothing_is_seen(&home).await;
}

#[tokio::test]
async fn more_than_was_said_is_refused() {
    let Some(home) = test_box().await else { return };
    let browser = Browser::of(&home, "zoe");
    let upload = begun(&browser, "film.txt", 3).await;
    let answer = piece(&browser, &upload, 0, "0123").await;
    assert_eq!((answer.status.as_u16(), answer.header("content-type")), (400, "application/json"));
    nothing_is_seen(&home).await;
}

#[tokio::test]
async fn an_upload_is_its_owners_alone() {
    let Some(home) = test_box().await else { return };
    let browser = Browser::of(&home, "zoe");
    let upload = begun(&browser, "film.txt", 3).await;
    let ada = browser.also(Some("ada"));
    assert_eq!(ada.get(&upload).await.status, 404);
    assert_eq!(piece(&ada, &upload, 0, "012").await.status, 404);
    let bare = browser
        .request("PATCH", &upload)
        .header("upload-offset", 0)
        .body(Body::from("012"))
        .expect("a request");
    assert_eq!(browser.send(bare).await.status, 403);
    let id = upload.rsplit('/').next().expect("an id");
    let fields = [("id", id), ("folder", "")];
    ada.post("/files/uploads/cancel", &fields).await.says(404, "nothing at this address");
    browser.post("/files/uploads/cancel", &fields).await.leads_to("/files/?said=said.upload_cancelled");
    assert_eq!(browser.get(&upload).await.status, 404);
}

#[tokio::test]
async fn what_nobody_goes_on_with_is_removed() {
    let Some(home) = test_box().await else { return };
    let browser = Browser::of(&home, "zoe");
    let upload = begun(&browser, "film.txt", 3).await;
    piece(&browser, &upload, 0, "0").await;
    let uploads = Uploads::new(home.storage.clone());
    assert_eq!(uploads.sweep().await.expect("swept"), 0);
    home.in_files("update upload set created_at = now() - interval '4 days'").await;
    assert_eq!(uploads.sweep().await.expect("swept"), 1);
    assert_eq!(browser.get(&upload).await.status, 404);
    assert_eq!(std::fs::read_dir(home.folder.join("incoming")).expect("a folder").count(), 0);
}
