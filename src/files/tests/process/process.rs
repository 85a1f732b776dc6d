//! The program on a box of a test, and curl as its client.

use std::path::PathBuf;
use std::process::Stdio;

use mazet_files::testing::{PASSWORD, TestBox, test_box};
use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::UnixDatagram;
use tokio::process::{Child, Command};

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
        let program = run(&home, &socket).await;
        Some(Self { home, socket, program })
    }

    /// Ends it at once, as a power cut does, and starts it again.
    pub async fn killed(&mut self) {
        self.program.kill().await.expect("killed");
        self.program = run(&self.home, &self.socket).await;
    }

    /// Ends it as the service manager does, and starts it again.
    pub async fn restarted(&mut self) {
        let id = i32::try_from(self.program.id().expect("running")).expect("a number");
        let id = rustix::process::Pid::from_raw(id).expect("a process");
        rustix::process::kill_process(id, rustix::process::Signal::TERM).expect("told");
        assert!(self.program.wait().await.expect("ended").success());
        self.program = run(&self.home, &self.socket).await;
    }

    /// A command of the program that asks the running one; gives what it says.
    pub async fn ask(&self, command: &str) -> String {
        let program = env!("CARGO_BIN_EXE_mazet-files");
        let output = Command::new(program).arg("--socket").arg(&self.socket).arg(command).output();
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

/// Starts the program, and waits until it says that it answers.
async fn run(home: &TestBox, socket: &std::path::Path) -> Child {
    let told = home.folder.join("notify");
    let _ = std::fs::remove_file(&told);
    let manager = UnixDatagram::bind(&told).expect("a socket");
    let mut child = Command::new(env!("CARGO_BIN_EXE_mazet-files"))
        .arg("--socket")
        .arg(socket)
        .arg("serve")
        .arg("--folder")
        .arg(&home.folder)
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
