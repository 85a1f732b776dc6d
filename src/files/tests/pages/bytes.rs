//! Bytes of files: ranges, previews, archives, plain uploads.

use std::io::{Cursor, Read as _};
use std::process::Command;

use mazet_files::testing::{TestBox, test_box};

use crate::browser::{Browser, file};

const PNG: &[u8] = b"\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\0\x01\0\0\0\x01\x08\x06\0\0\0";

/// Writes a file of any bytes.
pub async fn put(home: &TestBox, login: &str, path: &str, bytes: &[u8]) {
    let view = home.storage.view(login).await.expect("a view");
    let mut incoming = view.begin(path, Some(bytes.len() as u64)).await.expect("begun");
    incoming.write(bytes).await.expect("written");
    incoming.finish(None).await.expect("finished");
}

#[tokio::test]
async fn a_part_of_a_file_can_be_asked_for() {
    let Some(home) = test_box().await else { return };
    file(&home, "zoe", "note.txt", "0123456789").await;
    let browser = Browser::of(&home, "zoe");
    let all = browser.get("/files/raw/note.txt").await;
    assert_eq!((all.status.as_u16(), all.text().as_str()), (200, "0123456789"));
    assert_eq!((all.header("content-length"), all.header("accept-ranges")), ("10", "bytes"));
    assert_eq!(all.header("last-modified"), "Tue, 14 Nov 2023 22:13:20 GMT");
    let etag = all.header("etag").to_owned();
    let part = browser.get_with("/files/raw/note.txt", &[("range", "bytes=2-4")]).await;
    assert_eq!((part.status.as_u16(), part.text().as_str()), (206, "234"));
    assert_eq!((part.header("content-range"), part.header("content-length")), ("bytes 2-4/10", "3"));
    let last = browser.get_with("/files/raw/note.txt", &[("range", "bytes=-3"), ("if-range", &etag)]).await;
    assert_eq!((last.status.as_u16(), last.text().as_str()), (206, "789"));
    let other =
        browser.get_with("/files/raw/note.txt", &[("range", "bytes=-3"), ("if-range", "\"other\"")]).await;
    assert_eq!((other.status.as_u16(), other.text().as_str()), (200, "0123456789"));
    let none = browser.get_with("/files/raw/note.txt", &[("range", "bytes=10-")]).await;
    assert_eq!((none.status.as_u16(), none.header("content-range")), (416, "bytes */10"));
    let known =
        browser.get_with("/files/raw/note.txt", &[("if-none-match", &format!("\"x\", W/{etag}"))]).await;
    assert_eq!((known.status.as_u16(), known.body.len(), known.header("etag")), (304, 0, etag.as_str()));
    file(&home, "zoe", "note.txt", "another").await;
    let changed = browser.get_with("/files/raw/note.txt", &[("if-none-match", &etag)]).await;
    assert_eq!(changed.text(), "another");
}

#[tokio::test]
async fn the_head_of_an_answer_is_that_of_the_whole() {
    let Some(home) = test_box().await else { return };
    file(&home, "zoe", "note.txt", "0123456789").await;
    let browser = Browser::of(&home, "zoe");
    let request = browser.request("HEAD", "/files/raw/note.txt").body(Default::default()).expect("a request");
    let head = browser.send(request).await;
    assert_eq!((head.status.as_u16(), head.body.len(), head.header("content-length")), (200, 0, "10"));
}

#[tokio::test]
async fn what_could_act_is_shown_as_text_and_sandboxed() {
    let Some(home) = test_box().await else { return };
    let script = "<script>alert(document.cookie)</script>";
    for name in ["page.html", "picture.svg", "lies.png", "x.xhtml"] {
        file(&home, "zoe", name, script).await;
    }
    let browser = Browser::of(&home, "zoe");
    for name in ["page.html", "picture.svg", "lies.png", "x.xhtml"] {
        let raw = browser.get(&format!("/files/raw/{name}")).await;
        assert_eq!(raw.header("content-type"), "text/plain; charset=utf-8", "{name}");
        assert_eq!(raw.header("x-content-type-options"), "nosniff");
        assert!(raw.header("content-security-policy").contains("default-src 'none'"));
        assert!(raw.header("content-security-policy").contains("sandbox"));
        let about = browser.get(&format!("/files/about/{name}")).await;
        about.says(200, "&lt;script&gt;alert(document.cookie)&lt;/script&gt;");
        assert!(!about.text().contains(script));
    }
}

