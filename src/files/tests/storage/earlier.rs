//! What there was, by snapshots: who sees it, what of it, and how it comes back.

use mazet_files::snapshots::Moment;
use mazet_files::storage::{Entry, Error, Full, View};
use mazet_files::testing::{ORGANISATION, TestBox, test_box};

/// 25 November 2025, 07:10:12, in UTC; and so many hours later.
fn moment(hours: i64) -> Moment {
    Moment::at(1_764_054_612 + hours * 3600)
}

async fn view(home: &TestBox, login: &str) -> View {
    home.storage.view(login).await.expect("a view")
}

fn names(entries: &[Entry]) -> Vec<&str> {
    entries.iter().map(|entry| entry.name.as_str()).collect()
}

/// The moments of what was at a path.
async fn moments(view: &View, path: &str) -> Vec<Moment> {
    view.earlier(path).await.expect("asked").into_iter().map(|one| one.moment).collect()
}

async fn read(view: &View, moment: Moment, path: &str) -> String {
    let (file, entry) = view.open_at(moment, path).await.expect("open");
    let text = std::io::read_to_string(file).expect("read");
    assert_eq!(entry.size, text.len() as u64);
    text
}

#[tokio::test]
async fn without_snapshots_there_is_nothing_and_nothing_fails() {
    let Some(home) = test_box().await else { return };
    home.put("zoe", "x", "now").await;
    let zoe = view(&home, "zoe").await;
    assert!(!zoe.has_earlier().await);
    assert_eq!(moments(&zoe, "x").await, []);
    assert_eq!(moments(&zoe, "").await, []);
    assert!(matches!(zoe.earlier("gone").await, Err(Error::NotFound)));
    assert!(matches!(zoe.open_at(moment(0), "x").await, Err(Error::NotFound)));
    assert!(matches!(zoe.list_at(moment(0), "").await, Err(Error::NotFound)));
    assert!(matches!(zoe.bring_back(moment(0), "x").await, Err(Error::NotFound)));
}

#[tokio::test]
async fn a_file_is_shown_at_the_newest_moment_of_each_version() {
    let Some(home) = test_box().await else { return };
    let zoe = view(&home, "zoe").await;
    home.put("zoe", "x", "first").await;
    home.snapshot(moment(0)).await;
    home.snapshot(moment(1)).await;
    home.put("zoe", "x", "other").await;
    home.snapshot(moment(2)).await;
    // As it is now, it is no earlier one.
    assert_eq!(moments(&zoe, "x").await, [moment(1)]);
    home.put("zoe", "x", "third").await;
    assert_eq!(moments(&zoe, "x").await, [moment(2), moment(1)]);
    assert_eq!(read(&zoe, moment(0), "x").await, "first");
    assert_eq!(read(&zoe, moment(2), "x").await, "other");
    assert_eq!(home.get("zoe", "x").await, "third");
    zoe.delete("x").await.expect("deleted");
    assert_eq!(moments(&zoe, "x").await, [moment(2), moment(1)]);
    assert!(matches!(zoe.open_at(moment(3), "x").await, Err(Error::NotFound)));
}

#[tokio::test]
async fn a_folder_is_another_one_when_names_in_it_change() {
    let Some(home) = test_box().await else { return };
    let zoe = view(&home, "zoe").await;
    zoe.create_folder("a").await.expect("made");
    zoe.create_folder("a/b").await.expect("made");
    home.put("zoe", "a/b/x", "deep").await;
    home.snapshot(moment(0)).await;
    assert_eq!(moments(&zoe, "a/b").await, []);
    zoe.delete("a/b/x").await.expect("deleted");
    assert_eq!(moments(&zoe, "a/b").await, [moment(0)]);
    assert_eq!(moments(&zoe, "a").await, []);
    zoe.purge(zoe.bin().await.expect("a bin")[0].id).await.expect("purged");
    let (folder, inside) = zoe.list_at(moment(0), "a/b").await.expect("listed");
    assert_eq!((folder.path.as_str(), names(&inside)), ("a/b", vec!["x"]));
    assert_eq!((inside[0].path.as_str(), inside[0].size, inside[0].movable), ("a/b/x", 4, true));
    assert!(matches!(zoe.list_at(moment(0), "a/b/x").await, Err(Error::Kind)));
    assert!(matches!(zoe.open_at(moment(0), "a/b").await, Err(Error::NotFound)));
    // The root is a folder, too; the bin is none of it.
    let (root, inside) = zoe.list_at(moment(0), "").await.expect("listed");
    assert_eq!((root.path.as_str(), names(&inside)), ("", vec!["a"]));
}

