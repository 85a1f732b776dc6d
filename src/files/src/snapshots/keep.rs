//! The hourly run: where there is room, a new snapshot; then those go that are not kept any more.

use std::fmt;

use anyhow::Result;
use jiff::tz::TimeZone;

use super::{Moment, calendar};

/// At least so much stays free: snapshots hold what was deleted, and must not fill the disk.
const LEAST: u64 = 5 << 30;
/// … and of a large disk, one part in so many.
const PART: u64 = 10;

/// What a run needs of the file system.
pub trait Snapshots {
    /// Those that are there, in any order.
    ///
    /// # Errors
    /// When the folder cannot be read.
    fn all(&self) -> Result<Vec<Moment>>;

    /// Takes one. What fails leaves none of that name.
    ///
    /// # Errors
    /// When the kernel refuses.
    fn take(&self, moment: Moment) -> Result<()>;

    /// Removes these. Their room becomes free bit by bit.
    ///
    /// # Errors
    /// When the kernel refuses.
    fn remove(&self, moments: &[Moment]) -> Result<()>;

    /// Waits until the room of what was removed is free; false: it takes too long, as somebody still reads there.
    ///
    /// # Errors
    /// When the kernel refuses.
    fn is_freed(&self) -> Result<bool>;

    /// Room on the file system.
    ///
    /// # Errors
    /// When the kernel does not tell.
    fn room(&self) -> Result<Room>;
}

/// Room on a file system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Room {
    /// Bytes that are free.
    pub free: u64,
    /// Bytes in all.
    pub size: u64,
}

impl Room {
    fn is_enough(self) -> bool {
        self.free >= LEAST && self.free >= self.size / PART
    }
}

/// What a run did.
#[derive(Debug, PartialEq, Eq)]
pub struct Run {
    /// The new one; none: there is no room for it.
    pub taken: Option<Moment>,
    /// How many went by the calendar.
    pub outdated: usize,
    /// How many more went, the oldest first, as room was short.
    pub for_room: usize,
    /// Room at the end.
    pub room: Room,
}

impl fmt::Display for Run {
    /// Lines for the journal, with their level (sd-daemon(3)) where it is not the usual one.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Room { free, size } = self.room;
        let (free, size) = (free >> 20, size >> 20);
        if self.for_room > 0 {
            writeln!(formatter, "<4>room is short: the {} oldest snapshots went", self.for_room)?;
        }
        match self.taken {
            Some(moment) => {
                write!(formatter, "took {}, removed {} that are outdated", moment.name(), self.outdated)
            }
            None => write!(
                formatter,
                "<4>no snapshot: {free} MiB of {size} are free, and {} or a tenth must be",
                LEAST >> 20
            ),
        }
    }
}

/// Takes a snapshot, if there is room, and removes what is not kept any more. Where room is short, the oldest go first,
/// which takes its time: `now` is asked when the snapshot is taken.
///
/// # Errors
/// When the file system does not do what it should.
pub fn run(snapshots: &impl Snapshots, now: impl FnOnce() -> Moment, zone: &TimeZone) -> Result<Run> {
    let mut outdated = thin(snapshots, zone)?;
    let mut for_room = 0;
    let mut left = snapshots.all()?;
    left.sort_unstable();
    let mut left = left.into_iter();
    let mut room = snapshots.room()?;
    while !room.is_enough() {
        // What went before may still keep its room: as long as that cannot be told, no more go in vain.
        if !snapshots.is_freed()? {
            break;
        }
        room = snapshots.room()?;
        if room.is_enough() {
            break;
        }
        let Some(oldest) = left.next() else { break };
        snapshots.remove(&[oldest])?;
        for_room += 1;
    }
    let mut taken = None;
    if room.is_enough() {
        let moment = now();
        snapshots.take(moment)?;
        taken = Some(moment);
        outdated += thin(snapshots, zone)?;
    }
    Ok(Run { taken, outdated, for_room, room: snapshots.room()? })
}

