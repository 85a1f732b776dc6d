//! A root shell in the guest for tests, through the hypervisor.
//!
//! The image stays as it is. systemd takes *credentials* from the firmware's SMBIOS
//! strings (`systemd.system-credentials(7)`), among them whole units: QEMU hands in a unit
//! that serves a shell on the second serial port. This is no hole in the box: whoever runs
//! the hypervisor owns the guest's memory and disks anyway, and a real PC's SMBIOS table is
//! written by its firmware. Only tests use it; `mazet boot` never does.

use std::collections::hash_map::RandomState;
use std::hash::{BuildHasher, Hasher};
use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;

use crate::error::BootError;
use crate::feed::{Feed, Nothing};

/// Said once, when the shell listens.
const READY: &str = "guest-shell ready";

/// Where the PC's guest finds the line.
const SECOND_SERIAL: &str = "/dev/ttyS1";
/// Where the generic arm64 board's guest finds it.
const CONSOLE: &str = "/dev/hvc0";

/// systemd offers a login on that line by itself, which would read what is meant for the shell.
const NO_LOGIN: &str = " systemd.mask=serial-getty@hvc0.service";

/// The guest's side, with `LINE` for its device. A request is one line, `MARK BASE64(script)`; so is its answer,
/// `MARK STATUS BASE64(output)`.
const SCRIPT: &str = r#"
stty -F LINE raw -echo
exec 3<>LINE
echo "guest-shell ready" >&3
while read -r mark code <&3; do
    output=$(sh -c "$(echo "$code" | base64 -d)" 2>&1 </dev/null 3>&-)
    status=$?
    echo "$mark $status $(printf %s "$output" | base64 -w0)" >&3
done
"#;

/// What a script in the guest did.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Output {
    /// Exit status, 0–255.
    pub status: i32,
    /// Standard output and error, mixed, without line ends at its end.
    pub text: String,
}

/// The host's side of the shell.
#[derive(Debug)]
pub struct GuestShell {
    socket: Mutex<UnixStream>,
    lines: Arc<Feed<Vec<String>>>,
}

/// QEMU's arguments that hand the shell in.
pub(crate) fn arguments() -> Vec<String> {
    let credential = |(name, content): (&str, String)| {
        let value = format!("io.systemd.credential.binary:{name}={content}");
        ["-smbios".to_owned(), format!("type=11,value={value}")]
    };
    credentials(SECOND_SERIAL).into_iter().flat_map(credential).collect()
}

/// The same for boards without SMBIOS: words for the kernel's command line, after a space.
pub(crate) fn kernel_arguments() -> String {
    let word = |(name, content)| format!(" systemd.set_credential_binary={name}:{content}");
    credentials(CONSOLE).into_iter().map(word).chain([NO_LOGIN.to_owned()]).collect()
}

