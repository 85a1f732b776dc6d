//! QEMU's monitor protocol: commands and events.
//!
//! One JSON document per line, as `docs/interop/qmp-spec.rst` of QEMU says.

use std::io::{BufRead, BufReader, Write};
use std::os::unix::net::UnixStream;
use std::sync::mpsc::{self, Receiver};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::Duration;

use serde_json::{Value, json};

use crate::error::BootError;
use crate::feed::{Feed, Nothing};

/// How long a command may take: a busy emulator answers late.
const PATIENCE: Duration = Duration::from_secs(120);

/// An event that QEMU told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Its name: `SHUTDOWN`, `RESET`, `STOP`, `DEVICE_DELETED` …
    pub name: String,
    /// What came with it.
    pub data: Value,
}

/// A connection to a running QEMU's monitor.
#[derive(Debug)]
pub struct Qmp {
    conversation: Mutex<Conversation>,
    events: Arc<Feed<Vec<Event>>>,
}

#[derive(Debug)]
struct Conversation {
    socket: UnixStream,
    answers: Receiver<Value>,
}

impl Qmp {
    /// Takes over a fresh connection and leaves the negotiation mode.
    ///
    /// # Errors
    /// When QEMU does not greet.
    pub fn new(socket: UnixStream) -> Result<Self, BootError> {
        let lost = |error: std::io::Error| monitor("qmp_capabilities", &error);
        let reader = socket.try_clone().map_err(lost)?;
        let events = Arc::new(Feed::default());
        let (sender, answers) = mpsc::channel();
        let told = Arc::clone(&events);
        thread::spawn(move || {
            for line in BufReader::new(reader).lines().map_while(Result::ok) {
                sort(&line, &told, &sender);
            }
            told.end();
        });
        let qmp = Self { conversation: Mutex::new(Conversation { socket, answers }), events };
        qmp.execute("qmp_capabilities", &json!({}))?;
        Ok(qmp)
    }

    /// Runs a command and gives what it returns.
    ///
    /// # Errors
    /// When QEMU refuses it or is gone.
    pub fn execute(&self, command: &str, arguments: &Value) -> Result<Value, BootError> {
        let mut conversation = self.conversation.lock().unwrap_or_else(PoisonError::into_inner);
        let line = format!("{}\n", json!({ "execute": command, "arguments": arguments }));
        conversation.socket.write_all(line.as_bytes()).map_err(|error| monitor(command, &error))?;
        let answer = conversation.answers.recv_timeout(PATIENCE);
        let answer = answer.map_err(|_| monitor(command, &"QEMU is gone"))?;
        match answer.get("return") {
            Some(value) => Ok(value.clone()),
            None => Err(monitor(command, &answer["error"]["desc"])),
        }
    }

    /// Runs a command of the human monitor, for what QMP has no command for.
    ///
    /// # Errors
    /// As [`Qmp::execute`].
    pub fn human(&self, line: &str) -> Result<String, BootError> {
        let text = self.execute("human-monitor-command", &json!({ "command-line": line }))?;
        Ok(text.as_str().unwrap_or_default().to_owned())
    }

    /// The events so far.
    pub fn events(&self) -> Vec<Event> {
        self.events.look(Clone::clone)
    }

    /// Waits until one of the events, past ones included, satisfies `wanted`.
    ///
    /// # Errors
    /// When the time is up or QEMU is gone.
    pub fn wait(&self, patience: Duration, wanted: impl Fn(&Event) -> bool) -> Result<Event, Nothing> {
        self.events.wait(patience, |events| events.iter().find(|event| wanted(event)).cloned())
    }

    /// Is QEMU gone?
    pub fn ended(&self) -> bool {
        self.events.ended()
    }
}

fn sort(line: &str, events: &Feed<Vec<Event>>, answers: &mpsc::Sender<Value>) {
    let Ok(message) = serde_json::from_str::<Value>(line) else { return };
    if let Some(name) = message["event"].as_str() {
        let event = Event { name: name.to_owned(), data: message["data"].clone() };
        events.change(|all| all.push(event));
    } else if message.get("QMP").is_none() {
        // Nobody listens any more when the owner is being dropped.
        let _ = answers.send(message);
    }
}

fn monitor(command: &str, why: &impl ToString) -> BootError {
    BootError::Monitor { command: command.to_owned(), why: why.to_string() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A QEMU of three sentences.
    fn qemu(mut socket: UnixStream) {
        socket.write_all(b"{\"QMP\": {\"version\": {}}}\n").expect("greeting");
        let mut lines = BufReader::new(socket.try_clone().expect("clone")).lines();
        let asked = lines.next().expect("a command").expect("text");
        assert!(asked.contains("qmp_capabilities"));
        socket.write_all(b"{\"return\": {}}\n").expect("answer");
        lines.next();
        socket.write_all(b"{\"event\": \"RESET\", \"data\": {\"guest\": true}}\n").expect("event");
        socket.write_all(b"{\"error\": {\"desc\": \"no such device\"}}\n").expect("error");
    }

    #[test]
    fn events_and_answers_are_told_apart() {
        let (ours, theirs) = UnixStream::pair().expect("sockets");
        let thread = thread::spawn(move || qemu(theirs));
        let qmp = Qmp::new(ours).expect("greeted");
        let refused = qmp.execute("device_del", &json!({ "id": "x" })).expect_err("refused");
        assert!(refused.to_string().contains("no such device"), "{refused}");
        let reset = qmp.wait(Duration::from_secs(10), |event| event.name == "RESET").expect("told");
        assert_eq!(reset.data["guest"], true);
        thread.join().expect("fake");
        assert_eq!(qmp.wait(Duration::from_secs(10), |_| false), Err(Nothing::Ended));
    }
}
