//! The program, running on a box of a test.

use std::path::{Path, PathBuf};
use std::process::Stdio;

use tokio::io::{AsyncBufReadExt as _, BufReader};
use tokio::net::UnixDatagram;
use tokio::process::{Child, Command};

use super::TestBox;

/// Its unit on a box.
const UNIT: &str = include_str!("../../../../overlays/files/mazet-files.service");

/// The running program.
pub struct Program {
    /// Where it answers.
    pub socket: PathBuf,
    child: Child,
}

impl Program {
    /// Starts `command` (the program, or what becomes it) with the files in `folder`, and waits until it says
    /// that it answers.
    ///
    /// # Panics
    /// When it ends before.
    pub async fn start(mut command: Command, home: &TestBox, folder: &Path) -> Self {
        let (told, socket) = (home.folder.join("notify"), home.folder.join("files.sock"));
        let _ = std::fs::remove_file(&told);
        let manager = UnixDatagram::bind(&told).expect("a socket");
        let mut child = command
            .arg("--socket")
            .arg(&socket)
            .arg("serve")
            .arg("--folder")
            .arg(folder)
            .arg("--database-socket")
            .arg(&home.files_place.socket)
            .args(["--database", &home.files_place.database, "--directory", &home.directory_place.database])
            .envs(UNIT.lines().filter_map(|line| line.strip_prefix("Environment=")?.split_once('=')))
            .env("NOTIFY_SOCKET", &told)
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("started");
        let mut said = BufReader::new(child.stderr.take().expect("a pipe")).lines();
        tokio::spawn(async move {
            while let Ok(Some(line)) = said.next_line().await {
                eprintln!("{line}");
            }
        });
        let mut ready = [0; 16];
        tokio::select! {
            length = manager.recv(&mut ready) => assert_eq!(&ready[..length.expect("told")], b"READY=1"),
            ended = child.wait() => panic!("it ended: {ended:?}"),
        }
        Self { socket, child }
    }

    /// Number of its process.
    ///
    /// # Panics
    /// When it has ended.
    pub fn id(&self) -> u32 {
        self.child.id().expect("running")
    }

    /// Ends it at once, as a power cut does.
    ///
    /// # Panics
    /// When it cannot be killed.
    pub async fn kill(&mut self) {
        self.child.kill().await.expect("killed");
    }

    /// Ends it as the service manager does.
    ///
    /// # Panics
    /// When it does not end well.
    pub async fn end(&mut self) {
        let id = rustix::process::Pid::from_raw(i32::try_from(self.id()).expect("a number"));
        let term = rustix::process::Signal::TERM;
        rustix::process::kill_process(id.expect("a process"), term).expect("told");
        assert!(self.child.wait().await.expect("ended").success());
    }

    /// Kilobytes of memory of one kind, by its name in `/proc/PID/smaps_rollup`: `Pss`, `Anonymous` …
    ///
    /// # Panics
    /// Where the kernel tells none.
    pub fn memory(&self, kind: &str) -> u64 {
        let path = format!("/proc/{}/smaps_rollup", self.id());
        let text = std::fs::read_to_string(path).expect("readable");
        let line = text.lines().find_map(|line| line.strip_prefix(kind)?.strip_prefix(':')).expect("a line");
        line.trim().trim_end_matches(" kB").parse().expect("a number")
    }
}
