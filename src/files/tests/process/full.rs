//! The disk is full.

use std::fs;
use std::process::Stdio;

use tokio::io::AsyncWriteExt as _;

use super::process::Running;

fn left(running: &Running) -> usize {
    fs::read_dir(running.disk().join("incoming")).expect("a folder").count()
}

#[tokio::test]
async fn what_does_not_fit_on_the_disk_is_refused_and_leaves_nothing() {
    let Some(running) = Running::on_a_small_disk().await else { return };
    let file = running.home.folder.join("body");
    let put = async |path: &str, bytes: usize, more: &[&str]| {
        fs::write(&file, vec![1; bytes]).expect("written");
        let upload = file.display().to_string();
        running.got("zoe", path, &[&["--upload-file", upload.as_str()], more].concat()).await.1
    };
    assert_eq!(put("old", 4 << 20, &[]).await, "201");
    assert_eq!(put("large", 13 << 20, &[]).await, "507");
    assert_eq!(put("old", 17 << 20, &[]).await, "507");
    // Nobody says how much comes.
    assert_eq!(put("large", 13 << 20, &["--header", "Transfer-Encoding: chunked"]).await, "507");
    while left(&running) > 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(running.got("zoe", "large", &[]).await.1, "404");
    assert_eq!(running.got("zoe", "old", &[]).await.0.len(), 4 << 20);
    assert_eq!(put("small", 1 << 20, &[]).await, "201");
}

#[tokio::test]
async fn a_disk_that_fills_while_bytes_come_keeps_the_old_file() {
    let Some(running) = Running::on_a_small_disk().await else { return };
    let old = ["--request", "PUT", "--data-binary", "old"];
    assert_eq!(running.got("zoe", "x", &old).await.1, "201");
    let mut curl = running.curl("zoe", "x");
    curl.args(["--upload-file", "-", "--header", "Content-Length: 8388608", "--header", "Expect:"]);
    curl.args(["--write-out", "%{http_code}"]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut client = curl.spawn().expect("curl");
    let mut body = client.stdin.take().expect("a pipe");
    body.write_all(&vec![b'n'; 1 << 20]).await.expect("sent");
    while left(&running) == 0 {
        tokio::task::yield_now().await;
    }
    // Somebody else takes what is left.
    let filled = fs::write(running.disk().join("other"), vec![0; 16 << 20]);
    assert_eq!(filled.expect_err("full").kind(), std::io::ErrorKind::StorageFull);
    // The program hangs up when it has answered.
    let _ = body.write_all(&vec![b'n'; 7 << 20]).await;
    drop(body);
    let said = client.wait_with_output().await.expect("ended").stdout;
    assert_eq!(String::from_utf8_lossy(&said), "507");
    while left(&running) > 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(running.got("zoe", "x", &[]).await, ("old".to_owned(), "200".to_owned()));
}
