//! Large files, in pieces; and what happens when there is no room.

use mazet_files::testing::ORGANISATION;
use sha2::{Digest as _, Sha256};

use crate::client::Computer;
use crate::server::{Served, served};

/// Bytes that nothing shortens.
fn noise(bytes: usize) -> Vec<u8> {
    let mut state = 0x9e37_79b9_7f4a_7c15_u64;
    let mut next = || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        state.to_le_bytes()
    };
    let mut noise = Vec::with_capacity(bytes + 8);
    while noise.len() < bytes {
        noise.extend_from_slice(&next());
    }
    noise.truncate(bytes);
    noise
}

/// What is on its way, on the disk.
fn left(box_: &Served) -> Vec<String> {
    let entries = std::fs::read_dir(box_.home.folder.join("incoming")).expect("a folder");
    entries.map(|entry| entry.expect("readable").file_name().to_string_lossy().into_owned()).collect()
}

fn pieces(asked: &[String]) -> usize {
    asked
        .iter()
        .filter(|line| line.starts_with("PUT /remote.php/dav/uploads/zoe/") && line.ends_with(" 201"))
        .count()
}

fn on_disk(box_: &Served, path: &str) -> Vec<u8> {
    std::fs::read(box_.home.folder.join("people/zoe/files").join(path)).expect("a file")
}

#[tokio::test]
async fn a_file_of_150_mb_comes_in_pieces_and_goes_to_the_other_computer() {
    let Some(box_) = served().await else { return };
    let (one, other) = (Computer::new("zoe", &box_.address), Computer::new("zoe", &box_.address));
    let film = noise(150_000_000);
    let sum = Sha256::digest(&film);
    one.write("film.mp4", &film);
    drop(film);
    one.sync().await;
    let asked = box_.asked();
    assert!(pieces(&asked) >= 2, "{asked:#?}");
    assert_eq!(left(&box_), [""; 0]);
    assert_eq!(box_.home.count("select count(*) from sync_upload").await, 0);
    assert_eq!(Sha256::digest(on_disk(&box_, "film.mp4")), sum);
    other.sync().await;
    assert_eq!(Sha256::digest(std::fs::read(other.path("film.mp4")).expect("a file")), sum);
}

#[tokio::test]
async fn an_upload_that_is_broken_off_goes_on_also_with_another_run_of_the_program() {
    let Some(mut box_) = served().await else { return };
    let computer = Computer::new("zoe", &box_.address);
    let film = noise(250_000_000);
    computer.write("film.mp4", &film);
    box_.pieces(1);
    let mut broken = computer.start();
    box_.wait_for(1, "PUT /remote.php/dav/uploads/zoe/", " 201").await;
    broken.kill().await.expect("killed");
    assert_eq!(box_.home.count("select count(*) from sync_upload").await, 1);
    box_.restart().await;
    assert_eq!(pieces(&box_.asked()), 1);
    computer.sync().await;
    let asked = box_.asked();
    let went_on =
        |line: &&String| line.starts_with("PROPFIND /remote.php/dav/uploads/zoe/") && line.ends_with(" 207");
    assert_eq!(asked.iter().filter(went_on).count(), 1, "{asked:#?}");
    assert!(!asked.iter().any(|line| line.starts_with("MKCOL")), "{asked:#?}");
    assert!(on_disk(&box_, "film.mp4") == film, "other bytes");
    assert_eq!(left(&box_), [""; 0]);
}

#[tokio::test]
async fn what_does_not_fit_stays_where_it_is_and_harms_nothing() {
    let Some(box_) = served().await else { return };
    let computer = Computer::new("zoe", &box_.address);
    box_.home.quota("zoe", 2_000_000).await;
    computer.wrote("film.mp4", noise(12_000_000));
    computer.wrote("picture.jpg", noise(3_000_000));
    computer.write("small.txt", "small");
    let run = computer.try_sync().await;
    assert!(!run.status.success(), "{}", run.said);
    assert_eq!(box_.home.get("zoe", "small.txt").await, "small");
    let view = box_.home.storage.view("zoe").await.expect("a view");
    assert!(view.stat("film.mp4").await.is_err() && view.stat("picture.jpg").await.is_err());
    assert!(box_.asked().iter().any(|line| line.ends_with(" 507")));
    assert_eq!(left(&box_), [""; 0]);
    let names = [&format!("{ORGANISATION}/"), "film.mp4", "picture.jpg", "small.txt"].map(str::to_owned);
    assert_eq!(computer.names(), names);
    box_.home.quota("zoe", 20_000_000).await;
    // The client tries what failed again after a while; what is changed, at once.
    computer.write("film.mp4", noise(11_000_000));
    computer.write("picture.jpg", noise(1_000_000));
    computer.sync().await;
    assert_eq!(view.stat("film.mp4").await.expect("there").size, 11_000_000);
}
