//! Why a place does not do what is asked: for pages, which say it in plain words, and for the health check.

use std::process::Output;

use anyhow::{Result, bail};
use mazet_host::run::last_lines;
use serde::{Deserialize, Serialize};

/// Why a place does not do what is asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Why {
    /// The disk is not plugged in.
    Absent,
    /// No backup is there.
    Empty,
    /// Its backups have another key.
    Key,
    /// Somebody else works on it.
    Locked,
    /// It cannot be a place as it is described.
    Described,
    /// Login, password or key are refused.
    Login,
    /// It does not answer.
    Silent,
    /// It has no room left.
    Full,
    /// Something else, in restic's words.
    Other,
}

/// A place did not do what was asked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// Why.
    pub why: Why,
    /// In the words of the program.
    pub said: String,
}

impl Fault {
    /// From any error.
    pub fn of(error: &anyhow::Error) -> Self {
        match error.downcast_ref::<Self>() {
            Some(fault) => fault.clone(),
            None => Self { why: Why::Other, said: format!("{error:#}") },
        }
    }
}

impl std::fmt::Display for Fault {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let plain = match self.why {
            Why::Absent => "the disk is not plugged in",
            Why::Empty => "there is no backup in this place",
            Why::Key => "this key does not open the backups in this place",
            Why::Locked => "somebody else works on the backups in this place",
            Why::Described => "this cannot be a place for backups",
            Why::Login => "the place refuses login, password or key",
            Why::Silent => "the place does not answer",
            Why::Full => "the place is full",
            Why::Other => return formatter.write_str(&self.said),
        };
        if self.said.is_empty() {
            formatter.write_str(plain)
        } else {
            write!(formatter, "{plain}: {}", self.said)
        }
    }
}

impl std::error::Error for Fault {}

/// How restic ended: its exit codes, and its words where they do not say enough.
///
/// # Errors
/// [`Fault`]: not well. Also when it could not read or write everything.
pub fn judge(output: &Output, doing: &str) -> Result<()> {
    let said = words(&String::from_utf8_lossy(&output.stderr));
    let why = match output.status.code() {
        Some(0) => return Ok(()),
        Some(10) => Why::Empty,
        Some(11) => Why::Locked,
        Some(12) => Why::Key,
        // timeout(1), which made it end: what it said then is of no use.
        Some(124) => return Err(Fault { why: Why::Silent, said: String::new() }.into()),
        Some(3) => bail!("{doing}: not everything could be read or written: {said}"),
        _ => guess(&said),
    };
    Err(Fault { why, said: if said.is_empty() { output.status.to_string() } else { said } }.into())
}

/// What restic said, also where it said it in JSON.
fn words(stderr: &str) -> String {
    #[derive(Deserialize)]
    struct Said {
        message: Option<String>,
        error: Option<Inner>,
    }
    #[derive(Deserialize)]
    struct Inner {
        message: String,
    }
    let plain = |line: &str| -> String {
        match serde_json::from_str::<Said>(line) {
            Ok(Said { message: Some(message), .. } | Said { error: Some(Inner { message }), .. }) => message,
            _ => line.to_owned(),
        }
    };
    // ssh(1) warns of a machine that it meets for the first time.
    let faults = stderr.lines().filter(|line| !line.contains("Warning:")).map(plain);
    last_lines(&faults.collect::<Vec<_>>().join("\n"))
}

/// From the words of restic, ssh and servers.
fn guess(said: &str) -> Why {
    let said = said.to_lowercase();
    let has = |words: &[&str]| words.iter().any(|word| said.contains(word));
    if has(&["no space left", "disk quota exceeded", "insufficient storage", "quotaexceeded"]) {
        Why::Full
    } else if has(&[
        "permission denied (",
        "401",
        "403",
        "unauthorized",
        "access denied",
        "accessdenied",
        "signaturedoesnotmatch",
        "invalidaccesskeyid",
        "access key id",
        "host key verification failed",
    ]) {
        Why::Login
    } else if has(&[
        "connection refused",
        "no such host",
        "timed out",
        "i/o timeout",
        "no route to host",
        "network is unreachable",
        "could not resolve",
        "name resolution",
    ]) {
        Why::Silent
    } else {
        Why::Other
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::process::ExitStatusExt as _;
    use std::process::ExitStatus;

    use super::*;

    fn why(code: i32, stderr: &str) -> Why {
        let output =
            Output { status: ExitStatus::from_raw(code << 8), stdout: Vec::new(), stderr: stderr.into() };
        Fault::of(&judge(&output, "trying").expect_err("a fault")).why
    }

    #[test]
    fn what_restic_says_is_told_apart() {
        assert_eq!(why(10, ""), Why::Empty);
        assert_eq!(why(12, "Fatal: wrong password or no key found"), Why::Key);
        assert_eq!(why(124, ""), Why::Silent);
        assert_eq!(why(1, "ada@nas: Permission denied (publickey).\n"), Why::Login);
        assert_eq!(why(1, "dial tcp 192.0.2.1:443: connect: connection refused"), Why::Silent);
        assert_eq!(why(1, "write: no space left on device"), Why::Full);
        let json = r#"{"message_type":"exit_error","code":1,"message":"Fatal: it broke"}"#;
        let output = Output { status: ExitStatus::from_raw(256), stdout: Vec::new(), stderr: json.into() };
        assert_eq!(judge(&output, "trying").expect_err("a fault").to_string(), "Fatal: it broke");
    }
}
