//! Following a boot until its goal, its failure or the deadline.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crate::feed::Feed;
use crate::kvm;
use crate::machine::Machine;
use crate::page::{self, Answer};
use crate::qemu::Qemu;
use crate::stage::{Reader, Stage};
use crate::verdict::{Failure, Verdict};

/// How often the serial line, the monitor and the page's last answer are looked at.
const LOOK: Duration = Duration::from_millis(200);
/// Between two questions to the page.
const PAUSE: Duration = Duration::from_millis(500);
/// An emulated guest may need long for one TLS handshake.
const PAGE: Duration = Duration::from_secs(20);
/// Lines of the serial text that a verdict shows.
const LAST_LINES: usize = 15;

/// What a boot is to reach: a page that answers 200.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Goal {
    /// Its name in messages.
    pub name: String,
    /// Port in the guest.
    pub port: u16,
    /// Path of the page.
    pub path: String,
}

impl Goal {
    /// The live system's claim page.
    pub fn wizard() -> Self {
        Self { name: "wizard".to_owned(), port: 443, path: "/claim".to_owned() }
    }

    /// The installed box's home page.
    pub fn home() -> Self {
        Self { name: "home".to_owned(), port: 443, path: "/".to_owned() }
    }

    /// Where it is seen from the host, through `qemu`'s forwarded ports.
    ///
    /// # Errors
    /// When the machine does not forward the port.
    pub fn url(&self, qemu: &Qemu) -> Result<String, crate::BootError> {
        let scheme = if self.port == 443 { "https" } else { "http" };
        Ok(format!("{scheme}://127.0.0.1:{}{}", qemu.port(self.port)?, self.path))
    }
}

/// The last answer of the page, asked for again and again on a thread of its own.
struct Poll {
    answer: Arc<Feed<Option<Result<Answer, String>>>>,
    over: Arc<AtomicBool>,
}

impl Poll {
    fn new(url: String) -> Self {
        let poll = Self { answer: Arc::default(), over: Arc::default() };
        let (answer, over) = (Arc::clone(&poll.answer), Arc::clone(&poll.over));
        thread::spawn(move || {
            while !over.load(Ordering::Relaxed) {
                let new = page::ask(&url, PAGE);
                let reached = matches!(&new, Ok(Answer { status: 200, .. }));
                answer.change(|last| *last = Some(new));
                if reached {
                    return;
                }
                // Nothing tells a client when a server begins to listen.
                thread::sleep(PAUSE);
            }
        });
        poll
    }

    fn last(&self) -> Option<Result<Answer, String>> {
        self.answer.look(Clone::clone)
    }
}

impl Drop for Poll {
    fn drop(&mut self) {
        self.over.store(true, Ordering::Relaxed);
    }
}

/// Follows `qemu`, just started as `machine`, until `goal`, a failure, or `patience` is over.
pub fn watch(qemu: &Qemu, machine: &Machine, goal: &Goal, patience: Duration) -> Verdict {
    let started = Instant::now();
    let mut reader = Reader::default();
    let mut poll = None;
    let (failure, detail) = loop {
        look(qemu, &mut reader);
        if reader.stage() >= Stage::Initrd && poll.is_none() {
            poll = goal.url(qemu).ok().map(Poll::new);
        }
        let answer = poll.as_ref().and_then(Poll::last);
        if let Some(Ok(Answer { status: 200, .. })) = answer {
            break (None, format!("{} answers", goal.path));
        }
        if let Some((failure, detail)) = ended(qemu, &reader) {
            break (Some(failure), detail);
        }
        if started.elapsed() >= patience {
            let (failure, detail) = late(&reader, goal, answer);
            break (Some(failure), detail);
        }
    };
    let stage = if failure.is_none() { Stage::Up } else { reader.stage() };
    let last_lines = if failure.is_none() { Vec::new() } else { qemu.serial().look(tail) };
    Verdict {
        goal: goal.name.clone(),
        failure,
        stage,
        detail,
        time: started.elapsed(),
        firmware: machine.firmware,
        accelerator: machine.accelerator,
        log: machine.log.clone(),
        last_lines,
    }
}

