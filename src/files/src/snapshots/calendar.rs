//! Which snapshots stay: the newest of each hour, day and week, where the box stands.

use jiff::tz::TimeZone;

use super::Moment;

/// How many periods keep one, and what tells a period from the next (strftime). Hours of the night when clocks are set
/// back are told apart by their offset; weeks are those of ISO 8601.
const PERIODS: [(usize, &str); 3] = [(24, "%F %H %z"), (7, "%F"), (4, "%G %V")];

/// Those of `all` that go, the oldest first: of the last 24 hours, 7 days and 4 weeks that have any, the newest one
/// stays. Hours in which the box was off do not count, so that after a long rest nothing is lost at once.
pub fn outdated(all: &[Moment], zone: &TimeZone) -> Vec<Moment> {
    let mut all = all.to_vec();
    all.sort_unstable();
    let mut gone = all.clone();
    for (most, period) in PERIODS {
        let mut seen: Vec<String> = Vec::new();
        for moment in all.iter().rev() {
            let period = moment.in_zone(zone).strftime(period).to_string();
            if seen.last() == Some(&period) {
                continue;
            }
            if seen.len() == most {
                break;
            }
            seen.push(period);
            gone.retain(|one| one != moment);
        }
    }
    gone
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: i64 = 3600;

    fn zone() -> TimeZone {
        TimeZone::get("Europe/Paris").expect("a zone")
    }

    /// `2026-11-29T17:05` in Paris.
    fn moment(text: &str) -> Moment {
        let local: jiff::civil::DateTime = text.parse().expect("a time");
        Moment::at(local.to_zoned(zone()).expect("a moment").timestamp().as_second())
    }

    /// What stays of these, the newest first, as [`moment`] reads them.
    fn kept(all: &[Moment]) -> Vec<String> {
        let gone = outdated(all, &zone());
        let mut kept: Vec<&Moment> = all.iter().filter(|moment| !gone.contains(moment)).collect();
        kept.sort_unstable();
        kept.iter().rev().map(|moment| moment.in_zone(&zone()).strftime("%FT%H:%M").to_string()).collect()
    }

    #[test]
    fn the_newest_of_each_hour_day_and_week_stays() {
        // Every hour at five past, for ten weeks, to a Sunday evening.
        let end = moment("2026-11-29T17:05");
        let all: Vec<Moment> =
            (0..10 * 7 * 24).map(|back| Moment::at(end.0.as_second() - back * HOUR)).collect();
        let kept = kept(&all);
        let hours: Vec<String> = (0..24)
            .map(|back| {
                Moment::at(end.0.as_second() - back * HOUR).in_zone(&zone()).strftime("%FT%H:%M").to_string()
            })
            .collect();
        assert_eq!(kept[..24], hours);
        // Today's and yesterday's newest are among the hours.
        assert_eq!(
            kept[24..],
            [
                "2026-11-27T23:05",
                "2026-11-26T23:05",
                "2026-11-25T23:05",
                "2026-11-24T23:05",
                "2026-11-23T23:05",
                "2026-11-22T23:05",
                "2026-11-15T23:05",
                "2026-11-08T23:05",
            ]
        );
    }

    #[test]
    fn of_two_in_an_hour_the_newer_stays() {
        let all = [moment("2026-11-29T17:05"), moment("2026-11-29T17:55"), moment("2026-11-29T16:30")];
        assert_eq!(outdated(&all, &zone()), [moment("2026-11-29T17:05")]);
    }

    #[test]
    fn the_run_from_hour_to_hour_leaves_a_ladder() {
        // Thinned after each one, as on a box: no rung is lost on the way.
        let mut all = Vec::new();
        let start = moment("2026-09-01T00:05").0.as_second();
        for hour in 0..60 * 24 {
            all.push(Moment::at(start + hour * HOUR));
            let gone = outdated(&all, &zone());
            all.retain(|moment| !gone.contains(moment));
            assert!(all.len() <= 35, "{}", all.len());
        }
        let days: std::collections::BTreeSet<String> =
            all.iter().map(|moment| moment.in_zone(&zone()).strftime("%F").to_string()).collect();
        // The last seven days, which end on a Friday, and the ends of the two weeks before those of them.
        let sundays = ["2026-10-11", "2026-10-18"];
        let last = (24..=30).map(|day| format!("2026-10-{day}"));
        assert_eq!(days, sundays.map(str::to_owned).into_iter().chain(last).collect());
    }

    #[test]
    fn a_long_rest_loses_nothing() {
        let old = [moment("2026-01-05T10:05"), moment("2026-01-05T11:05"), moment("2026-01-06T10:05")];
        let all = [&old[..], &[moment("2026-11-29T17:05")]].concat();
        assert_eq!(outdated(&all, &zone()), []);
    }

    #[test]
    fn an_hour_that_comes_twice_is_two() {
        let first = moment("2026-10-25T01:30").0.as_second() + HOUR;
        let all = [Moment::at(first), Moment::at(first + HOUR)];
        let shown: Vec<String> =
            all.iter().map(|moment| moment.in_zone(&zone()).strftime("%H:%M").to_string()).collect();
        assert_eq!(shown, ["02:30", "02:30"]);
        assert_eq!(outdated(&all, &zone()), []);
    }
}
