//! Large folders, large files: memory stays what it is.

use std::process::Stdio;
use std::time::Instant;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};

use super::process::Running;

/// More memory than this, in kB, was kept for what passed through.
const MOST: u64 = 24 << 10;

#[tokio::test]
async fn a_large_file_passes_through_without_staying() {
    let Some(running) = Running::start().await else { return };
    running.got("zoe", "", &[]).await;
    let before = running.memory();
    let mut put = running.curl("zoe", "large");
    put.args(["--upload-file", "-", "--header", "Expect:"]).stdin(Stdio::piped()).stdout(Stdio::null());
    let mut client = put.spawn().expect("curl");
    let mut body = client.stdin.take().expect("a pipe");
    let piece: Vec<u8> = (0..1 << 20).map(|at: u32| (at.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    let mut most = 0;
    for _ in 0..300 {
        body.write_all(&piece).await.expect("sent");
        most = most.max(running.memory());
    }
    drop(body);
    assert!(client.wait().await.expect("ended").success());
    let mut get = running.curl("zoe", "large").stdout(Stdio::piped()).spawn().expect("curl");
    let mut got = get.stdout.take().expect("a pipe");
    let mut buffer = vec![0; 1 << 20];
    for number in 0..300 {
        got.read_exact(&mut buffer).await.expect("read");
        assert!(buffer == piece, "MiB {number}");
        most = most.max(running.memory());
    }
    assert!(most < before + MOST, "{before} kB before, {most} kB while it passed");
}

#[tokio::test]
async fn ten_thousand_files_are_a_folder_like_another() {
    let Some(running) = Running::start().await else { return };
    running.got("zoe", "", &["--request", "MKCOL"]).await;
    assert_eq!(running.got("zoe", "many", &["--request", "MKCOL"]).await.1, "201");
    let folder = running.home.folder.join("people/zoe/files/many");
    for number in 0..10_000 {
        std::fs::write(folder.join(format!("é {number:05}.txt")), "x").expect("written");
    }
    assert_eq!(running.ask("scan").await, "10000 added, 0 changed, 0 moved, 0 removed\n");
    let before = running.memory();
    let ask = ["--request", "PROPFIND", "--header", "Depth: 1"];
    let (listed, status) = running.got("zoe", "many/", &ask).await;
    assert_eq!((status.as_str(), listed.matches("<D:response>").count()), ("207", 10_001));
    assert_eq!(listed.matches("%C3%A9%20").count(), 10_000);
    assert!(running.memory() < before + MOST, "{before} kB before, {} kB after", running.memory());
    assert_eq!(running.got("zoe", "many/%C3%A9%2009999.txt", &[]).await.0, "x");
    let moved = ["--request", "MOVE", "--header", "Destination: http://mazet.local/dav/all"];
    assert_eq!(running.got("zoe", "many", &moved).await.1, "201");
    assert_eq!(running.got("zoe", "all", &["--request", "DELETE"]).await.1, "204");
    let bin = running.home.storage.view("zoe").await.expect("a view").bin().await.expect("a bin");
    assert_eq!((bin.len(), bin[0].size), (1, 10_000));
}

/// What curl fetches, without keeping it: bytes, and whether all of them are zero.
async fn fetched(running: &Running, path: &str) -> (u64, bool) {
    let mut get = running.curl("zoe", path).stdout(Stdio::piped()).spawn().expect("curl");
    let mut got = get.stdout.take().expect("a pipe");
    let (mut buffer, mut bytes, mut zero) = (vec![0; 1 << 20], 0, true);
    // Compared as a whole: one by one takes a program that is not optimised minutes.
    let zeros = buffer.clone();
    loop {
        let read = got.read(&mut buffer).await.expect("read");
        if read == 0 {
            assert!(get.wait().await.expect("ended").success());
            return (bytes, zero);
        }
        bytes += read as u64;
        zero &= buffer[..read] == zeros[..read];
    }
}

#[tokio::test]
#[ignore = "takes a minute, and 5 GB of disk: ./mazet test --long"]
async fn a_file_of_5_gb_goes_up_and_comes_down() {
    const BYTES: u64 = 5_000_000_000;
    let Some(running) = Running::start().await else { return };
    running.home.quota("zoe", 6_000_000_000).await;
    let source = running.home.folder.join("source");
    std::fs::File::create(&source).and_then(|file| file.set_len(BYTES)).expect("a file");
    let upload = source.display().to_string();
    let start = Instant::now();
    assert_eq!(running.got("zoe", "film.mkv", &["--upload-file", &upload]).await.1, "201");
    println!("5 GB up: {:.1} s", start.elapsed().as_secs_f64());
    let view = running.home.storage.view("zoe").await.expect("a view");
    assert_eq!(view.stat("film.mkv").await.expect("there").size, BYTES);
    let start = Instant::now();
    assert_eq!(fetched(&running, "film.mkv").await, (BYTES, true));
    println!("5 GB down: {:.1} s", start.elapsed().as_secs_f64());
    let last = ["--range", "4999999999-"];
    assert_eq!(running.got("zoe", "film.mkv", &last).await, ("\0".to_owned(), "206".to_owned()));
}
