//! Many files. What takes minutes is for `./mazet test --long`.

use std::time::Instant;

use crate::client::Computer;
use crate::server::{Served, served};

fn fill(computer: &Computer, files: usize) {
    for number in 0..files {
        computer.write(&format!("{:03}/{number:05}.txt", number / 100), format!("number {number}"));
    }
}

/// Lays the same files on the box's disk, so that nothing need be sent.
fn lay_too(box_: &Served, computer: &Computer) {
    let space = box_.home.folder.join("people/zoe/files");
    for name in computer.names() {
        let (from, to) = (computer.path(&name), space.join(&name));
        if name.ends_with('/') {
            std::fs::create_dir_all(&to).expect("made");
        } else {
            std::fs::copy(&from, &to).expect("copied");
            let modified = std::fs::metadata(&from).and_then(|facts| facts.modified()).expect("a time");
            std::fs::File::options()
                .write(true)
                .open(&to)
                .and_then(|file| file.set_modified(modified))
                .expect("set");
        }
    }
}

#[tokio::test]
#[ignore = "takes a minute: ./mazet test --long"]
async fn five_thousand_small_files_reach_the_other_computer() {
    let Some(box_) = served().await else { return };
    let (one, other) = (Computer::new("zoe", &box_.address), Computer::new("zoe", &box_.address));
    fill(&one, 5000);
    let start = Instant::now();
    one.sync().await;
    println!("5,000 small files up: {:.1} s", start.elapsed().as_secs_f64());
    let start = Instant::now();
    other.sync().await;
    println!("5,000 small files down: {:.1} s", start.elapsed().as_secs_f64());
    assert_eq!(one.names(), other.names());
    assert_eq!(other.read("049/04999.txt"), "number 4999");
}

#[tokio::test]
#[ignore = "takes minutes: ./mazet test --long"]
async fn a_tree_of_20_000_files_that_is_unchanged_is_not_walked() {
    let Some(box_) = served().await else { return };
    let computer = Computer::new("zoe", &box_.address);
    // Makes the person's space.
    box_.home.storage.view("zoe").await.expect("a view");
    fill(&computer, 20_000);
    lay_too(&box_, &computer);
    box_.home.storage.scan().await.expect("scanned");
    let start = Instant::now();
    computer.sync().await;
    println!("first sync of 20,000 files that are the same: {:.1} s", start.elapsed().as_secs_f64());
    assert!(!box_.asked().iter().any(|line| line.starts_with("PUT") || line.starts_with("GET /remote.php")));
    let start = Instant::now();
    computer.sync().await;
    let asked = box_.asked();
    println!(
        "sync of 20,000 unchanged files: {:.1} s, {} requests",
        start.elapsed().as_secs_f64(),
        asked.len()
    );
    assert!(asked.len() < 10, "{asked:#?}");
}
