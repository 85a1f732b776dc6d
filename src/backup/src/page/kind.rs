//! The page of one kind of place: what was chosen, and whether it does.

use std::fs;

use anyhow::{Context as _, Result};
use mazet_host::files;
use mazet_host::run::said;
use mazet_model::report::{Copied, Level, Line, Row};

use crate::places::Places;
use crate::state::Status;
use crate::target::Target;
use crate::tools::{Program, Tools};
use crate::words::{both, why};

/// The places, each with the verdict of its trial.
pub fn lines(status: &Status, targets: &[Target]) -> Vec<Line> {
    let mut lines = vec![Line::Section {
        title: both("Endroits choisis", "Places that were chosen"),
        text: None,
        empty: Some(both("Aucun.", "None.")),
    }];
    lines.extend(targets.iter().map(|target| Line::Row(row(status, target))));
    lines
}

fn row(status: &Status, target: &Target) -> Row {
    let title = target.place.title();
    let trial = status.targets.get(&target.id).and_then(|known| known.trial.as_ref());
    let mut row = Row {
        id: Some(target.id.clone()),
        title: both(title.clone(), title),
        acts: vec!["try".to_owned(), "forget".to_owned()],
        ..Row::default()
    };
    match trial {
        None => row.facts.push(both("Pas encore essayé.", "Not tried yet.")),
        Some(trial) => {
            row.at = Some(trial.at);
            match &trial.fault {
                None => {
                    row.level = Level::Good;
                    row.facts.push(both(
                        "L’essai a réussi : les sauvegardes y vont toutes les heures.",
                        "The trial passed: backups go there every hour.",
                    ));
                }
                Some(fault) => {
                    row.level = Level::Bad;
                    row.facts.push(why(fault));
                    row.quote = Some(fault.said.clone()).filter(|said| !said.is_empty());
                }
            }
        }
    }
    row
}

/// The public key that the other machine must know; made where there is none.
///
/// # Errors
/// When it cannot be made or read.
pub fn ssh_key(tools: &Tools, places: &Places) -> Result<Line> {
    let path = places.keys().ssh;
    let public = path.with_extension("pub");
    if !public.exists() {
        files::make_folder(path.parent().context("a file needs a folder")?, 0o700)?;
        let mut command = tools.command(Program::SshKeygen);
        command.args(["-q", "-t", "ed25519", "-N", "", "-C", "mazet-backup", "-f"]).arg(&path);
        said(&mut command, "making a key for SSH")?;
    }
    let key = fs::read_to_string(&public).with_context(|| format!("reading {}", public.display()))?;
    Ok(Line::Row(Row {
        title: both("La clé SSH de cette machine", "This box’s SSH key"),
        facts: vec![both(
            "Ajoutez-la d’abord sur l’autre machine, à la fin du fichier .ssh/authorized_keys de l’identifiant choisi.",
            "First add it on the other machine, at the end of the file .ssh/authorized_keys of the login that you chose.",
        )],
        copy: vec![Copied {
            title: both("Clé publique", "Public key"),
            value: key.trim().to_owned(),
            code: false,
        }],
        ..Row::default()
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::{Fault, Why};
    use crate::state::Outcome;
    use crate::target::Place;

    #[test]
    fn each_place_has_a_verdict_and_what_to_do() {
        let place = || Place::Rest {
            url: "https://b.example.org/".to_owned(),
            user: "box".to_owned(),
            password: "secret".to_owned(),
        };
        let targets = ["a", "b", "c"].map(|id| Target { id: id.to_owned(), place: place() });
        let mut status = Status::default();
        status.targets.entry("a".to_owned()).or_default().trial = Some(Outcome { at: 7, fault: None });
        let fault = Fault { why: Why::Login, said: "401 Unauthorized".to_owned() };
        status.targets.entry("b".to_owned()).or_default().trial = Some(Outcome { at: 7, fault: Some(fault) });
        let lines = lines(&status, &targets);
        let rows: Vec<&Row> = lines
            .iter()
            .filter_map(|line| match line {
                Line::Row(row) => Some(row),
                _ => None,
            })
            .collect();
        assert_eq!(
            rows.iter().map(|row| row.level).collect::<Vec<_>>(),
            [Level::Good, Level::Bad, Level::Plain]
        );
        assert_eq!(rows[1].quote.as_deref(), Some("401 Unauthorized"));
        assert!(rows.iter().all(|row| row.acts == ["try", "forget"]));
        assert!(!serde_json::to_string(&lines).expect("lines").contains("secret"));
    }

    #[test]
    fn the_key_of_the_box_is_made_once() {
        let folder = tempfile::tempdir().expect("a folder");
        let at = |name: &str| folder.path().join(name);
        let places = Places {
            root: at("root"),
            data: at("data"),
            state: at("state"),
            secrets: at("secrets"),
            run: at("run"),
        };
        let key = || match ssh_key(&Tools::default(), &places).expect("a key") {
            Line::Row(row) => row.copy[0].value.clone(),
            line => panic!("{line:?}"),
        };
        let first = key();
        assert!(first.starts_with("ssh-ed25519 "));
        assert_eq!(key(), first);
    }
}
