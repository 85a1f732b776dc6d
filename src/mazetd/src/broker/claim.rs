//! The claim code: proof that a visitor of the wizard stands before the machine.

use std::collections::{HashMap, VecDeque};
use std::net::{IpAddr, Ipv6Addr};
use std::path::Path;
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use mazet_model::{answers, claim};
use subtle::ConstantTimeEq as _;

use crate::protocol::ClaimVerdict;
use crate::{files, random};

/// Where the console finds the code: `root:root`, mode 0600.
pub const CODE_FILE: &str = "/run/mazet/claim";
/// Tries are counted over this time.
const WINDOW: Duration = Duration::from_secs(60);
/// Tries of one address in [`WINDOW`].
const PER_ADDRESS: usize = 5;
/// Tries of all addresses in [`WINDOW`].
const IN_ALL: usize = 20;

/// What a try is compared with.
#[derive(Debug)]
enum Known {
    /// The code on the screen.
    Code(String),
    /// The Argon2id hash of the code that was given when the medium was flashed.
    Hash(String),
}

impl Known {
    fn is(&self, typed: &str) -> bool {
        match self {
            Self::Code(code) => claim::normalise(typed).as_bytes().ct_eq(code.as_bytes()).into(),
            Self::Hash(hash) => answers::verify_claim_code(typed, hash),
        }
    }
}

/// The code and who tried it lately.
#[derive(Debug)]
pub struct Claim {
    known: Known,
    by_address: HashMap<IpAddr, VecDeque<Instant>>,
    in_all: VecDeque<Instant>,
}

impl Claim {
    /// The code at `path`; made there if there is none, so that a restarted broker keeps the
    /// one that is on the screen.
    ///
    /// # Errors
    /// When the file can be neither read nor written.
    pub fn at(path: &Path) -> Result<Self> {
        let kept = std::fs::read_to_string(path).ok().map(|text| claim::normalise(&text));
        let code = match kept {
            Some(code) if code.len() == claim::LENGTH => code,
            _ => {
                let code = claim::draw(|| random::bytes::<1>().map(|[byte]| byte))?;
                files::write_atomically(path, claim::grouped(&code).as_bytes(), 0o600, None)
                    .context("keeping the claim code")?;
                code
            }
        };
        Ok(Self::of(Known::Code(code)))
    }

    /// The code that was given in advance, of which only the hash is known here.
    pub fn given(hash: String) -> Self {
        Self::of(Known::Hash(hash))
    }

    fn of(known: Known) -> Self {
        Self { known, by_address: HashMap::new(), in_all: VecDeque::new() }
    }

    /// Judges a try from `address` at the monotonic instant `now`. A wrong try counts; a right
    /// one is looked at only within the limits, else guessing would go on unhindered.
    pub fn judge(&mut self, typed: &str, address: IpAddr, now: Instant) -> ClaimVerdict {
        self.forget_before(now);
        let address = counted(address);
        let tries = self.by_address.entry(address).or_default();
        let wait = wait(tries, PER_ADDRESS, now).max(wait(&self.in_all, IN_ALL, now));
        if let Some(wait) = wait {
            return ClaimVerdict::Limited { retry_after_seconds: wait.as_secs().max(1) };
        }
        if self.known.is(typed) {
            return ClaimVerdict::Granted;
        }
        tries.push_back(now);
        self.in_all.push_back(now);
        ClaimVerdict::Wrong
    }

    fn forget_before(&mut self, now: Instant) {
        let is_old = |at: &Instant| now.duration_since(*at) >= WINDOW;
        self.in_all.retain(|at| !is_old(at));
        for tries in self.by_address.values_mut() {
            tries.retain(|at| !is_old(at));
        }
        self.by_address.retain(|_, tries| !tries.is_empty());
    }
}

