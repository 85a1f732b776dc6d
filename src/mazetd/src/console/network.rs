//! The machine's addresses, why it has none, and being told when that changes.

use std::fs;
use std::net::IpAddr;
use std::os::fd::OwnedFd;
use std::time::Duration;

use anyhow::{Context, Result};
use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::{AddressFamily, RecvFlags, SocketFlags, SocketType, bind, recv, socket_with};

use crate::network::{Interface, interfaces};
use crate::run::{Program, Runner};

/// RTMGRP_LINK, RTMGRP_IPV4_IFADDR and RTMGRP_IPV6_IFADDR of rtnetlink(7).
const GROUPS: u32 = 0x1 | 0x10 | 0x100;
/// Changes come in bursts: the screen is redrawn when it was quiet for so long.
const QUIET: Duration = Duration::from_millis(300);

/// What a visitor needs to know of the network.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Network {
    /// It answers at these addresses, IPv4 first.
    Up(Vec<IpAddr>),
    /// There is no network card, or none that this system knows.
    NoCard,
    /// No cable is plugged in, or what is at its other end is off.
    NoCable,
    /// A cable, but nobody gave an address.
    NoAddress,
}

/// The network as it is now.
///
/// # Errors
/// When the addresses cannot be read.
pub fn look(runner: &Runner) -> Result<Network> {
    let json = runner.run(Program::Ip, &["-json", "address", "show"])?;
    let is_card = |name: &str| fs::metadata(format!("/sys/class/net/{name}/device")).is_ok();
    judge(&json, is_card)
}

fn judge(json: &str, is_card: impl Fn(&str) -> bool) -> Result<Network> {
    let interfaces = interfaces(json)?;
    let cards: Vec<&Interface> = interfaces.iter().filter(|one| is_card(&one.ifname)).collect();
    let mut addresses: Vec<IpAddr> = interfaces
        .iter()
        .filter(|interface| interface.ifname != "lo")
        .flat_map(|interface| interface.addr_info.iter().filter(|address| address.is_global()))
        .filter_map(|address| address.local)
        .collect();
    addresses.sort();
    Ok(if !addresses.is_empty() {
        Network::Up(addresses)
    } else if cards.is_empty() {
        Network::NoCard
    } else if cards.iter().any(|card| card.is_linked()) {
        Network::NoAddress
    } else {
        Network::NoCable
    })
}

/// The kernel's reports on links and addresses.
#[derive(Debug)]
pub struct Changes {
    socket: OwnedFd,
}

impl Changes {
    /// Listens from now on.
    ///
    /// # Errors
    /// When the kernel gives no netlink socket.
    pub fn listen() -> Result<Self> {
        let open = || -> rustix::io::Result<OwnedFd> {
            let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
            // No protocol is protocol 0: NETLINK_ROUTE.
            let socket = socket_with(AddressFamily::NETLINK, SocketType::RAW, flags, None)?;
            bind(&socket, &SocketAddrNetlink::new(0, GROUPS))?;
            Ok(socket)
        };
        Ok(Self { socket: open().context("listening to the kernel's network reports")? })
    }

    /// Waits until something changed and it is quiet again.
    ///
    /// # Errors
    /// When the socket fails.
    pub fn wait(&self) -> Result<()> {
        let quiet = Timespec { tv_sec: 0, tv_nsec: QUIET.subsec_nanos().into() };
        self.ready(None)?;
        while self.ready(Some(&quiet))? {
            self.drain()?;
        }
        Ok(())
    }

    fn ready(&self, limit: Option<&Timespec>) -> Result<bool> {
        let mut wanted = [PollFd::new(&self.socket, PollFlags::IN)];
        loop {
            match poll(&mut wanted, limit) {
                Err(rustix::io::Errno::INTR) => {}
                other => return Ok(other.context("waiting for the network to change")? > 0),
            }
        }
    }

    fn drain(&self) -> Result<()> {
        let mut report = [0; 8192];
        loop {
            match recv(&self.socket, &mut report, RecvFlags::empty()) {
                // Lost reports (NOBUFS) mean no less than that something changed.
                Ok(_) | Err(rustix::io::Errno::NOBUFS | rustix::io::Errno::INTR) => {}
                Err(rustix::io::Errno::AGAIN) => return Ok(()),
                Err(error) => return Err(error).context("reading the kernel's network reports"),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const UP: &str = r#"[{"ifname":"lo","flags":["LOWER_UP"],"addr_info":[{"local":"127.0.0.1","scope":"host"}]},
        {"ifname":"enp1s0","flags":["LOWER_UP"],"addr_info":[{"local":"fe80::1","scope":"link"},
         {"local":"2001:db8::5","scope":"global"},{"local":"192.168.1.20","scope":"global"}]}]"#;
    const CABLE_ONLY: &str = r#"[{"ifname":"enp1s0","flags":["BROADCAST","UP","LOWER_UP"],"addr_info":[]}]"#;
    const NO_CABLE: &str = r#"[{"ifname":"enp1s0","flags":["NO-CARRIER","UP"],"addr_info":[]}]"#;

    #[test]
    fn global_addresses_are_shown_ipv4_first() {
        let network = judge(UP, |name| name == "enp1s0").expect("ip's own form");
        let addresses = ["192.168.1.20", "2001:db8::5"].map(|text| text.parse().expect("address"));
        assert_eq!(network, Network::Up(addresses.into()));
    }

    #[test]
    fn what_is_missing_is_told_apart() {
        let judge = |json, cards: bool| judge(json, |_| cards).expect("ip's own form");
        assert_eq!(judge(CABLE_ONLY, true), Network::NoAddress);
        assert_eq!(judge(NO_CABLE, true), Network::NoCable);
        assert_eq!(judge("[]", true), Network::NoCard);
        assert_eq!(judge(NO_CABLE, false), Network::NoCard);
    }
}
