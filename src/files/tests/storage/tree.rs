//! Folders, moves, copies, the bin, what one may see.

use mazet_files::storage::{BadName, Error, View};
use mazet_files::testing::{ORGANISATION, TestBox, test_box};

const BUREAU: &str = "Les Amis du Mazet – Bureau";

async fn view(home: &TestBox, login: &str) -> View {
    home.storage.view(login).await.expect("a view")
}

async fn names(view: &View, path: &str) -> Vec<String> {
    view.list(path).await.expect("listed").into_iter().map(|entry| entry.name).collect()
}

#[tokio::test]
async fn everybody_sees_their_own_space_and_those_of_their_associations_and_groups() {
    let Some(home) = test_box().await else { return };
    assert_eq!(names(&view(&home, "ada").await, "").await, [ORGANISATION, BUREAU]);
    assert_eq!(names(&view(&home, "zoe").await, "").await, [ORGANISATION]);
    assert_eq!(names(&view(&home, "nino").await, "").await, ["Chorale"]);
    assert!(matches!(home.storage.view("nobody").await, Err(Error::NotFound)));
    home.put("zoe", "mine.txt", "mine").await;
    home.put("zoe", &format!("{ORGANISATION}/ours.txt"), "ours").await;
    home.put("paul", &format!("{BUREAU}/minutes.txt"), "minutes").await;
    assert_eq!(home.get("paul", &format!("{ORGANISATION}/ours.txt")).await, "ours");
    assert_eq!(home.get("ada", &format!("{BUREAU}/minutes.txt")).await, "minutes");
    let paul = view(&home, "paul").await;
    assert!(matches!(paul.stat("mine.txt").await, Err(Error::NotFound)));
    assert!(matches!(view(&home, "zoe").await.stat(BUREAU).await, Err(Error::NotFound)));
    let on_disk = home.folder.join(format!("organisations/{}/files/ours.txt", home.organisation));
    assert_eq!(std::fs::read_to_string(on_disk).expect("a real file"), "ours");
}

#[tokio::test]
async fn who_leaves_or_is_locked_out_sees_nothing_any_more() {
    let Some(home) = test_box().await else { return };
    home.put("zoe", &format!("{ORGANISATION}/ours.txt"), "ours").await;
    home.in_directory("update person set active = false where login = 'zoe'").await;
    assert!(matches!(home.storage.view("zoe").await, Err(Error::NotFound)));
    home.in_directory("delete from membership using person where person.id = person_id and login = 'paul'")
        .await;
    assert!(matches!(view(&home, "paul").await.stat(ORGANISATION).await, Err(Error::NotFound)));
}

#[tokio::test]
async fn shared_folders_cannot_be_moved_and_nothing_takes_their_names() {
    let Some(home) = test_box().await else { return };
    let zoe = view(&home, "zoe").await;
    zoe.create_folder("Notes").await.expect("made");
    assert!(matches!(zoe.delete(ORGANISATION).await, Err(Error::Denied)));
    assert!(matches!(zoe.move_to(ORGANISATION, "Elsewhere", false).await, Err(Error::Denied)));
    assert!(matches!(zoe.move_to("Notes", ORGANISATION, true).await, Err(Error::Exists)));
    assert!(matches!(zoe.create_folder(ORGANISATION).await, Err(Error::Exists)));
    assert!(matches!(zoe.begin(ORGANISATION, None).await, Err(Error::Kind)));
    // One that comes to a name that is taken steps aside: nothing is hidden.
    home.put("nino", "Les Amis du Mazet", "a file").await;
    home.in_directory(&format!(
        "insert into membership (person_id, organisation_id) select id, {} from person where login = 'nino'",
        home.organisation
    ))
    .await;
    let nino = view(&home, "nino").await;
    assert_eq!(names(&nino, "").await, ["Les Amis du Mazet (2)", "Chorale", "Les Amis du Mazet"]);
    assert_eq!(home.get("nino", "Les Amis du Mazet").await, "a file");
}

