//! Ends a program's process group when its owner is gone, however the owner went.
//!
//! A destructor does not run when the owner is killed or interrupted, and QEMU in a
//! process group of its own hears no Ctrl-C. A small shell waits on a pipe that closes
//! with the owner's death; it signals by number, never by name.

use std::io::Write;
use std::os::unix::process::CommandExt;
use std::process::{Child, Command, Stdio};

use rustix::process::{Pid, Signal, kill_process_group};

use crate::error::BootError;
use crate::runner::shown;

/// Ends the group unless a line comes before the end of the pipe.
const SCRIPT: &str = r#"read -r _ || kill -s KILL -- "-$1""#;

/// A child process that leads its own process group, and its watcher.
#[derive(Debug)]
pub struct Guarded {
    child: Child,
    watcher: Child,
}

impl Guarded {
    /// Starts `command` in a process group of its own.
    ///
    /// # Errors
    /// When it or the watcher cannot be started.
    pub fn spawn(command: &mut Command) -> Result<Self, BootError> {
        let name = shown(command);
        let start = |source| BootError::Start { command: name.clone(), source };
        let mut child = command.process_group(0).spawn().map_err(start)?;
        let mut watcher = Command::new("sh");
        watcher.args(["-c", SCRIPT, "guard", &child.id().to_string()]);
        watcher.stdin(Stdio::piped()).stdout(Stdio::null()).stderr(Stdio::null());
        match watcher.process_group(0).spawn() {
            Ok(watcher) => Ok(Self { child, watcher }),
            Err(error) => {
                kill_group(&child);
                let _ = child.wait();
                Err(start(error))
            }
        }
    }

    /// Standard output, once, when it was piped.
    pub fn take_stdout(&mut self) -> Option<std::process::ChildStdout> {
        self.child.stdout.take()
    }

    /// Has it ended? Its status then. The watcher is dismissed first: the number of a
    /// group that is gone may be given to another.
    pub fn ended(&mut self) -> Option<String> {
        let status = self.child.try_wait().ok().flatten()?;
        self.dismiss();
        Some(status.to_string())
    }

    /// Ends the whole group at once.
    pub fn kill(&mut self) {
        if self.child.try_wait().is_ok_and(|status| status.is_none()) {
            kill_group(&self.child);
            let _ = self.child.wait();
        }
        self.dismiss();
    }

    fn dismiss(&mut self) {
        if let Some(mut pipe) = self.watcher.stdin.take() {
            let _ = pipe.write_all(b"\n");
        }
        let _ = self.watcher.wait();
    }
}

impl Drop for Guarded {
    fn drop(&mut self) {
        self.kill();
    }
}

fn kill_group(child: &Child) {
    let Some(group) = i32::try_from(child.id()).ok().and_then(Pid::from_raw) else { return };
    // It may just have ended by itself.
    let _ = kill_process_group(group, Signal::KILL);
}

#[cfg(test)]
mod tests {
    use std::io::{BufRead, BufReader, Read};

    use super::*;

    /// Starts a shell that starts another, both holding the pipe that is given back.
    fn family() -> (Guarded, BufReader<std::process::ChildStdout>) {
        let mut command = Command::new("sh");
        command.args(["-c", "sh -c 'echo up; while :; do sleep 60; done' & wait"]).stdout(Stdio::piped());
        let mut guarded = Guarded::spawn(&mut command).expect("started");
        let mut output = BufReader::new(guarded.take_stdout().expect("piped"));
        let mut line = String::new();
        output.read_line(&mut line).expect("up");
        (guarded, output)
    }

    #[test]
    fn dropping_ends_the_grandchildren_too() {
        let (guarded, mut output) = family();
        drop(guarded);
        // The pipe closes only when every process that holds it is gone.
        assert_eq!(output.read_to_end(&mut Vec::new()).expect("end of file"), 0);
    }

    #[test]
    fn a_lost_owner_ends_them_as_well() {
        let (mut guarded, mut output) = family();
        drop(guarded.watcher.stdin.take());
        assert_eq!(output.read_to_end(&mut Vec::new()).expect("end of file"), 0);
        assert!(guarded.child.wait().is_ok());
    }
}
