//! A USB disk is made anew for backups: which one, and how the last one went.

use mazet_model::report::{Level, Line, Row};

use crate::prepare::{Candidate, Prepared};
use crate::words::{both, with};

/// The page.
pub fn lines(prepared: Option<&Prepared>, candidates: &[Candidate]) -> Vec<Line> {
    let mut lines: Vec<Line> = prepared.map(|one| Line::Row(last(one))).into_iter().collect();
    lines.push(Line::Section {
        title: both("Disques USB branchés", "USB disks that are plugged in"),
        text: Some(both(
            "Un disque préparé est effacé en entier, puis reçoit les sauvegardes.",
            "A disk that is prepared is erased as a whole, and then takes backups.",
        )),
        empty: Some(both(
            "Aucun. Branchez un disque USB, puis rechargez cette page.",
            "None. Plug a USB disk in, then load this page again.",
        )),
    });
    lines.extend(candidates.iter().map(|one| Line::Row(row(one))));
    lines
}

fn row(one: &Candidate) -> Row {
    let disk = &one.unused.disk;
    let mut row =
        Row { id: Some(disk.id()), title: disk.title(), facts: vec![disk.what()], ..Row::default() };
    match one.unused.contents.as_slice() {
        [] => row.facts.push(both("Vide.", "Blank.")),
        contents => {
            let contents = contents.join(", ");
            row.facts.push(both(format!("Contient : {contents}."), format!("Holds: {contents}.")));
        }
    }
    if one.free {
        row.acts.push("prepare".to_owned());
    } else {
        let identity = disk.identity();
        row.facts.push(both(
            format!("Pour l’effacer, tapez d’abord « {identity} » en bas de cette page."),
            format!("To erase it, first type “{identity}” at the end of this page."),
        ));
    }
    row
}

fn last(one: &Prepared) -> Row {
    let title = with("Préparation de : {}", "Preparation of: {}", &one.disk.title());
    let row = Row { title, at: Some(one.at), ..Row::default() };
    match &one.fault {
        None => Row {
            level: Level::Good,
            facts: vec![both("Terminée : les sauvegardes y vont.", "Done: backups go there.")],
            ..row
        },
        Some(fault) => Row {
            level: Level::Bad,
            facts: vec![both(
                "Elle a échoué : le disque est peut-être abîmé, ou a été débranché.",
                "It failed: the disk may be broken, or was unplugged.",
            )],
            quote: Some(fault.clone()),
            ..row
        },
    }
}

#[cfg(test)]
mod tests {
    use mazet_host::listing::{Disk, Unused};

    use super::*;

    #[test]
    fn what_holds_something_has_no_button_but_what_must_be_typed() {
        let disk = Disk { name: "sdb".to_owned(), serial: "W 2".to_owned(), bytes: 5, ..Disk::default() };
        let one = |free, contents: &[&str]| Candidate {
            unused: Unused {
                disk: disk.clone(),
                contents: contents.iter().map(|text| (*text).to_owned()).collect(),
                systems: Vec::new(),
            },
            free,
        };
        let blank = row(&one(true, &[]));
        assert_eq!((blank.acts, blank.facts[1].en.as_str()), (vec!["prepare".to_owned()], "Blank."));
        let full = row(&one(false, &["sdb1 ntfs"]));
        assert!(full.acts.is_empty() && full.facts[2].en.contains("type “W 2”"), "{full:?}");
        let failed = Prepared { at: 7, disk: disk.clone(), fault: Some("no".to_owned()) };
        assert_eq!(last(&failed).quote.as_deref(), Some("no"));
        assert_eq!(lines(Some(&failed), &[]).len(), 2);
    }
}
