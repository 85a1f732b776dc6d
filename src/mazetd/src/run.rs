//! The one door to other programs.
//!
//! A closed set of programs, each with the Debian package that brings it and what it is
//! run for. Standard output is returned; standard error is kept for the error text alone
//! (its last lines). Nothing here goes through a shell.

use std::ffi::OsStr;
use std::fs::File;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use anyhow::{Context, Result, bail};

/// How many of a failed program's last lines an error shows.
const LAST_LINES: usize = 8;

/// A program that `mazetd` may run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Program {
    /// Asks a web server for a page, by many clients at once.
    Ab,
    /// Debian's nightly program: installs updates as Debian's settings say.
    AptDaily,
    /// Says what it would bring up to date.
    AptGet,
    /// Checks a btrfs and reads its devices' error counters.
    Btrfs,
    /// Sets the password of the operator's Unix account.
    Chpasswd,
    /// Copies trees with owners, extended attributes and hard links.
    Cp,
    /// Makes groups of web sites' users.
    Groupadd,
    /// Reads addresses.
    Ip,
    /// Listens for wireless networks.
    Iw,
    /// Reads the journal.
    Journalctl,
    /// Orders certificates of other authorities.
    Lego,
    /// Lists block devices and what they hold.
    Lsblk,
    /// Makes the box's file system.
    MkfsBtrfs,
    /// Makes the ESP's file system.
    MkfsVfat,
    /// Shows folders of web sites at another place.
    Mount,
    /// Tells the kernel of single partitions of a disk in use.
    Partx,
    /// Writes partition tables.
    Sfdisk,
    /// Asks systemd for units.
    Systemctl,
    /// Waits until device nodes are there.
    Udevadm,
    /// Takes those places away.
    Umount,
    /// Makes the operator's Unix account, and users of web sites.
    Useradd,
    /// Removes users of web sites.
    Userdel,
    /// Gives that account its groups and name.
    Usermod,
    /// Removes old signatures from a disk.
    Wipefs,
}

impl Program {
    /// The program's file name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ab => "ab",
            Self::AptDaily => "/usr/lib/apt/apt.systemd.daily",
            Self::AptGet => "apt-get",
            Self::Btrfs => "btrfs",
            Self::Chpasswd => "chpasswd",
            Self::Cp => "cp",
            Self::Groupadd => "groupadd",
            Self::Ip => "ip",
            Self::Iw => "iw",
            Self::Journalctl => "journalctl",
            Self::Lego => "lego",
            Self::Lsblk => "lsblk",
            Self::MkfsBtrfs => "mkfs.btrfs",
            Self::MkfsVfat => "mkfs.vfat",
            Self::Mount => "mount",
            Self::Partx => "partx",
            Self::Sfdisk => "sfdisk",
            Self::Systemctl => "systemctl",
            Self::Udevadm => "udevadm",
            Self::Umount => "umount",
            Self::Useradd => "useradd",
            Self::Userdel => "userdel",
            Self::Usermod => "usermod",
            Self::Wipefs => "wipefs",
        }
    }

    /// The Debian package that brings it.
    pub fn package(self) -> &'static str {
        match self {
            Self::Ab => "apache2-utils",
            Self::AptDaily | Self::AptGet => "apt",
            Self::Btrfs | Self::MkfsBtrfs => "btrfs-progs",
            Self::Chpasswd | Self::Groupadd | Self::Useradd | Self::Userdel | Self::Usermod => "passwd",
            Self::Cp => "coreutils",
            Self::Ip => "iproute2",
            Self::Iw => "iw",
            Self::Lego => "lego",
            Self::Lsblk | Self::Partx | Self::Wipefs => "util-linux",
            Self::MkfsVfat => "dosfstools",
            Self::Mount | Self::Umount => "mount",
            Self::Sfdisk => "fdisk",
            Self::Journalctl | Self::Systemctl => "systemd",
            Self::Udevadm => "udev",
        }
    }
}

/// Runs programs; tests point it at a folder of fixtures.
#[derive(Debug, Clone, Default)]
pub struct Runner {
    folder: Option<PathBuf>,
}

impl Runner {
    /// Takes every program from `folder` instead of the search path.
    #[cfg(test)]
    pub fn from_folder(folder: PathBuf) -> Self {
        Self { folder: Some(folder) }
    }

    /// Runs `program` and returns its standard output.
    ///
    /// # Errors
    /// When it is not there (the text names its package), ends with another status than 0
    /// (the text holds the command and its last lines), or writes no UTF-8.
    pub fn run<S: AsRef<OsStr>>(&self, program: Program, arguments: &[S]) -> Result<String> {
        self.run_with_input(program, arguments, "")
    }

    /// As [`Runner::run`], with `input` on standard input.
    ///
    /// # Errors
    /// As [`Runner::run`].
    pub fn run_with_input<S: AsRef<OsStr>>(
        &self,
        program: Program,
        arguments: &[S],
        input: &str,
    ) -> Result<String> {
        let mut child = self.spawn(program, arguments)?;
        if let Some(mut pipe) = child.stdin.take() {
            // A program that ends without reading its input says why by its status.
            let _ = pipe.write_all(input.as_bytes());
        }
        let output = child.wait_with_output().with_context(|| format!("waiting for {}", program.name()))?;
        finish(program, arguments, &output)
    }

