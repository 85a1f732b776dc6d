//! What the pages say, in both languages: ages, why something failed, and what those of other services say too.

use mazet_model::manifest::Text;
pub use mazet_model::words::{both, duration, size, with};

use crate::fault::{Fault, Why};
use crate::state::DAY;

/// How long ago something was.
pub fn ago(at: i64, now: i64) -> Text {
    let passed = (now - at).max(0);
    match (passed / DAY, passed / 3600) {
        (0, 0) => both("il y a moins d’une heure", "less than an hour ago"),
        (0, 1) => both("il y a une heure", "an hour ago"),
        (0, hours) => both(format!("il y a {hours} heures"), format!("{hours} hours ago")),
        (1, _) => both("hier", "yesterday"),
        (days, _) => both(format!("il y a {days} jours"), format!("{days} days ago")),
    }
}

/// Why something failed, and what to do.
pub fn why(fault: &Fault) -> Text {
    match fault.why {
        Why::Absent => both("Le disque n’est pas branché.", "The disk is not plugged in."),
        Why::Empty => both("Il n’y a pas de sauvegarde à cet endroit.", "There is no backup in this place."),
        Why::Key => both(
            "Il y a déjà à cet endroit les sauvegardes d’une autre machine, ou d’avant : choisissez un autre dossier.",
            "The backups of another box, or of an earlier one, are in this place already: choose another folder.",
        ),
        Why::Locked => both(
            "Quelqu’un d’autre travaille sur ces sauvegardes : c’est réessayé tout seul.",
            "Somebody else works on these backups: it is tried again by itself.",
        ),
        Why::Described => both(
            "Cet endroit ne peut pas être utilisé tel qu’il est décrit : retirez-le, et ajoutez-le à nouveau.",
            "This place cannot be used as it is described: remove it, and add it again.",
        ),
        Why::Login => both(
            "L’endroit refuse l’identifiant, le mot de passe ou la clé.",
            "The place refuses the login, the password or the key.",
        ),
        Why::Silent => both(
            "L’endroit ne répond pas : vérifiez son adresse, que le dossier ou compartiment existe, et qu’il est allumé.",
            "The place does not answer: see whether its address is right, whether the folder or bucket is there, and whether it is on.",
        ),
        Why::Full => both(
            "Il n’y a plus de place : libérez-en, ou choisissez un autre endroit.",
            "There is no room left: make some, or choose another place.",
        ),
        Why::Other => both("Cela a échoué, avec les mots ci-dessous.", "It failed, with the words below."),
    }
}

/// Why a backup is not put back, and what to do: for who has the recovery kit in their hands.
pub fn why_not_back(fault: &Fault) -> Text {
    let told = match fault.why {
        Why::Key => both(
            "Cette clé n’ouvre pas les sauvegardes de cet endroit : relisez-la sur la trousse de secours, lettre par lettre.",
            "This key does not open the backups in this place: read it again on the recovery kit, letter by letter.",
        ),
        Why::Locked => both(
            "Quelqu’un d’autre travaille sur ces sauvegardes : réessayez dans quelques minutes.",
            "Somebody else works on these backups: try again in a few minutes.",
        ),
        Why::Described => both(
            "Cet endroit ne peut pas être cherché tel qu’il est décrit : corrigez ce qui suit.",
            "This place cannot be looked for as it is described: put right what follows.",
        ),
        Why::Other => {
            both("Cela a échoué, avec les mots qui suivent.", "It failed, with the words that follow.")
        }
        Why::Absent | Why::Empty | Why::Login | Why::Silent | Why::Full => return why(fault),
    };
    // What the others say is plain without restic's words.
    match (fault.why, fault.said.as_str()) {
        (Why::Described | Why::Other, said) => {
            both(format!("{} {said}", told.fr), format!("{} {said}", told.en))
        }
        _ => told,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_restores_is_told_what_they_can_do() {
        let told = |why, said: &str| why_not_back(&Fault { why, said: said.to_owned() }).en;
        assert!(told(Why::Key, "wrong password").ends_with("on the recovery kit, letter by letter."));
        assert!(told(Why::Described, "the bucket cannot be \"..\"").ends_with("the bucket cannot be \"..\""));
        assert_eq!(told(Why::Absent, ""), "The disk is not plugged in.");
    }

    #[test]
    fn ages_are_told_in_hours_then_days() {
        let told = |seconds| ago(0, seconds).en;
        assert_eq!(
            (told(10), told(3700), told(5 * 3600)),
            ("less than an hour ago".to_owned(), "an hour ago".to_owned(), "5 hours ago".to_owned())
        );
        assert_eq!((told(DAY), told(9 * DAY)), ("yesterday".to_owned(), "9 days ago".to_owned()));
        assert_eq!(told(-5), "less than an hour ago");
    }
}
