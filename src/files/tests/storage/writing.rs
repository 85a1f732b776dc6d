//! Files that are written: whole or not at all, and never more than may be.

use mazet_files::storage::{Error, Full, Only};
use mazet_files::testing::{ORGANISATION, TestBox, test_box};

/// Files on the disk that have no place.
fn left(home: &TestBox) -> usize {
    std::fs::read_dir(home.folder.join("incoming")).expect("a folder").count()
}

#[tokio::test]
async fn a_file_is_there_whole_or_not_at_all() {
    let Some(home) = test_box().await else { return };
    let zoe = home.storage.view("zoe").await.expect("a view");
    let before = home.put("zoe", "x", "old").await;
    let mut broken = zoe.begin("x", Some(10)).await.expect("begun");
    broken.write(b"new").await.expect("written");
    assert_eq!(home.get("zoe", "x").await, "old");
    assert!(matches!(broken.finish(None).await, Err(Error::Length { said: 10, came: 3 })));
    let mut long = zoe.begin("x", Some(1)).await.expect("begun");
    assert!(matches!(long.write(b"ab").await, Err(Error::Length { said: 1, came: 2 })));
    drop(long);
    assert_eq!(zoe.stat("x").await.expect("there"), before);
    let big = "0123456789".repeat(100_000);
    let after = home.put("zoe", "x", &big).await;
    assert_eq!(home.get("zoe", "x").await, big);
    assert!(after.id == before.id && after.etag != before.etag && after.size == 1_000_000);
    tokio::task::yield_now().await;
    while left(&home) > 0 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test]
async fn what_was_seen_must_still_be_there() {
    let Some(home) = test_box().await else { return };
    let zoe = home.storage.view("zoe").await.expect("a view");
    let first = home.put("zoe", "x", "first").await;
    let write = async |only: Only, text: &str| {
        let mut incoming = zoe.begin("x", None).await.expect("begun").only(only);
        incoming.write(text.as_bytes()).await.expect("written");
        incoming.finish(None).await
    };
    assert!(matches!(write(Only::New, "no").await, Err(Error::Exists)));
    write(Only::Unchanged(first.etag.clone()), "second").await.expect("written");
    assert!(matches!(write(Only::Unchanged(first.etag), "no").await, Err(Error::Changed)));
    assert_eq!(home.get("zoe", "x").await, "second");
}

#[tokio::test]
async fn two_writers_at_once_lose_nothing() {
    let Some(home) = test_box().await else { return };
    let zoe = home.storage.view("zoe").await.expect("a view");
    let texts: Vec<String> = (0..8).map(|number| number.to_string().repeat(50_000)).collect();
    let writes = texts.iter().map(async |text| {
        let mut incoming = zoe.begin("x", Some(50_000)).await.expect("begun");
        for piece in text.as_bytes().chunks(7_000) {
            incoming.write(piece).await.expect("written");
        }
        incoming.finish(None).await.expect("finished")
    });
    let entries = futures_util::future::join_all(writes).await;
    assert!(texts.contains(&home.get("zoe", "x").await));
    assert!(entries.iter().all(|entry| entry.id == entries[0].id));
    assert_eq!(zoe.stat("").await.expect("the root").size, 50_000);
    assert_eq!(home.count("select count(*) from node where name = 'x'").await, 1);
}

#[tokio::test]
async fn nobody_takes_more_than_they_may() {
    let Some(home) = test_box().await else { return };
    home.quota("zoe", 1000).await;
    let zoe = home.storage.view("zoe").await.expect("a view");
    let full = |error: Error| matches!(error, Error::NoSpace(Full::Quota));
    home.put("zoe", "x", &"x".repeat(600)).await;
    assert!(full(zoe.begin("y", Some(401)).await.err().expect("refused")));
    // What is replaced makes room.
    let kept = zoe.begin("x", Some(1000)).await.expect("room");
    assert!(full(zoe.begin("y", Some(1)).await.err().expect("refused: the rest is kept")));
    drop(kept);
    let mut unknown = zoe.begin("y", None).await.expect("begun");
    unknown.write(&[0; 400]).await.expect("room");
    assert!(full(unknown.write(&[0; 1]).await.expect_err("refused")));
    drop(unknown);
    assert!(full(zoe.copy_to("x", "z", false).await.expect_err("refused")));
    zoe.delete("x").await.expect("deleted");
    assert!(full(zoe.begin("y", Some(401)).await.err().expect("refused: the bin counts")));
    zoe.purge(zoe.bin().await.expect("a bin")[0].id).await.expect("purged");
    let used = zoe.quota("").await.expect("a quota");
    assert_eq!((used.used, used.limit, used.available), (0, Some(1000), 1000));
    zoe.begin("y", Some(1000)).await.expect("room");
}

#[tokio::test]
async fn an_association_takes_no_more_than_it_may_with_all_its_people() {
    let Some(home) = test_box().await else { return };
    home.in_directory(&format!(
        "update organisation set quota_bytes = 1000 where id = {}",
        home.organisation
    ))
    .await;
    let full = |error: Error| matches!(error, Error::NoSpace(Full::Quota));
    home.put("zoe", "x", &"x".repeat(300)).await;
    home.put("paul", &format!("{ORGANISATION} – Bureau/y"), &"y".repeat(300)).await;
    home.put("paul", &format!("{ORGANISATION}/z"), &"z".repeat(300)).await;
    let paul = home.storage.view("paul").await.expect("a view");
    for path in ["a".to_owned(), format!("{ORGANISATION}/a"), format!("{ORGANISATION} – Bureau/a")] {
        assert!(full(paul.begin(&path, Some(101)).await.err().expect("refused")), "{path}");
        assert_eq!(paul.quota(&path).await.expect("a quota").available, 100, "{path}");
        paul.begin(&path, Some(100)).await.expect("room");
    }
    // Others are not concerned.
    home.put("nino", "x", &"x".repeat(2000)).await;
    // From one of its folders to another, nothing is added.
    paul.move_to(&format!("{ORGANISATION}/z"), "z", false).await.expect("moved");
}