/// How long until one of `limit` tries is out of the window; `None` while there is room.
fn wait(tries: &VecDeque<Instant>, limit: usize, now: Instant) -> Option<Duration> {
    if tries.len() < limit {
        return None;
    }
    let leaves = tries.get(tries.len() - limit)?;
    Some(WINDOW.saturating_sub(now.duration_since(*leaves)) + Duration::from_millis(999))
}

/// An IPv6 visitor owns a whole /64, so that is what is counted.
fn counted(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            IpAddr::V6(Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0))
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CODE: &str = "ABCD2345";

    fn address(last: u8) -> IpAddr {
        IpAddr::from([192, 168, 1, last])
    }

    fn verdicts(claim: &mut Claim, count: usize, from: IpAddr, now: Instant) -> Vec<String> {
        (0..count).map(|_| format!("{:?}", claim.judge("WRONG", from, now))).collect()
    }

    #[test]
    fn case_spaces_and_dashes_do_not_matter() {
        let mut claim = Claim::of(Known::Code(CODE.to_owned()));
        let verdict = claim.judge(" abcd-23 45 ", address(1), Instant::now());
        assert!(matches!(verdict, ClaimVerdict::Granted));
    }

    #[test]
    fn an_address_has_five_tries_a_minute_and_then_not_even_the_right_code_helps() {
        let mut claim = Claim::of(Known::Code(CODE.to_owned()));
        let start = Instant::now();
        assert_eq!(verdicts(&mut claim, 5, address(1), start), vec!["Wrong"; 5]);
        let later = start + Duration::from_secs(20);
        let verdict = claim.judge(CODE, address(1), later);
        assert!(matches!(verdict, ClaimVerdict::Limited { retry_after_seconds: 40 }), "{verdict:?}");
        assert!(matches!(claim.judge(CODE, address(2), later), ClaimVerdict::Granted));
        let minute = start + Duration::from_secs(60);
        assert!(matches!(claim.judge(CODE, address(1), minute), ClaimVerdict::Granted));
    }

    #[test]
    fn all_addresses_together_have_twenty_tries_a_minute() {
        let mut claim = Claim::of(Known::Code(CODE.to_owned()));
        let start = Instant::now();
        for last in 0..4 {
            assert_eq!(verdicts(&mut claim, 5, address(last), start), vec!["Wrong"; 5]);
        }
        let verdict = claim.judge(CODE, address(99), start);
        assert!(matches!(verdict, ClaimVerdict::Limited { retry_after_seconds: 60 }), "{verdict:?}");
    }

    #[test]
    fn addresses_of_one_ipv6_network_count_as_one() {
        let mut claim = Claim::of(Known::Code(CODE.to_owned()));
        let start = Instant::now();
        for last in 0..5u16 {
            let from = IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 1, 0, 0, 0, last));
            assert_eq!(verdicts(&mut claim, 1, from, start), ["Wrong"]);
        }
        let from = IpAddr::V6(Ipv6Addr::new(0x2001, 0xdb8, 0, 1, 9, 9, 9, 9));
        assert!(matches!(claim.judge(CODE, from, start), ClaimVerdict::Limited { .. }));
    }

    #[test]
    fn a_restarted_broker_keeps_the_code_on_the_screen() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let path = folder.path().join("claim");
        Claim::at(&path).expect("made");
        let shown = std::fs::read_to_string(&path).expect("read");
        assert_eq!(shown.len(), 9);
        let mut second = Claim::at(&path).expect("kept");
        assert_eq!(std::fs::read_to_string(&path).expect("read"), shown);
        assert!(matches!(second.judge(&shown, address(1), Instant::now()), ClaimVerdict::Granted));
    }

    #[test]
    fn a_code_given_in_advance_is_known_by_its_hash_alone() {
        let hash = answers::claim_code_hash("ABCD-2345", [7; 16]).expect("hashed");
        let mut claim = Claim::given(hash);
        let now = Instant::now();
        assert!(matches!(claim.judge("abcd 2345", address(1), now), ClaimVerdict::Granted));
        assert!(matches!(claim.judge("ABCD-2346", address(1), now), ClaimVerdict::Wrong));
    }
}
