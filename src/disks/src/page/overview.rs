//! Everything: mirror, disks, scrub, room, merging.

use mazet_model::report::{Level, Line, Row};

use super::{disk, spare};
use crate::check::is_nearly_full;
use crate::merge::{Merge, Skipped};
use crate::progress::UnderWay;
use crate::replace::Candidate;
use crate::scrub::Scrub;
use crate::state::{DAY, Seen, State};
use crate::words::{both, date, duration, size, with};

/// After so many replacements' days, the last one is no news any more.
const NEWS: i64 = 30 * DAY;

/// The page at the moment `now`.
pub fn lines(state: &State, under_way: &UnderWay, candidates: &[Candidate], now: i64) -> Vec<Line> {
    let seen = state.seen.clone().unwrap_or_default();
    let mut lines = vec![Line::Row(mirror(&seen, under_way))];
    let is_news = |ended: Option<i64>| ended.is_none_or(|ended| now - ended < NEWS);
    let replacement = state.replacement.as_ref().filter(|one| one.fault.is_some() || is_news(one.ended));
    lines.extend(replacement.map(|one| Line::Row(spare::replacement(one, under_way))));
    if seen.missing().next().is_some() {
        lines.extend(spare::offered(state, under_way, candidates));
    }
    lines.push(section("Disques de la machine", "Disks of the box"));
    lines.extend(seen.devices.iter().map(|part| Line::Row(disk::row(part, state.smart.as_ref()))));
    lines.push(section("Ce qui est dessus", "What is on them"));
    lines.push(Line::Row(scrub(state.scrub.as_ref(), under_way)));
    lines.push(Line::Row(room(state, &seen)));
    lines.push(Line::Row(merge(state.merge.as_ref(), under_way)));
    lines
}

fn section(fr: &str, en: &str) -> Line {
    Line::Section { title: both(fr, en), text: None, empty: None }
}

fn mirror(seen: &Seen, under_way: &UnderWay) -> Row {
    let mut row = Row { id: Some("mirror".to_owned()), title: both("Miroir", "Mirror"), ..Row::default() };
    if let Some(fault) = &seen.fault {
        row.level = Level::Bad;
        row.facts.push(both("Les disques ne peuvent pas être vus.", "The disks cannot be looked at."));
        row.quote = Some(fault.clone());
    } else if seen.missing().next().is_some() {
        row.level = Level::Bad;
        row.facts.push(both(
            "Un disque manque : la machine marche, mais si l’autre meurt aussi, il ne reste que les sauvegardes.",
            "A disk is missing: the box works, but if the other one dies too, only the backups are left.",
        ));
    } else if let Some(part) = &under_way.mirror {
        row.level = Level::Open;
        row.facts.push(match part.as_str() {
            "" => both("Le miroir est refait…", "The mirror is made again …"),
            part => both(
                format!("Le miroir est refait : {part}\u{a0}%."),
                format!("The mirror is made again: {part} %."),
            ),
        });
    } else if seen.unmirrored {
        row.level = Level::Bad;
        row.acts.push("mirror".to_owned());
        row.facts.push(both(
            "Une partie de ce qui a été écrit pendant qu’un disque manquait n’est que sur un disque.",
            "Some of what was written while a disk was missing is on one disk alone.",
        ));
    } else if seen.devices.len() > 1 {
        row.level = Level::Good;
        row.facts.push(both(
            "Tout est sur deux disques : l’un ou l’autre peut mourir.",
            "Everything is on two disks: either may die.",
        ));
    } else {
        row.facts.push(both(
            "Un seul disque, sans miroir : s’il meurt, il reste les sauvegardes.",
            "One disk, without a mirror: if it dies, the backups are left.",
        ));
    }
    row
}

