//! Dates as people read them, in the box's own time zone.

use jiff::Timestamp;
use jiff::tz::TimeZone;
use mazet_model::settings::Language;

/// `25/11/2026 à 08:10`, `25 November 2026, 08:10`; `seconds` since 1970-01-01 00:00 UTC.
pub fn shown(language: Language, seconds: i64) -> String {
    in_zone(language, seconds, TimeZone::system())
}

fn in_zone(language: Language, seconds: i64, zone: TimeZone) -> String {
    let format = match language {
        Language::Fr => "%d/%m/%Y à %H:%M",
        Language::En => "%-d %B %Y, %H:%M",
    };
    let time = Timestamp::from_second(seconds).unwrap_or_default();
    time.to_zoned(zone).strftime(format).to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_read_where_the_box_stands() {
        let zone = || TimeZone::fixed(jiff::tz::offset(1));
        assert_eq!(in_zone(Language::Fr, 1_764_054_600, zone()), "25/11/2025 à 08:10");
        assert_eq!(in_zone(Language::En, 1_764_054_600, zone()), "25 November 2025, 08:10");
    }
}
