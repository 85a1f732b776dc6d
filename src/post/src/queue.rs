//! The operator's page about mail under way: who was stopped, what waits, what came back, what was refused.

use anyhow::{Context as _, Result};
use mazet_model::manifest::Text;
use mazet_model::report::{Level, Line, Row, is_id};
use serde::Deserialize;

use crate::journal::{self, Event};
use crate::people::{People, Stop};
use crate::run;
use crate::words::{self, both, plain};

/// Rows of a section: the page is for eyes.
const MOST: usize = 30;

/// A message of the queue, as `postqueue -j` tells it: postqueue(1).
#[derive(Debug, Deserialize)]
struct Waiting {
    queue_name: String,
    queue_id: String,
    arrival_time: i64,
    sender: String,
    recipients: Vec<Recipient>,
}

#[derive(Debug, Deserialize)]
struct Recipient {
    address: String,
    #[serde(default)]
    delay_reason: String,
}

/// Its lines.
///
/// # Errors
/// When the directory, the queue or the journal cannot be read.
pub async fn lines(people: &People) -> Result<Vec<Line>> {
    let queue = run::output("postqueue", &["-j"]).context("reading the queue")?;
    let events = journal::read()?;
    let mut lines = stopped(&people.stops().await?);
    lines.extend(waiting(&queue));
    lines.extend(came_back(&events.bounced));
    lines.extend(refused(&events.refused));
    Ok(lines)
}

fn section(title: Text, text: Text, empty: Text) -> Line {
    Line::Section { title, text: Some(text), empty: Some(empty) }
}

fn stopped(stops: &[Stop]) -> Vec<Line> {
    let title = both("Envois arrêtés", "Stopped senders");
    let text = both(
        "Leur mot de passe a servi à écrire à beaucoup trop de monde : quelqu’un d’autre le connaît sans doute. \
         Faites-en choisir un autre, supprimez leurs mots de passe d’application, puis laissez-les écrire à nouveau.",
        "Their passwords wrote to far too many people: somebody else probably knows them. Have other ones chosen, \
         remove their application passwords, then let them write again.",
    );
    let mut lines = vec![section(title, text, both("Personne n’est arrêté.", "Nobody is stopped."))];
    lines.extend(stops.iter().map(|stop| {
        Line::Row(Row {
            id: is_id(&stop.login).then(|| stop.login.clone()),
            title: both(stop.login.clone(), stop.login.clone()),
            level: Level::Bad,
            at: Some(stop.at),
            acts: vec!["lift".to_owned()],
            ..Row::default()
        })
    }));
    lines
}

fn waiting(queue: &str) -> Vec<Line> {
    let title = both("Courrier en attente", "Mail that waits");
    let text = both(
        "Ce qui n’a pas pu partir est réessayé tout seul pendant trois jours, puis revient à son auteur.",
        "What could not go is tried again by itself for three days, then comes back to its writer.",
    );
    let mut lines = vec![section(title, text, both("Rien n’attend.", "Nothing waits."))];
    let all: Vec<Waiting> = queue.lines().filter_map(|line| serde_json::from_str(line).ok()).collect();
    lines.extend(all.iter().take(MOST).map(|one| Line::Row(waits(one))));
    lines.extend(more(all.len()));
    lines
}

fn waits(one: &Waiting) -> Row {
    let reason = one.recipients.iter().map(|to| to.delay_reason.as_str()).find(|reason| !reason.is_empty());
    let under_way = both("En route.", "Under way.");
    Row {
        id: is_id(&one.queue_id).then(|| one.queue_id.clone()),
        title: between(&one.sender, &recipients(&one.recipients)),
        level: if one.queue_name == "deferred" { Level::Bad } else { Level::Plain },
        at: Some(one.arrival_time),
        facts: vec![reason.map_or(under_way, plain)],
        quote: reason.map(str::to_owned),
        acts: vec!["retry".to_owned(), "give-up".to_owned()],
        ..Row::default()
    }
}

/// Three of them, and how many others.
fn recipients(all: &[Recipient]) -> String {
    let mut named: Vec<&str> = all.iter().take(3).map(|one| one.address.as_str()).collect();
    if all.len() > 3 {
        named.push("…");
    }
    let named = named.join(", ");
    if all.len() > 3 { format!("{named} ({})", all.len()) } else { named }
}

