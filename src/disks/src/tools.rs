//! The one door to other programs: a closed set, each run without a shell.

use std::path::PathBuf;
use std::process::{Command, Output, Stdio};

use anyhow::{Context as _, Result, bail};

/// How many of a failed program's last lines an error shows.
const LAST_LINES: usize = 4;

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

    /// Runs `program` and gives how it ended, whatever that is.
    ///
    /// # Errors
    /// When it is not there; the text names its package.
    pub fn ended(&self, program: Program, arguments: &[&str]) -> Result<Output> {
        let path =
            self.folder.as_ref().map_or_else(|| program.name().into(), |folder| folder.join(program.name()));
        Command::new(path)
            .args(arguments)
            .env("LC_ALL", "C.UTF-8")
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

/// The last lines that a program said, those of its standard error first.
pub fn last_words(output: &Output) -> String {
    let told = [&output.stderr, &output.stdout].map(|text| last_lines(&String::from_utf8_lossy(text)));
    let told = told.into_iter().find(|told| !told.is_empty());
    told.unwrap_or_else(|| "it said nothing".to_owned())
}

/// The last lines of a text in one, without what would move a terminal's cursor.
fn last_lines(text: &str) -> String {
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let last = &lines[lines.len().saturating_sub(LAST_LINES)..];
    last.join("; ").chars().filter(|one| !one.is_control()).collect()
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
        assert_eq!(error, "running \"btrfs scrub /srv\": exit status: 3: two[2K");
        let error = tools.said(Program::Smartctl, &[]).expect_err("missing").to_string();
        assert_eq!(error, "starting smartctl (Debian package smartmontools)");
    }
}
