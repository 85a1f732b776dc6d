//! What the pages say, in both languages: ages, dates, and what those of other services say too.

use mazet_model::manifest::Text;
pub use mazet_model::words::{both, duration, size, with};

use crate::state::DAY;

/// How long a disk ran.
pub fn age(hours: u64) -> Text {
    match hours {
        0..=47 => both(format!("{hours}\u{a0}h"), format!("{hours} h")),
        48..=17_519 => both(format!("{}\u{a0}jours", hours / 24), format!("{} days", hours / 24)),
        _ => both(format!("{}\u{a0}ans", hours / 8760), format!("{} years", hours / 8760)),
    }
}

/// The day of a moment in seconds since 1970, in UTC.
pub fn date(at: i64) -> Text {
    let months = [
        ("janvier", "January"),
        ("février", "February"),
        ("mars", "March"),
        ("avril", "April"),
        ("mai", "May"),
        ("juin", "June"),
        ("juillet", "July"),
        ("août", "August"),
        ("septembre", "September"),
        ("octobre", "October"),
        ("novembre", "November"),
        ("décembre", "December"),
    ];
    let mut days = at.div_euclid(DAY);
    let mut year = 1970;
    while days >= length(year) {
        days -= length(year);
        year += 1;
    }
    let february = length(year) - 337;
    let mut month = 0;
    for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30] {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    let day = days.max(0) + 1;
    let (fr, en) = months[month];
    let first = if day == 1 { "1er".to_owned() } else { day.to_string() };
    both(format!("{first} {fr} {year}"), format!("{day} {en} {year}"))
}

/// Days of a year of the Gregorian calendar.
fn length(year: i64) -> i64 {
    let is_leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    if is_leap { 366 } else { 365 }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ages_are_read_at_a_glance() {
        assert_eq!(
            (age(30).en, age(870).en, age(36_055).fr),
            ("30 h".into(), "36 days".into(), "4\u{a0}ans".into())
        );
    }

    #[test]
    fn days_are_those_of_the_calendar() {
        let told = |at| date(at).en;
        assert_eq!(told(0), "1 January 1970");
        // date -u -d 2028-02-29 +%s, and the days around.
        assert_eq!(told(1_835_395_200), "29 February 2028");
        assert_eq!(told(1_835_395_200 + DAY), "1 March 2028");
        assert_eq!(date(1_835_395_200 + DAY).fr, "1er mars 2028");
        assert_eq!(told(1_798_675_200), "31 December 2026");
        assert_eq!(told(1_798_761_600), "1 January 2027");
    }
}
