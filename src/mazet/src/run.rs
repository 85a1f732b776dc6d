//! The one door to other programs.
//!
//! A closed list of what may be run, each with its Debian package and its purpose. A failure
//! shows what was being done, the command as one would type it, how it ended, its last lines,
//! and where the whole log is.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::Duration;

use anyhow::{Context as _, Result};

use crate::sandbox::own;

/// A program of the host that Mazet may run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Program {
    /// Makes Debian trees.
    Mmdebstrap,
    /// Makes user and mount namespaces.
    Unshare,
    /// Resolves package names into versions.
    AptGet,
    /// Shows what the archive says of a package.
    AptCache,
    /// Shows apt's configuration.
    AptConfig,
    /// Collects the crates of the box's program.
    Cargo,
    /// Runs a program as another user: for the reproducibility test.
    Runuser,
    /// Lists disks, sticks and cards.
    Lsblk,
    /// Starts one step with privileges, asking on the terminal.
    Sudo,
    /// The same, systemd's.
    Run0,
    /// The same, asking in a window.
    Pkexec,
    /// Ends what takes too long.
    Timeout,
}

impl Program {
    /// Every program, for `doctor`.
    pub const ALL: [Self; 12] = [
        Self::Mmdebstrap,
        Self::Unshare,
        Self::AptGet,
        Self::AptCache,
        Self::AptConfig,
        Self::Cargo,
        Self::Runuser,
        Self::Lsblk,
        Self::Sudo,
        Self::Run0,
        Self::Pkexec,
        Self::Timeout,
    ];

    /// Its file name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Mmdebstrap => "mmdebstrap",
            Self::Unshare => "unshare",
            Self::AptGet => "apt-get",
            Self::AptCache => "apt-cache",
            Self::AptConfig => "apt-config",
            Self::Cargo => "cargo",
            Self::Runuser => "runuser",
            Self::Lsblk => "lsblk",
            Self::Sudo => "sudo",
            Self::Run0 => "run0",
            Self::Pkexec => "pkexec",
            Self::Timeout => "timeout",
        }
    }

    /// The Debian package that brings it.
    pub fn package(self) -> &'static str {
        match self {
            Self::Mmdebstrap => "mmdebstrap",
            Self::Unshare | Self::Runuser | Self::Lsblk => "util-linux",
            Self::AptGet | Self::AptCache | Self::AptConfig => "apt",
            Self::Cargo => "cargo",
            Self::Sudo => "sudo",
            Self::Run0 => "systemd",
            Self::Pkexec => "pkexec",
            Self::Timeout => "coreutils",
        }
    }

    /// Is it on the path?
    pub fn is_there(self) -> bool {
        let path = std::env::var_os("PATH").unwrap_or_default();
        std::env::split_paths(&path).any(|folder| folder.join(self.name()).is_file())
    }
}

/// A command about to run.
#[derive(Debug, Clone)]
pub struct Command {
    doing: String,
    words: Vec<OsString>,
    envs: Vec<(String, OsString)>,
    log: Option<PathBuf>,
    package: Option<&'static str>,
}

impl Command {
    /// Runs `program`; `doing` is a gerund: "resolving packages".
    pub fn new(program: Program, doing: impl Into<String>) -> Self {
        let mut command = Self::raw(program.name(), doing);
        command.package = Some(program.package());
        command
    }

    /// Runs a program by its path: only the sandbox does, for what lies in a tree.
    pub(crate) fn raw(program: impl Into<OsString>, doing: impl Into<String>) -> Self {
        Self { doing: doing.into(), words: vec![program.into()], envs: Vec::new(), log: None, package: None }
    }

