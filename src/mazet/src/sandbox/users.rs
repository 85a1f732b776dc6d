//! A user namespace for root: the same users inside as outside.
//!
//! unshare(1) maps users for those who have sub-ids (subuid(5)), which root has not. Here a shell
//! that unshare(1) started waits, before it becomes the command, until its maps are written.

use std::ffi::OsString;
use std::fs;
use std::io::{Read as _, Write as _};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::process::{Command, ExitCode};

use anyhow::{Context as _, Result, ensure};

/// The hidden subcommand.
pub const SUBCOMMAND: &str = "internal-users";

/// Says that the namespace is there, waits for the maps, becomes the command.
const WAIT: &str = "echo >&0; read -r _ && exec \"$@\" </dev/null";

/// Runs `words` as root of a new user namespace; its exit code is ours.
///
/// # Errors
/// When the namespace cannot be made.
pub fn enter(words: &[OsString]) -> Result<ExitCode> {
    let doing = "making a user namespace";
    let (mut ours, theirs) = UnixStream::pair().context(doing)?;
    let mut child = Command::new("unshare")
        .args(["--user", "--", "sh", "-euc", WAIT, "sh"])
        .args(words)
        .stdin(OwnedFd::from(theirs))
        .spawn()
        .context("starting unshare (Debian package util-linux)")?;
    let ready = ours.read(&mut [0; 8]).context(doing)?;
    ensure!(ready > 0, "{doing}: unshare(1) refused; its words stand above");
    for map in ["uid_map", "gid_map"] {
        let own = fs::read_to_string(format!("/proc/self/{map}")).context("reading this user's ids")?;
        let path = format!("/proc/{}/{map}", child.id());
        fs::write(&path, same(&own)).with_context(|| format!("writing {path}"))?;
    }
    ours.write_all(b"\n").context(doing)?;
    let status = child.wait().context(doing)?;
    // Ended by a signal: as shells say it.
    Ok(ExitCode::from(u8::try_from(status.code().unwrap_or(128)).unwrap_or(1)))
}

/// The map of a namespace whose ids are those of the namespace around it, which has the map `own`
/// (user_namespaces(7): lines of inside, outside, count).
fn same(own: &str) -> String {
    let ranges = own.lines().filter_map(|line| {
        let mut numbers = line.split_whitespace();
        let (inside, _, count) = (numbers.next()?, numbers.next()?, numbers.next()?);
        Some(format!("{inside} {inside} {count}\n"))
    });
    ranges.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_stay_what_they_are() {
        assert_eq!(same("         0          0 4294967295\n"), "0 0 4294967295\n");
        assert_eq!(same("0 1001 1\n1 100000 65535\n"), "0 0 1\n1 1 65535\n");
    }
}
