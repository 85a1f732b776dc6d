//! litmus, the protocol's own test suite: all of its 104 tests.

use std::path::Path;

use mazet_database::testing::program;
use mazet_files::testing::test_box;
use tokio::process::Command;

use super::server;

/// Its suites, and how many tests each has.
const SUITES: [(&str, u32); 5] = [("basic", 16), ("copymove", 13), ("props", 30), ("locks", 41), ("http", 4)];

/// litmus against `url`; gives what it says.
async fn litmus(url: &str, login: &str, password: &str, suite: &str) -> String {
    let work = tempfile::tempdir().expect("a folder");
    let mut command = Command::from(program(&["litmus", "-k", url, login, password]));
    // It writes its logs where it stands: inside a tree, that is a folder of the tree.
    if Path::new("/usr/bin/litmus").exists() {
        command.current_dir(work.path());
    }
    let output = command.env("TESTS", suite).output().await.expect("litmus");
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// All of its suites pass. `of`: where each is asked.
pub async fn passes(of: impl Fn(&str) -> String, login: &str, password: &str) {
    for (suite, count) in SUITES {
        let url = of(suite);
        let said = litmus(&url, login, password, suite).await;
        let summary = format!("summary for `{suite}': of {count} tests run: {count} passed, 0 failed");
        assert!(said.contains(&summary), "{url}: {said}");
    }
}

#[tokio::test]
async fn all_of_litmus_passes() {
    let Some(home) = test_box().await else { return };
    let address = server::on_loopback(&home).await;
    let password = home.application_password("zoe").await;
    passes(|_| format!("http://{address}/dav/"), "zoe", &password).await;
}
