//! The one door to other programs: a closed set, each run without a shell.

use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use anyhow::{Context as _, Result, bail};
use mazet_host::run::last_words;

/// A program that is run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Program {
    /// Tells of the file system, scrubs it, replaces disks.
    Btrfs,
    /// Merges what is there twice.
    Duperemove,
    /// Lists disks and what they hold.
    Lsblk,
    /// Partitions a disk as the box's are, and makes it start the box.
    Mazetd,
    /// Asks disks how they are.
    Smartctl,
    /// Starts what takes long.
    Systemctl,
}

impl Program {
    /// Its file name.
    fn name(self) -> &'static str {
        match self {
            Self::Btrfs => "btrfs",
            Self::Duperemove => "duperemove",
            Self::Lsblk => "lsblk",
            Self::Mazetd => "mazetd",
            Self::Smartctl => "smartctl",
            Self::Systemctl => "systemctl",
        }
    }

    /// The Debian package that brings it.
    fn package(self) -> &'static str {
        match self {
            Self::Btrfs => "btrfs-progs",
            Self::Duperemove => "duperemove",
            Self::Lsblk => "util-linux",
            Self::Mazetd => "none: it is Mazet's own",
            Self::Smartctl => "smartmontools",
            Self::Systemctl => "systemd",
        }
    }
}

/// Runs programs; tests point it at a folder of their own.
#[derive(Debug, Clone, Default)]
pub struct Tools {
    folder: Option<PathBuf>,
}

impl Tools {
    /// Takes every program from `folder` instead of the search path.
    #[cfg(test)]
    pub fn from_folder(folder: PathBuf) -> Self {
        Self { folder: Some(folder) }
    }

    /// A program, ready for its arguments.
    pub fn command(&self, program: Program) -> Command {
        let name = program.name();
        let mut command =
            Command::new(self.folder.as_ref().map_or_else(|| name.into(), |folder| folder.join(name)));
        command.env("LC_ALL", "C.UTF-8");
        command
    }

    /// Runs `program` and gives how it ended, whatever that is.
    ///
    /// # Errors
    /// When it is not there; the text names its package.
    pub fn ended(&self, program: Program, arguments: &[&str]) -> Result<Output> {
        self.command(program)
            .args(arguments)
            .stdin(Stdio::null())
            .output()
            .with_context(|| format!("starting {} (Debian package {})", program.name(), program.package()))
    }

    /// Runs `program`, which must end well, and gives its standard output.
    ///
    /// # Errors
    /// When it is not there or does not end well: with its last lines.
    pub fn said(&self, program: Program, arguments: &[&str]) -> Result<String> {
        let output = self.ended(program, arguments)?;
        if !output.status.success() {
            let command = format!("{} {}", program.name(), arguments.join(" "));
            bail!("running \"{command}\": {}: {}", output.status, last_words(&output));
        }
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn what_fails_says_how_and_what_is_missing_names_its_package() {
        let folder = tempfile::tempdir().expect("a folder");
        let path = folder.path().join("btrfs");
        fs::write(&path, "#!/bin/sh\necho one\nprintf 'two\\033[2K\\n' >&2\nexit 3\n").expect("written");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("mode");
        let tools = Tools::from_folder(folder.path().to_owned());
        let error = tools.said(Program::Btrfs, &["scrub", "/srv"]).expect_err("failed").to_string();
        assert_eq!(error, "running \"btrfs scrub /srv\": exit status: 3: two");
        let error = tools.said(Program::Smartctl, &[]).expect_err("missing").to_string();
        assert_eq!(error, "starting smartctl (Debian package smartmontools)");
    }
}
