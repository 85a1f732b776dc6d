//! The one door to other programs: a closed set, each run without a shell of the caller's, and without any secret
//! among its arguments (`/proc` shows them to everybody).

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader, Read as _};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use anyhow::{Context as _, Result, bail};

/// How many of a failed program's last lines an error shows.
const LAST_LINES: usize = 4;
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
    /// Makes snapshots.
    Btrfs,
    /// Lists disks and what they hold.
    Lsblk,
    /// Mounts a disk for backups.
    Mount,
    /// Keeps the backups.
    Restic,
    /// Makes the key that opens other machines.
    SshKeygen,
    /// Asks systemd.
    Systemctl,
    /// Takes the disk away.
    Umount,
}

impl Program {
    /// Its file name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Btrfs => "btrfs",
            Self::Lsblk => "lsblk",
            Self::Mount => "mount",
            Self::Restic => "restic",
            Self::SshKeygen => "ssh-keygen",
            Self::Systemctl => "systemctl",
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

/// Runs a program that must end well, and gives what it said.
///
/// # Errors
/// When it cannot be started or does not end well: with its last lines.
pub fn said(command: &mut Command, doing: &str) -> Result<String> {
    let output = ended(command.stdin(Stdio::null()), doing)?;
    if !output.status.success() {
        bail!("{doing}: {}", failure(command.get_program(), &output));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}

/// Runs a program and gives how it ended.
///
/// # Errors
/// When it cannot be started.
pub fn ended(command: &mut Command, doing: &str) -> Result<Output> {
    let program = command.get_program().to_string_lossy().into_owned();
    command.output().with_context(|| format!("{doing}: starting {program}"))
}

/// Runs a program, and gives each line of its standard output to `each` as it comes.
///
/// # Errors
/// When it cannot be started, or `each` fails.
pub fn followed(
    command: &mut Command,
    doing: &str,
    mut each: impl FnMut(&str) -> Result<()>,
) -> Result<Output> {
    let mut child = command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .with_context(|| doing.to_owned())?;
    let (out, err) = (child.stdout.take().context("a pipe")?, child.stderr.take().context("a pipe")?);
    // Both pipes are emptied at once: the program would wait for the one that nobody reads.
    let errors = std::thread::spawn(move || {
        let mut text = Vec::new();
        let _ = BufReader::new(err).read_to_end(&mut text);
        text
    });
    let mut result = Ok(());
    for line in BufReader::new(out).lines() {
        let line = line.with_context(|| format!("{doing}: reading what it says"))?;
        if result.is_ok() {
            result = each(&line);
        }
    }
    let status = child.wait().with_context(|| doing.to_owned())?;
    let stderr = errors.join().unwrap_or_default();
    result?;
    Ok(Output { status, stdout: Vec::new(), stderr })
}

/// How a program ended, with its last lines.
pub fn failure(program: &OsStr, output: &Output) -> String {
    let told = last_lines(&String::from_utf8_lossy(&output.stderr));
    let told = if told.is_empty() { last_lines(&String::from_utf8_lossy(&output.stdout)) } else { told };
    format!("{}: {}: {}", program.to_string_lossy(), output.status, told)
}

/// The last lines of what a program said, in one, without what would move a terminal's cursor.
pub fn last_lines(text: &str) -> String {
    // Erases a line (ECMA-48, EL): Go programs say it before they end.
    let text = text.replace("\u{1b}[2K", "");
    let lines: Vec<&str> = text.lines().map(str::trim).filter(|line| !line.is_empty()).collect();
    let last = &lines[lines.len().saturating_sub(LAST_LINES)..];
    last.join("; ").chars().filter(|one| !one.is_control()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_fails_says_how() {
        let mut command = Tools::default().words(&["sh", "-c", "echo one; echo two >&2; exit 3"]);
        let error = said(&mut command, "trying").expect_err("failed").to_string();
        assert_eq!(error, "trying: sh: exit status: 3: two");
    }

    #[test]
    fn nothing_said_moves_a_cursor() {
        assert_eq!(last_lines("a\n\u{1b}[2Ksignal\r\n\n\u{7}b\n"), "a; signal; b");
    }

    #[test]
    fn lines_come_one_by_one_and_both_pipes_are_read() {
        let script = "i=0; while [ $i -lt 20000 ]; do echo $i; echo error $i >&2; i=$((i+1)); done; exit 3";
        let mut count = 0;
        let mut command = Tools::default().words(&["sh", "-c", script]);
        let output = followed(&mut command, "counting", |line| {
            assert_eq!(line, count.to_string());
            count += 1;
            Ok(())
        });
        let output = output.expect("it ran");
        assert_eq!((count, output.status.code()), (20_000, Some(3)));
        assert!(last_lines(&String::from_utf8_lossy(&output.stderr)).ends_with("error 19999"));
    }
}
