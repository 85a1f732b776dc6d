//! Passwords of links that somebody guesses: a few tries, then a pause. In memory: what is guarded is a
//! link that nobody guesses (160 bits), by a second thing.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

/// Tries of one address on one link in [`PAUSE`] …
const OF_ADDRESS: u32 = 5;
/// … and of all addresses on one link.
const OF_LINK: u32 = 30;
/// So long they count.
const PAUSE: Duration = Duration::from_secs(15 * 60);
/// Most that is remembered.
const MOST: usize = 10_000;

/// A link, and an address; none: all of them.
type Who = (i64, Option<IpAddr>);

/// Tries, and when the first of them was.
#[derive(Default)]
pub(super) struct Tries {
    known: Mutex<BTreeMap<Who, (u32, Instant)>>,
}

impl Tries {
    /// Counts a try.
    ///
    /// # Errors
    /// There were too many: how long until the next is looked at.
    pub(super) fn count(&self, link: i64, address: IpAddr) -> Result<(), Duration> {
        self.count_at(link, address, Instant::now())
    }

    fn count_at(&self, link: i64, address: IpAddr, now: Instant) -> Result<(), Duration> {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.retain(|_, (_, first)| now.duration_since(*first) < PAUSE);
        for (who, most) in [((link, Some(address)), OF_ADDRESS), ((link, None), OF_LINK)] {
            if let Some((_, first)) = known.get(&who).filter(|(tries, _)| *tries >= most) {
                return Err(PAUSE - now.duration_since(*first));
            }
        }
        // Who comes from so many places is counted by the link.
        for who in [(link, None), (link, Some(address))] {
            if known.len() < MOST || known.contains_key(&who) {
                known.entry(who).or_insert((0, now)).0 += 1;
            }
        }
        Ok(())
    }

    /// It was no guess.
    pub(super) fn was_right(&self, link: i64, address: IpAddr) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.remove(&(link, Some(address)));
        if let Some((tries, _)) = known.get_mut(&(link, None)) {
            *tries = tries.saturating_sub(1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_guesses_waits_and_others_do_not() {
        let (tries, start) = (Tries::default(), Instant::now());
        let (guesser, other): (IpAddr, IpAddr) = ([192, 0, 2, 1].into(), [192, 0, 2, 2].into());
        for _ in 0..OF_ADDRESS {
            assert_eq!(tries.count_at(1, guesser, start), Ok(()));
        }
        assert_eq!(tries.count_at(1, guesser, start + PAUSE / 3), Err(PAUSE - PAUSE / 3));
        assert_eq!(tries.count_at(1, other, start), Ok(()));
        assert_eq!(tries.count_at(2, guesser, start), Ok(()));
        assert_eq!(tries.count_at(1, guesser, start + PAUSE), Ok(()));
    }

    #[test]
    fn many_addresses_have_no_more_tries_than_a_link_allows() {
        let (tries, now) = (Tries::default(), Instant::now());
        let from = |number: u32| IpAddr::from(number.to_be_bytes());
        for number in 0..OF_LINK {
            assert_eq!(tries.count_at(1, from(number), now), Ok(()));
        }
        assert!(tries.count_at(1, from(OF_LINK), now).is_err());
    }

    #[test]
    fn a_right_one_is_no_guess() {
        let (tries, now) = (Tries::default(), Instant::now());
        let address = [192, 0, 2, 1].into();
        for _ in 0..100 {
            assert_eq!(tries.count_at(1, address, now), Ok(()));
            tries.was_right(1, address);
        }
    }
}
