//! Clients and the program are cut short.

use std::process::Stdio;

use tokio::io::AsyncWriteExt as _;

use super::process::Running;

/// Waits until a file of so many bytes at least is on its way.
async fn on_its_way(running: &Running, bytes: u64) {
    let folder = running.home.folder.join("incoming");
    loop {
        let entries = std::fs::read_dir(&folder).expect("a folder").flatten();
        let sizes = entries.filter_map(|entry| Some(entry.metadata().ok()?.len()));
        if sizes.max().is_some_and(|size| size >= bytes) {
            return;
        }
        tokio::task::yield_now().await;
    }
}

fn left(running: &Running) -> usize {
    std::fs::read_dir(running.home.folder.join("incoming")).expect("a folder").count()
}

/// A PUT of 8 MiB of which the first MiB came; dropped, its client is killed.
async fn half_sent(running: &Running, path: &str) -> tokio::process::Child {
    let mut command = running.curl("zoe", path);
    // A body from a pipe, whose length is said and which stops in the middle.
    command.args(["--upload-file", "-", "--header", "Content-Length: 8388608", "--header", "Expect:"]);
    let mut client = command.stdin(Stdio::piped()).stdout(Stdio::null()).spawn().expect("curl");
    let mut body = client.stdin.take().expect("a pipe");
    body.write_all(&vec![b'n'; 1 << 20]).await.expect("sent");
    on_its_way(running, 512 << 10).await;
    // The pipe stays open: the client waits for more.
    std::mem::forget(body);
    client
}

#[tokio::test]
async fn a_killed_client_leaves_the_old_file() {
    let Some(running) = Running::start().await else { return };
    let before = running.home.put("zoe", "x", "old").await;
    let mut client = half_sent(&running, "x").await;
    assert_eq!(running.got("zoe", "x", &[]).await, ("old".to_owned(), "200".to_owned()));
    client.kill().await.expect("killed");
    while left(&running) > 0 {
        tokio::task::yield_now().await;
    }
    assert_eq!(running.got("zoe", "x", &[]).await, ("old".to_owned(), "200".to_owned()));
    let view = running.home.storage.view("zoe").await.expect("a view");
    assert_eq!(view.stat("x").await.expect("there"), before);
}

#[tokio::test]
async fn a_killed_program_has_what_it_acknowledged_and_nothing_half_written() {
    let Some(mut running) = Running::start().await else { return };
    running.home.put("zoe", "x", "old").await;
    for number in 0..20 {
        let put = ["--upload-file", concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")];
        let (_, status) = running.got("zoe", &format!("file%20{number}"), &put).await;
        assert_eq!(status, "201");
    }
    let client = half_sent(&running, "x").await;
    running.killed().await;
    drop(client);
    assert_eq!(left(&running), 0);
    let text = include_str!("../../Cargo.toml");
    for number in 0..20 {
        assert_eq!(running.got("zoe", &format!("file%20{number}"), &[]).await.0, text);
    }
    assert_eq!(running.got("zoe", "x", &[]).await, ("old".to_owned(), "200".to_owned()));
    running.ask("check").await;
}

/// What the disk has and the database has not, when the power is cut between the two.
#[tokio::test]
async fn after_a_power_cut_the_database_follows_the_disk() {
    let Some(mut running) = Running::start().await else { return };
    let old = running.home.put("zoe", "x", "old").await;
    running.home.put("zoe", "y", "same").await;
    let files = running.home.folder.join("people/zoe/files");
    std::fs::write(files.join("new name"), "new content").expect("written");
    std::fs::rename(files.join("new name"), files.join("x")).expect("renamed");
    running.killed().await;
    let view = running.home.storage.view("zoe").await.expect("a view");
    let new = view.stat("x").await.expect("there");
    assert!(new.id == old.id && new.etag != old.etag && new.size == 11);
    assert_eq!(running.got("zoe", "x", &[]).await.0, "new content");
    assert_eq!(view.stat("").await.expect("the root").size, 15);
}

#[tokio::test]
async fn a_program_that_ends_well_looks_at_nothing() {
    let Some(mut running) = Running::start().await else { return };
    running.home.put("zoe", "x", "old").await;
    let unknown = running.home.folder.join("people/zoe/files/by hand");
    std::fs::write(&unknown, "by hand").expect("written");
    running.restarted().await;
    assert_eq!(running.got("zoe", "by%20hand", &[]).await.1, "404");
    assert_eq!(running.ask("scan").await, "1 added, 0 changed, 0 moved, 0 removed\n");
    assert_eq!(running.got("zoe", "by%20hand", &[]).await.0, "by hand");
}
