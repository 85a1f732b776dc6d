//! A program whose file another one took the place of goes on working.
//!
//! This test's own program plays Mazet: it lies in a file that can be replaced while it runs, and
//! starts itself again.

use std::fs;
use std::process::{Command, Stdio};

use mazet::sandbox::own;

/// Set where the program is started by itself: says how.
const ROLE: &str = "MAZET_TEST_ROLE";

#[test]
fn a_replaced_program_still_starts_itself() {
    match std::env::var(ROLE).as_deref() {
        Ok("replaced") => return replaced(),
        Ok("again") => return println!("started again"),
        _ => {}
    }
    let folder = tempfile::tempdir().expect("a temporary folder");
    let copy = folder.path().join("mazet");
    fs::copy(std::env::current_exe().expect("known"), &copy).expect("copied");
    let output = Command::new(&copy).args(ARGUMENTS).env(ROLE, "replaced").output().expect("started");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("started again"), "{output:?}");
}

/// Run this one test, and show what it prints.
const ARGUMENTS: [&str; 3] = ["--exact", "a_replaced_program_still_starts_itself", "--nocapture"];

/// In the copy: puts another program in its own place, as cargo does, and starts itself.
fn replaced() {
    let own = std::env::current_exe().expect("known");
    assert_eq!(own::path().expect("told"), own);
    let other = own.with_file_name("other");
    fs::write(&other, "#!/bin/sh\necho another program\n").expect("written");
    fs::rename(&other, &own).expect("replaced");
    let start = |program: &str| {
        let mut command = Command::new(program);
        command.args(ARGUMENTS).env(ROLE, "again").stdout(Stdio::inherit());
        assert!(command.status().expect("started").success(), "{program}");
    };
    start(&own::program().expect("open"));
    start(own::path().expect("told").to_str().expect("text"));
}
