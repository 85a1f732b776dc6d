//! The program on a box of a test, and curl as its client.

use std::path::PathBuf;

use mazet_files::testing::program::Program;
use mazet_files::testing::{PASSWORD, TestBox, test_box};
use tokio::process::Command;

const PROGRAM: &str = env!("CARGO_BIN_EXE_mazet-files");
/// Folder of a small disk.
const DISK: &str = "disk";

/// A box and the running program.
pub struct Running {
    pub home: TestBox,
    program: Program,
}

impl Running {
    /// The program on a new box; none where the test is to be skipped.
    pub async fn start() -> Option<Self> {
        let home = test_box().await?;
        let program = run(&home).await;
        Some(Self { home, program })
    }

    /// The program on a new box whose files lie on a disk of 16 MiB of their own.
    pub async fn on_a_small_disk() -> Option<Self> {
        let home = test_box().await?;
        let disk = home.folder.join(DISK);
        std::fs::create_dir(&disk).expect("made");
        let program = Program::start(on_disk(&disk), &home, &disk).await;
        Some(Self { home, program })
    }

    /// The small disk, as the program sees it.
    pub fn disk(&self) -> PathBuf {
        let root = format!("/proc/{}/root", self.program.id());
        PathBuf::from(root).join(self.home.folder.join(DISK).strip_prefix("/").expect("from the root"))
    }

    /// Ends it at once, as a power cut does, and starts it again.
    pub async fn killed(&mut self) {
        self.program.kill().await;
        self.program = run(&self.home).await;
    }

    /// Ends it as the service manager does, and starts it again.
    pub async fn restarted(&mut self) {
        self.program.end().await;
        self.program = run(&self.home).await;
    }

    /// A command of the program that asks the running one; gives what it says.
    pub async fn ask(&self, command: &str) -> String {
        let output = Command::new(PROGRAM).arg("--socket").arg(&self.program.socket).arg(command).output();
        let output = output.await.expect("asked");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text")
    }

    /// curl as `login`, to a path of `/dav/`.
    pub fn curl(&self, login: &str, path: &str) -> Command {
        let mut command = Command::new("curl");
        command.args(["--silent", "--show-error", "--globoff", "--unix-socket"]).arg(&self.program.socket);
        command.args(["--user", &format!("{login}:{PASSWORD}"), &format!("http://mazet.local/dav/{path}")]);
        command.kill_on_drop(true);
        command
    }

    /// What curl gets, with the status in the last line.
    pub async fn got(&self, login: &str, path: &str, more: &[&str]) -> (String, String) {
        let output = self.curl(login, path).args(more).args(["--write-out", "\n%{http_code}"]).output().await;
        let said = String::from_utf8(output.expect("curl").stdout).expect("text");
        let (body, status) = said.rsplit_once('\n').expect("a status");
        (body.to_owned(), status.to_owned())
    }

    /// Kilobytes of memory that are the program's own.
    pub fn memory(&self) -> u64 {
        self.program.memory("Anonymous")
    }
}

async fn run(home: &TestBox) -> Program {
    Program::start(Command::new(PROGRAM), home, &home.folder).await
}

/// The program in a namespace of its own, where a disk of 16 MiB is mounted at `folder`.
fn on_disk(folder: &std::path::Path) -> Command {
    let mut command = Command::new("unshare");
    let script = "mount -t tmpfs -o size=16m tmpfs \"$0\" && exec \"$@\"";
    command.args(["--user", "--map-root-user", "--mount", "sh", "-c", script]).arg(folder).arg(PROGRAM);
    command
}
