//! The one door to other programs: a closed set, each run without a shell of the caller's, and without any secret
//! among its arguments (`/proc` shows them to everybody).

use std::path::Path;
use std::process::Command;

use anyhow::Result;
use mazet_host::run::said;

/// Runs a program of the newest PostgreSQL that is there.
const NEWEST: &str = r#"bin=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -n 1); exec "$bin/$0" "$@""#;
/// Becomes the database's administrator where we are root: PostgreSQL refuses to run as root.
const AS_POSTGRES: &str = r#"if [ "$(id -u)" = 0 ]; then
    exec setpriv --reuid=postgres --regid=postgres --clear-groups -- "$@"
fi
exec "$@""#;

/// A program that is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Program {
    /// Reads the number of a file system.
    Blkid,
    /// Makes snapshots.
    Btrfs,
    /// Lists disks and what they hold.
    Lsblk,
    /// Makes the file system of a disk for backups.
    MkfsExt4,
    /// Mounts a disk for backups.
    Mount,
    /// Keeps the backups.
    Restic,
    /// Makes the partition of a disk for backups.
    Sfdisk,
    /// Makes the key that opens other machines.
    SshKeygen,
    /// Asks systemd.
    Systemctl,
    /// Waits for device nodes.
    Udevadm,
    /// Takes the disk away.
    Umount,
}

impl Program {
    /// Its file name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Blkid => "blkid",
            Self::Btrfs => "btrfs",
            Self::Lsblk => "lsblk",
            Self::MkfsExt4 => "mkfs.ext4",
            Self::Mount => "mount",
            Self::Restic => "restic",
            Self::Sfdisk => "sfdisk",
            Self::SshKeygen => "ssh-keygen",
            Self::Systemctl => "systemctl",
            Self::Udevadm => "udevadm",
            Self::Umount => "umount",
        }
    }
}

/// Where programs are: on the box itself, or in the tree that tests use.
#[derive(Debug, Clone, Default)]
pub struct Tools {
    /// Words that enter the tree.
    prefix: Vec<String>,
}

impl Tools {
    /// Those that the words enter; without any, the machine's own.
    #[cfg(test)]
    pub fn within(prefix: Vec<String>) -> Self {
        Self { prefix }
    }

    /// A program, ready for its arguments.
    pub fn command(&self, program: Program) -> Command {
        self.words(&[program.name()])
    }

    /// Any words.
    pub fn words(&self, words: &[&str]) -> Command {
        let mut all = self.prefix.iter().map(String::as_str).chain(words.iter().copied());
        let mut command = Command::new(all.next().unwrap_or("false"));
        command.args(all).env("LC_ALL", "C.UTF-8");
        command
    }

    /// Removes a tree, if it is there: also what belongs to the database's administrator.
    ///
    /// # Errors
    /// When it cannot be removed.
    pub fn remove(&self, folder: &Path) -> Result<()> {
        let doing = format!("removing {}", folder.display());
        said(self.words(&["rm", "--recursive", "--force", "--"]).arg(folder), &doing).map(drop)
    }

    /// A program of PostgreSQL, as the database's administrator.
    pub fn postgresql(&self, program: &str) -> Command {
        self.words(&["sh", "-euc", AS_POSTGRES, "sh", "sh", "-euc", NEWEST, program])
    }
}
