//! The box's data as it was: read-only snapshots of its subvolume, each named by its moment.
//!
//! | module | subject |
//! |---|---|
//! | [`Moment`] | when one was taken, which is its name |
//! | [`calendar`] | which of them stay |
//! | [`keep`] | the hourly run: room, the new one, those that go |
//! | [`btrfs`] | the only door to the kernel's snapshots |
//!
//! Root takes them (`mazet-files snapshot`). The program that answers only reads, and only the folder of files in
//! them: `storage::earlier`.

pub mod btrfs;
pub mod calendar;
pub mod keep;

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// Where snapshots lie: beside what they hold, on the same file system.
pub const FOLDER: &str = "/srv/files-snapshots";
/// Folder of the files in a snapshot of the data.
pub const FILES: &str = "files";
/// A moment as a name: ISO 8601, basic format, UTC.
const NAME: &str = "%Y%m%dT%H%M%SZ";

/// When a snapshot was taken, to the second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Moment(Timestamp);

impl Moment {
    /// This one.
    pub fn now() -> Self {
        Self::at(Timestamp::now().as_second())
    }

    /// So many seconds after 1970 began; the beginning for what no clock says.
    pub fn at(seconds: i64) -> Self {
        Self(Timestamp::from_second(seconds).unwrap_or_default())
    }

    /// The moment of that name; none: it is no snapshot's.
    pub fn parse(name: &str) -> Option<Self> {
        let moment = DateTime::strptime(NAME, name).ok()?.to_zoned(TimeZone::UTC).ok()?;
        // One way to write each: nothing else becomes a part of a path.
        Some(Self(moment.timestamp())).filter(|moment| moment.name() == name)
    }

    /// The snapshot's name: `20261129T160512Z`.
    pub fn name(self) -> String {
        self.0.strftime(NAME).to_string()
    }

    /// As clocks have it.
    pub fn time(self) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(u64::try_from(self.0.as_second()).unwrap_or_default())
    }

    /// As it may stand in a file's name, on any computer, where the box stands: `2026-11-29 17.05`.
    pub fn in_a_name(self) -> String {
        self.0.to_zoned(TimeZone::system()).strftime("%Y-%m-%d %H.%M").to_string()
    }

    fn in_zone(self, zone: &TimeZone) -> jiff::Zoned {
        self.0.to_zoned(zone.clone())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_moment_is_its_name() {
        let moment = Moment::at(1_764_054_612);
        assert_eq!(moment.name(), "20251125T071012Z");
        assert_eq!(Moment::parse("20251125T071012Z"), Some(moment));
        assert_eq!(moment.time(), UNIX_EPOCH + Duration::from_secs(1_764_054_612));
    }

    #[test]
    fn nothing_else_is_one() {
        for name in [
            "",
            ".",
            "..",
            ".new",
            "2026-11-29",
            "20261129T160512",
            "20261329T160512Z",
            "20261129T160512Z/..",
            " 20261129T160512Z",
            "20261129t160512Z",
            "+20261129T160512Z",
        ] {
            assert_eq!(Moment::parse(name), None, "{name}");
        }
    }
}