#[tokio::test]
async fn a_read_only_space_is_changed_by_managers_alone() {
    let Some(home) = test_box().await else { return };
    let path = format!("{ORGANISATION}/charter.txt");
    home.put("ada", &path, "first").await;
    let (zoe, ada) = (view(&home, "zoe").await, view(&home, "ada").await);
    assert!(matches!(zoe.set_read_only(ORGANISATION, true).await, Err(Error::Denied)));
    ada.set_read_only(ORGANISATION, true).await.expect("set");
    let zoe = view(&home, "zoe").await;
    assert!(!zoe.stat(&path).await.expect("there").writable);
    assert!(matches!(zoe.begin(&path, None).await, Err(Error::Denied)));
    assert!(matches!(zoe.delete(&path).await, Err(Error::Denied)));
    assert!(matches!(zoe.create_folder(&format!("{ORGANISATION}/x")).await, Err(Error::Denied)));
    assert!(matches!(zoe.move_to(&path, "charter.txt", false).await, Err(Error::Denied)));
    zoe.copy_to(&path, "charter.txt", false).await.expect("copied");
    home.put("ada", &path, "second").await;
    assert_eq!(home.get("zoe", &path).await, "second");
    assert_eq!(home.get("zoe", "charter.txt").await, "first");
}

#[tokio::test]
async fn sizes_and_etags_of_folders_follow_what_is_in_them() {
    let Some(home) = test_box().await else { return };
    let zoe = view(&home, "zoe").await;
    for folder in ["a", "a/b", "c"] {
        zoe.create_folder(folder).await.expect("made");
    }
    let seen = async || {
        let stat = async |path: &str| zoe.stat(path).await.expect("there");
        let all = [stat("").await, stat("a").await, stat("a/b").await, stat("c").await];
        all.map(|entry| (entry.size, entry.etag))
    };
    let changed = |before: &[(u64, String); 4], after: &[(u64, String); 4]| {
        std::array::from_fn::<bool, 4, _>(|at| before[at].1 != after[at].1)
    };
    let start = seen().await;
    home.put("zoe", "a/b/x", "12345").await;
    let put = seen().await;
    assert_eq!(changed(&start, &put), [true, true, true, false]);
    assert_eq!(put.clone().map(|one| one.0), [5, 5, 5, 0]);
    home.put("zoe", "a/b/x", "12").await;
    let again = seen().await;
    assert_eq!(changed(&put, &again), [true, true, true, false]);
    assert_eq!(again.clone().map(|one| one.0), [2, 2, 2, 0]);
    zoe.move_to("a/b/x", "c/x", false).await.expect("moved");
    let moved = seen().await;
    assert_eq!(changed(&again, &moved), [true; 4]);
    assert_eq!(moved.clone().map(|one| one.0), [2, 0, 0, 2]);
    zoe.delete("c/x").await.expect("deleted");
    assert_eq!(seen().await.map(|one| one.0), [0; 4]);
    // A shared folder counts too.
    let before = seen().await;
    home.put("paul", &format!("{ORGANISATION}/y"), "1").await;
    assert_eq!(changed(&before, &seen().await), [true, false, false, false]);
    assert_eq!(zoe.quota("").await.expect("a quota").used, 2, "the bin counts");
}

#[tokio::test]
async fn numbers_stay_through_renaming_moving_and_writing_anew() {
    let Some(home) = test_box().await else { return };
    let zoe = view(&home, "zoe").await;
    let id = home.put("zoe", "x.txt", "one").await.id;
    zoe.create_folder("f").await.expect("made");
    assert_eq!(home.put("zoe", "x.txt", "two").await.id, id);
    assert_eq!(zoe.move_to("x.txt", "y.txt", false).await.expect("renamed").id, id);
    assert_eq!(zoe.move_to("y.txt", "f/y.txt", false).await.expect("moved").id, id);
    zoe.move_to("f", "g", false).await.expect("renamed");
    assert_eq!(zoe.stat("g/y.txt").await.expect("there").id, id);
    zoe.move_to("g", &format!("{ORGANISATION}/g"), false).await.expect("moved to another space");
    let there = format!("{ORGANISATION}/g/y.txt");
    assert_eq!(view(&home, "paul").await.stat(&there).await.expect("there").id, id);
    assert_eq!(home.get("paul", &there).await, "two");
    assert_eq!(view(&home, "paul").await.search("Y.TXT", 9).await.expect("found")[0].path, there);
}

