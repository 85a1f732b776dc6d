//! Starting programs of the tools tree.

use std::ffi::OsStr;
use std::process::{Command, Stdio};

use crate::error::BootError;

/// Lines of a failed program's stderr that an error shows.
const STDERR_LINES: usize = 20;

/// A command prefix that runs a program inside a tree, e.g. `mazet internal-sandbox
/// --tree TREE --`. Host paths are the same inside. An empty prefix runs the host's own.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Runner {
    prefix: Vec<String>,
}

impl Runner {
    /// A runner that puts `prefix` before every command.
    pub fn new(prefix: impl IntoIterator<Item = impl Into<String>>) -> Self {
        Self { prefix: prefix.into_iter().map(Into::into).collect() }
    }

    /// `program` behind the prefix, without arguments yet.
    pub fn command(&self, program: &str) -> Command {
        match self.prefix.split_first() {
            None => Command::new(program),
            Some((first, rest)) => {
                let mut command = Command::new(first);
                command.args(rest).arg(program);
                command
            }
        }
    }

    /// Runs `program` to its end and gives its standard output.
    ///
    /// # Errors
    /// When it cannot be started, or ends with anything but 0 (with its last lines).
    pub fn output<A: AsRef<OsStr>>(&self, program: &str, args: &[A]) -> Result<Vec<u8>, BootError> {
        let mut command = self.command(program);
        command.args(args).stdin(Stdio::null());
        let shown = shown(&command);
        let output =
            command.output().map_err(|source| BootError::Start { command: shown.clone(), source })?;
        if output.status.success() {
            return Ok(output.stdout);
        }
        let stderr = last_lines(&String::from_utf8_lossy(&output.stderr), STDERR_LINES);
        Err(BootError::Program { command: shown, status: output.status.to_string(), stderr })
    }
}

/// `command` as one would type it, words with odd characters in single quotes.
pub fn shown(command: &Command) -> String {
    let words = std::iter::once(command.get_program()).chain(command.get_args());
    let quoted: Vec<String> = words.map(|word| quoted(&word.to_string_lossy())).collect();
    quoted.join(" ")
}

/// The last `count` lines of `text`.
pub fn last_lines(text: &str, count: usize) -> String {
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(count)..].join("\n")
}

fn quoted(word: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_=./:,@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.to_owned();
    }
    format!("'{}'", word.replace('\'', r"'\''"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_prefix_comes_before_the_program() {
        let runner = Runner::new(["env", "A=b c"]);
        let mut command = runner.command("qemu-img");
        command.args(["info", "it's"]);
        assert_eq!(shown(&command), r"env 'A=b c' qemu-img info 'it'\''s'");
    }

    #[test]
    fn output_is_what_the_program_wrote() {
        let output = Runner::default().output("printf", &["%s", "hello"]).expect("printf runs");
        assert_eq!(output, b"hello");
    }

    #[test]
    fn a_failed_program_is_shown_with_its_last_words() {
        let error = Runner::default().output("sh", &["-c", "echo because >&2; exit 3"]).expect_err("exit 3");
        assert_eq!(
            error.to_string(),
            "running `sh -c 'echo because >&2; exit 3'`: it ended with exit status: 3\nbecause"
        );
    }

    #[test]
    fn a_missing_program_says_where_to_look() {
        let error = Runner::default().output::<&str>("no-such-program", &[]).expect_err("missing");
        assert!(error.to_string().contains("`mazet doctor` tells"), "{error}");
    }
}
