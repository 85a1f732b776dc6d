//! Where things are on the box.
//!
//! ```text
//! /srv/mazet/secrets/backup/key              the recovery key
//!                          /ssh, ssh.pub     what opens other machines
//!                          /known_hosts      machines that were met
//! /srv/mazet/secrets/backup-<kind>/*.json    where backups go: `target`
//! /srv/mazet/secrets/backup-prepare/*.json   serial numbers that were typed: `prepare`
//! /srv/mazet-backup/status.json              what was done: `state`
//!                  /known                    digests of files that were read
//!                  /cache                    restic's
//!                  /picture                  while a backup runs
//!                  /proof                    while one is proven
//! ```

use std::path::PathBuf;

use clap::Args;

use crate::restic::Keys;

/// Folders; tests have others.
#[derive(Debug, Clone, Args)]
pub struct Places {
    /// The box's root
    #[arg(long, value_name = "FOLDER", default_value = "/")]
    pub root: PathBuf,
    /// What is backed up from
    #[arg(long, value_name = "FOLDER", default_value = "/srv")]
    pub data: PathBuf,
    /// What backups keep for themselves; on the same file system
    #[arg(long, value_name = "FOLDER", default_value = "/srv/mazet-backup")]
    pub state: PathBuf,
    /// Secrets
    #[arg(long, value_name = "FOLDER", default_value = "/srv/mazet/secrets")]
    pub secrets: PathBuf,
    /// What is gone at the end
    #[arg(long, value_name = "FOLDER", env = "RUNTIME_DIRECTORY", default_value = "/run/mazet-backup")]
    pub run: PathBuf,
}

impl Places {
    /// The recovery key.
    pub fn key(&self) -> PathBuf {
        self.secrets.join("backup/key")
    }

    /// What opens places.
    pub fn keys(&self) -> Keys {
        let own = self.secrets.join("backup");
        Keys {
            password: self.key(),
            ssh: own.join("ssh"),
            known_hosts: own.join("known_hosts"),
            cache: Some(self.state.join("cache")),
        }
    }

    /// Serial numbers that were typed.
    pub fn confirmed(&self) -> PathBuf {
        self.secrets.join("backup-prepare")
    }

    /// How far a backup is.
    pub fn progress(&self) -> PathBuf {
        self.run.join("progress.json")
    }
}
