//! Another disk for one that is missing, and how far its replacement is.

use mazet_model::manifest::Text;
use mazet_model::report::{Level, Line, Row};

use crate::progress::UnderWay;
use crate::replace::{Candidate, Replacement, Step};
use crate::state::State;
use crate::words::{both, with};

/// The page.
pub fn lines(state: &State, under_way: &UnderWay, candidates: &[Candidate]) -> Vec<Line> {
    let mut lines: Vec<Line> =
        state.replacement.iter().map(|one| Line::Row(replacement(one, under_way))).collect();
    lines.extend(offered(state, under_way, candidates));
    lines
}

/// The disks that may take its place.
pub fn offered(state: &State, under_way: &UnderWay, candidates: &[Candidate]) -> Vec<Line> {
    let is_missing = state.seen.as_ref().is_some_and(|seen| seen.missing().next().is_some());
    let text = if is_missing {
        both(
            "Un disque du miroir manque : l’un de ceux-ci peut prendre sa place. Tout ce qui est dessus sera effacé.",
            "A disk of the mirror is missing: one of these can take its place. All that is on it will be erased.",
        )
    } else {
        both(
            "Aucun disque ne manque. Un disque qui va mal se remplace machine éteinte : retirez-le, mettez-en un autre, redémarrez, revenez ici.",
            "No disk is missing. A disk that is not well is replaced with the machine switched off: take it out, put another one in, start again, and come back here.",
        )
    };
    let empty = is_missing.then(|| {
        both(
            "Aucun autre disque n’est branché. Éteignez la machine, mettez-en un au moins aussi grand, redémarrez.",
            "No other disk is connected. Switch the machine off, put one in that is at least as large, start again.",
        )
    });
    let title = both("Disques libres", "Free disks");
    let mut lines = vec![Line::Section { title, text: Some(text), empty }];
    lines.extend(candidates.iter().map(|one| Line::Row(candidate(one, under_way.replace.is_some()))));
    lines
}

fn candidate(one: &Candidate, is_busy: bool) -> Row {
    let disk = &one.unused.disk;
    let mut row =
        Row { id: Some(disk.id()), title: disk.title(), facts: vec![disk.what()], ..Row::default() };
    if !one.fits {
        row.facts.push(both("Trop petit.", "Too small."));
        return row;
    }
    match one.unused.contents.as_slice() {
        [] => row.facts.push(both("Vide.", "Blank.")),
        contents => {
            let contents = contents.join(", ");
            row.facts.push(both(format!("Contient : {contents}."), format!("Holds: {contents}.")));
        }
    }
    if one.free && !is_busy {
        row.acts.push("replace".to_owned());
    } else if !one.free {
        let identity = disk.identity();
        row.facts.push(both(
            format!(
                "Pour l’effacer, tapez d’abord « {identity} » en bas de la page « Disques : remplacement »."
            ),
            format!("To erase it, first type “{identity}” at the end of the page “Disks: replacement”."),
        ));
    }
    row
}

/// A replacement, as it stands.
pub fn replacement(one: &Replacement, under_way: &UnderWay) -> Row {
    let disk = one.disk.title();
    let mut row = Row {
        id: Some(one.disk.id()),
        title: with("Remplacement par : {}", "Replacement by: {}", &disk),
        at: Some(one.ended.unwrap_or(one.at)),
        ..Row::default()
    };
    match (&one.fault, one.ended, &under_way.replace) {
        (_, _, Some(part)) => {
            row.level = Level::Open;
            let balanced = under_way.mirror.as_deref().unwrap_or_default();
            let part = if one.step == Step::Mirror { balanced } else { part.as_str() };
            row.facts.push(now(one.step, part));
            row.facts.push(both(
                "Laissez la machine allumée ; elle peut servir pendant ce temps.",
                "Leave the machine on; it can be used meanwhile.",
            ));
        }
        (Some(fault), _, None) => {
            row.level = Level::Bad;
            row.facts.push(failed(one.step));
            row.quote = Some(fault.clone());
            row.acts.push("go-on".to_owned());
        }
        (None, None, None) => {
            row.level = Level::Bad;
            row.facts.push(both(
                "Interrompu, par exemple par une coupure de courant.",
                "Cut off, by a power cut for instance.",
            ));
            row.acts.push("go-on".to_owned());
        }
        (None, Some(_), None) => {
            row.level = Level::Good;
            row.facts.push(both(
                "Terminé : tout est de nouveau sur deux disques, et la machine démarre de l’un comme de l’autre.",
                "Done: everything is on two disks again, and the machine starts from either of them.",
            ));
        }
    }
    row
}