#[tokio::test]
async fn what_comes_back_replaces_nothing() {
    let Some(home) = test_box().await else { return };
    let zoe = view(&home, "zoe").await;
    zoe.create_folder("a").await.expect("made");
    let old = home.put("zoe", "a/note.txt", "first").await;
    home.snapshot(moment(0)).await;
    let now = home.put("zoe", "a/note.txt", "second").await;
    let beside = zoe.bring_back(moment(0), "a/note.txt").await.expect("back");
    let name = format!("note ({}).txt", moment(0).in_a_name());
    assert_eq!((beside.name.as_str(), beside.modified), (name.as_str(), old.modified));
    assert_eq!(home.get("zoe", &beside.path).await, "first");
    assert_eq!(zoe.stat("a/note.txt").await.expect("there"), now);
    let again = zoe.bring_back(moment(0), "a/note.txt").await.expect("back");
    assert_eq!(again.name, format!("note ({}) (2).txt", moment(0).in_a_name()));
    assert!(again.id != beside.id && again.etag != beside.etag);
    // It is a file as any other: counted, and known.
    assert_eq!(zoe.stat("a").await.expect("there").size, 6 + 5 + 5);
    assert_eq!(
        home.storage.scan().await.expect("scanned").to_string(),
        "0 added, 0 changed, 0 moved, 0 removed"
    );
}

#[tokio::test]
async fn what_is_gone_comes_back_to_its_place() {
    let Some(home) = test_box().await else { return };
    let zoe = view(&home, "zoe").await;
    for folder in ["a", "a/b", "a/empty"] {
        zoe.create_folder(folder).await.expect("made");
    }
    home.put("zoe", "a/b/été.txt", "deep").await;
    home.put("zoe", "a/note.txt", "hello").await;
    home.snapshot(moment(0)).await;
    zoe.delete("a").await.expect("deleted");
    let empty = zoe.purge(zoe.bin().await.expect("a bin")[0].id);
    empty.await.expect("purged");
    // One file, with the folders above it.
    assert_eq!(zoe.bring_back(moment(0), "a/b/été.txt").await.expect("back").path, "a/b/été.txt");
    assert_eq!(home.get("zoe", "a/b/été.txt").await, "deep");
    assert!(matches!(zoe.stat("a/note.txt").await, Err(Error::NotFound)));
    // All of a folder, beside what there is of it.
    let beside = zoe.bring_back(moment(0), "a").await.expect("back");
    assert_eq!(beside.path, format!("a ({})", moment(0).in_a_name()));
    assert_eq!(names(&zoe.list(&beside.path).await.expect("listed")), ["b", "empty", "note.txt"]);
    assert_eq!(home.get("zoe", &format!("{}/b/été.txt", beside.path)).await, "deep");
    assert_eq!(beside.size, 4 + 5);
    zoe.delete("a").await.expect("deleted");
    assert_eq!(zoe.bring_back(moment(0), "a").await.expect("back").path, "a");
    assert_eq!(home.get("zoe", "a/note.txt").await, "hello");
    assert_eq!(
        home.storage.scan().await.expect("scanned").to_string(),
        "0 added, 0 changed, 0 moved, 0 removed"
    );
    assert!(matches!(zoe.bring_back(moment(0), "").await, Err(Error::Denied)));
}

#[tokio::test]
async fn nothing_comes_back_beyond_the_quota() {
    let Some(home) = test_box().await else { return };
    home.quota("zoe", 1000).await;
    let zoe = view(&home, "zoe").await;
    zoe.create_folder("a").await.expect("made");
    home.put("zoe", "a/x", &"x".repeat(300)).await;
    home.put("zoe", "a/y", &"y".repeat(300)).await;
    home.snapshot(moment(0)).await;
    zoe.delete("a/x").await.expect("deleted");
    zoe.purge(zoe.bin().await.expect("a bin")[0].id).await.expect("purged");
    home.put("zoe", "z", &"z".repeat(450)).await;
    let full = |error: Error| matches!(error, Error::NoSpace(Full::Quota));
    assert!(full(zoe.bring_back(moment(0), "a/x").await.expect_err("refused")));
    assert!(full(zoe.bring_back(moment(0), "a").await.expect_err("refused")));
    // Nothing of it came.
    assert_eq!(names(&zoe.list("").await.expect("listed")), [ORGANISATION, "a", "z"]);
    assert_eq!(names(&zoe.list("a").await.expect("listed")), ["y"]);
    zoe.delete("z").await.expect("deleted");
    zoe.purge(zoe.bin().await.expect("a bin")[0].id).await.expect("purged");
    zoe.bring_back(moment(0), "a/x").await.expect("back");
}