/// Names and contents (in Base64) of the credentials that make systemd serve a shell on `line`.
fn credentials(line: &str) -> [(&'static str, String); 2] {
    let unit = format!(
        "[Unit]\nDescription=Shell for tests, handed in by the hypervisor\nDefaultDependencies=no\n\
         IgnoreOnIsolate=yes\n[Service]\nExecStart=/bin/sh\nStandardInput=data\nStandardInputData={}\n\
         StandardOutput=journal\nOOMScoreAdjust=-900\n",
        STANDARD.encode(SCRIPT.replace("LINE", line))
    );
    let wants = "[Unit]\nWants=guest-shell.service\n";
    [
        ("systemd.extra-unit.guest-shell.service", STANDARD.encode(unit)),
        ("systemd.unit-dropin.sysinit.target", STANDARD.encode(wants)),
    ]
}

impl GuestShell {
    /// Takes over the host's end of the second serial port.
    ///
    /// # Errors
    /// When the socket cannot be shared with its reader.
    pub fn new(socket: UnixStream) -> Result<Self, BootError> {
        let reader = socket.try_clone().map_err(|error| guest("sh", &error))?;
        let lines = Arc::new(Feed::<Vec<String>>::default());
        let told = Arc::clone(&lines);
        thread::spawn(move || {
            for line in BufReader::new(reader).lines().map_while(Result::ok) {
                told.change(|all| all.push(line.trim().to_owned()));
            }
            told.end();
        });
        Ok(Self { socket: Mutex::new(socket), lines })
    }

    /// Waits until the guest serves the shell.
    ///
    /// # Errors
    /// When it does not within `patience`.
    pub fn wait_ready(&self, patience: Duration) -> Result<(), BootError> {
        let ready = self.lines.wait(patience, |lines| lines.iter().any(|line| line == READY).then_some(()));
        ready.map_err(|nothing| guest("sh", &silent(nothing, patience)))
    }

    /// Runs `script` by the guest's `/bin/sh`, as root.
    ///
    /// # Errors
    /// When no whole answer comes within `patience`; a failing script is an answer.
    pub fn run(&self, script: &str, patience: Duration) -> Result<Output, BootError> {
        let mut socket = self.socket.lock().unwrap_or_else(PoisonError::into_inner);
        // A forgotten answer to an earlier, impatient caller must not be taken for ours.
        let mark = format!("m{:016x}", RandomState::new().build_hasher().finish());
        let request = format!("{mark} {}\n", STANDARD.encode(script));
        socket.write_all(request.as_bytes()).map_err(|error| guest(script, &error))?;
        let answer =
            self.lines.wait(patience, |lines| lines.iter().rev().find_map(|line| answer(line, &mark)));
        answer.map_err(|nothing| guest(script, &silent(nothing, patience)))
    }

    /// Runs `script` and gives its output.
    ///
    /// # Errors
    /// As [`GuestShell::run`], and when the script fails.
    pub fn ask(&self, script: &str) -> Result<String, BootError> {
        let output = self.run(script, Duration::from_secs(600))?;
        match output.status {
            0 => Ok(output.text),
            status => Err(guest(script, &format!("it ended with {status}: {}", output.text))),
        }
    }
}

fn answer(line: &str, mark: &str) -> Option<Output> {
    let mut words = line.split(' ');
    if words.next() != Some(mark) {
        return None;
    }
    let status = words.next()?.parse().ok()?;
    let bytes = STANDARD.decode(words.next().unwrap_or_default()).ok()?;
    Some(Output { status, text: String::from_utf8_lossy(&bytes).into_owned() })
}

fn silent(nothing: Nothing, patience: Duration) -> String {
    match nothing {
        Nothing::TimeOut => format!("no answer in {} s", patience.as_secs()),
        Nothing::Ended => "the machine ended".to_owned(),
    }
}

fn guest(script: &str, why: &impl ToString) -> BootError {
    let script = script.lines().find(|line| !line.trim().is_empty()).unwrap_or_default();
    BootError::Guest { script: script.trim().to_owned(), why: why.to_string() }
}

#[cfg(test)]
mod tests {
    use std::process::{Command, Stdio};

    use super::*;

    /// The guest's script itself, with a socket where the guest has its serial port.
    fn with_real_script(test: impl FnOnce(&GuestShell)) {
        let (ours, theirs) = UnixStream::pair().expect("sockets");
        let script = SCRIPT
            .replace("stty -F LINE raw -echo\n", "")
            .replace("exec 3<>LINE\n", "exec 3<&0\n")
            .replace(">&3", ">&1");
        let input = theirs.try_clone().expect("clone");
        let mut child = Command::new("sh")
            .args(["-c", &script])
            .stdin(Stdio::from(std::os::fd::OwnedFd::from(input)))
            .stdout(Stdio::from(std::os::fd::OwnedFd::from(theirs)))
            .spawn()
            .expect("sh");
        let shell = GuestShell::new(ours).expect("shell");
        shell.wait_ready(Duration::from_secs(30)).expect("ready");
        test(&shell);
        drop(shell);
        let _ = child.kill();
        child.wait().expect("ended");
    }

    #[test]
    fn the_shell_fits_on_an_arm64_kernels_command_line() {
        // COMMAND_LINE_SIZE of arm64 is 2048; what boots the live system takes some 300.
        let length = kernel_arguments().len();
        assert!(length < 1600, "{length}");
    }

    #[test]
    fn scripts_give_output_and_status() {
        with_real_script(|shell| {
            let run = |script: &str| shell.run(script, Duration::from_secs(30)).expect("answer");
            assert_eq!(
                run("echo a; echo 'b  c' >&2; exit 3"),
                Output { status: 3, text: "a\nb  c".to_owned() }
            );
            assert_eq!(run("true"), Output { status: 0, text: String::new() });
            assert_eq!(run("printf '%s\\n' \"$0\" | tr s S"), Output { status: 0, text: "Sh".to_owned() });
        });
    }

    #[test]
    fn a_failing_script_is_an_error_of_ask() {
        with_real_script(|shell| {
            let error = shell.ask("\n  ls /nowhere-at-all\n").expect_err("fails").to_string();
            assert!(
                error.starts_with("running `ls /nowhere-at-all` in the guest: it ended with 2"),
                "{error}"
            );
        });
    }

    #[test]
    fn answers_to_others_are_passed_over() {
        assert_eq!(answer("m1 0 aGk=", "m2"), None);
        assert_eq!(answer("m1 0 aGk=", "m1"), Some(Output { status: 0, text: "hi".to_owned() }));
        assert_eq!(answer("m1 0", "m1"), Some(Output { status: 0, text: String::new() }));
        assert_eq!(answer("m1 0 aG", "m1"), None);
    }
}