#[tokio::test]
async fn moves_replace_only_what_they_are_told_to() {
    let Some(home) = test_box().await else { return };
    let zoe = view(&home, "zoe").await;
    let one = home.put("zoe", "one", "1").await;
    home.put("zoe", "two", "22").await;
    zoe.create_folder("folder").await.expect("made");
    zoe.create_folder("folder/inner").await.expect("made");
    assert!(matches!(zoe.move_to("one", "two", false).await, Err(Error::Exists)));
    assert!(matches!(zoe.move_to("folder", "folder/inner/x", false).await, Err(Error::Loop)));
    assert!(matches!(zoe.move_to("folder/inner", "folder", true).await, Err(Error::Loop)));
    assert!(matches!(zoe.move_to("one", "none/x", false).await, Err(Error::NoFolder)));
    assert!(matches!(zoe.move_to("one", "two/x", false).await, Err(Error::NoFolder)));
    let moved = zoe.move_to("one", "two", true).await.expect("moved");
    assert_eq!((moved.id, home.get("zoe", "two").await), (one.id, "1".to_owned()));
    assert_eq!(zoe.bin().await.expect("a bin"), []);
    zoe.move_to("two", "folder", true).await.expect("moved");
    assert_eq!(home.get("zoe", "folder").await, "1");
    assert_eq!(zoe.bin().await.expect("a bin")[0].name, "folder");
    assert_eq!(names(&zoe, "").await, [ORGANISATION, "folder"]);
    assert_eq!(zoe.stat("").await.expect("the root").size, 1);
}

#[tokio::test]
async fn a_folder_is_copied_with_all_that_is_in_it() {
    let Some(home) = test_box().await else { return };
    let zoe = view(&home, "zoe").await;
    zoe.create_folder("a").await.expect("made");
    zoe.create_folder("a/b").await.expect("made");
    home.put("zoe", "a/b/x", &"x".repeat(300_000)).await;
    home.put("zoe", "a/y", "y").await;
    assert!(matches!(zoe.copy_to("a", "a/b/c", false).await, Err(Error::Loop)));
    let copy = zoe.copy_to("a", "c", false).await.expect("copied");
    assert_eq!(copy.size, 300_001);
    assert_eq!(home.get("zoe", "c/b/x").await, "x".repeat(300_000));
    assert!(matches!(zoe.copy_to("a", "c", false).await, Err(Error::Exists)));
    let (old, new) = (zoe.stat("a/y").await.expect("there"), zoe.stat("c/y").await.expect("there"));
    assert!(old.id != new.id && old.modified == new.modified);
    home.put("zoe", "a/y", "other").await;
    zoe.copy_to("a", "c", true).await.expect("copied");
    assert_eq!(home.get("zoe", "c/y").await, "other");
    assert_eq!(home.get("zoe", "a/y").await, "other");
}

#[tokio::test]
async fn what_was_deleted_comes_back_where_it_was() {
    let Some(home) = test_box().await else { return };
    let zoe = view(&home, "zoe").await;
    zoe.create_folder("a").await.expect("made");
    let id = home.put("zoe", "a/x.txt", "first").await.id;
    zoe.delete("a/x.txt").await.expect("deleted");
    assert!(matches!(zoe.stat("a/x.txt").await, Err(Error::NotFound)));
    assert_eq!(zoe.search("x.txt", 9).await.expect("searched"), []);
    home.put("zoe", "a/x.txt", "second").await;
    let bin = zoe.bin().await.expect("a bin");
    let told = (bin[0].name.as_str(), bin[0].folder.as_str(), bin[0].size, bin[0].deleted_by.as_str());
    assert_eq!(told, ("x.txt", "a", 5, "zoe"));
    assert!(matches!(view(&home, "paul").await.restore(id).await, Err(Error::NotFound)));
    let back = zoe.restore(id).await.expect("back");
    assert_eq!((back.path.as_str(), back.id), ("a/x (2).txt", id));
    assert_eq!(home.get("zoe", "a/x (2).txt").await, "first");
    // Its folder is gone, too: into the root.
    zoe.delete("a/x.txt").await.expect("deleted");
    zoe.delete("a").await.expect("deleted");
    let bin = zoe.bin().await.expect("a bin");
    let file = bin.iter().find(|one| !one.is_folder).expect("the file");
    assert_eq!(zoe.restore(file.id).await.expect("back").path, "x.txt");
    let folder = zoe.bin().await.expect("a bin")[0].id;
    zoe.purge(folder).await.expect("purged");
    assert!(matches!(zoe.restore(folder).await, Err(Error::NotFound)));
    assert_eq!(zoe.quota("").await.expect("a quota").used, 6);
    assert_eq!(std::fs::read_dir(home.folder.join("people/zoe/bin")).expect("a folder").count(), 0);
    assert_eq!(std::fs::read_dir(home.folder.join("incoming")).expect("a folder").count(), 0);
}

