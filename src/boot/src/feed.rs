//! A growing value that threads can wait on.

use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// Something that one thread adds to and others watch.
#[derive(Debug, Default)]
pub struct Feed<T> {
    state: Mutex<State<T>>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State<T> {
    value: T,
    ended: bool,
}

/// Why a wait came to nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Nothing {
    /// The time was up.
    TimeOut,
    /// Nothing more will come.
    Ended,
}

impl<T> Feed<T> {
    /// Changes the value and wakes who waits.
    pub fn change(&self, change: impl FnOnce(&mut T)) {
        change(&mut self.lock().value);
        self.changed.notify_all();
    }

    /// Says that nothing more will come.
    pub fn end(&self) {
        self.lock().ended = true;
        self.changed.notify_all();
    }

    /// Has it ended?
    pub fn ended(&self) -> bool {
        self.lock().ended
    }

    /// Looks at the value now.
    pub fn look<R>(&self, look: impl FnOnce(&T) -> R) -> R {
        look(&self.lock().value)
    }

    /// Waits until `find` finds something in the value, for at most `patience`.
    ///
    /// # Errors
    /// When the time is up or the feed ended first.
    pub fn wait<R>(&self, patience: Duration, mut find: impl FnMut(&T) -> Option<R>) -> Result<R, Nothing> {
        let deadline = Instant::now() + patience;
        let mut state = self.lock();
        loop {
            if let Some(found) = find(&state.value) {
                return Ok(found);
            }
            if state.ended {
                return Err(Nothing::Ended);
            }
            let left = deadline.saturating_duration_since(Instant::now());
            if left.is_zero() {
                return Err(Nothing::TimeOut);
            }
            state = self.changed.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        // A panicked writer leaves a shorter text, never a broken one.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::thread;

    use super::*;

    #[test]
    fn a_wait_ends_with_what_another_thread_adds() {
        let feed = Arc::new(Feed::<Vec<u32>>::default());
        let writer = Arc::clone(&feed);
        let thread = thread::spawn(move || (0..5).for_each(|n| writer.change(|all| all.push(n))));
        let found = feed.wait(Duration::from_secs(10), |all| all.iter().find(|n| **n == 4).copied());
        assert_eq!(found, Ok(4));
        thread.join().expect("writer");
    }

    #[test]
    fn a_wait_tells_silence_from_the_end() {
        let feed = Feed::<String>::default();
        assert_eq!(feed.wait(Duration::ZERO, |_| None::<()>), Err(Nothing::TimeOut));
        feed.end();
        assert_eq!(feed.wait(Duration::from_secs(10), |_| None::<()>), Err(Nothing::Ended));
    }
}
