//! Is a password good enough? Guessability (zxcvbn), and why not, as catalogue keys.

use zxcvbn::feedback::Warning;
use zxcvbn::{Score, zxcvbn};

/// Shortest password, in characters.
const SHORTEST: usize = 12;
/// Longest password, in characters: hashing is not for essays.
const LONGEST: usize = 200;

/// The catalogue key of what is wrong with a password; `personal` are words that its guessers know.
pub fn fault(password: &str, personal: &[&str]) -> Option<&'static str> {
    match password.chars().count() {
        0 => return Some("operator.password_missing"),
        1..SHORTEST => return Some("operator.password_short"),
        SHORTEST..=LONGEST => {}
        _ => return Some("operator.password_long"),
    }
    let words = guessed(personal);
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let estimate = zxcvbn(password, &words);
    if estimate.score() >= Score::Three {
        return None;
    }
    Some(estimate.feedback().and_then(|feedback| feedback.warning()).map_or("password.weak", reason))
}

/// The box's own name, and the personal words: whole, one by one, and run together.
fn guessed(personal: &[&str]) -> Vec<String> {
    let mut words = vec!["mazet".to_owned()];
    for text in personal.iter().map(|text| text.to_lowercase()) {
        let parts: Vec<&str> =
            text.split(|c: char| !c.is_alphanumeric()).filter(|part| !part.is_empty()).collect();
        words.extend(parts.iter().map(|part| (*part).to_owned()));
        words.push(parts.concat());
        words.push(text);
    }
    words
}

fn reason(warning: Warning) -> &'static str {
    match warning {
        Warning::NamesAndSurnamesByThemselvesAreEasyToGuess
        | Warning::CommonNamesAndSurnamesAreEasyToGuess => "password.names",
        Warning::DatesAreOftenEasyToGuess | Warning::RecentYearsAreEasyToGuess => "password.dates",
        Warning::StraightRowsOfKeysAreEasyToGuess
        | Warning::ShortKeyboardPatternsAreEasyToGuess
        | Warning::RepeatsLikeAaaAreEasyToGuess
        | Warning::RepeatsLikeAbcAbcAreOnlySlightlyHarderToGuess
        | Warning::SequencesLikeAbcAreEasyToGuess => "password.pattern",
        Warning::AWordByItselfIsEasyToGuess => "password.weak",
        _ => "password.common",
    }
}

#[cfg(test)]
mod tests {
    use super::fault;

    #[test]
    fn weak_passwords_are_told_why() {
        for (password, expected) in [
            ("", Some("operator.password_missing")),
            ("court", Some("operator.password_short")),
            ("password1234", Some("password.common")),
            ("aaaaaaaaaaaaaaaa", Some("password.pattern")),
            ("abcdefghijklmnop", Some("password.pattern")),
            ("tramontane olive brebis 71", None),
        ] {
            assert_eq!(fault(password, &[]), expected, "{password}");
        }
        assert_eq!(fault(&"aé7 ".repeat(60), &[]), Some("operator.password_long"));
    }

    #[test]
    fn what_everybody_knows_of_the_operator_counts_as_guessed() {
        let password = "zyrkelwambotruq";
        assert_eq!(fault(password, &[]), None);
        assert!(fault(password, &["Zyrkelwambo Truq"]).is_some());
    }
}
