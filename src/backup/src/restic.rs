//! restic, which keeps the backups: one repository a place, all under the box's one key.
//!
//! Nothing secret is among its arguments: the key is in a file, what opens a place in the environment, which root
//! alone can read (proc_pid_environ(5)).

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context as _, Result};
use mazet_host::run::{ended, followed};
use serde::{Deserialize, Serialize};

use crate::fault::{Fault, Why, judge};
use crate::target::Place;
use crate::tools::{Program, Tools};

/// Tag of our backups: others may be in the same place.
const TAG: &str = "mazet";
/// How long a lock of somebody else's run is waited for.
const PATIENCE: &str = "--retry-lock=15m";
/// How long a place of the network is waited for when it is opened, in seconds: restic itself tries for a quarter of an
/// hour.
const NETWORK: &str = "120";
/// The same for a disk: what takes long there is a busy machine, which makes or tries a key slowly by intent.
const DISK: &str = "3600";
/// Runs a program in a folder.
const INSIDE: &str = r#"cd -- "$0"; exec "$@""#;
/// What is kept.
const KEPT: [&str; 4] = ["--keep-hourly=24", "--keep-daily=7", "--keep-weekly=5", "--keep-monthly=12"];

/// What opens places.
#[derive(Debug, Clone)]
pub struct Keys {
    /// File with the key.
    pub password: PathBuf,
    /// Private key for SSH.
    pub ssh: PathBuf,
    /// Machines that were met by SSH.
    pub known_hosts: PathBuf,
    /// restic's cache; none: it makes do without.
    pub cache: Option<PathBuf>,
}

/// A repository.
pub struct Repository<'t> {
    tools: &'t Tools,
    keys: Keys,
    /// restic's word for where it is.
    location: String,
    /// How long it is waited for, in seconds.
    patience: &'static str,
    environment: Vec<(&'static str, String)>,
    options: Vec<String>,
}

/// A backup in a repository.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Snapshot {
    /// Its name.
    pub id: String,
    /// Box that it is of.
    pub hostname: String,
    /// When, RFC 3339.
    pub time: String,
}

/// How far a backup is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Progress {
    /// 0 to 1.
    #[serde(default)]
    pub percent_done: f64,
    /// Bytes in all.
    #[serde(default)]
    pub total_bytes: u64,
    /// Bytes done.
    #[serde(default)]
    pub bytes_done: u64,
    /// Seconds until the end, as far as can be told.
    #[serde(default)]
    pub seconds_remaining: u64,
}

/// A backup that was made.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct Summary {
    /// Its name.
    pub snapshot_id: String,
    /// Bytes that the place has more of.
    #[serde(default)]
    pub data_added_packed: u64,
    /// Bytes of all files.
    pub total_bytes_processed: u64,
    /// Files.
    pub total_files_processed: u64,
}

impl<'t> Repository<'t> {
    /// The one in `place`; that of a disk is in `folder`, where the disk is mounted.
    ///
    /// # Errors
    /// [`Fault`]: it cannot be one.
    pub fn at(tools: &'t Tools, place: &Place, keys: &Keys, folder: Option<&Path>) -> Result<Self> {
        place.check().map_err(|error| Fault { why: Why::Described, said: error.to_string() })?;
        let mut environment = vec![("RESTIC_PROGRESS_FPS", "1".to_owned())];
        let mut options = Vec::new();
        let location = match place {
            Place::Usb { .. } => folder.context("the disk is not mounted")?.display().to_string(),
            Place::Folder { path } => path.display().to_string(),
            Place::Sftp { host, port, user, path } => {
                options.push(format!("--option=sftp.args={}", ssh(keys)));
                let host = if host.contains(':') { format!("[{host}]") } else { host.clone() };
                // An absolute path has two strokes, sftp's own home one.
                format!("sftp://{user}@{host}:{port}/{path}")
            }
            Place::Rest { url, user, password } => {
                environment.push(("RESTIC_REST_USERNAME", user.clone()));
                environment.push(("RESTIC_REST_PASSWORD", password.clone()));
                format!("rest:{url}")
            }
            Place::S3 { url, bucket, key, secret } => {
                environment.push(("AWS_ACCESS_KEY_ID", key.clone()));
                environment.push(("AWS_SECRET_ACCESS_KEY", secret.clone()));
                format!("s3:{}/{bucket}", url.trim_end_matches('/'))
            }
        };
        let is_disk = matches!(place, Place::Usb { .. } | Place::Folder { .. });
        let patience = if is_disk { DISK } else { NETWORK };
        Ok(Self { tools, keys: keys.clone(), location, patience, environment, options })
    }