fn now(step: Step, part: &str) -> Text {
    let told = match step {
        Step::Partition => both("Le disque est préparé", "The disk is prepared"),
        Step::Copy => both("Les données sont copiées", "Data is copied"),
        Step::Mirror => both("Le reste du miroir est refait", "The rest of the mirror is made again"),
        Step::Start => both("Ce qui démarre la machine est copié", "What starts the machine is copied"),
    };
    match part {
        "" => both(format!("{}…", told.fr), format!("{} …", told.en)),
        part => {
            let comma = part.replace('.', ",");
            both(format!("{} : {comma}\u{a0}%.", told.fr), format!("{}: {part} %.", told.en))
        }
    }
}

fn failed(step: Step) -> Text {
    match step {
        Step::Partition => both("Le disque n’a pas pu être préparé.", "The disk could not be prepared."),
        Step::Copy => both("La copie a échoué.", "Copying failed."),
        Step::Mirror => both(
            "Les données sont copiées, mais une partie n’est encore que sur un disque.",
            "Data is copied, but a part of it is on one disk alone.",
        ),
        Step::Start => both(
            "Les données sont sur les deux disques, mais la machine ne démarre pas encore du nouveau.",
            "Data is on both disks, but the machine does not start from the new one yet.",
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::filesystem::Device;
    use crate::state::{Part, Seen};
    use mazet_host::listing::{Disk, Unused};

    fn disk() -> Disk {
        Disk { name: "sdb".to_owned(), serial: "W-2".to_owned(), bytes: 5, ..Disk::default() }
    }

    fn candidates() -> Vec<Candidate> {
        let one = |fits, free, contents: &[&str]| Candidate {
            unused: Unused {
                disk: disk(),
                contents: contents.iter().map(|one| (*one).to_owned()).collect(),
                systems: Vec::new(),
            },
            fits,
            free,
        };
        vec![one(true, true, &[]), one(true, false, &["sdb1 ntfs"]), one(false, true, &[])]
    }

    fn rows(lines: &[Line]) -> Vec<&Row> {
        let mut rows = Vec::new();
        for line in lines {
            if let Line::Row(row) = line {
                rows.push(row);
            }
        }
        rows
    }

    #[test]
    fn only_a_disk_that_is_large_enough_and_may_be_erased_can_be_taken() {
        let missing = Part { device: Device::default(), ..Part::default() };
        let seen = Seen { devices: vec![missing], ..Seen::default() };
        let state = State { seen: Some(seen), ..State::default() };
        let lines = offered(&state, &UnderWay::default(), &candidates());
        let rows = rows(&lines);
        let acts: Vec<usize> = rows.iter().map(|row| row.acts.len()).collect();
        assert_eq!(acts, [1, 0, 0]);
        assert!(rows[1].facts[2].en.contains("type “W-2”"));
        let busy = UnderWay { replace: Some(String::new()), ..UnderWay::default() };
        assert!(offered(&state, &busy, &candidates()).iter().all(|line| match line {
            Line::Row(row) => row.acts.is_empty(),
            _ => true,
        }));
    }

    #[test]
    fn a_replacement_says_how_far_it_is_and_can_be_gone_on_with() {
        let mut one = Replacement { disk: disk(), step: Step::Copy, ..Replacement::default() };
        let busy = UnderWay { replace: Some("18.6".to_owned()), ..UnderWay::default() };
        assert_eq!(replacement(&one, &busy).facts[0].fr, "Les données sont copiées : 18,6\u{a0}%.");
        let cut = replacement(&one, &UnderWay::default());
        assert_eq!((cut.level, cut.acts.as_slice()), (Level::Bad, ["go-on".to_owned()].as_slice()));
        one.fault = Some("no space".to_owned());
        assert_eq!(replacement(&one, &UnderWay::default()).quote.as_deref(), Some("no space"));
        let done = Replacement { ended: Some(7), fault: None, ..one };
        assert_eq!(replacement(&done, &UnderWay::default()).level, Level::Good);
    }
}