#[tokio::test]
async fn each_kind_of_file_is_shown_as_what_it_is() {
    let Some(home) = test_box().await else { return };
    let mp4 = b"\0\0\0\x20ftypisom\0\0\x02\0isomiso2avc1mp41";
    let cases: [(&str, &[u8], &str, &str); 6] = [
        ("a.png", PNG, "image/png", "<img src=\"/files/raw/a.png\" alt=\"a.png\" loading=\"lazy\""),
        ("picture", PNG, "image/png", "<img src=\"/files/raw/picture\""),
        (
            "a.pdf",
            b"%PDF-1.7\n%\xe2\xe3",
            "application/pdf",
            "<iframe class=\"preview paper\" src=\"/files/raw/a.pdf\" title=\"a.pdf\"",
        ),
        (
            "a.mp3",
            b"ID3\x03\0\0\0\0\0\0",
            "audio/mpeg",
            "<audio class=\"preview\" src=\"/files/raw/a.mp3\" controls",
        ),
        ("a.mp4", mp4, "video/mp4", "<video class=\"preview\" src=\"/files/raw/a.mp4\" controls"),
        ("a.txt", "Été".as_bytes(), "text/plain; charset=utf-8", ">\nÉté</pre>"),
    ];
    let browser = Browser::of(&home, "zoe");
    for (name, bytes, media, shown) in cases {
        put(&home, "zoe", name, bytes).await;
        browser.get(&format!("/files/about/{name}")).await.says(200, shown);
        let raw = browser.get(&format!("/files/raw/{name}")).await;
        assert_eq!(raw.header("content-type"), media);
        assert!(
            raw.header("content-disposition").starts_with("inline; "),
            "{}",
            raw.header("content-disposition")
        );
        let saved = browser.get(&format!("/files/raw/{name}?download=1")).await;
        assert_eq!(
            saved.header("content-disposition"),
            format!("attachment; filename=\"{name}\"; filename*=UTF-8''{name}")
        );
    }
    put(&home, "zoe", "a.zip", b"PK\x03\x04\x14\0\0\0\0\0").await;
    let raw = browser.get("/files/raw/a.zip").await;
    assert_eq!(raw.header("content-type"), "application/octet-stream");
    assert!(raw.header("content-disposition").starts_with("attachment; "));
    assert!(!browser.get("/files/about/a.zip").await.text().contains("class=\"preview"));
}

