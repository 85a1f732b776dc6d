//! How many connections there may be: in all, and from one neighbour, so that a single machine
//! cannot keep everybody else from the wizard.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

/// Connections at once, per socket.
const ALL: u32 = 128;
/// Connections at once from one neighbour; a browser opens six.
const NEIGHBOUR: usize = 32;

type Crowd = Arc<Mutex<HashMap<IpAddr, usize>>>;

/// The seats of one socket.
#[derive(Clone)]
pub struct Seats {
    free: Arc<Semaphore>,
    crowd: Crowd,
}

/// A connection's seat, given back when dropped.
pub struct Seat {
    crowd: Crowd,
    neighbour: IpAddr,
    _place: OwnedSemaphorePermit,
}

impl Seats {
    /// All free.
    pub fn new() -> Self {
        Self { free: Arc::new(Semaphore::new(ALL as usize)), crowd: Crowd::default() }
    }

    /// Wait for a place; none if the seats are gone for good.
    pub async fn place(&self) -> Option<OwnedSemaphorePermit> {
        Arc::clone(&self.free).acquire_owned().await.ok()
    }

    /// Give a place to a visitor, unless their neighbourhood has its share already.
    pub fn sit(&self, place: OwnedSemaphorePermit, address: IpAddr) -> Option<Seat> {
        let neighbour = neighbourhood(address);
        let mut crowd = self.crowd.lock().unwrap_or_else(PoisonError::into_inner);
        let count = crowd.entry(neighbour).or_default();
        if *count >= NEIGHBOUR {
            return None;
        }
        *count += 1;
        Some(Seat { crowd: Arc::clone(&self.crowd), neighbour, _place: place })
    }

    /// Wait until every seat is free again, but not longer than `patience`.
    pub async fn empty(&self, patience: Duration) {
        let _ = timeout(patience, self.free.acquire_many(ALL)).await;
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        let mut crowd = self.crowd.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = crowd.get_mut(&self.neighbour) {
            *count -= 1;
            if *count == 0 {
                crowd.remove(&self.neighbour);
            }
        }
    }
}

/// An IPv6 machine has a whole /64 to itself (RFC 4291 § 2.5.4): that counts as one.
fn neighbourhood(address: IpAddr) -> IpAddr {
    match address {
        IpAddr::V4(_) => address,
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            Ipv6Addr::new(a, b, c, d, 0, 0, 0, 0).into()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_neighbour_has_a_share_and_leaves_room_for_others() {
        let seats = Seats::new();
        let mut taken = Vec::new();
        for host in 0..NEIGHBOUR {
            let address = format!("2001:db8:1:2::{host}").parse().unwrap();
            taken.push(seats.sit(seats.place().await.unwrap(), address).expect("a free seat"));
        }
        let same: IpAddr = "2001:db8:1:2:ffff::1".parse().unwrap();
        assert!(seats.sit(seats.place().await.unwrap(), same).is_none());
        let other: IpAddr = "192.0.2.1".parse().unwrap();
        let seat = seats.sit(seats.place().await.unwrap(), other).expect("a seat for somebody else");
        taken.pop();
        assert!(seats.sit(seats.place().await.unwrap(), same).is_some(), "a seat was given back");
        drop((taken, seat));
        seats.empty(Duration::from_secs(1)).await;
        assert_eq!(seats.free.available_permits(), ALL as usize);
        assert!(seats.crowd.lock().unwrap().is_empty());
    }
}
