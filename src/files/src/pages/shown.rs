//! Sizes and moments as people read them.

use std::time::{SystemTime, UNIX_EPOCH};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use mazet_model::settings::Language;

/// `12,3 Mo`, `12.3 MB`: powers of ten, as disk makers write them and as quotas are given; the unit is
/// held to the number by a blank that does not break a line.
pub fn size(language: Language, bytes: u64) -> String {
    const UNITS: [(&str, &str); 5] = [("o", "B"), ("Ko", "KB"), ("Mo", "MB"), ("Go", "GB"), ("To", "TB")];
    let (mut unit, mut step) = (0, 1_u64);
    // What would be shown as 1000 of a unit is 1 of the next.
    while unit + 1 < UNITS.len() && bytes >= step * 1000 - if unit == 0 { 0 } else { step / 20 } {
        unit += 1;
        step *= 1000;
    }
    let (french, english) = UNITS[unit];
    let (unit, point) = match language {
        Language::Fr => (french, ','),
        Language::En => (english, '.'),
    };
    if step == 1 {
        return format!("{bytes}\u{a0}{unit}");
    }
    let tenths = bytes.saturating_add(step / 20) / (step / 10);
    match (tenths / 10, tenths % 10) {
        (whole, 0) => format!("{whole}\u{a0}{unit}"),
        (whole, rest) => format!("{whole}{point}{rest}\u{a0}{unit}"),
    }
}

/// `25/11/2026 à 08:10`, `25 November 2026, 08:10`, where the box stands.
pub fn moment(language: Language, time: SystemTime) -> String {
    moment_in(language, time, TimeZone::system())
}

fn moment_in(language: Language, time: SystemTime, zone: TimeZone) -> String {
    let format = match language {
        Language::Fr => "%d/%m/%Y à %H:%M",
        Language::En => "%-d %B %Y, %H:%M",
    };
    timestamp(time).to_zoned(zone).strftime(format).to_string()
}

/// The same for programs: `2026-11-25T08:10:00Z`.
pub fn machine(time: SystemTime) -> String {
    Timestamp::from_second(timestamp(time).as_second()).unwrap_or_default().to_string()
}

/// The end of a day as a form sends it (`2026-12-31`), where the box stands; none: no such day.
pub fn end_of_day(text: &str) -> Option<SystemTime> {
    let day: jiff::civil::Date = text.parse().ok()?;
    let next = day.tomorrow().ok()?.to_zoned(TimeZone::system()).ok()?;
    Some(next.timestamp().into())
}

/// The last day of what ends at that moment, where the box stands: `2026-12-31`.
pub fn last_day(end: SystemTime) -> String {
    let last = end.checked_sub(std::time::Duration::from_secs(1)).unwrap_or(end);
    timestamp(last).to_zoned(TimeZone::system()).strftime("%Y-%m-%d").to_string()
}

fn timestamp(time: SystemTime) -> Timestamp {
    Timestamp::try_from(time).unwrap_or_else(|_| Timestamp::from_second(0).unwrap_or_default())
}

/// Milliseconds since 1970, as browsers tell when a file changed.
pub fn from_milliseconds(text: &str) -> Option<SystemTime> {
    let milliseconds: u64 = text.parse().ok()?;
    UNIX_EPOCH.checked_add(std::time::Duration::from_millis(milliseconds))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn sizes_are_written_as_each_language_does() {
        let french = |bytes| size(Language::Fr, bytes).replace('\u{a0}', " ");
        assert_eq!(french(0), "0 o");
        assert_eq!(french(999), "999 o");
        assert_eq!(french(1000), "1 Ko");
        assert_eq!(french(12_345), "12,3 Ko");
        assert_eq!(french(999_960), "1 Mo");
        assert_eq!(french(5_000_000_000), "5 Go");
        assert_eq!(size(Language::En, 1_234_567), "1.2\u{a0}MB");
        assert!(size(Language::En, u64::MAX).ends_with("TB"));
    }

    #[test]
    fn a_moment_is_read_where_the_box_stands() {
        let zone = || TimeZone::fixed(jiff::tz::offset(1));
        let time = UNIX_EPOCH + Duration::from_secs(1_764_054_600);
        assert_eq!(moment_in(Language::Fr, time, zone()), "25/11/2025 à 08:10");
        assert_eq!(moment_in(Language::En, time, zone()), "25 November 2025, 08:10");
        assert_eq!(machine(time), "2025-11-25T07:10:00Z");
    }

    #[test]
    fn a_day_ends_where_the_next_begins() {
        let end = end_of_day("2026-12-31").expect("a day");
        assert!(end > UNIX_EPOCH + Duration::from_secs(1_798_670_000));
        assert_eq!(last_day(end), "2026-12-31");
        assert_eq!(end_of_day("2026-13-31"), None);
        assert_eq!(end_of_day(""), None);
    }
}