#[tokio::test]
async fn a_folder_comes_as_an_archive() {
    let Some(home) = test_box().await else { return };
    file(&home, "zoe", "Photos/été 😀.txt", "hello").await;
    file(&home, "zoe", "Photos/deep/empty.txt", "").await;
    put(&home, "zoe", "Photos/big.bin", &vec![7; 3_000_000]).await;
    file(&home, "zoe", "other.txt", "other").await;
    let browser = Browser::of(&home, "zoe");
    let answer = browser.get("/files/zip/Photos").await;
    assert_eq!(answer.header("content-type"), "application/zip");
    assert_eq!(
        answer.header("content-disposition"),
        "attachment; filename=\"Photos.zip\"; filename*=UTF-8''Photos.zip"
    );
    let mut archive = zip::ZipArchive::new(Cursor::new(answer.body.clone())).expect("an archive");
    let mut names: Vec<String> = archive.file_names().map(str::to_owned).collect();
    names.sort();
    assert_eq!(
        names,
        ["Photos/", "Photos/big.bin", "Photos/deep/", "Photos/deep/empty.txt", "Photos/été 😀.txt"]
    );
    let mut text = String::new();
    archive.by_name("Photos/été 😀.txt").expect("a file").read_to_string(&mut text).expect("read");
    assert_eq!(text, "hello");
    // Another program reads it, too.
    let folder = tempfile::tempdir().expect("a folder");
    let path = folder.path().join("a.zip");
    std::fs::write(&path, &answer.body).expect("written");
    let tested = Command::new("python3").args(["-m", "zipfile", "-t"]).arg(&path).output().expect("python3");
    assert!(tested.status.success(), "{}", String::from_utf8_lossy(&tested.stderr));
    let fields = [("verb", "download"), ("item", "Photos"), ("item", "other.txt"), ("folder", "")];
    let several = browser.post("/files/selected", &fields).await;
    assert!(several.header("content-disposition").contains("My files.zip"));
    let archive = zip::ZipArchive::new(Cursor::new(several.body.clone())).expect("an archive");
    assert_eq!(archive.len(), 6);
    let one = [("verb", "download"), ("item", "other.txt"), ("folder", "")];
    browser.post("/files/selected", &one).await.leads_to("/files/raw/other.txt?download=1");
}

#[tokio::test]
async fn files_are_sent_by_a_plain_form() {
    let Some(home) = test_box().await else { return };
    file(&home, "zoe", "a/note.txt", "old").await;
    let browser = Browser::of(&home, "zoe");
    let files: [(&str, &[u8]); 2] = [("note.txt", b"new"), ("a %22b%22.txt", b"quoted")];
    browser.upload("a", false, &files).await.leads_to("/files/at/a?said=said.uploaded");
    assert_eq!(home.get("zoe", "a/note.txt").await, "old");
    assert_eq!(home.get("zoe", "a/note (2).txt").await, "new");
    assert_eq!(home.get("zoe", "a/a \"b\".txt").await, "quoted");
    browser.upload("a", true, &files[..1]).await.leads_to("/files/at/a?said=said.uploaded");
    assert_eq!(home.get("zoe", "a/note.txt").await, "new");
    browser.upload("a", false, &[("", b"")]).await.leads_to("/files/at/a?said=said.unchanged");
    browser.upload("a", false, &[("..", b"x")]).await.says(422, "Give a name.");
    browser.upload("gone", false, &[("x", b"x")]).await.says(404, "nothing at this address");
}

#[tokio::test]
async fn a_form_from_elsewhere_writes_nothing() {
    let Some(home) = test_box().await else { return };
    let browser = Browser::of(&home, "zoe");
    let body =
        "--xyz\r\nContent-Disposition: form-data; name=\"file\"; filename=\"x.txt\"\r\n\r\nx\r\n--xyz--\r\n";
    let request =
        browser.request("POST", "/files/upload").header("content-type", "multipart/form-data; boundary=xyz");
    browser
        .send(request.body(body.into()).expect("a request"))
        .await
        .says(403, "This form does not come from this page");
    assert_eq!(home.count("select count(*) from node where name = 'x.txt'").await, 0);
}

#[tokio::test]
async fn what_does_not_fit_is_refused_and_leaves_nothing() {
    let Some(home) = test_box().await else { return };
    home.quota("zoe", 100_000).await;
    let browser = Browser::of(&home, "zoe");
    let answer = browser.upload("", false, &[("big.bin", &vec![1; 200_000])]).await;
    answer.says(507, "There is not enough room for that");
    answer.says(507, "<a href=\"#files\">");
    // One that is a little too large shows itself only while it comes.
    browser
        .upload("", false, &[("big.bin", &vec![1; 100_001])])
        .await
        .says(507, "There is not enough room for that");
    assert_eq!(home.count("select count(*) from node where name = 'big.bin'").await, 0);
    browser.upload("", false, &[("fits.bin", &vec![1; 99_000])]).await.leads_to("/files/?said=said.uploaded");
}
