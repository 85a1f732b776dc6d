//! Clients.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Instant;

use mazet_database::testing::program;
use mazet_files::testing::PASSWORD;

use super::sides::{LOGIN, Side};

/// Seconds that a command takes, which must go well.
fn seconds(mut command: Command) -> f64 {
    let start = Instant::now();
    let output = command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::piped()).output();
    let seconds = start.elapsed().as_secs_f64();
    let output = output.expect("started");
    assert!(output.status.success(), "{command:?}: {}", String::from_utf8_lossy(&output.stderr));
    seconds
}

/// curl, as the person.
fn curl(side: &Side) -> Command {
    let mut command =
        program(&["curl", "--silent", "--show-error", "--fail-early", "--fail", "--noproxy", "*"]);
    command.args(["--user", &format!("{LOGIN}:{PASSWORD}")]);
    if let Some(socket) = &side.socket {
        command.arg("--unix-socket").arg(socket);
    }
    command
}

/// One request, timed by curl itself: what starting it takes does not count.
fn timed(side: &Side, path: &str, words: &[&str]) -> f64 {
    let mut command = curl(side);
    command.args(["--output", "/dev/null", "--write-out", "%{time_total}"]).args(words);
    let output = command.arg(format!("{}/{path}", side.address)).output().expect("curl");
    let said = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{path}: {}", String::from_utf8_lossy(&output.stderr));
    said.parse().unwrap_or_else(|_| panic!("no seconds: {said}"))
}

impl Side {
    pub fn make_folder(&self, path: &str) {
        timed(self, path, &["--request", "MKCOL"]);
    }

    pub fn put(&self, path: &str, file: &Path) -> f64 {
        timed(self, path, &["--upload-file", &file.display().to_string()])
    }

    pub fn get(&self, path: &str) -> f64 {
        timed(self, path, &[])
    }

    pub fn list(&self, path: &str) -> f64 {
        timed(self, path, &["--request", "PROPFIND", "--header", "Depth: 1"])
    }

    /// Many files of one folder by one curl, so many at a time. `from`: they are sent from there; else they
    /// are fetched.
    pub fn many(
        &self,
        folder: &str,
        names: &[String],
        from: Option<&Path>,
        at_a_time: usize,
        list: &Path,
    ) -> f64 {
        let mut text = String::new();
        for name in names {
            if let Some(from) = from {
                let _ = writeln!(text, "upload-file = \"{}\"", from.join(name).display());
            }
            let _ = writeln!(text, "url = \"{}/{folder}/{name}\"", self.address);
        }
        fs::write(list, text).expect("written");
        let mut command = curl(self);
        if at_a_time > 1 {
            command.args(["--parallel", "--parallel-max", &at_a_time.to_string()]);
        }
        command.arg("--config").arg(list);
        seconds(command)
    }

    /// rclone brings a folder into step.
    pub fn rclone(&self, from: &Path, to: &str) -> f64 {
        let hidden = program(&["rclone", "obscure", PASSWORD]).output().expect("rclone");
        let hidden = String::from_utf8_lossy(&hidden.stdout).trim().to_owned();
        let mut command = program(&["rclone", "sync", "--config", "/dev/null", "--size-only"]);
        command.args(["--webdav-url", &self.address, "--webdav-user", LOGIN, "--webdav-pass", &hidden]);
        command.arg(from).arg(format!(":webdav:{to}"));
        seconds(command)
    }
}

/// The Nextcloud client brings a folder into step.
pub fn nextcloud(address: &str, home: &Path, folder: &Path) -> f64 {
    let home = format!("HOME={}", home.display());
    let mut command =
        program(&["env", &home, "LC_ALL=C.UTF-8", "nextcloudcmd", "--non-interactive", "--trust", "-s"]);
    command.args(["--user", LOGIN, "--password", PASSWORD]).arg(folder).arg(address);
    seconds(command)
}

/// A listing of somebody's root, with their own password.
pub fn signed_in(side: &Side, login: &str) -> Command {
    let mut command = curl(side);
    command.args(["--user", &format!("{login}:{PASSWORD}"), "--request", "PROPFIND", "--header", "Depth: 0"]);
    command.stdout(Stdio::null());
    command.arg(format!("{}/", side.address));
    command
}