fn came_back(events: &[Event]) -> Vec<Line> {
    let title = both("Courrier revenu", "Mail that came back");
    let text = both(
        "Depuis sept jours. Son auteur a reçu un avis, en anglais, avec la raison.",
        "In the last seven days. Its writer got a notice with the reason.",
    );
    of_events(
        section(title, text, both("Rien n’est revenu.", "Nothing came back.")),
        events,
        (Level::Bad, plain),
    )
}

fn refused(events: &[Event]) -> Vec<Line> {
    let title = both("Courrier refusé", "Mail that was refused");
    let text = both(
        "Depuis sept jours. Ce serveur ne l’a pas pris : qui l’envoyait l’a su aussitôt.",
        "In the last seven days. This box did not take it: who sent it knew at once.",
    );
    of_events(
        section(title, text, both("Rien n’a été refusé.", "Nothing was refused.")),
        events,
        (Level::Plain, words::refused),
    )
}

fn of_events(section: Line, events: &[Event], (level, told): (Level, fn(&str) -> Text)) -> Vec<Line> {
    let mut lines = vec![section];
    lines.extend(events.iter().take(MOST).map(|event| {
        Line::Row(Row {
            title: between(&event.from, &event.to),
            level,
            at: Some(event.at),
            facts: vec![told(&event.answer)],
            quote: Some(event.answer.clone()),
            ..Row::default()
        })
    }));
    lines.extend(more(events.len()));
    lines
}

fn more(count: usize) -> Option<Line> {
    let rest = count.checked_sub(MOST).filter(|rest| *rest > 0)?;
    Some(Line::Row(Row {
        title: both(format!("… et {rest} autres"), format!("… and {rest} more")),
        ..Row::default()
    }))
}

/// From whom to whom; a notice of the server has no writer.
fn between(from: &str, to: &str) -> Text {
    let to = if to.is_empty() { "?" } else { to };
    if from.is_empty() {
        return both(
            format!("Du serveur lui-même, pour {to}"),
            format!("From the mail server itself, to {to}"),
        );
    }
    both(format!("De {from}, pour {to}"), format!("From {from}, to {to}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(lines: &[Line]) -> Vec<&Row> {
        lines.iter().filter_map(|line| if let Line::Row(row) = line { Some(row) } else { None }).collect()
    }

    #[test]
    fn what_waits_says_why_and_can_be_tried_again_or_given_up() {
        let queue = r#"{"queue_name":"deferred","queue_id":"4bX1","arrival_time":1764054600,"message_size":812,"forced_expire":false,"sender":"ada@amis.example","recipients":[{"address":"x@example.org","delay_reason":"connect to mx.example.org[203.0.113.9]:25: Connection timed out"},{"address":"y@example.org"},{"address":"z@example.org"},{"address":"w@example.org"}]}
{"queue_name":"active","queue_id":"4bX2","arrival_time":1764054601,"message_size":1,"forced_expire":false,"sender":"","recipients":[{"address":"ada@amis.example"}]}"#;
        let lines = waiting(queue);
        let rows = rows(&lines);
        assert_eq!(rows.len(), 2);
        assert_eq!(
            rows[0].title.en,
            "From ada@amis.example, to x@example.org, y@example.org, z@example.org, … (4)"
        );
        assert_eq!((rows[0].id.as_deref(), rows[0].level), (Some("4bX1"), Level::Bad));
        assert!(rows[0].facts[0].en.starts_with("The other server does not answer."));
        assert_eq!(rows[0].acts, ["retry", "give-up"]);
        assert_eq!(rows[1].title.fr, "Du serveur lui-même, pour ada@amis.example");
        assert_eq!((rows[1].facts[0].en.as_str(), rows[1].level), ("Under way.", Level::Plain));
    }

    #[test]
    fn an_empty_queue_is_told_so_and_a_long_one_is_cut() {
        assert!(matches!(&waiting("")[..], [Line::Section { empty: Some(_), .. }]));
        let event = Event {
            at: 1,
            from: "a@b.example".to_owned(),
            to: String::new(),
            answer: "550 5.1.1 no".to_owned(),
        };
        let lines = refused(&vec![event; 35]);
        assert_eq!(lines.len(), 1 + MOST + 1);
        assert_eq!(rows(&lines)[MOST].title.en, "… and 5 more");
        assert_eq!(rows(&lines)[0].title.en, "From a@b.example, to ?");
    }
}
