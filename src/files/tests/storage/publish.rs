//! Folders that become web sites.

use std::os::unix::fs::{MetadataExt as _, symlink};

use mazet_files::storage::{BadName, Error};
use mazet_files::testing::{ORGANISATION, TestBox, test_box};

const PAGE: (&str, &[u8]) = ("index.html", b"<h1>Here</h1>");

async fn publish(home: &TestBox, path: &str) -> Result<bool, Error> {
    home.storage.publish(home.organisation.0, path, PAGE).await
}

#[tokio::test]
async fn a_folder_that_is_to_be_a_site_is_made_once_as_if_a_member_had() {
    let Some(home) = test_box().await else { return };
    assert!(publish(&home, "Été/Site web").await.expect("made"));
    let index = format!("{ORGANISATION}/Été/Site web/index.html");
    assert_eq!(home.get("zoe", &index).await, "<h1>Here</h1>");
    let on_disk = home.folder.join(format!("organisations/{}/files/Été/Site web", home.organisation));
    let mode = std::fs::metadata(&on_disk).expect("there").mode();
    assert_eq!(mode & 0o777, 0o750);
    // Who fills it is not undone by whoever clicks again.
    home.put("zoe", &index, "mine").await;
    assert!(!publish(&home, "Été/Site web").await.expect("there"));
    assert_eq!(home.get("paul", &index).await, "mine");
    let zoe = home.storage.view("zoe").await.expect("a view");
    zoe.create_folder(&format!("{ORGANISATION}/Empty")).await.expect("made");
    assert!(!publish(&home, "Empty").await.expect("there"));
    assert!(
        !home.folder.join(format!("organisations/{}/files/Empty/index.html", home.organisation)).exists()
    );
}

#[tokio::test]
async fn what_cannot_be_a_folder_of_the_association_is_refused() {
    let Some(home) = test_box().await else { return };
    home.put("zoe", &format!("{ORGANISATION}/notes.txt"), "notes").await;
    assert!(matches!(publish(&home, "notes.txt").await, Err(Error::Kind)));
    assert!(matches!(publish(&home, "notes.txt/site").await, Err(Error::NoFolder)));
    assert!(matches!(publish(&home, "../site").await, Err(Error::BadName(BadName::Empty))));
    assert!(matches!(home.storage.publish(4711, "site", PAGE).await, Err(Error::NotFound)));
    let files = home.folder.join(format!("organisations/{}/files", home.organisation));
    let elsewhere = tempfile::tempdir().expect("a folder");
    symlink(elsewhere.path(), files.join("link")).expect("linked");
    assert!(publish(&home, "link").await.is_err() && publish(&home, "link/site").await.is_err());
    assert_eq!(std::fs::read_dir(elsewhere.path()).expect("listed").count(), 0);
}