#[tokio::test]
async fn everybody_sees_what_was_theirs_to_see_now() {
    let Some(home) = test_box().await else { return };
    let (ours, mine) = (format!("{ORGANISATION}/ours.txt"), "mine.txt");
    let (zoe, paul, nino) = (view(&home, "zoe").await, view(&home, "paul").await, view(&home, "nino").await);
    home.put("zoe", mine, "mine").await;
    home.put("ada", &ours, "ours").await;
    home.snapshot(moment(0)).await;
    home.put("ada", &ours, "others").await;
    assert_eq!(read(&zoe, moment(0), &ours).await, "ours");
    // Somebody else's own files, and an association that one is not in.
    for path in [mine, "../../zoe/files/mine.txt", "people/zoe/files/mine.txt"] {
        assert!(paul.open_at(moment(0), path).await.is_err(), "{path}");
        assert!(paul.earlier(path).await.is_err(), "{path}");
    }
    assert!(matches!(nino.open_at(moment(0), &ours).await, Err(Error::NotFound)));
    assert!(matches!(nino.list_at(moment(0), ORGANISATION).await, Err(Error::NotFound)));
    // Who may only read brings nothing back.
    view(&home, "ada").await.set_read_only(ORGANISATION, true).await.expect("set");
    let zoe = view(&home, "zoe").await;
    assert_eq!(read(&zoe, moment(0), &ours).await, "ours");
    assert!(!zoe.earlier(&ours).await.expect("asked")[0].entry.movable);
    assert!(matches!(zoe.bring_back(moment(0), &ours).await, Err(Error::Denied)));
    view(&home, "ada").await.bring_back(moment(0), &ours).await.expect("back");
    // Who has left sees nothing of what was there when they had not.
    home.in_directory("delete from membership using person where person.id = person_id and login = 'zoe'")
        .await;
    let zoe = view(&home, "zoe").await;
    assert!(matches!(zoe.earlier(&ours).await, Err(Error::NotFound)));
    assert!(matches!(zoe.list_at(moment(0), ORGANISATION).await, Err(Error::NotFound)));
    assert!(matches!(zoe.bring_back(moment(0), &ours).await, Err(Error::NotFound)));
}

#[tokio::test]
async fn what_was_before_a_space_began_is_nobodys() {
    let Some(home) = test_box().await else { return };
    let zoe = view(&home, "zoe").await;
    home.put("zoe", "x", "of another zoe").await;
    home.snapshot(moment(0)).await;
    home.put("zoe", "x", "mine").await;
    home.snapshot(moment(2)).await;
    home.put("zoe", "x", "now").await;
    assert_eq!(moments(&zoe, "x").await, [moment(2), moment(0)]);
    home.in_files("update space set created_at = '2025-11-25T08:30:00Z'").await;
    assert_eq!(moments(&zoe, "x").await, [moment(2)]);
    assert!(matches!(zoe.open_at(moment(0), "x").await, Err(Error::NotFound)));
    assert!(matches!(zoe.list_at(moment(0), "").await, Err(Error::NotFound)));
    assert!(matches!(zoe.bring_back(moment(0), "x").await, Err(Error::NotFound)));
}

#[tokio::test]
async fn links_in_a_snapshot_lead_nowhere() {
    let Some(home) = test_box().await else { return };
    let zoe = view(&home, "zoe").await;
    home.put("zoe", "x", "x").await;
    home.put("ada", "secret", "secret").await;
    home.snapshot(moment(0)).await;
    let files = home.folder.join("snapshots").join(moment(0).name()).join("files/people");
    std::os::unix::fs::symlink("../../ada/files/secret", files.join("zoe/files/secret")).expect("linked");
    std::os::unix::fs::symlink("../../ada/files", files.join("zoe/files/all")).expect("linked");
    for path in ["secret", "all", "all/secret"] {
        assert!(matches!(zoe.open_at(moment(0), path).await, Err(Error::NotFound)), "{path}");
        assert!(matches!(zoe.list_at(moment(0), path).await, Err(Error::NotFound)), "{path}");
        assert!(matches!(zoe.bring_back(moment(0), path).await, Err(Error::NotFound)), "{path}");
        assert!(matches!(zoe.earlier(path).await, Err(Error::NotFound)), "{path}");
    }
    assert_eq!(names(&zoe.list_at(moment(0), "").await.expect("listed").1), ["x"]);
}
