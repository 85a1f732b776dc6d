//! Other programs: how they are run, and what they said when they failed.

use std::ffi::OsStr;
use std::io::{BufRead as _, BufReader, Read as _};
use std::process::{Command, Output, Stdio};

use anyhow::{Context as _, Result, bail};

/// How many of a failed program's last lines an error shows.
const LAST_LINES: usize = 4;

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
    format!("{}: {}: {}", program.to_string_lossy(), output.status, last_words(output))
}

/// The last lines that a program said, those of its standard error first.
pub fn last_words(output: &Output) -> String {
    let told = [&output.stderr, &output.stdout].map(|text| last_lines(&String::from_utf8_lossy(text)));
    let told = told.into_iter().find(|told| !told.is_empty());
    told.unwrap_or_else(|| "it said nothing".to_owned())
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

    fn shell(script: &str) -> Command {
        let mut command = Command::new("sh");
        command.args(["-c", script]);
        command
    }

    #[test]
    fn what_fails_says_how() {
        let mut command = shell("echo one; echo two >&2; exit 3");
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
        let mut command = shell(script);
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
