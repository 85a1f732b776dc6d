//! Running the mail server's own programs.

use std::process::{Command, Stdio};

use anyhow::{Context as _, Result, bail};

/// What a program says, whatever its exit status.
///
/// # Errors
/// When it cannot be started.
pub fn said(program: &str, arguments: &[&str]) -> Result<String> {
    let output = Command::new(program).args(arguments).stdin(Stdio::null()).output();
    Ok(String::from_utf8_lossy(&output.with_context(|| format!("starting {program}"))?.stdout).into_owned())
}

/// Runs a program that must end well.
///
/// # Errors
/// When it does not: with its last line.
pub fn run(program: &str, arguments: &[&str]) -> Result<()> {
    output(program, arguments).map(drop)
}

/// What a program says that must end well.
///
/// # Errors
/// When it does not: with its last line.
pub fn output(program: &str, arguments: &[&str]) -> Result<String> {
    let output = Command::new(program).args(arguments).stdin(Stdio::null()).output();
    let output = output.with_context(|| format!("starting {program}"))?;
    if !output.status.success() {
        let said = String::from_utf8_lossy(&output.stderr);
        bail!("running {program}: {}: {}", output.status, said.lines().last().unwrap_or("it said nothing"));
    }
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
}