    /// Adds one argument.
    #[must_use]
    pub fn arg(mut self, word: impl AsRef<OsStr>) -> Self {
        self.words.push(word.as_ref().to_owned());
        self
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<I: IntoIterator<Item = S>, S: AsRef<OsStr>>(mut self, words: I) -> Self {
        self.words.extend(words.into_iter().map(|word| word.as_ref().to_owned()));
        self
    }

    /// Sets an environment variable.
    #[must_use]
    pub fn env(mut self, name: &str, value: impl AsRef<OsStr>) -> Self {
        self.envs.push((name.to_owned(), value.as_ref().to_owned()));
        self
    }

    /// Ends it, and all that it started, after this time: a failure.
    #[must_use]
    pub fn within(mut self, time: Duration) -> Self {
        let words = [Program::Timeout.name(), "--kill-after=20", &format!("{}", time.as_secs().max(1))];
        self.words.splice(0..0, words.map(OsString::from));
        self
    }

    /// Keeps all that it says in this file.
    #[must_use]
    pub fn log(mut self, file: &Path) -> Self {
        self.log = Some(file.to_owned());
        self
    }

    /// Runs it to its end; gives its standard output.
    ///
    /// # Errors
    /// When it cannot start or ends with anything but 0: a [`Failure`].
    pub fn run(&self) -> Result<Vec<u8>> {
        let output = self.output()?;
        self.keep_log(&output)?;
        if output.status.success() {
            return Ok(output.stdout);
        }
        Err(Failure {
            doing: self.doing.clone(),
            command: self.replay(),
            ending: output.status.to_string(),
            last_lines: last_lines(&output, 20),
            log: self.log.clone(),
        }
        .into())
    }

    /// [`run`](Self::run), with the output as text.
    ///
    /// # Errors
    /// As `run`.
    pub fn text(&self) -> Result<String> {
        Ok(String::from_utf8_lossy(&self.run()?).into_owned())
    }

    /// Runs it to its end, handing over each line that it says as it says it; true when it ended
    /// with 0.
    ///
    /// # Errors
    /// When it cannot start.
    pub fn stream(&self, mut on_line: impl FnMut(&str)) -> Result<bool> {
        let expression = self.expression().stderr_to_stdout().unchecked();
        let reader = expression.reader().with_context(|| self.starting())?;
        let mut lines = BufReader::new(&reader);
        let mut line = Vec::new();
        while lines.read_until(b'\n', &mut line).with_context(|| self.doing.clone())? > 0 {
            on_line(String::from_utf8_lossy(&line).trim_end());
            line.clear();
        }
        let output = reader.try_wait()?.context("a program closed its output without ending")?;
        Ok(output.status.success())
    }

    /// Runs it to its end with `stdin` as its standard input, talking to the user itself.
    ///
    /// # Errors
    /// When it cannot start or ends with anything but 0.
    pub fn hand(&self, stdin: OwnedFd) -> Result<()> {
        let expression = self.bare().stdin_file(stdin).unchecked();
        let output = expression.run().with_context(|| self.starting())?;
        if output.status.success() {
            return Ok(());
        }
        anyhow::bail!("{}: the command failed ({}): {}", self.doing, output.status, self.replay())
    }

    fn expression(&self) -> duct::Expression {
        self.bare().stdin_null()
    }

    fn bare(&self) -> duct::Expression {
        let command = duct::cmd(&self.words[0], &self.words[1..]);
        self.envs.iter().fold(command, |command, (name, value)| command.env(name, value))
    }

    fn starting(&self) -> String {
        let program = self.words[0].to_string_lossy();
        match self.package {
            Some(package) => format!(
                "{}: starting {program} (Debian package {package}; ./mazet doctor says what is missing)",
                self.doing
            ),
            None => format!("{}: starting {program}", self.doing),
        }
    }

    fn output(&self) -> Result<Output> {
        let expression = self.expression().stdout_capture().stderr_capture().unchecked();
        expression.run().with_context(|| self.starting())
    }

    fn keep_log(&self, output: &Output) -> Result<()> {
        let Some(path) = &self.log else { return Ok(()) };
        if let Some(folder) = path.parent() {
            fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
        }
        let mut file =
            fs::File::create(path).with_context(|| format!("writing the log {}", path.display()))?;
        writeln!(file, "$ {}", self.replay())?;
        file.write_all(&output.stderr)?;
        file.write_all(&output.stdout)?;
        Ok(())
    }

    /// The command as one would type it.
    pub fn replay(&self) -> String {
        let envs = self.envs.iter().map(|(name, value)| format!("{name}={}", quote(value)));
        envs.chain(self.words.iter().map(|word| quote(&typed(word)))).collect::<Vec<_>>().join(" ")
    }
}

/// A program that failed.
#[derive(Debug)]
pub struct Failure {
    doing: String,
    command: String,
    ending: String,
    /// The last lines that it said.
    pub last_lines: String,
    log: Option<PathBuf>,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}: the command failed ({})", self.doing, self.ending)?;
        match &self.log {
            Some(log) => {
                writeln!(f, "  command: {}", shown(&self.command))?;
                writeln!(f, "  whole log: {}", log.display())?;
            }
            None => writeln!(f, "  command: {}", self.command)?,
        }
        write!(f, "  last lines:\n{}", self.last_lines)
    }
}

