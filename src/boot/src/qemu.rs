//! A running QEMU: serial line, monitor, ports. It ends with its owner.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::sync::{Mutex, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use serde_json::json;

use crate::error::BootError;
use crate::guard::Guarded;
use crate::guest::GuestShell;
use crate::machine::{Machine, Sockets};
use crate::qmp::Qmp;
use crate::runner::{Runner, last_lines, shown};
use crate::serial::Serial;

/// How long QEMU may take to connect its sockets.
const START: Duration = Duration::from_secs(60);
/// How long QEMU may take to end when asked to.
const QUIT: Duration = Duration::from_secs(20);
/// How often a socket that cannot be waited on is looked at.
const LOOK: Duration = Duration::from_millis(20);

/// A running machine. Dropping it ends QEMU, as pulling the plug would.
#[derive(Debug)]
pub struct Qemu {
    process: Mutex<Guarded>,
    monitor: Qmp,
    serial: Serial,
    shell: Option<GuestShell>,
    ports: BTreeMap<u16, u16>,
    stderr: PathBuf,
    // Last: sockets and variables go when the process is gone.
    _scratch: tempfile::TempDir,
}

impl Qemu {
    /// Starts `machine` with the QEMU that `runner` finds.
    ///
    /// # Errors
    /// When the host lacks something or QEMU ends at once (with what it said).
    pub fn start(machine: &Machine, runner: &Runner) -> Result<Self, BootError> {
        // Socket paths hold at most 107 bytes: the system's folder of temporary files is short.
        let temporary = std::env::temp_dir();
        let scratch = tempfile::Builder::new().prefix("mazet-vm-").tempdir_in(&temporary);
        let scratch = scratch.map_err(BootError::file("making a folder in", &temporary))?;
        let path = |name: &str| scratch.path().join(name);
        let (monitor, serial, shell, stderr) =
            (path("monitor"), path("serial"), path("shell"), path("stderr"));
        let sockets =
            Sockets { monitor: &monitor, serial: &serial, shell: machine.shell.then_some(shell.as_path()) };
        let listeners = (bind(&monitor)?, bind(&serial)?, sockets.shell.map(bind).transpose()?);
        let mut process = spawn(machine, runner, scratch.path(), sockets, &stderr)?;
        let mut accept = |listener| accept(listener, &mut process, &stderr);
        let monitor = accept(&listeners.0)?;
        let serial = Serial::new(accept(&listeners.1)?, &machine.log, machine.echo)?;
        let shell = listeners.2.as_ref().map(&mut accept).transpose()?.map(GuestShell::new);
        let monitor = Qmp::new(monitor).map_err(|error| ended(&error, &stderr))?;
        let ports = forwarded(&monitor.human("info usernet")?);
        let shell = shell.transpose()?;
        Ok(Self { process: Mutex::new(process), monitor, serial, shell, ports, stderr, _scratch: scratch })
    }

    /// The monitor.
    pub fn monitor(&self) -> &Qmp {
        &self.monitor
    }

    /// The first serial port.
    pub fn serial(&self) -> &Serial {
        &self.serial
    }

    /// The root shell, when the machine was started with one.
    ///
    /// # Errors
    /// When it was not.
    pub fn shell(&self) -> Result<&GuestShell, BootError> {
        self.shell.as_ref().ok_or_else(|| BootError::Guest {
            script: "sh".to_owned(),
            why: "the machine was started without a shell".to_owned(),
        })
    }

    /// The loopback port of the host that leads to this TCP port of the guest.
    ///
    /// # Errors
    /// When the machine does not forward it.
    pub fn port(&self, guest: u16) -> Result<u16, BootError> {
        self.ports.get(&guest).copied().ok_or_else(|| BootError::Monitor {
            command: "info usernet".to_owned(),
            why: format!("port {guest} is not forwarded"),
        })
    }

    /// What QEMU itself said last.
    pub fn complaints(&self) -> String {
        said(&self.stderr)
    }

    /// Keeps the guest's screen as a PNG picture.
    ///
    /// # Errors
    /// When QEMU cannot write it.
    pub fn screenshot(&self, file: &Path) -> Result<(), BootError> {
        let arguments = json!({ "filename": file.to_string_lossy(), "format": "png" });
        self.monitor.execute("screendump", &arguments).map(drop)
    }

    /// Presses the power button: the guest may shut down in its own time.
    ///
    /// # Errors
    /// When QEMU is gone.
    pub fn power_button(&self) -> Result<(), BootError> {
        self.monitor.execute("system_powerdown", &json!({})).map(drop)
    }

