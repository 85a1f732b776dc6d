//! The page of all places: what was done, how it went, and what is under way.

use mazet_host::files;
use mazet_host::run::said;
use mazet_model::manifest::Text;
use mazet_model::report::{Level, Line, Row};
use serde::Deserialize;

use crate::check::is_nearly_full;
use crate::fault::Fault;
use crate::places::Places;
use crate::restic::Progress;
use crate::state::{DAY, Proof, Status, Target as Done};
use crate::target::Target;
use crate::tools::{Program, Tools};
use crate::words::{ago, both, duration, size, why, with};

/// What is under way now, and what comes next.
#[derive(Debug, Clone, Default)]
pub struct UnderWay {
    /// A backup runs.
    backup: bool,
    /// How far it is.
    progress: Option<Told>,
    /// A proof runs.
    proof: bool,
    /// Seconds since 1970 of the next backup.
    next: Option<i64>,
}

/// The timer of backups.
const TIMER: &str = "mazet-backup.timer";

/// A timer as systemctl(1) lists it; among others, when it elapses next, in microseconds since 1970.
#[derive(Debug, Deserialize)]
struct Timer {
    next: Option<u64>,
}

#[derive(Debug, Clone, Deserialize)]
struct Told {
    target: String,
    #[serde(flatten)]
    progress: Progress,
}

impl UnderWay {
    /// As systemd and the running backup tell it; what cannot be told is left out.
    pub fn read(tools: &Tools, places: &Places) -> Self {
        let asked = |arguments: &[&str]| {
            said(tools.command(Program::Systemctl).args(arguments), "asking systemd").unwrap_or_default()
        };
        let runs =
            |unit: &str| asked(&["show", "--value", "--property=ActiveState", unit]).trim() == "activating";
        let timers = asked(&["list-timers", "--output=json", TIMER]);
        let backup = runs(super::RUN);
        Self {
            backup,
            progress: files::read_json(&places.progress()).ok().flatten().filter(|_| backup),
            proof: runs(super::PROVE),
            next: next(&timers),
        }
    }
}

/// When it elapses next, of the first timer that systemctl(1) lists as JSON.
fn next(timers: &str) -> Option<i64> {
    let timers: Vec<Timer> = serde_json::from_str(timers).ok()?;
    let microseconds = timers.first()?.next?;
    // Its greatest number is never.
    i64::try_from(microseconds).ok().map(|microseconds| microseconds / 1_000_000)
}

/// The page at the moment `now`.
pub fn lines(status: &Status, targets: &[Target], under_way: &UnderWay, now: i64) -> Vec<Line> {
    let mut lines = vec![Line::Row(whole(status, targets, under_way))];
    for target in targets {
        let title = target.place.title();
        lines.push(Line::Section { title: both(title.clone(), title), text: None, empty: None });
        let known = status.targets.get(&target.id).cloned().unwrap_or_default();
        lines.push(Line::Row(backup(&known, now)));
        lines.push(Line::Row(proven(known.proof.as_ref(), now)));
        lines.push(Line::Row(place(&known)));
    }
    lines
}

fn whole(status: &Status, targets: &[Target], under_way: &UnderWay) -> Row {
    let mut row = Row { title: both("Maintenant", "Now"), ..Row::default() };
    if targets.is_empty() {
        row.level = Level::Bad;
        row.facts.push(both(
            "Aucun endroit n’est choisi : si cette machine meurt, tout est perdu. Choisissez-en un sur l’une des pages « Sauvegardes : … ».",
            "No place was chosen: if this machine dies, everything is lost. Choose one on one of the pages “Backups: …”.",
        ));
        return row;
    }
    if let Some(fault) = status.picture.as_ref().and_then(|picture| picture.fault.as_ref()) {
        row.level = Level::Bad;
        row.facts.push(both(
            "L’image des données n’a pas pu être prise : rien n’est sauvegardé.",
            "No picture of the data could be taken: nothing is backed up.",
        ));
        row.quote = Some(fault.said.clone());
    }
    match (&under_way.progress, under_way.backup) {
        (Some(told), _) => row.facts.push(running(told, targets)),
        (None, true) => row.facts.push(both(
            "Une sauvegarde est en cours : l’image des données est prise.",
            "A backup runs: the picture of the data is being taken.",
        )),
        (None, false) => {}
    }
    if under_way.proof {
        row.facts.push(both("Une preuve est en cours.", "A proof runs."));
    }
    if let Some(next) = under_way.next {
        row.at = Some(next);
        row.facts.push(both(
            "La date est celle de la prochaine sauvegarde.",
            "The date is that of the next backup.",
        ));
    }
    row
}

