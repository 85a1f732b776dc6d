//! The program on a box of a test, and curl as its client.

use std::path::PathBuf;
use std::process::Stdio;

use mazet_files::testing::{PASSWORD, TestBox, test_box};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::UnixDatagram;
use tokio::process::{Child, Command};

const PROGRAM: &str = env!("CARGO_BIN_EXE_mazet-files");
/// Folder of a small disk.
const DISK: &str = "disk";

/// A box and the running program.
pub struct Running {
    pub home: TestBox,
    pub socket: PathBuf,
    program: Child,
}

impl Running {
    /// The program on a new box; none where the test is to be skipped.
    pub async fn start() -> Option<Self> {
        let home = test_box().await?;
        let socket = home.folder.join("files.sock");
        let program = run(&home, &socket, false).await;
        Some(Self { home, socket, program })
    }

    /// The program on a new box whose files lie on a disk of 16 MiB of their own.
    pub async fn on_a_small_disk() -> Option<Self> {
        let home = test_box().await?;
        let socket = home.folder.join("files.sock");
        std::fs::create_dir(home.folder.join(DISK)).expect("made");
        let program = run(&home, &socket, true).await;
        Some(Self { home, socket, program })
    }

    /// The small disk, as the program sees it.
    pub fn disk(&self) -> PathBuf {
        let root = format!("/proc/{}/root", self.program.id().expect("running"));
        PathBuf::from(root).join(self.home.folder.join(DISK).strip_prefix("/").expect("from the root"))
    }

    /// Ends it at once, as a power cut does, and starts it again.
    pub async fn killed(&mut self) {
        self.program.kill().await.expect("killed");
        self.program = run(&self.home, &self.socket, false).await;
    }

    /// Ends it as the service manager does, and starts it again.
    pub async fn restarted(&mut self) {
        let id = i32::try_from(self.program.id().expect("running")).expect("a number");
        let id = rustix::process::Pid::from_raw(id).expect("a process");
        rustix::process::kill_process(id, rustix::process::Signal::TERM).expect("told");
        assert!(self.program.wait().await.expect("ended").success());
        self.program = run(&self.home, &self.socket, false).await;
    }

    /// A command of the program that asks the running one; gives what it says.
    pub async fn ask(&self, command: &str) -> String {
        let output = Command::new(PROGRAM).arg("--socket").arg(&self.socket).arg(command).output();
        let output = output.await.expect("asked");
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
        String::from_utf8(output.stdout).expect("text")
    }

    /// curl as `login`, to a path of `/dav/`.
    pub fn curl(&self, login: &str, path: &str) -> Command {
        let mut command = Command::new("curl");
        command.args(["--silent", "--show-error", "--globoff", "--unix-socket"]).arg(&self.socket);
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
        let path = format!("/proc/{}/status", self.program.id().expect("running"));
        let status = std::fs::read_to_string(path).expect("readable");
        let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:")).expect("a line");
        line.trim().trim_end_matches(" kB").parse().expect("a number")
    }
}

/// The program in a namespace of its own, where a disk of 16 MiB is mounted at `folder`.
fn on_disk(folder: &std::path::Path) -> Command {
    let mut command = Command::new("unshare");
    let script = "mount -t tmpfs -o size=16m tmpfs \"$0\" && exec \"$@\"";
    command.args(["--user", "--map-root-user", "--mount", "sh", "-c", script]).arg(folder).arg(PROGRAM);
    command
}

/// Starts the program, and waits until it says that it answers.
async fn run(home: &TestBox, socket: &std::path::Path, small: bool) -> Child {
    let told = home.folder.join("notify");
    let _ = std::fs::remove_file(&told);
    let manager = UnixDatagram::bind(&told).expect("a socket");
    let folder = if small { home.folder.join(DISK) } else { home.folder.clone() };
    let mut command = if small { on_disk(&folder) } else { Command::new(PROGRAM) };
    let mut child = command
        .arg("--socket")
        .arg(socket)
        .arg("serve")
        .arg("--folder")
        .arg(&folder)
        .arg("--database-socket")
        .arg(&home.files_place.socket)
        .args(["--database", &home.files_place.database, "--directory", &home.directory_place.database])
        .env("NOTIFY_SOCKET", &told)
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()
        .expect("started");
    let mut said = BufReader::new(child.stderr.take().expect("a pipe")).lines();
    let talk = tokio::spawn(async move {
        while let Ok(Some(line)) = said.next_line().await {
            eprintln!("{line}");
        }
    });
    let mut ready = [0; 16];
    tokio::select! {
        length = manager.recv(&mut ready) => assert_eq!(&ready[..length.expect("told")], b"READY=1"),
        ended = child.wait() => panic!("it ended: {ended:?}"),
    }
    drop(talk);
    child
}