impl std::error::Error for Failure {}

/// A command as long as a screen can take: what enters a sandbox may name hundreds of paths. Whole, it is the
/// first line of its log.
fn shown(command: &str) -> String {
    const ENDS: usize = 600;
    let letters: Vec<char> = command.chars().collect();
    if letters.len() <= 3 * ENDS {
        return command.to_owned();
    }
    let ends = [&letters[..ENDS], &letters[letters.len() - ENDS..]].map(String::from_iter);
    format!("{} […; whole at the head of the log] {}", ends[0], ends[1])
}

/// The last `count` lines of stdout and then stderr, indented, without control characters.
/// Both: apt before version 3 explains on stdout what it complains of on stderr.
fn last_lines(output: &Output, count: usize) -> String {
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let lines: Vec<_> = stdout.lines().chain(stderr.lines()).collect();
    let tail = lines[lines.len().saturating_sub(count)..].iter();
    tail.map(|line| format!("    {}", clean(line))).collect::<Vec<_>>().join("\n")
}

/// Another program's words, safe for a terminal.
fn clean(line: &str) -> String {
    line.chars().map(|c| if c.is_control() && c != '\t' { '\u{FFFD}' } else { c }).collect()
}

/// A word as one would type it: our own program's descriptor is good in this process alone.
fn typed(word: &OsStr) -> OsString {
    let own = own::program().is_ok_and(|own| word == own.as_str());
    let path = own.then(|| own::path().ok()).flatten();
    path.map_or_else(|| word.to_owned(), PathBuf::into_os_string)
}

/// A word quoted for a POSIX shell.
fn quote(word: &OsStr) -> String {
    let text = word.to_string_lossy();
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_=./,:+@%".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        text.into_owned()
    } else {
        format!("'{}'", text.replace('\'', r"'\''"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_command_is_shown_by_its_ends_and_stands_whole_in_its_log() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let log = dir.path().join("log");
        let words = ["-c".to_owned(), "exit 3".to_owned(), "é".repeat(5000), "end".to_owned()];
        let error =
            Command::raw("sh", "greeting").args(words).log(&log).run().expect_err("exit 3").to_string();
        assert!(error.len() < 3000 && error.contains("whole at the head of the log"), "{error}");
        let shown = error.lines().nth(1).expect("the command");
        assert!(shown.starts_with("  command: sh -c 'exit 3' ") && shown.ends_with("end"), "{shown}");
        assert!(fs::read_to_string(log).expect("log").contains(&"é".repeat(5000)));
    }

    #[test]
    fn a_failure_can_be_replayed_and_shows_the_last_words() {
        let dir = tempfile::tempdir().expect("temporary folder");
        let log = dir.path().join("log");
        let command = Command::raw("sh", "greeting").args(["-c", "echo 'it''s me' >&2; exit 3"]).log(&log);
        let error = command.run().expect_err("exit 3").to_string();
        assert!(error.starts_with("greeting: the command failed (exit status: 3)\n"), "{error}");
        assert!(error.contains(r"command: sh -c 'echo '\''it'\'''\''s me'\'' >&2; exit 3'"), "{error}");
        assert!(error.ends_with("    its me"), "{error}");
        assert!(fs::read_to_string(log).expect("log").contains("its me"));
    }

    #[test]
    fn what_takes_too_long_ends_with_all_that_it_started() {
        // As long as one of them lives, the output has no end.
        let script = "sleep infinity & echo begun; sleep infinity";
        let command = Command::raw("sh", "waiting").args(["-c", script]).within(Duration::from_secs(1));
        let mut said = String::new();
        let good = command.stream(|line| said.push_str(line)).expect("started");
        assert_eq!((good, said.as_str()), (false, "begun"));
    }

    #[test]
    fn control_characters_do_not_reach_the_terminal() {
        assert_eq!(clean("a\x1b[31mb"), "a\u{FFFD}[31mb");
    }

    #[test]
    fn a_missing_program_names_its_package() {
        let mut command = Command::new(Program::Mmdebstrap, "making a tree");
        command.words[0] = "/nowhere/mmdebstrap".into();
        let error = format!("{:#}", command.run().expect_err("not there"));
        assert!(error.contains("Debian package mmdebstrap"), "{error}");
    }
}