fn running(told: &Told, targets: &[Target]) -> Text {
    let Progress { percent_done, total_bytes, bytes_done, seconds_remaining } = &told.progress;
    let place = targets.iter().find(|target| target.id == told.target).map(|target| target.place.title());
    let place = place.unwrap_or_default();
    let percent = format!("{:.0} %", percent_done * 100.0);
    let (done, total, left) = (size(*bytes_done), size(*total_bytes), duration(*seconds_remaining));
    both(
        format!(
            "Une sauvegarde est en cours vers {place} : {percent} ({} sur {}), encore {}.",
            done.fr, total.fr, left.fr
        ),
        format!("A backup to {place} runs: {percent} ({} of {}), {} left.", done.en, total.en, left.en),
    )
}

fn failed(row: &mut Row, fault: &Fault) {
    row.level = Level::Bad;
    row.facts.push(why(fault));
    row.quote = Some(fault.said.clone()).filter(|said| !said.is_empty());
}

fn backup(known: &Done, now: i64) -> Row {
    let mut row = Row { title: both("Dernière bonne sauvegarde", "Last good backup"), ..Row::default() };
    match &known.good {
        None => row.facts.push(both("Aucune encore.", "None yet.")),
        Some(good) => {
            row.at = Some(good.at);
            row.level = if now - good.at > DAY { Level::Bad } else { Level::Good };
            row.facts.push(with("C’était {}.", "That was {}.", &ago(good.at, now)));
            let (all, added) = (size(good.bytes), size(good.added));
            let seconds = u64::try_from(good.seconds).unwrap_or_default();
            row.facts.push(both(
                format!(
                    "{} fichiers, {} ; {} envoyés, en {}.",
                    good.files,
                    all.fr,
                    added.fr,
                    duration(seconds).fr
                ),
                format!("{} files, {}; {} sent, in {}.", good.files, all.en, added.en, duration(seconds).en),
            ));
        }
    }
    if let Some(last) = &known.last {
        if let Some(fault) = &last.fault {
            row.facts.push(with(
                "Le dernier essai, {}, a échoué :",
                "The last try, {}, failed:",
                &ago(last.at, now),
            ));
            failed(&mut row, fault);
        }
    }
    row
}

fn proven(proof: Option<&Proof>, now: i64) -> Row {
    let mut row = Row { title: both("Preuve", "Proof"), ..Row::default() };
    let Some(proof) = proof else {
        row.level = Level::Open;
        row.facts.push(both(
            "Jamais prouvée : personne ne sait si elle peut être restaurée.",
            "Never proven: nobody knows whether it can be restored.",
        ));
        return row;
    };
    row.at = Some(proof.at);
    if let Some(fault) = &proof.fault {
        row.facts.push(both(
            "La dernière sauvegarde n’a pas pu être restaurée pour être comparée.",
            "The last backup could not be restored to be compared.",
        ));
        failed(&mut row, fault);
        return row;
    }
    if proof.count > 0 {
        row.level = Level::Bad;
        row.facts.push(both(
            format!("{} choses ne sont pas revenues comme elles étaient.", proof.count),
            format!("{} things did not come back as they were.", proof.count),
        ));
        row.quote = Some(proof.differences.join("\n"));
        return row;
    }
    row.level = Level::Good;
    let of = ago(proof.of.unwrap_or(proof.at), now);
    let seconds = duration(u64::try_from(proof.seconds).unwrap_or_default());
    row.facts.push(both(
        format!("La sauvegarde ({}) a été restaurée à part et comparée : {} fichiers et {} lignes de bases de données sont comme enregistrés. Cela a pris {}.", of.fr, proof.files, proof.rows, seconds.fr),
        format!("The backup ({}) was restored aside and compared: {} files and {} rows of databases are as recorded. It took {}.", of.en, proof.files, proof.rows, seconds.en),
    ));
    row
}

