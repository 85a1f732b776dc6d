//! Numbers as people read them.

use mazet_model::settings::Language;

/// `4 321,5` in French, `4,321.5` in English; thousands are held together by narrow blanks that do not
/// break a line.
pub fn decimal(language: Language, value: f64, digits: usize) -> String {
    let plain = format!("{value:.digits$}");
    let (whole, rest) = plain.split_once('.').map_or((plain.as_str(), ""), |(whole, rest)| (whole, rest));
    let (point, thousands) = signs(language);
    let mut text = String::new();
    for (number, digit) in whole.chars().enumerate() {
        let left = whole.len() - number;
        if number > 0 && left % 3 == 0 && digit.is_ascii_digit() && !text.ends_with('-') {
            text.push(thousands);
        }
        text.push(digit);
    }
    if !rest.is_empty() {
        text.push(point);
        text.push_str(rest);
    }
    text
}

/// A number that stands somewhere with a point: `20.7`.
pub fn written(language: Language, number: &str) -> String {
    number.replace('.', &signs(language).0.to_string())
}

fn signs(language: Language) -> (char, char) {
    match language {
        Language::Fr => (',', '\u{202f}'),
        Language::En => ('.', ','),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_each_language_does() {
        assert_eq!(decimal(Language::Fr, 4321.56, 1), "4\u{202f}321,6");
        assert_eq!(decimal(Language::En, 1_234_567.0, 0), "1,234,567");
        assert_eq!(decimal(Language::En, -123.0, 0), "-123");
        assert_eq!(decimal(Language::En, 12.0, 1), "12.0");
        assert_eq!(written(Language::Fr, "20.7"), "20,7");
    }
}