    /// Pulls the plug: the guest gets no word, what QEMU was handed is in its files.
    ///
    /// # Errors
    /// When QEMU does not end.
    pub fn pull_the_plug(self) -> Result<(), BootError> {
        // QEMU may close the line before it has answered.
        let _ = self.monitor.execute("quit", &json!({}));
        self.wait_end(QUIT)
    }

    /// Waits until QEMU has ended by itself (power-off, or a restart of a machine that ends on it).
    ///
    /// # Errors
    /// When it has not within `patience`.
    pub fn wait_end(&self, patience: Duration) -> Result<(), BootError> {
        let deadline = Instant::now() + patience;
        // The events end with QEMU's own end.
        let _ = self.monitor.wait(patience, |_| false);
        while self.process.lock().unwrap_or_else(PoisonError::into_inner).ended().is_none() {
            if Instant::now() >= deadline {
                let why = format!("QEMU still runs after {} s", patience.as_secs());
                return Err(BootError::Monitor { command: "quit".to_owned(), why });
            }
            thread::sleep(LOOK);
        }
        Ok(())
    }
}

fn spawn(
    machine: &Machine,
    runner: &Runner,
    scratch: &Path,
    sockets: Sockets<'_>,
    stderr: &Path,
) -> Result<Guarded, BootError> {
    let mut command = runner.command(machine.firmware.program());
    command.args(machine.arguments(runner, scratch, sockets)?);
    let log = File::create(stderr).map_err(BootError::file("creating", stderr))?;
    command.stdin(Stdio::null()).stdout(Stdio::null()).stderr(log);
    // Beside the serial log, so that a machine can be started again by hand.
    let file = machine.log.with_extension("command");
    fs::write(&file, format!("{}\n", shown(&command))).map_err(BootError::file("writing", &file))?;
    Guarded::spawn(&mut command)
}

fn bind(path: &Path) -> Result<UnixListener, BootError> {
    let listener = UnixListener::bind(path).map_err(BootError::file("binding", path))?;
    listener.set_nonblocking(true).map_err(BootError::file("binding", path))?;
    Ok(listener)
}

fn accept(listener: &UnixListener, process: &mut Guarded, stderr: &Path) -> Result<UnixStream, BootError> {
    let deadline = Instant::now() + START;
    loop {
        if let Ok((stream, _)) = listener.accept() {
            stream.set_nonblocking(false).map_err(BootError::file("using", stderr))?;
            return Ok(stream);
        }
        if let Some(status) = process.ended() {
            return Err(ended(&status, stderr));
        }
        if Instant::now() >= deadline {
            return Err(ended(&format!("no word from it in {} s", START.as_secs()), stderr));
        }
        thread::sleep(LOOK);
    }
}

fn ended(why: &impl ToString, stderr: &Path) -> BootError {
    BootError::Qemu { why: why.to_string(), stderr: said(stderr) }
}

fn said(stderr: &Path) -> String {
    last_lines(&fs::read_to_string(stderr).unwrap_or_default(), 12)
}

/// Guest port → host port, from the monitor's `info usernet`.
pub fn forwarded(text: &str) -> BTreeMap<u16, u16> {
    let row = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        // Protocol[state] fd source-address source-port destination-address destination-port …
        let [protocol, _, _, host, _, guest, ..] = words[..] else { return None };
        let rule = protocol == "TCP[HOST_FORWARD]";
        rule.then_some((guest.parse().ok()?, host.parse().ok()?))
    };
    text.lines().filter_map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ports_are_read_from_the_monitor() {
        let text = "Hub -1 (net0):\n  Protocol[State]    FD  Source Address  Port   Dest. Address  Port RecvQ SendQ\n  \
                    TCP[HOST_FORWARD]  15       127.0.0.1 39133       10.0.2.15    80     0     0\n  \
                    TCP[HOST_FORWARD]  14       127.0.0.1 42817       10.0.2.15   443     0     0\n  \
                    TCP[ESTABLISHED]   20       127.0.0.1 42817       10.0.2.15   443     0     0\n  \
                    UDP[236 sec]       31       10.0.2.15 35061        10.0.2.3    53     0     0\n";
        assert_eq!(forwarded(text), BTreeMap::from([(80, 39133), (443, 42817)]));
    }

    #[test]
    fn a_qemu_that_ends_at_once_says_why() {
        let folder = tempfile::tempdir().expect("folder");
        let machine = Machine::new(
            "t",
            crate::firmware::Firmware::Bios,
            crate::kvm::Accelerator::Emulation,
            folder.path().join("serial.log"),
        );
        let runner = Runner::new(["sh", "-c", "echo no such machine >&2; exit 7"]);
        let error = Qemu::start(&machine, &runner).expect_err("it ends").to_string();
        assert_eq!(error, "starting QEMU: exit status: 7\nno such machine");
    }
}
