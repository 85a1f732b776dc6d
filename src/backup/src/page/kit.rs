//! The recovery kit: a page to print. It has the key in clear.

use mazet_model::report::{Copied, Line, Row};

use crate::key::Key;
use crate::plan::Plan;
use crate::target::{Place, Target};
use crate::words::both;

/// The page; with `parts`, each on a sheet of its own in the place of the key.
pub fn lines(plan: &Plan, targets: &[Target], key: &Key, parts: &[String]) -> Vec<Line> {
    let mut lines = vec![section("Ce que c’est", "What this is"), Line::Row(what(plan))];
    lines.push(section("Où sont les sauvegardes", "Where the backups are"));
    lines.extend(targets.iter().map(|target| Line::Row(place(target))));
    if parts.is_empty() {
        lines.push(section("La clé", "The key"));
        lines.push(Line::Row(whole(key)));
    }
    for (at, part) in parts.iter().enumerate() {
        let number = at + 1;
        lines.push(section(&format!("Part {number} de la clé"), &format!("Part {number} of the key")));
        lines.push(Line::Row(self::part(number, part)));
    }
    lines.push(section("Le jour où la machine est perdue", "The day that the machine is lost"));
    lines.extend(steps(&plan.name).into_iter().map(Line::Row));
    lines
}

fn section(fr: &str, en: &str) -> Line {
    let empty = Some(both("Encore nulle part.", "Nowhere yet."));
    Line::Section { title: both(fr, en), text: None, empty }
}

fn what(plan: &Plan) -> Row {
    Row {
        title: both(format!("La machine « {} »", plan.name), format!("The box “{}”", plan.name)),
        facts: vec![both(
            format!(
                "Avec cette page et un endroit ci-dessous, n’importe qui fait revenir tout ce qu’elle garde, sur une autre machine. Gardez-la comme une clé de la maison. Image : {}.",
                plan.image
            ),
            format!(
                "With this page and a place below, anybody brings back all that it keeps, on another machine. Keep it like a key of the house. Image: {}.",
                plan.image
            ),
        )],
        ..Row::default()
    }
}

/// Without what opens it: that is in each backup, and of no use to who has the paper alone.
fn place(target: &Target) -> Row {
    let title = target.place.title();
    let fact = match &target.place {
        Place::Usb { uuid, folder, .. } => both(
            format!("Dossier {folder} du disque dont le système de fichiers a le numéro {uuid}."),
            format!("Folder {folder} of the disk whose file system has the number {uuid}."),
        ),
        Place::Sftp { port, .. } => both(
            format!(
                "Port {port}. La nouvelle machine aura une autre clé SSH : le gardien de cet endroit doit l’y ajouter."
            ),
            format!(
                "Port {port}. The new box will have another SSH key: the keeper of this place must add it there."
            ),
        ),
        Place::Rest { user, .. } => both(
            format!("Identifiant {user} ; le mot de passe est chez le gardien de cet endroit."),
            format!("Login {user}; the keeper of this place has the password."),
        ),
        Place::S3 { key, .. } => both(
            format!("Clé d’accès {key} ; la clé secrète est chez le gardien de cet endroit."),
            format!("Access key {key}; the keeper of this place has the secret key."),
        ),
        Place::Folder { .. } => both("Un dossier.", "A folder."),
    };
    Row { title: both(title.clone(), title), facts: vec![fact], ..Row::default() }
}

fn whole(key: &Key) -> Row {
    Row {
        title: both("Clé de secours", "Recovery key"),
        facts: vec![both(
            "Sans elle, personne ne lit les sauvegardes, et personne ne peut la refaire.",
            "Without it nobody reads the backups, and nobody can make it again.",
        )],
        copy: vec![Copied { title: both("Clé", "Key"), value: key.text(), code: true }],
        ..Row::default()
    }
}

fn part(number: usize, part: &str) -> Row {
    Row {
        title: both(format!("Pour le gardien {number}"), format!("For keeper {number}")),
        facts: vec![both(
            "Deux parts, n’importe lesquelles, font la clé ; une seule ne sert à rien. Imprimez chacune pour une autre personne.",
            "Any two parts make the key; one alone is of no use. Print each for another person.",
        )],
        copy: vec![Copied { title: both("Part", "Part"), value: part.to_owned(), code: true }],
        ..Row::default()
    }
}

fn steps(name: &str) -> [Row; 4] {
    let step = |fr: String, en: String| Row { title: both(fr, en), ..Row::default() };
    [
        step(
            "1. Démarrez une autre machine, dont le disque est au moins aussi grand, avec la clé USB de Mazet."
                .to_owned(),
            "1. Start another machine, whose disk is at least as large, from Mazet’s stick.".to_owned(),
        ),
        step(
            "2. Dans l’assistant, choisissez « Restaurer une sauvegarde ». Branchez le disque USB, ou ayez sous la main les mots de passe d’un endroit ci-dessus.".to_owned(),
            "2. In the wizard, choose “Restore a backup”. Plug the USB disk in, or have the passwords of a place above at hand.".to_owned(),
        ),
        step(
            "3. Tapez la clé ; d’une clé en parts, deux d’entre elles, l’une après l’autre.".to_owned(),
            "3. Type the key; of a key in parts, two of them, one after the other.".to_owned(),
        ),
        step(
            format!("4. Sans Mazet : restic (restic.net) lit ces sauvegardes, avec la clé comme mot de passe : restic -r ENDROIT restore latest --host {name} --target DOSSIER"),
            format!("4. Without a Mazet: restic (restic.net) reads these backups, with the key as the password: restic -r PLACE restore latest --host {name} --target FOLDER"),
        ),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kit_has_the_key_and_no_other_secret() {
        let plan = Plan {
            name: "lavande".to_owned(),
            image: "pc 0.1.0".to_owned(),
            services: Vec::new(),
            folders: Vec::new(),
            databases: Vec::new(),
        };
        let place = Place::Rest {
            url: "https://b.example.org/".to_owned(),
            user: "box".to_owned(),
            password: "hunter2".to_owned(),
        };
        let targets = [Target { id: "a".to_owned(), place }];
        let key = Key::new([9; 20]);
        let text =
            |parts: &[String]| serde_json::to_string(&lines(&plan, &targets, &key, parts)).expect("lines");
        let whole = text(&[]);
        assert!(whole.contains(&key.text()) && whole.contains("b.example.org") && !whole.contains("hunter2"));
        let parts = crate::divided::divide(&key);
        let divided = text(&parts);
        assert!(!divided.contains(&key.text()) && parts.iter().all(|part| divided.contains(part)));
    }
}
