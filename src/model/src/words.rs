//! What the pages of services say, in both languages: sentences, sizes, times.

use crate::manifest::Text;

/// The same in both languages. The signs of French stay on the line of their words.
pub fn both(fr: impl Into<String>, en: impl Into<String>) -> Text {
    Text { fr: bound(&fr.into()), en: en.into() }
}

/// French, with U+00A0 where a sign is set apart from its word.
fn bound(french: &str) -> String {
    let signs = ["?", "!", ":", ";", "»"].map(|sign| (format!(" {sign}"), format!("\u{a0}{sign}")));
    let bound = french.replace("« ", "«\u{a0}");
    signs.into_iter().fold(bound, |text, (apart, together)| text.replace(&apart, &together))
}

/// A sentence with a value that differs by language in it, in the place of `{}`.
pub fn with(fr: &str, en: &str, value: &Text) -> Text {
    both(fr.replace("{}", &value.fr), en.replace("{}", &value.en))
}

/// Bytes, as people say them: three digits at most, decimal prefixes (SI).
pub fn size(bytes: u64) -> Text {
    let units = [("octets", "bytes"), ("ko", "kB"), ("Mo", "MB"), ("Go", "GB"), ("To", "TB")];
    let mut unit = 0;
    let mut tenths = u128::from(bytes) * 10;
    while tenths >= 10_000 && unit + 1 < units.len() {
        tenths /= 1000;
        unit += 1;
    }
    let (whole, rest) = (tenths / 10, tenths % 10);
    let (fr, en) = units[unit];
    if unit == 0 || whole >= 100 || rest == 0 {
        return both(format!("{whole}\u{a0}{fr}"), format!("{whole} {en}"));
    }
    both(format!("{whole},{rest}\u{a0}{fr}"), format!("{whole}.{rest} {en}"))
}

/// How long something took, in seconds.
pub fn duration(seconds: u64) -> Text {
    match seconds {
        0..=119 => both(format!("{seconds}\u{a0}s"), format!("{seconds} s")),
        120..=7199 => both(format!("{}\u{a0}min", seconds / 60), format!("{} min", seconds / 60)),
        _ => both(format!("{}\u{a0}h", seconds / 3600), format!("{} h", seconds / 3600)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_times_are_read_at_a_glance() {
        let told = |bytes| size(bytes).en;
        assert_eq!((told(999), told(1_250)), ("999 bytes".to_owned(), "1.2 kB".to_owned()));
        assert_eq!((told(345_678_901), told(2_000_000_000)), ("345 MB".to_owned(), "2 GB".to_owned()));
        assert_eq!(size(1_500_000_000_000).fr, "1,5\u{a0}To");
        assert!(told(u64::MAX).ends_with(" TB"));
        assert_eq!((duration(90).en, duration(7200).en), ("90 s".to_owned(), "2 h".to_owned()));
    }

    #[test]
    fn french_signs_stay_with_their_words() {
        let text = both("Voir « Places » : prêt ? Oui ; non !", "See “Places”: ready?");
        assert_eq!(text.fr, "Voir «\u{a0}Places\u{a0}»\u{a0}: prêt\u{a0}? Oui\u{a0}; non\u{a0}!");
    }

    #[test]
    fn a_value_stands_in_the_sentence_of_each_language() {
        assert_eq!(with("{} libres.", "{} free.", &size(1_500)), both("1,5\u{a0}ko libres.", "1.5 kB free."));
    }
}
