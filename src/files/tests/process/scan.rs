//! What is changed on the disk by hand is found again, and nothing else is lost.

use std::fs;

use mazet_files::storage::scan::Scanned;
use mazet_files::testing::{ORGANISATION, test_box};

#[tokio::test]
async fn a_scan_of_what_is_as_it_was_changes_nothing() {
    let Some(home) = test_box().await else { return };
    let view = home.storage.view("zoe").await.expect("a view");
    view.create_folder("a").await.expect("made");
    home.put("zoe", "a/x", "text").await;
    home.put("zoe", &format!("{ORGANISATION}/y"), "text").await;
    home.put("zoe", "gone", "text").await;
    view.delete("gone").await.expect("deleted");
    view.move_to("a", "b", false).await.expect("moved");
    let before = view.stat("").await.expect("the root");
    assert_eq!(home.storage.scan().await.expect("scanned"), Scanned::default());
    assert_eq!(view.stat("").await.expect("the root"), before);
}

#[tokio::test]
async fn what_was_changed_by_hand_is_found_again() {
    let Some(home) = test_box().await else { return };
    let view = home.storage.view("zoe").await.expect("a view");
    for folder in ["a", "a/b", "c"] {
        view.create_folder(folder).await.expect("made");
    }
    for path in ["kept", "changed", "removed", "moved", "a/b/deep", "a/here"] {
        home.put("zoe", path, path).await;
    }
    let ids = async |path: &str| view.stat(path).await.map(|entry| entry.id).ok();
    let (kept, changed, moved) = (ids("kept").await, ids("changed").await, ids("moved").await);
    let (deep, folder) = (ids("a/b/deep").await, ids("a/b").await);
    let etag = view.stat("kept").await.expect("there").etag;
    let files = home.folder.join("people/zoe/files");
    fs::write(files.join("changed"), "changed by hand").expect("written");
    fs::remove_file(files.join("removed")).expect("removed");
    fs::rename(files.join("moved"), files.join("c/moved é")).expect("moved");
    fs::rename(files.join("a/b"), files.join("c/b")).expect("moved");
    fs::create_dir(files.join("new")).expect("made");
    fs::write(files.join("new/x"), "12345").expect("written");
    std::os::unix::fs::symlink("/etc/passwd", files.join("link")).expect("linked");
    let found = home.storage.scan().await.expect("scanned");
    assert_eq!(found, Scanned { added: 2, changed: 1, moved: 2, removed: 1 });
    assert_eq!((ids("kept").await, ids("changed").await), (kept, changed));
    assert_eq!((ids("c/moved é").await, ids("c/b").await, ids("c/b/deep").await), (moved, folder, deep));
    assert_eq!(view.stat("kept").await.expect("there").etag, etag);
    assert_eq!(home.get("zoe", "changed").await, "changed by hand");
    for gone in ["removed", "moved", "a/b", "link"] {
        assert_eq!(ids(gone).await, None, "{gone}");
    }
    // What comes out of a folder that is gone then is known again, too.
    view.create_folder("shell").await.expect("made");
    view.create_folder("shell/nut").await.expect("made");
    let nut = home.put("zoe", "shell/nut/kernel", "").await.id;
    fs::rename(files.join("shell/nut"), files.join("nut")).expect("moved");
    fs::remove_dir(files.join("shell")).expect("removed");
    assert_eq!(
        home.storage.scan().await.expect("scanned"),
        Scanned { moved: 1, removed: 1, ..Scanned::default() }
    );
    assert_eq!(ids("nut/kernel").await, Some(nut));
    // As if each folder had been counted.
    let sizes = async |path: &str| view.stat(path).await.expect("there").size;
    assert_eq!((sizes("new").await, sizes("c").await, sizes("a").await), (5, 5 + 8, 6));
    assert_eq!(sizes("").await, 4 + 15 + 6 + 13 + 5);
    assert_eq!(home.storage.scan().await.expect("scanned"), Scanned::default());
}

#[tokio::test]
async fn a_file_that_is_opened_is_the_one_on_the_disk() {
    let Some(home) = test_box().await else { return };
    let view = home.storage.view("zoe").await.expect("a view");
    let before = home.put("zoe", "x", "old").await;
    let path = home.folder.join("people/zoe/files/x");
    fs::write(&path, "longer than it was").expect("written");
    let (_, now) = view.open("x").await.expect("open");
    assert!(now.size == 18 && now.id == before.id && now.etag != before.etag);
    fs::remove_file(&path).expect("removed");
    assert!(view.open("x").await.is_err());
}