fn scrub(scrub: Option<&Scrub>, under_way: &UnderWay) -> Row {
    let mut row = Row { title: both("Relecture de tout", "Everything read again"), ..Row::default() };
    if let Some(part) = &under_way.scrub {
        row.facts.push(match part.as_str() {
            "" => both("En cours…", "Under way …"),
            part => both(
                format!("En cours : {}\u{a0}%.", part.replace('.', ",")),
                format!("Under way: {part} %."),
            ),
        });
    }
    let Some(scrub) = scrub else {
        row.level = Level::Open;
        row.facts.push(both(
            "Pas encore faite ; elle l’est chaque mois.",
            "Not done yet; it is done every month.",
        ));
        return row;
    };
    row.at = Some(scrub.at);
    if let Some(fault) = &scrub.fault {
        row.level = Level::Bad;
        row.facts.push(both("Elle n’est pas allée au bout.", "It did not come to its end."));
        row.quote = Some(fault.clone());
        return row;
    }
    let (bytes, time) = (size(scrub.bytes), duration(scrub.seconds));
    row.facts.push(both(
        format!("{} relus en {}.", bytes.fr, time.fr),
        format!("{} read in {}.", bytes.en, time.en),
    ));
    if scrub.uncorrectable > 0 {
        row.level = Level::Bad;
        row.facts.push(both(
            format!("{} erreurs n’ont pas pu être réparées : les fichiers touchés sont à reprendre d’une sauvegarde. Le journal du noyau les nomme.", scrub.uncorrectable),
            format!("{} errors could not be put right: the files concerned are to be taken from a backup. The kernel’s log names them.", scrub.uncorrectable),
        ));
    } else if scrub.corrected > 0 {
        row.level = Level::Open;
        row.facts.push(both(
            format!("{} erreurs ont été réparées depuis l’autre disque.", scrub.corrected),
            format!("{} errors were put right from the other disk.", scrub.corrected),
        ));
    } else {
        row.level = Level::Good;
        row.facts.push(both("Aucune erreur.", "No error."));
    }
    row
}

fn room(state: &State, seen: &Seen) -> Row {
    let mut row = Row { title: both("Place", "Room"), ..Row::default() };
    let (free, total) = (size(seen.room.free), size(seen.room.total));
    row.facts.push(both(
        format!("{} libres sur {}.", free.fr, total.fr),
        format!("{} of {} are free.", free.en, total.en),
    ));
    if is_nearly_full(seen.room) {
        row.level = Level::Bad;
        row.facts.push(both("C’est presque plein.", "It is nearly full."));
    }
    match (state.growth(), state.full_at()) {
        (None, _) => row.facts.push(both(
            "Après une semaine, cette page dira quand ce sera plein.",
            "After a week, this page will say when it will be full.",
        )),
        (Some(growth), Some(at)) => {
            let (each, day) = (size(growth.unsigned_abs()), date(at));
            row.facts.push(both(
                format!("{} de plus par jour : ce sera plein vers le {}.", each.fr, day.fr),
                format!("{} more each day: it will be full about {}.", each.en, day.en),
            ));
        }
        (Some(_), None) => row.facts.push(both("Cela ne grandit pas.", "It does not grow.")),
    }
    row
}

