//! Downloads that go on. A browser asks for a film in many parts, and for the rest of what broke off: one
//! download. In memory, for some hours: after a restart the rest counts anew.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::{Duration, Instant};

use tokio::sync::{Mutex, MutexGuard};

/// So long a download may go on.
const LIFE: Duration = Duration::from_secs(6 * 3600);
/// Most that is remembered.
const MOST: usize = 10_000;

/// Link, file, address.
type Which = (i64, i64, IpAddr);

/// Downloads of links, and when they began. Locked while one is counted.
#[derive(Default)]
pub(super) struct Seen {
    known: Mutex<Known>,
}

/// What is remembered.
#[derive(Default)]
pub(super) struct Known(BTreeMap<Which, Instant>);

impl Seen {
    pub(super) async fn lock(&self) -> MutexGuard<'_, Known> {
        self.known.lock().await
    }

    /// Does something of that link go on, there?
    pub(super) async fn knows(&self, link: i64, address: IpAddr) -> bool {
        let known = self.lock().await;
        let mut of_link =
            known.0.range((link, i64::MIN, [0, 0, 0, 0].into())..).take_while(|((id, ..), _)| *id == link);
        of_link.any(|((_, _, from), began)| *from == address && began.elapsed() < LIFE)
    }
}

impl Known {
    /// Does it go on?
    pub(super) fn goes_on(&self, which: Which) -> bool {
        self.0.get(&which).is_some_and(|began| began.elapsed() < LIFE)
    }

    /// It begins.
    pub(super) fn began(&mut self, which: Which) {
        if self.0.len() >= MOST {
            self.0.retain(|_, began| began.elapsed() < LIFE);
        }
        if self.0.len() >= MOST {
            self.0.pop_first();
        }
        self.0.insert(which, Instant::now());
    }
}