fn thin(snapshots: &impl Snapshots, zone: &TimeZone) -> Result<usize> {
    let outdated = calendar::outdated(&snapshots.all()?, zone);
    if !outdated.is_empty() {
        snapshots.remove(&outdated)?;
    }
    Ok(outdated.len())
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;

    use super::*;

    const GIB: u64 = 1 << 30;

    /// A disk on which each snapshot takes the same.
    struct Fake {
        all: RefCell<Vec<Moment>>,
        /// Bytes that are free without any.
        free: u64,
        size: u64,
        each: u64,
        /// Somebody reads what is removed.
        read: bool,
    }

    impl Snapshots for Fake {
        fn all(&self) -> Result<Vec<Moment>> {
            Ok(self.all.borrow().clone())
        }

        fn take(&self, moment: Moment) -> Result<()> {
            self.all.borrow_mut().push(moment);
            Ok(())
        }

        fn remove(&self, moments: &[Moment]) -> Result<()> {
            self.all.borrow_mut().retain(|one| !moments.contains(one));
            Ok(())
        }

        fn is_freed(&self) -> Result<bool> {
            Ok(!self.read)
        }

        fn room(&self) -> Result<Room> {
            let taken = self.each * self.all.borrow().len() as u64;
            Ok(Room { free: self.free.saturating_sub(taken), size: self.size })
        }
    }

    fn hours(count: i64) -> Vec<Moment> {
        (0..count).map(|hour| Moment::at(1_796_000_400 + hour * 3600)).collect()
    }

    fn fake(count: i64, (free, size, each): (u64, u64, u64)) -> Fake {
        Fake {
            all: RefCell::new(hours(count)),
            free: free * GIB,
            size: size * GIB,
            each: each * GIB,
            read: false,
        }
    }

    fn ran(fake: &Fake) -> Run {
        run(fake, || Moment::at(1_796_000_400 + 100 * 3600), &TimeZone::UTC).expect("it ran")
    }

    #[test]
    fn room_is_both_bytes_and_a_part() {
        let enough = |free: u64, size: u64| Room { free: free * GIB, size: size * GIB }.is_enough();
        assert!(enough(5, 16) && enough(100, 1000) && enough(5, 50));
        assert!(!enough(4, 16) && !enough(99, 1000) && !enough(0, 4));
    }

    #[test]
    fn with_room_one_comes_and_the_outdated_go() {
        let fake = fake(30, (500, 1000, 1));
        let run = ran(&fake);
        assert_eq!((run.taken.is_some(), run.for_room), (true, 0));
        assert_eq!(run.outdated, 31 - fake.all.borrow().len());
        assert!(run.outdated > 0 && fake.all.borrow().contains(&run.taken.expect("taken")));
        assert!(run.to_string().starts_with("took 2026"), "{run}");
    }

    #[test]
    fn where_room_is_short_the_oldest_go_first() {
        let fake = fake(6, (103, 1000, 1));
        let run = ran(&fake);
        assert_eq!((run.for_room, run.taken.is_some()), (3, true));
        assert_eq!(fake.all.borrow()[..3], hours(6)[3..]);
        assert!(run.to_string().starts_with("<4>room is short: the 3 oldest snapshots went\ntook "), "{run}");
    }

    #[test]
    fn while_one_that_went_is_still_read_no_more_go() {
        let fake = Fake { read: true, ..fake(6, (103, 1000, 1)) };
        let run = ran(&fake);
        assert_eq!((run.for_room, run.taken), (0, None));
        assert_eq!(*fake.all.borrow(), hours(6));
    }

    #[test]
    fn without_any_room_none_is_taken_and_that_is_said() {
        let fake = fake(2, (4, 16, 1));
        let run = ran(&fake);
        assert_eq!((run.for_room, run.taken), (2, None));
        assert!(fake.all.borrow().is_empty());
        let said = "<4>room is short: the 2 oldest snapshots went\n\
                    <4>no snapshot: 4096 MiB of 16384 are free, and 5120 or a tenth must be";
        assert_eq!(run.to_string(), said);
    }
}
