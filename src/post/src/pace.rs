//! How much one person may send: a bucket for each, of as many recipients as a person writes to at once, that fills
//! again over an hour. A person whose program is told to wait waits; a stolen password goes on and on, and is
//! noticed by that.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use clap::Args;

/// Time in which an empty bucket is full again.
const HOUR: Duration = Duration::from_secs(60 * 60);

/// What is too much.
#[derive(Debug, Clone, Args)]
pub struct Limits {
    /// Recipients that a person may write to at once, and again over an hour
    #[arg(long, value_name = "N", default_value_t = 200)]
    pub recipients: u32,
    /// Recipients refused within an hour for want of the above, after which the person is stopped
    #[arg(long, value_name = "N", default_value_t = 100)]
    pub refusals: u32,
}

/// What a recipient more means.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing.
    Fine,
    /// Too many for now.
    Wait,
    /// No person does this.
    Stop,
}

#[derive(Debug)]
struct Bucket {
    /// Recipients that are left.
    left: f64,
    at: Instant,
    refused: u32,
    refused_since: Instant,
}

/// The buckets of all who sent something lately.
#[derive(Debug)]
pub struct Pace {
    limits: Limits,
    buckets: HashMap<String, Bucket>,
}

impl Pace {
    /// Nobody has sent anything yet.
    pub fn new(limits: Limits) -> Self {
        Self { limits, buckets: HashMap::new() }
    }

    /// A recipient more of `login`, now.
    pub fn recipient(&mut self, login: &str, now: Instant) -> Verdict {
        let full = f64::from(self.limits.recipients);
        self.buckets.retain(|_, one| now.duration_since(one.at) < HOUR);
        let bucket = self.buckets.entry(login.to_owned()).or_insert(Bucket {
            left: full,
            at: now,
            refused: 0,
            refused_since: now,
        });
        let passed = now.duration_since(bucket.at).as_secs_f64() / HOUR.as_secs_f64();
        bucket.left = (bucket.left + passed * full).min(full);
        bucket.at = now;
        if bucket.left >= 1.0 {
            bucket.left -= 1.0;
            return Verdict::Fine;
        }
        if now.duration_since(bucket.refused_since) >= HOUR {
            bucket.refused = 0;
        }
        if bucket.refused == 0 {
            bucket.refused_since = now;
        }
        bucket.refused += 1;
        if bucket.refused >= self.limits.refusals { Verdict::Stop } else { Verdict::Wait }
    }

    /// Begins anew with somebody: what stopped them is written down elsewhere.
    pub fn forget(&mut self, login: &str) {
        self.buckets.remove(login);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pace() -> Pace {
        Pace::new(Limits { recipients: 10, refusals: 3 })
    }

    #[test]
    fn who_sends_too_much_waits_and_who_goes_on_is_stopped() {
        let (mut pace, now) = (pace(), Instant::now());
        assert!((0..10).all(|_| pace.recipient("ada", now) == Verdict::Fine));
        assert_eq!(pace.recipient("bruno", now), Verdict::Fine);
        let after: Vec<Verdict> = (0..3).map(|_| pace.recipient("ada", now)).collect();
        assert_eq!(after, [Verdict::Wait, Verdict::Wait, Verdict::Stop]);
    }

    #[test]
    fn who_waits_may_send_again() {
        let (mut pace, now) = (pace(), Instant::now());
        let last = (0..12).map(|_| pace.recipient("ada", now)).last();
        assert_eq!(last, Some(Verdict::Wait));
        assert_eq!(pace.recipient("ada", now + HOUR / 10), Verdict::Fine);
        assert_eq!(pace.recipient("ada", now + HOUR / 10), Verdict::Stop);
        let later = now + HOUR * 3;
        assert!((0..10).all(|_| pace.recipient("ada", later) == Verdict::Fine));
        assert_eq!(pace.recipient("ada", later), Verdict::Wait);
    }
}
