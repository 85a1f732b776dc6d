//! Two computers and the box hold the same.

use std::fs;

use mazet_files::testing::ORGANISATION;

use crate::client::Computer;
use crate::server::served;

#[tokio::test]
async fn the_first_sync_goes_both_ways() {
    let Some(box_) = served().await else { return };
    box_.home.put("zoe", "from the box.txt", "hello").await;
    let computer = Computer::new("zoe", &box_.address);
    computer.write("Été à la mer/carte n° 1 😀.txt", "sable");
    computer.write("empty", "");
    computer.sync().await;
    assert_eq!(computer.read("from the box.txt"), "hello");
    assert_eq!(box_.home.get("zoe", "Été à la mer/carte n° 1 😀.txt").await, "sable");
    assert_eq!(box_.home.get("zoe", "empty").await, "");
    assert!(computer.path(ORGANISATION).is_dir());
}

#[tokio::test]
async fn edits_names_and_deletions_reach_the_other_computer() {
    let Some(box_) = served().await else { return };
    let (one, other) = (Computer::new("zoe", &box_.address), Computer::new("zoe", &box_.address));
    one.write("letter.txt", "one");
    one.write("photos/a.jpg", "picture");
    one.write("old/gone.txt", "x");
    one.sync().await;
    other.sync().await;
    assert_eq!(other.read("letter.txt"), "one");
    let id =
        box_.home.storage.view("zoe").await.expect("a view").stat("photos/a.jpg").await.expect("there").id;
    one.write("letter.txt", "one, two");
    fs::rename(one.path("photos/a.jpg"), one.path("photos/été.jpg")).expect("renamed");
    fs::remove_dir_all(one.path("old")).expect("removed");
    one.sync().await;
    other.write("notes/new.txt", "from the other");
    other.sync().await;
    one.sync().await;
    assert_eq!(other.read("letter.txt"), "one, two");
    assert_eq!(one.read("notes/new.txt"), "from the other");
    assert_eq!(one.names(), other.names());
    let moved =
        box_.home.storage.view("zoe").await.expect("a view").stat("photos/été.jpg").await.expect("there");
    assert_eq!(moved.id, id, "a rename was an upload");
}

#[tokio::test]
async fn two_edits_at_a_time_are_both_kept() {
    let Some(box_) = served().await else { return };
    let (one, other) = (Computer::new("zoe", &box_.address), Computer::new("zoe", &box_.address));
    one.write("minutes.txt", "begun");
    one.sync().await;
    other.sync().await;
    one.write("minutes.txt", "what one wrote");
    other.write("minutes.txt", "what the other wrote!");
    one.sync().await;
    other.sync().await;
    assert_eq!(other.read("minutes.txt"), "what one wrote");
    let names = other.names();
    let copy = names.iter().find(|name| name.contains("conflicted copy")).expect("a copy");
    assert_eq!(other.read(copy), "what the other wrote!");
}

#[tokio::test]
async fn what_others_share_is_synced_and_stays_where_it_is() {
    let Some(box_) = served().await else { return };
    let (zoe, paul) = (Computer::new("zoe", &box_.address), Computer::new("paul", &box_.address));
    zoe.sync().await;
    zoe.write(&format!("{ORGANISATION}/statuts.txt"), "article 1");
    zoe.sync().await;
    paul.sync().await;
    assert_eq!(paul.read(&format!("{ORGANISATION}/statuts.txt")), "article 1");
    // What is nobody's to rename comes back.
    fs::rename(paul.path(ORGANISATION), paul.path("mine")).expect("renamed");
    let _ = paul.try_sync().await;
    let _ = paul.try_sync().await;
    assert_eq!(paul.read(&format!("{ORGANISATION}/statuts.txt")), "article 1");
    assert_eq!(box_.home.get("zoe", &format!("{ORGANISATION}/statuts.txt")).await, "article 1");
}