fn place(known: &Done) -> Row {
    let mut row = Row { title: both("Place", "Room"), ..Row::default() };
    if let Some(bytes) = known.size {
        row.facts.push(with("Les sauvegardes y prennent {}.", "Backups take {} there.", &size(bytes)));
    }
    match known.growth() {
        Some(growth) => {
            row.facts.push(with(
                "Elles grandissent de {} par jour.",
                "They grow by {} a day.",
                &size(growth),
            ));
        }
        None => row.facts.push(both(
            "Leur croissance sera connue après un jour.",
            "How they grow will be known after a day.",
        )),
    }
    if let Some(room) = &known.room {
        let (free, total) = (size(room.free), size(room.total));
        row.facts.push(both(
            format!("{} libres sur {}.", free.fr, total.fr),
            format!("{} of {} are free.", free.en, total.en),
        ));
        if is_nearly_full(room) {
            row.level = Level::Bad;
            row.facts.push(both("C’est presque plein.", "It is nearly full."));
        }
    }
    if let Some(fault) = known.pruned.as_ref().and_then(|pruned| pruned.fault.as_ref()) {
        row.facts.push(both(
            "Les vieilles sauvegardes n’ont pas pu y être retirées :",
            "Old backups could not be removed there:",
        ));
        row.quote = Some(fault.to_string());
    }
    if let Some(fault) = known.checked.as_ref().and_then(|checked| checked.fault.as_ref()) {
        row.facts.push(both(
            "La vérification de ces sauvegardes a échoué :",
            "The check of these backups failed:",
        ));
        failed(&mut row, fault);
    }
    row
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::Why;
    use crate::state::{Good, Outcome, Room};
    use crate::target::Place;

    const NOW: i64 = 1_790_000_000;

    fn rows(status: &Status, targets: &[Target], under_way: &UnderWay) -> Vec<Row> {
        let row = |line| match line {
            Line::Row(row) => Some(row),
            _ => None,
        };
        lines(status, targets, under_way, NOW).into_iter().filter_map(row).collect()
    }

    fn targets() -> Vec<Target> {
        vec![Target { id: "a".to_owned(), place: Place::Folder { path: "/a".into() } }]
    }

    #[test]
    fn the_next_backup_is_when_its_timer_elapses() {
        let listed = |next: &str| format!(r#"[{{"next":{next},"last":0,"unit":"{TIMER}"}}]"#);
        assert_eq!(next(&listed("1796065260123456")), Some(1_796_065_260));
        for never in [listed("18446744073709551615"), listed("null"), "[]".to_owned(), String::new()] {
            assert_eq!(next(&never), None, "{never}");
        }
    }

    #[test]
    fn a_box_without_places_is_told_so() {
        let rows = rows(&Status::default(), &[], &UnderWay::default());
        assert_eq!((rows.len(), rows[0].level), (1, Level::Bad));
    }

    #[test]
    fn a_backup_that_was_never_proven_is_shown_as_such() {
        let mut status = Status::default();
        let done = status.targets.entry("a".to_owned()).or_default();
        done.add(Good {
            at: NOW - 3 * 3600,
            snapshot: String::new(),
            files: 3,
            bytes: 1_500_000,
            added: 900,
            seconds: 4,
        });
        done.room = Some(Room { free: 1, total: 100 });
        let progress = Progress {
            percent_done: 0.426,
            total_bytes: 2_000_000,
            bytes_done: 852_000,
            seconds_remaining: 90,
        };
        let progress = Some(Told { target: "a".to_owned(), progress });
        let under_way = UnderWay { backup: true, progress, proof: false, next: Some(NOW + 60) };
        let rows = rows(&status, &targets(), &under_way);
        let levels: Vec<Level> = rows.iter().map(|row| row.level).collect();
        assert_eq!(levels, [Level::Plain, Level::Good, Level::Open, Level::Bad]);
        assert_eq!(rows[0].facts[0].en, "A backup to /a runs: 43 % (852 kB of 2 MB), 90 s left.");
        assert_eq!(rows[0].at, Some(NOW + 60));
        assert_eq!(
            rows[1].facts[1].fr,
            "3 fichiers, 1,5\u{a0}Mo\u{a0}; 900\u{a0}octets envoyés, en 4\u{a0}s."
        );
        assert!(rows[2].facts[0].en.starts_with("Never proven"));
    }

    #[test]
    fn a_failure_is_told_with_what_to_do_and_the_last_good_backup() {
        let mut status = Status::default();
        let done = status.targets.entry("a".to_owned()).or_default();
        done.add(Good { at: NOW - 3600, snapshot: String::new(), files: 3, bytes: 1, added: 1, seconds: 4 });
        let fault = Fault { why: Why::Silent, said: "connection refused".to_owned() };
        done.last = Some(Outcome { at: NOW, fault: Some(fault) });
        let rows = rows(&status, &targets(), &UnderWay::default());
        assert_eq!((rows[1].level, rows[1].at), (Level::Bad, Some(NOW - 3600)));
        assert_eq!(rows[1].quote.as_deref(), Some("connection refused"));
    }
}