/// Waits a moment for new text and reads it.
fn look(qemu: &Qemu, reader: &mut Reader) {
    let known = qemu.serial().look(str::len);
    // A wait without news is as good as one with: what is there is read.
    let _ = qemu.serial().wait(LOOK, |text| (text.len() > known).then_some(()));
    qemu.serial().look(|text| reader.read(text));
}

/// A failure that nothing can mend any more.
fn ended(qemu: &Qemu, reader: &Reader) -> Option<(Failure, String)> {
    if let Some(end) = reader.end() {
        return Some((end.failure, end.line.clone()));
    }
    if kvm::broken(qemu) {
        return Some((
            Failure::QemuStart,
            "KVM met an internal error; `--accelerator emulation` avoids it".to_owned(),
        ));
    }
    let reset = |event: &crate::qmp::Event| event.name == "RESET" && event.data["guest"] == true;
    // Firmware may restart once by itself while it sets up its variables.
    if reader.stage() >= Stage::Kernel && qemu.monitor().events().iter().any(reset) {
        return Some((reader.stage().failure(), "the machine restarted by itself".to_owned()));
    }
    qemu.monitor().ended().then(|| gone(qemu, reader))
}

fn gone(qemu: &Qemu, reader: &Reader) -> (Failure, String) {
    let told = qemu.monitor().events().into_iter().find(|event| event.name == "SHUTDOWN");
    match told {
        Some(event) if event.data["guest"] == true => {
            let reason = event.data["reason"].as_str().unwrap_or("unknown").to_owned();
            (reader.stage().failure(), format!("the guest ended the machine ({reason})"))
        }
        _ => (Failure::QemuStart, format!("QEMU ended: {}", qemu.complaints())),
    }
}

fn late(reader: &Reader, goal: &Goal, answer: Option<Result<Answer, String>>) -> (Failure, String) {
    let path = &goal.path;
    let failed = match reader.failed() {
        [] => String::new(),
        lines => format!("; failed: {}", lines.join(", ")),
    };
    match answer {
        Some(Ok(answer)) => {
            (Failure::HealthCheck, format!("{path} answers {} where 200 was expected{failed}", answer.status))
        }
        Some(Err(why)) if reader.stage() == Stage::Up => {
            (Failure::HealthCheck, format!("the system is up and {path} does not answer ({why}){failed}"))
        }
        _ => (Failure::TimeOut, format!("the time was up{failed}")),
    }
}

fn tail(text: &str) -> Vec<String> {
    let lines: Vec<&str> = text.lines().filter(|line| !line.trim().is_empty()).collect();
    lines[lines.len().saturating_sub(LAST_LINES)..].iter().map(|line| (*line).to_owned()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reader(text: &str) -> Reader {
        let mut reader = Reader::default();
        reader.read(text);
        reader
    }

    #[test]
    fn a_page_that_says_no_is_a_health_check() {
        let answer = Answer { status: 502, location: None, body: String::new() };
        let (failure, detail) = late(&reader("systemd[1]: x\n"), &Goal::home(), Some(Ok(answer)));
        assert_eq!(
            (failure, detail.as_str()),
            (Failure::HealthCheck, "/ answers 502 where 200 was expected")
        );
    }

    #[test]
    fn silence_is_a_time_out_before_the_system_is_up() {
        let refused = || Some(Err("connection refused".to_owned()));
        assert_eq!(late(&reader("systemd[1]: x\n"), &Goal::wizard(), refused()).0, Failure::TimeOut);
        let up = reader("[  OK  ] Reached target mazet-live.target - Mazet.\n");
        assert_eq!(late(&up, &Goal::wizard(), refused()).0, Failure::HealthCheck);
    }

    #[test]
    fn a_late_boot_names_the_units_that_failed() {
        let text = "systemd[1]: x\n[FAILED] Failed to start nginx.service - web.\n";
        let (failure, detail) = late(&reader(text), &Goal::home(), None);
        assert_eq!(failure, Failure::TimeOut);
        assert_eq!(detail, "the time was up; failed: [FAILED] Failed to start nginx.service - web.");
    }
}
