//! A disk of the box, and what it says of itself.

use mazet_model::report::{Level, Row};

use crate::smart::{Smart, Told};
use crate::state::Part;
use crate::words::{age, both, date, with};

/// From so many °C on, a disk is too hot.
const HOT: i64 = 60;
/// From so much of an SSD's life on, in percent, another one is to be thought of.
const WORN: u64 = 90;

/// The name of its row.
pub fn id(part: &Part) -> String {
    format!("device-{}", part.device.id)
}

/// A disk of the box.
pub fn row(part: &Part, smart: Option<&Smart>) -> Row {
    let mut row = Row { id: Some(id(part)), title: part.disk.title(), ..Row::default() };
    if part.disk.bytes > 0 {
        row.facts.push(part.disk.what());
    }
    if part.device.path.is_none() {
        row.level = Level::Bad;
        row.facts.push(both(
            "Il manque. Éteignez la machine, vérifiez ses câbles ; s’il reste absent, mettez-en un autre à sa place.",
            "It is missing. Switch the machine off and look at its cables; if it stays away, put another one in its place.",
        ));
        return row;
    }
    let told = smart.and_then(|smart| smart.disks.iter().find(|told| told.disk.id() == part.disk.id()));
    match told {
        Some(told) => tell(told, &mut row),
        None => row.facts.push(both("Pas encore interrogé.", "Not asked yet.")),
    }
    errors(part, &mut row);
    row
}

/// In plain words.
fn tell(told: &Told, row: &mut Row) {
    match told.passed {
        None => row.facts.push(both(
            "Il ne dit rien de son état (disque virtuel, ou boîtier USB qui ne laisse pas passer SMART) : ce n’est pas une panne.",
            "It says nothing of how it is (a virtual disk, or a USB case that lets no SMART through): that is no fault.",
        )),
        Some(true) => {
            row.level = Level::Good;
            row.facts.push(both("Il se dit en bonne santé.", "It says that it is in good health."));
        }
        Some(false) => {
            row.level = Level::Bad;
            row.facts.push(both(
                "Il annonce sa panne : remplacez-le bientôt.",
                "It announces that it will fail: replace it soon.",
            ));
        }
    }
    let reallocated = told.reallocated.filter(|count| *count > 0);
    let unreadable = told.unreadable.filter(|count| *count > 0);
    if let Some(count) = reallocated {
        row.facts.push(both(
            format!("{count} secteurs abîmés ont été mis de côté : surveillez si leur nombre augmente."),
            format!("{count} damaged sectors were set aside: see whether they become more."),
        ));
    }
    if let Some(count) = unreadable {
        if told.passed == Some(true) {
            row.level = Level::Open;
        }
        row.facts.push(both(
            format!("{count} secteurs ne se lisent plus : pensez à le remplacer."),
            format!("{count} sectors cannot be read any more: think of replacing it."),
        ));
    }
    if let Some(percent) = told.worn {
        row.facts.push(if percent >= WORN {
            both(
                format!("Usé à {percent}\u{a0}% : pensez à le remplacer."),
                format!("{percent} % worn: think of replacing it."),
            )
        } else {
            both(format!("Usé à {percent}\u{a0}%."), format!("{percent} % worn."))
        });
    }
    if let Some(hours) = told.hours {
        row.facts.push(with("A tourné {} en tout.", "Ran for {} in all.", &age(hours)));
    }
    if let Some(celsius) = told.celsius {
        row.facts.push(if celsius >= HOT {
            both(
                format!("{celsius}\u{a0}°C : trop chaud, donnez-lui de l’air."),
                format!("{celsius} °C: too hot, give it air."),
            )
        } else {
            both(format!("{celsius}\u{a0}°C."), format!("{celsius} °C."))
        });
    }
}

fn errors(part: &Part, row: &mut Row) {
    let errors = part.device.errors;
    if errors.sum() == 0 {
        return;
    }
    row.level = Level::Bad;
    row.acts.push("seen".to_owned());
    let writing = errors.write.saturating_add(errors.flush);
    let content = errors.corruption.saturating_add(errors.generation);
    row.facts.push(both(
        format!("Erreurs comptées : {} de lecture, {writing} d’écriture, {content} de contenu.", errors.read),
        format!(
            "Errors that were counted: {} reading, {writing} writing, {content} of content.",
            errors.read
        ),
    ));
    if let Some(at) = part.grew {
        row.facts.push(with("Leur nombre a augmenté le {}.", "They became more on {}.", &date(at)));
    }
    row.facts.push(both(
        "Vérifiez les câbles, puis relisez tout. « C’est noté » remet le compte à zéro ; s’il repart, remplacez ce disque.",
        "Look at the cables, then read everything again. “Noted” sets the count back; if it rises again, replace this disk.",
    ));
}

#[cfg(test)]
mod tests {
    use mazet_host::listing::Disk;

    use super::*;
    use crate::filesystem::{Device, Errors};

    fn part(path: Option<&str>, errors: Errors) -> Part {
        let disk = Disk {
            name: "sda".to_owned(),
            model: "Example".to_owned(),
            serial: "W-1".to_owned(),
            bytes: 500_000_000_000,
            connection: "sata".to_owned(),
            ..Disk::default()
        };
        let device = Device { id: 2, path: path.map(str::to_owned), errors, ..Device::default() };
        Part { device, disk, grew: Some(0) }
    }

    fn smart(told: Told) -> Smart {
        Smart { at: 0, disks: vec![Told { disk: part(None, Errors::default()).disk, ..told }] }
    }

    fn facts(row: &Row) -> Vec<&str> {
        row.facts.iter().map(|fact| fact.en.as_str()).collect()
    }

    #[test]
    fn a_healthy_disk_is_told_in_plain_words() {
        let told = Told { passed: Some(true), hours: Some(36_055), celsius: Some(36), ..Told::default() };
        let row = row(&part(Some("/dev/sda3"), Errors::default()), Some(&smart(told)));
        assert_eq!(row.level, Level::Good);
        assert_eq!(
            facts(&row),
            [
                "500 GB, serial number W-1, SATA.",
                "It says that it is in good health.",
                "Ran for 4 years in all.",
                "36 °C."
            ]
        );
    }

    #[test]
    fn sick_disks_are_bad_and_silent_ones_are_not() {
        let level = |told| row(&part(Some("/dev/sda3"), Errors::default()), Some(&smart(told))).level;
        assert_eq!(level(Told { passed: Some(false), ..Told::default() }), Level::Bad);
        assert_eq!(level(Told::default()), Level::Plain);
        let pending = Told { passed: Some(true), unreadable: Some(2), ..Told::default() };
        assert_eq!(level(pending), Level::Open);
    }

    #[test]
    fn errors_can_be_noted_and_a_missing_disk_says_what_to_do() {
        let errors = Errors { read: 2, corruption: 1, ..Errors::default() };
        let counted = row(&part(Some("/dev/sda3"), errors), None);
        assert_eq!((counted.level, counted.acts.as_slice()), (Level::Bad, ["seen".to_owned()].as_slice()));
        assert!(facts(&counted).contains(&"Errors that were counted: 2 reading, 0 writing, 1 of content."));
        let missing = row(&part(None, Errors::default()), None);
        assert_eq!((missing.level, missing.acts.len()), (Level::Bad, 0));
        assert!(facts(&missing)[1].starts_with("It is missing."));
    }
}
