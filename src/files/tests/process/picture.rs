//! The process that draws: what it may take is the kernel's affair, whatever the picture says.

use std::process::Stdio;
use std::time::Duration;

use tokio::process::Command;

/// How long a process may take to start.
const PATIENCE: Duration = Duration::from_secs(120);

/// The limits of a process, as the kernel tells them: soft and hard.
fn limit(id: u32, name: &str) -> Vec<String> {
    let text = std::fs::read_to_string(format!("/proc/{id}/limits")).expect("readable");
    let line = text.lines().find_map(|line| line.strip_prefix(name)).expect("a line");
    line.split_whitespace().take(2).map(str::to_owned).collect()
}

#[tokio::test]
async fn memory_and_time_are_limited_before_anything_is_read() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_mazet-files"));
    command.args(["picture", "100", "100"]).stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
    let mut drawing = command.kill_on_drop(true).spawn().expect("started");
    let id = drawing.id().expect("running");
    // What comes is no file, so it ends at once. Until it is waited for, the kernel still tells its limits.
    let limited = async {
        while limit(id, "Max core file size") != ["0", "0"] || limit(id, "Max cpu time") != ["15", "15"] {
            tokio::task::yield_now().await;
        }
    };
    tokio::time::timeout(PATIENCE, limited).await.expect("limits");
    assert_eq!(limit(id, "Max address space"), ["536870912", "536870912"]);
    drop(drawing.stdin.take());
    assert!(!drawing.wait().await.expect("ended").success());
}