#[tokio::test]
async fn the_bin_forgets_after_thirty_days() {
    let Some(home) = test_box().await else { return };
    let zoe = view(&home, "zoe").await;
    for name in ["old", "new"] {
        home.put("zoe", name, name).await;
        zoe.delete(name).await.expect("deleted");
    }
    home.in_files("update bin set deleted_at = now() - interval '31 days' where name = 'old'").await;
    assert_eq!(home.storage.purge_old().await.expect("purged"), 1);
    let left: Vec<String> = zoe.bin().await.expect("a bin").into_iter().map(|one| one.name).collect();
    assert_eq!(left, ["new"]);
    assert_eq!(zoe.quota("").await.expect("a quota").used, 3);
}

#[tokio::test]
async fn names_are_what_people_give() {
    let Some(home) = test_box().await else { return };
    let zoe = view(&home, "zoe").await;
    let long = "é".repeat(127);
    for name in
        ["été à l’ombre.txt", "🌳 arbre", " a  b ", "a%2Fb", "-rf", "x'\"\\", "~", "...", long.as_str()]
    {
        home.put("zoe", name, name).await;
        assert_eq!(home.get("zoe", name).await, name);
        assert!(home.folder.join("people/zoe/files").join(name).exists(), "{name}");
        assert_eq!(zoe.move_to(name, "moved", false).await.expect("moved").name, "moved");
        zoe.move_to("moved", name, false).await.expect("moved back");
    }
    assert_eq!(zoe.search("ÉTÉ ombre", 9).await.expect("found").len(), 1);
    assert_eq!(zoe.search("%", 9).await.expect("found").len(), 1);
    let refused = |found: Result<_, Error>| matches!(found, Err(Error::BadName(_)));
    assert!(refused(zoe.create_folder("..").await));
    assert!(refused(zoe.create_folder("a/../../b").await));
    assert!(matches!(zoe.create_folder(&"x".repeat(256)).await, Err(Error::BadName(BadName::Long))));
    // The other form of the same letters, as some computers send it, is the same file.
    assert_eq!(home.get("zoe", "e\u{301}te\u{301} a\u{300} l’ombre.txt").await, "été à l’ombre.txt");
    let count = zoe.list("").await.expect("listed").len();
    home.put("zoe", "e\u{301}te\u{301} a\u{300} l’ombre.txt", "new").await;
    assert_eq!(zoe.list("").await.expect("listed").len(), count);
    assert_eq!(home.get("zoe", "été à l’ombre.txt").await, "new");
}

#[tokio::test]
async fn symbolic_links_lead_nowhere() {
    let Some(home) = test_box().await else { return };
    let zoe = view(&home, "zoe").await;
    home.put("zoe", "x", "inside").await;
    zoe.create_folder("f").await.expect("made");
    let secret = home.folder.join("secret");
    std::fs::write(&secret, "secret").expect("written");
    let files = home.folder.join("people/zoe/files");
    std::fs::remove_file(files.join("x")).expect("removed");
    std::os::unix::fs::symlink(&secret, files.join("x")).expect("linked");
    std::fs::remove_dir(files.join("f")).expect("removed");
    std::os::unix::fs::symlink(&home.folder, files.join("f")).expect("linked");
    assert!(matches!(zoe.open("x").await, Err(Error::NotFound)));
    let mut incoming = zoe.begin("f/secret", None).await.expect("begun");
    incoming.write(b"overwritten").await.expect("written");
    assert!(incoming.finish(None).await.is_err());
    assert_eq!(std::fs::read_to_string(&secret).expect("there"), "secret");
}