    fn command(&self, before: &[&str], words: &[&str]) -> Command {
        let program = [Program::Restic.name()];
        let all: Vec<&str> = before.iter().chain(&program).chain(words).copied().collect();
        let mut command = self.tools.words(&all);
        command
            .arg("--repo")
            .arg(&self.location)
            .arg("--password-file")
            .arg(&self.keys.password)
            .args(&self.options);
        match &self.keys.cache {
            Some(cache) => command.arg("--cache-dir").arg(cache),
            None => command.arg("--no-cache"),
        };
        for (name, value) in &self.environment {
            command.env(name, value);
        }
        command
    }

    fn run(&self, before: &[&str], words: &[&str], doing: &str) -> Result<String> {
        let output = ended(self.command(before, words).stdin(std::process::Stdio::null()), doing)?;
        judge(&output, doing)?;
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Does it open?
    ///
    /// # Errors
    /// [`Fault`]: why not.
    pub fn open(&self) -> Result<()> {
        self.run(&["timeout", self.patience], &["cat", "config"], "opening the backups").map(drop)
    }

    /// Makes one where there is none, and opens it; what is there stays.
    ///
    /// # Errors
    /// [`Fault`]: why not.
    pub fn open_or_make(&self) -> Result<()> {
        match self.open() {
            Err(error) if Fault::of(&error).why == Why::Empty => {
                self.run(&["timeout", self.patience], &["init"], "making a place for backups").map(drop)
            }
            opened => opened,
        }
    }

    /// Removes locks that processes left which are gone: after a power cut.
    ///
    /// # Errors
    /// [`Fault`].
    pub fn unlock(&self) -> Result<()> {
        self.run(&[], &["unlock", "--quiet"], "removing what an interrupted backup left").map(drop)
    }

    /// Backs up `folders` of the tree `root`, as box `name`.
    ///
    /// # Errors
    /// [`Fault`]; also when a single file could not be read.
    pub fn back_up(
        &self,
        root: &Path,
        folders: &[PathBuf],
        name: &str,
        mut progress: impl FnMut(&Progress) -> Result<()>,
    ) -> Result<Summary> {
        let root = root.to_string_lossy();
        // Paths are those below `root`, so that any restic puts them back anywhere.
        let mut command = self.command(
            &["sh", "-euc", INSIDE, &root],
            &["backup", "--json", PATIENCE, "--group-by=tags", "--tag", TAG, "--host", name],
        );
        command.arg("--").args(folders);
        let doing = "backing up";
        let mut summary = None;
        let output = followed(&mut command, doing, |line| match message(line) {
            Some("status") => progress(&serde_json::from_str(line).unwrap_or_default()),
            Some("summary") => {
                summary = Some(serde_json::from_str(line).context("reading what restic did")?);
                Ok(())
            }
            _ => Ok(()),
        })?;
        judge(&output, doing)?;
        summary.context("restic did not say what it did")
    }

    /// All backups of ours, the newest first.
    ///
    /// # Errors
    /// [`Fault`].
    pub fn snapshots(&self) -> Result<Vec<Snapshot>> {
        let text = self.run(&[], &["snapshots", "--json", "--tag", TAG, PATIENCE], "listing the backups")?;
        let mut all: Vec<Snapshot> = serde_json::from_str(&text).context("reading the list of backups")?;
        all.reverse();
        Ok(all)
    }

    /// One file of a backup.
    ///
    /// # Errors
    /// [`Fault`]; also when it is not there.
    pub fn file(&self, snapshot: &str, path: &str) -> Result<String> {
        self.run(&[], &["dump", PATIENCE, snapshot, path], &format!("reading {path} of the backup"))
    }

    /// Puts a backup into `folder`. What is there already, and the same, is left.
    ///
    /// # Errors
    /// [`Fault`]; also when a single file could not be written.
    pub fn restore(
        &self,
        snapshot: &str,
        folder: &Path,
        mut progress: impl FnMut(&Progress) -> Result<()>,
    ) -> Result<()> {
        let words = ["restore", "--json", PATIENCE, "--overwrite=if-changed", snapshot];
        let mut command = self.command(&[], &words);
        command.arg("--target").arg(folder);
        let doing = "putting files back";
        let output = followed(&mut command, doing, |line| match message(line) {
            Some("status") => progress(&restored(line)),
            _ => Ok(()),
        })?;
        judge(&output, doing)
    }

    /// Forgets what is too old. With `prune`, what that alone held is removed from the place. A place is one box's,
    /// whatever name it had: no other has its key.
    ///
    /// # Errors
    /// [`Fault`].
    pub fn forget(&self, prune: bool) -> Result<()> {
        let mut words = vec!["forget", "--quiet", PATIENCE, "--tag", TAG, "--group-by=tags"];
        words.extend(KEPT);
        words.extend(prune.then_some("--prune"));
        self.run(&[], &words, "forgetting old backups").map(drop)
    }

    /// Is all there, and a twentieth of it whole?
    ///
    /// # Errors
    /// [`Fault`]: what is not.
    pub fn check(&self) -> Result<()> {
        let words = ["check", "--quiet", PATIENCE, "--read-data-subset=5%"];
        self.run(&[], &words, "checking the backups").map(drop)
    }

    /// Bytes that the place has of ours.
    ///
    /// # Errors
    /// [`Fault`].
    pub fn size(&self) -> Result<u64> {
        #[derive(Deserialize)]
        struct Stats {
            total_size: u64,
        }
        let text =
            self.run(&[], &["stats", "--json", "--mode=raw-data", PATIENCE], "counting the backups")?;
        let stats: Stats = serde_json::from_str(&text).context("reading the size of the backups")?;
        Ok(stats.total_size)
    }
}

/// ssh's arguments: only the box's own key, and the machine that was met the first time.
fn ssh(keys: &Keys) -> String {
    let options =
        ["BatchMode=yes", "IdentitiesOnly=yes", "StrictHostKeyChecking=accept-new", "ConnectTimeout=20"];
    let mut text =
        format!("-F none -i {} -o UserKnownHostsFile={}", keys.ssh.display(), keys.known_hosts.display());
    for option in options {
        text.push_str(" -o ");
        text.push_str(option);
    }
    text
}

/// What a line of JSON is about.
fn message(line: &str) -> Option<&'static str> {
    #[derive(Deserialize)]
    struct Message {
        message_type: String,
    }
    let message: Message = serde_json::from_str(line).ok()?;
    ["status", "summary"].into_iter().find(|known| *known == message.message_type)
}