    /// Runs `program` and returns its standard output whatever its exit status.
    ///
    /// # Errors
    /// When it cannot be started.
    pub fn said<S: AsRef<OsStr>>(&self, program: Program, arguments: &[S]) -> Result<String> {
        let child = self.spawn(program, arguments)?;
        let output = child.wait_with_output().with_context(|| format!("waiting for {}", program.name()))?;
        Ok(String::from_utf8_lossy(&output.stdout).into_owned())
    }

    /// Starts `program` with its streams captured.
    ///
    /// # Errors
    /// When it is not there.
    pub fn spawn<S: AsRef<OsStr>>(&self, program: Program, arguments: &[S]) -> Result<Child> {
        let path =
            self.folder.as_ref().map_or_else(|| program.name().into(), |folder| folder.join(program.name()));
        Command::new(path)
            .args(arguments)
            .env("LC_ALL", "C.UTF-8")
            // Debian's systemctl would keep the links of System V in step, in a chroot; nothing reads them.
            .env("SYSTEMCTL_SKIP_SYSV", "1")
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .with_context(|| format!("starting {} (Debian package {})", program.name(), program.package()))
    }
}

/// Runs a command that stands in a manifest of the image: with [`trial`], the programs that are not in [`Program`].
/// `Ok(None)`: it ended with 0; else how it ended and its last line.
///
/// # Errors
/// When it cannot be started.
pub fn of_manifest(command: &[String]) -> Result<Option<String>> {
    let Some((program, arguments)) = command.split_first() else { bail!("the manifest names no command") };
    let output = Command::new(program)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .with_context(|| format!("starting {program}"))?;
    if output.status.success() {
        return Ok(None);
    }
    let said = String::from_utf8_lossy(&output.stderr);
    Ok(Some(format!("{}: {}", output.status, said.lines().last().unwrap_or("it said nothing"))))
}

/// Starts a server beside the running one, as the trial in a manifest of the image says; the path of
/// its configuration is added. What it says goes to the file `log`.
///
/// # Errors
/// When it cannot be started.
pub fn trial(command: &[String], configuration: &Path, log: &Path) -> Result<Child> {
    let Some((program, arguments)) = command.split_first() else { bail!("the trial has no command") };
    let log = File::create(log).with_context(|| format!("opening {}", log.display()))?;
    Command::new(program)
        .args(arguments)
        .arg(configuration)
        .stdin(Stdio::null())
        .stdout(log.try_clone().context("opening its log twice")?)
        .stderr(log)
        .spawn()
        .with_context(|| format!("starting {program}"))
}

/// Standard output of a program that ended well, or its failure as one error.
///
/// # Errors
/// When `output` tells of another status than 0 or is not UTF-8.
pub fn finish<S: AsRef<OsStr>>(program: Program, arguments: &[S], output: &Output) -> Result<String> {
    if !output.status.success() {
        bail!("{}", failure(program, arguments, output));
    }
    String::from_utf8(output.stdout.clone()).with_context(|| format!("reading what {} said", program.name()))
}

/// `running "sfdisk /dev/sda": exit status: 1: last lines`.
fn failure<S: AsRef<OsStr>>(program: Program, arguments: &[S], output: &Output) -> String {
    let mut command = program.name().to_owned();
    for argument in arguments {
        command.push(' ');
        command.push_str(&argument.as_ref().to_string_lossy());
    }
    let said = String::from_utf8_lossy(&output.stderr);
    let lines: Vec<&str> = said.lines().filter(|line| !line.trim().is_empty()).collect();
    let last = lines[lines.len().saturating_sub(LAST_LINES)..].join("; ");
    let last: String = last.chars().filter(|c| !c.is_control()).collect();
    format!(
        "running \"{command}\": {}: {}",
        output.status,
        if last.is_empty() { "it said nothing" } else { &last }
    )
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::os::unix::fs::PermissionsExt as _;

    use super::*;

    #[test]
    fn a_failure_shows_the_command_and_the_last_lines() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("sfdisk");
        fs::write(&path, "#!/bin/sh\necho first >&2\necho second >&2\nexit 3\n").expect("fixture");
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).expect("mode");
        let runner = Runner::from_folder(folder.path().to_owned());
        let error = runner.run(Program::Sfdisk, &["--force", "/dev/x"]).expect_err("status 3");
        assert_eq!(error.to_string(), "running \"sfdisk --force /dev/x\": exit status: 3: first; second");
    }

    #[test]
    fn a_missing_program_names_its_package() {
        let runner = Runner::from_folder(PathBuf::from("/nonexistent"));
        let error = runner.run::<&str>(Program::MkfsVfat, &[]).expect_err("not there");
        assert_eq!(error.to_string(), "starting mkfs.vfat (Debian package dosfstools)");
    }
}