fn merge(merge: Option<&Merge>, under_way: &UnderWay) -> Row {
    let mut row = Row { title: both("Doublons", "What is there twice"), ..Row::default() };
    if under_way.merge {
        row.facts.push(both("Recherche en cours…", "Being looked for …"));
    }
    let Some(merge) = merge else {
        row.facts.push(both(
            "Pas encore cherchés ; ils le sont chaque nuit.",
            "Not looked for yet; this is done every night.",
        ));
        return row;
    };
    row.at = Some(merge.at);
    match (merge.skipped, &merge.fault) {
        (Some(Skipped::Memory), _) => row.facts.push(both(
            "Pas cherchés : cette machine a moins de 2\u{a0}Go de mémoire. « Machine », « Services » permet de le faire quand même.",
            "Not looked for: this machine has less than 2 GB of memory. “Machine”, “Services” has it done all the same.",
        )),
        (Some(Skipped::Never), _) => {
            row.facts.push(both("Pas cherchés : c’est réglé ainsi.", "Not looked for: it is set so."));
        }
        (None, Some(fault)) => {
            row.level = Level::Open;
            row.facts.push(both("La recherche a échoué.", "Looking for it failed."));
            row.quote = Some(fault.clone());
        }
        (None, None) => {
            row.level = Level::Good;
            let (before, after) = (size(merge.before), size(merge.after));
            row.facts.push(both(
                format!("{} pris avant, {} après.", before.fr, after.fr),
                format!("{} taken before, {} after.", before.en, after.en),
            ));
        }
    }
    if merge.saved > 0 {
        row.facts.push(with("{} rendus en tout.", "{} given back in all.", &size(merge.saved)));
    }
    row
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filesystem::{Device, Room};
    use crate::state::{Part, RoomAt};

    const NOW: i64 = 1_790_000_000;

    fn state() -> State {
        let part = |id| Part {
            device: Device { id, path: Some(format!("/dev/sd{id}")), ..Device::default() },
            ..Part::default()
        };
        let room = Room { free: 40 << 30, total: 100 << 30 };
        let at = |days: i64, free: u64| RoomAt { at: NOW - days * DAY, free: free << 30, total: room.total };
        State {
            seen: Some(Seen { at: NOW, devices: vec![part(1), part(2)], room, ..Seen::default() }),
            rooms: vec![at(20, 60), at(0, 40)],
            scrub: Some(Scrub { at: NOW, seconds: 200, bytes: 5_000_000_000, ..Scrub::default() }),
            merge: Some(Merge { before: 9_000_000, after: 4_000_000, saved: 5_000_000, ..Merge::default() }),
            ..State::default()
        }
    }

    fn told(state: &State, under_way: &UnderWay) -> Vec<(Level, String)> {
        let told = |line| match line {
            Line::Row(row) => {
                let facts: Vec<String> = row.facts.into_iter().map(|fact| fact.en).collect();
                Some((row.level, facts.join(" ")))
            }
            _ => None,
        };
        lines(state, under_way, &[], NOW).into_iter().filter_map(told).collect()
    }

    #[test]
    fn a_mirror_that_is_well_is_told_with_the_day_when_it_will_be_full() {
        let told = told(&state(), &UnderWay::default());
        assert_eq!(told[0], (Level::Good, "Everything is on two disks: either may die.".to_owned()));
        assert_eq!(told[3], (Level::Good, "5 GB read in 3 min. No error.".to_owned()));
        let full = date(NOW + 40 * DAY).en;
        assert_eq!(
            told[4].1,
            format!("42.9 GB of 107 GB are free. 1 GB more each day: it will be full about {full}.")
        );
        assert_eq!(told[5].1, "9 MB taken before, 4 MB after. 5 MB given back in all.");
    }

    #[test]
    fn what_is_not_well_stands_at_the_top() {
        let mut bad = state();
        let seen = bad.seen.as_mut().expect("seen");
        seen.devices[1].device.path = None;
        seen.unmirrored = true;
        assert!(told(&bad, &UnderWay::default())[0].1.starts_with("A disk is missing"));
        let seen = bad.seen.as_mut().expect("seen");
        seen.devices[1].device.path = Some("/dev/sdb3".to_owned());
        let Line::Row(row) = &lines(&bad, &UnderWay::default(), &[], NOW)[0] else { panic!("a row") };
        assert_eq!((row.level, row.acts.as_slice()), (Level::Bad, ["mirror".to_owned()].as_slice()));
        let busy = UnderWay { mirror: Some("50".to_owned()), ..UnderWay::default() };
        assert_eq!(told(&bad, &busy)[0], (Level::Open, "The mirror is made again: 50 %.".to_owned()));
    }

    #[test]
    fn scrubs_that_found_something_are_told() {
        let level = |scrub: Scrub| told(&State { scrub: Some(scrub), ..state() }, &UnderWay::default())[3].0;
        assert_eq!(level(Scrub { corrected: 2, ..Scrub::default() }), Level::Open);
        assert_eq!(level(Scrub { corrected: 2, uncorrectable: 1, ..Scrub::default() }), Level::Bad);
        assert_eq!(level(Scrub { fault: Some("aborted".to_owned()), ..Scrub::default() }), Level::Bad);
    }
}