/// A restore names its figures otherwise.
fn restored(line: &str) -> Progress {
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct Status {
        percent_done: f64,
        total_bytes: u64,
        bytes_restored: u64,
        bytes_skipped: u64,
    }
    let status: Status = serde_json::from_str(line).unwrap_or_default();
    Progress {
        percent_done: status.percent_done,
        total_bytes: status.total_bytes,
        bytes_done: status.bytes_restored + status.bytes_skipped,
        seconds_remaining: 0,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_secret_is_an_argument() {
        let tools = Tools::default();
        let keys = Keys { password: "/k".into(), ssh: "/s".into(), known_hosts: "/h".into(), cache: None };
        let secret = || "hunter2".to_owned();
        let https = || "https://a.example.org/".to_owned();
        for place in [
            Place::Rest { url: https(), user: "box".to_owned(), password: secret() },
            Place::S3 { url: https(), bucket: "b".to_owned(), key: "k".to_owned(), secret: secret() },
        ] {
            let repository = Repository::at(&tools, &place, &keys, None).expect("a repository");
            let command = repository.command(&[], &["cat"]);
            assert!(command.get_args().all(|argument| !argument.to_string_lossy().contains("hunter2")));
            assert!(command.get_envs().any(|(_, value)| value.is_some_and(|value| value == "hunter2")));
        }
    }
}
