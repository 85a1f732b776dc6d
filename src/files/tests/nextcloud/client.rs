//! The official client without windows, `nextcloudcmd`, and the folder that it keeps in sync.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{ExitStatus, Stdio};
use std::time::{Duration, SystemTime};

use mazet_database::testing::program;
use mazet_files::testing::PASSWORD;
use tempfile::TempDir;
use tokio::process::{Child, Command};

/// A computer of `login`.
pub struct Computer {
    /// The client's own settings.
    home: TempDir,
    /// The folder that is kept in sync.
    pub folder: TempDir,
    login: String,
    address: String,
}

/// What a run of the client said.
pub struct Run {
    pub status: ExitStatus,
    pub said: String,
}

impl Computer {
    pub fn new(login: &str, address: &str) -> Self {
        let temporary = |prefix| tempfile::Builder::new().prefix(prefix).tempdir().expect("a folder");
        let (home, folder) = (temporary("mazet-client-"), temporary("mazet-synced-"));
        Self { home, folder, login: login.to_owned(), address: address.to_owned() }
    }

    /// Begins to sync.
    pub fn start(&self) -> Child {
        let home = format!("HOME={}", self.home.path().display());
        let mut words = vec![
            "env",
            &home,
            "LC_ALL=C.UTF-8",
            "nextcloudcmd",
            "--non-interactive",
            "-h",
            "--user",
            &self.login,
        ];
        words.extend(["--password", PASSWORD]);
        Command::from(program(&words))
            .arg(self.folder.path())
            .arg(&self.address)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap_or_else(|error| panic!("starting nextcloudcmd: {error}"))
    }

    /// Syncs, well or not.
    pub async fn try_sync(&self) -> Run {
        let output = self.start().wait_with_output().await.expect("ended");
        let said = [output.stdout, output.stderr].concat();
        Run { status: output.status, said: String::from_utf8_lossy(&said).into_owned() }
    }

    /// Syncs.
    pub async fn sync(&self) -> String {
        let run = self.try_sync().await;
        assert!(
            run.status.success(),
            "nextcloudcmd (package nextcloud-desktop-cmd): {}\n{}",
            run.status,
            run.said
        );
        run.said
    }

    pub fn path(&self, path: &str) -> PathBuf {
        self.folder.path().join(path)
    }

    pub fn write(&self, path: &str, content: impl AsRef<[u8]>) {
        let path = self.path(path);
        fs::create_dir_all(path.parent().expect("a folder")).expect("made");
        fs::write(path, content).expect("written");
    }

    /// As [`Self::write`], a minute ago: the client takes what is written twice within one second for the same.
    pub fn wrote(&self, path: &str, content: impl AsRef<[u8]>) {
        self.write(path, content);
        let ago = SystemTime::now() - Duration::from_secs(60);
        let file = fs::File::options().write(true).open(self.path(path)).expect("opened");
        file.set_modified(ago).expect("dated");
    }

    pub fn read(&self, path: &str) -> String {
        fs::read_to_string(self.path(path))
            .unwrap_or_else(|error| panic!("{path}: {error}; there is {:#?}", self.names()))
    }

    /// All files and folders (these with a slash), by path, but those of the client itself.
    pub fn names(&self) -> Vec<String> {
        let mut names = Vec::new();
        walk(self.folder.path(), "", &mut names);
        names.sort();
        names
    }
}

pub fn walk(folder: &Path, above: &str, names: &mut Vec<String>) {
    for entry in fs::read_dir(folder).expect("readable") {
        let entry = entry.expect("readable");
        let name = format!("{above}{}", entry.file_name().to_string_lossy());
        if name.starts_with(".sync_") || name.starts_with("._sync_") || name.starts_with(".nextcloudsync") {
            continue;
        }
        if entry.file_type().expect("a type").is_dir() {
            names.push(format!("{name}/"));
            walk(&entry.path(), &format!("{name}/"), names);
        } else {
            names.push(name);
        }
    }
}
