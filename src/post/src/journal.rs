//! What the mail server wrote down: mail that came back, mail that was refused at the door.

use std::collections::HashMap;

use anyhow::{Context as _, Result};
use serde::Deserialize;

use crate::run;

/// Days that are looked at.
pub const DAYS: u32 = 7;
/// Lines of the journal that are read, the last ones: a busy week of 50 people.
const LINES: &str = "20000";

/// Mail that did not arrive.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Seconds since 1970.
    pub at: i64,
    /// Who wrote it; empty where nobody knows.
    pub from: String,
    /// For whom; empty where nobody knows.
    pub to: String,
    /// The words of who refused it.
    pub answer: String,
}

/// What there was, the latest first.
#[derive(Debug, Default)]
pub struct Events {
    /// Came back to its writer.
    pub bounced: Vec<Event>,
    /// Refused before it was taken.
    pub refused: Vec<Event>,
}

/// A line of `journalctl --output=json`; the time in microseconds, as text.
#[derive(Deserialize)]
struct Entry {
    #[serde(rename = "__REALTIME_TIMESTAMP")]
    time: String,
    #[serde(rename = "MESSAGE")]
    message: String,
}

/// Reads the journal.
///
/// # Errors
/// When it cannot be read.
pub fn read() -> Result<Events> {
    let since = format!("--since=-{DAYS}d");
    let arguments = [
        "--unit=postfix.service",
        &since,
        "--lines",
        LINES,
        "--output=json",
        "--output-fields=MESSAGE",
        "--grep=status=bounced|reject: |: from=<",
        "--quiet",
        "--no-pager",
    ];
    // Nothing found is told by the status 1.
    let said = run::said("journalctl", &arguments).context("reading the journal")?;
    Ok(events(&said))
}

fn events(said: &str) -> Events {
    let (mut events, mut writers) = (Events::default(), HashMap::new());
    let entries = said.lines().filter_map(|line| serde_json::from_str::<Entry>(line).ok());
    let timed = entries.map(|entry| (entry.time.parse::<i64>().unwrap_or_default(), entry));
    let mut entries: Vec<(i64, Entry)> = timed.collect();
    // journalctl begins with the last ones where it looks for something; who wrote a message stands before what
    // became of it.
    entries.sort_by_key(|(time, _)| *time);
    for (time, entry) in entries {
        let at = time / 1_000_000;
        let Some((id, rest)) = entry.message.split_once(": ") else { continue };
        if let Some(writer) = rest.strip_prefix("from=<").and_then(|rest| rest.split_once('>')) {
            let (writer, rest) = writer;
            writers.insert(id.to_owned(), writer.to_owned());
            if let Some((_, status)) = rest.split_once("status=") {
                let from = writer.to_owned();
                events.bounced.push(Event { at, from, to: String::new(), answer: status.to_owned() });
            }
        } else if let Some(refusal) =
            rest.strip_prefix("reject: ").or_else(|| rest.strip_prefix("milter-reject: "))
        {
            events.refused.push(refused(at, refusal));
        } else if rest.contains("status=bounced (") {
            let from = writers.get(id).cloned().unwrap_or_default();
            events.bounced.push(Event {
                at,
                from,
                to: within(rest, "to=<").to_owned(),
                answer: answer(rest),
            });
        }
    }
    events.bounced.reverse();
    events.refused.reverse();
    events
}

/// `RCPT from host[192.0.2.1]: 550 5.1.1 <x@y>: …; from=<a@b> to=<x@y> proto=ESMTP helo=<z>`.
fn refused(at: i64, line: &str) -> Event {
    let (told, people) = line.rsplit_once("; from=<").unwrap_or((line, ""));
    let answer = told.split_once("]: ").map_or(told, |(_, answer)| answer).to_owned();
    let from = people.split('>').next().unwrap_or_default().to_owned();
    Event { at, from, to: within(people, " to=<").to_owned(), answer }
}

/// What stands in the last brackets: `status=bounced (host … said: 550 …)`.
fn answer(line: &str) -> String {
    let told = line.split_once("status=").and_then(|(_, rest)| rest.split_once(" ("));
    told.map_or(line, |(_, told)| told.strip_suffix(')').unwrap_or(told)).to_owned()
}

fn within<'l>(line: &'l str, opening: &str) -> &'l str {
    line.split_once(opening).and_then(|(_, rest)| rest.split_once('>')).map_or("", |(inner, _)| inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(message: &str) -> String {
        at("1764054600123456", message)
    }

    fn at(time: &str, message: &str) -> String {
        serde_json::json!({ "__REALTIME_TIMESTAMP": time, "MESSAGE": message }).to_string()
    }

    #[test]
    fn bounces_know_their_writer_and_the_servers_words() {
        let said = [
            entry(
                "4bX1: to=<x@example.org>, relay=mx.example.org[203.0.113.9]:25, delay=1, dsn=5.1.1, status=bounced (host mx.example.org[203.0.113.9] said: 550 5.1.1 No (x) here (in reply to RCPT TO command))",
            ),
            entry("4bX2: to=<y@example.org>, status=sent (250 ok)"),
            at("1764054700000000", "4bX9: from=<eva@amis.example>, status=expired, returned to sender"),
            "no json".to_owned(),
            at("1764054600000000", "4bX1: from=<ada@amis.example>, size=812, nrcpt=1 (queue active)"),
        ];
        let events = events(&said.join("\n"));
        let expected = Event {
            at: 1_764_054_600,
            from: "ada@amis.example".to_owned(),
            to: "x@example.org".to_owned(),
            answer:
                "host mx.example.org[203.0.113.9] said: 550 5.1.1 No (x) here (in reply to RCPT TO command)"
                    .to_owned(),
        };
        let expired = Event {
            at: 1_764_054_700,
            from: "eva@amis.example".to_owned(),
            to: String::new(),
            answer: "expired, returned to sender".to_owned(),
        };
        assert_eq!((events.bounced, events.refused), (vec![expired, expected], vec![]));
    }

    #[test]
    fn refusals_at_the_door_are_told_the_latest_first() {
        let said = [
            entry(
                "NOQUEUE: reject: RCPT from unknown[203.0.113.9]: 550 5.1.1 <no@amis.example>: Recipient address rejected: unknown; from=<a@b.example> to=<no@amis.example> proto=ESMTP helo=<[x]>",
            ),
            entry(
                "4bX3: milter-reject: END-OF-MESSAGE from pc[192.168.1.7]: 5.7.1 The address in the line From is not yours; from=<ada@amis.example> to=<c@d.example> proto=ESMTP helo=<pc>",
            ),
        ];
        let refused = events(&said.join("\n")).refused;
        let told: Vec<_> =
            refused.iter().map(|one| (one.from.as_str(), one.to.as_str(), one.answer.as_str())).collect();
        assert_eq!(
            told,
            [
                ("ada@amis.example", "c@d.example", "5.7.1 The address in the line From is not yours"),
                (
                    "a@b.example",
                    "no@amis.example",
                    "550 5.1.1 <no@amis.example>: Recipient address rejected: unknown"
                ),
            ]
        );
    }
}
