//! What is wrong with a wired network that a person types in a form. Stricter than what `box.toml` may
//! hold: a person is helped, a box that runs is not stopped.

use std::net::{IpAddr, Ipv4Addr};

use super::rules::{address, same_network};
use super::{Method, Network};

/// What is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum NetworkFault {
    /// A fixed address was chosen and is not given.
    AddressMissing,
    /// It is no address with a prefix length.
    AddressWrong,
    /// It is an IPv6 address: those come from the network by themselves.
    AddressSix,
    /// No machine can have it: the network's own, its broadcast address, one of a loopback …
    AddressUnusable,
    /// The router's is no address.
    GatewayWrong,
    /// The router is in another network.
    GatewayElsewhere,
    /// The router has the box's own address.
    GatewayOwn,
    /// A name server's is no address.
    DnsWrong,
    /// There is a way out, and nobody to ask for names.
    DnsMissing,
}

impl NetworkFault {
    /// The part of the settings: `address`, `gateway`, `dns`.
    pub fn field(self) -> &'static str {
        self.key().split('_').next().unwrap_or_default()
    }

    /// A name for texts.
    pub fn key(self) -> &'static str {
        match self {
            Self::AddressMissing => "address_missing",
            Self::AddressWrong => "address_wrong",
            Self::AddressSix => "address_six",
            Self::AddressUnusable => "address_unusable",
            Self::GatewayWrong => "gateway_wrong",
            Self::GatewayElsewhere => "gateway_elsewhere",
            Self::GatewayOwn => "gateway_own",
            Self::DnsWrong => "dns_wrong",
            Self::DnsMissing => "dns_missing",
        }
    }
}

impl Network {
    /// Every fault, field by field; none of an address that the network gives.
    pub fn faults(&self) -> Vec<NetworkFault> {
        if self.method != Some(Method::Static) {
            return Vec::new();
        }
        let own = self.own();
        let mut faults: Vec<NetworkFault> = own.as_ref().err().copied().into_iter().collect();
        faults.extend(self.gateway_fault(own.ok()));
        if self.dns.iter().any(|server| server.parse::<IpAddr>().is_err()) {
            faults.push(NetworkFault::DnsWrong);
        } else if self.dns.is_empty() && self.gateway.is_some() {
            faults.push(NetworkFault::DnsMissing);
        }
        faults
    }

    fn own(&self) -> Result<(Ipv4Addr, u8), NetworkFault> {
        let text = self.address.as_deref().ok_or(NetworkFault::AddressMissing)?;
        match address(text).ok_or(NetworkFault::AddressWrong)? {
            (IpAddr::V6(_), _) => Err(NetworkFault::AddressSix),
            (IpAddr::V4(own), prefix) if is_usable(own, prefix) => Ok((own, prefix)),
            _ => Err(NetworkFault::AddressUnusable),
        }
    }

    fn gateway_fault(&self, own: Option<(Ipv4Addr, u8)>) -> Option<NetworkFault> {
        let Ok(gateway) = self.gateway.as_deref()?.parse::<IpAddr>() else {
            return Some(NetworkFault::GatewayWrong);
        };
        let (own, prefix) = own?;
        let own = IpAddr::V4(own);
        match gateway {
            gateway if gateway == own => Some(NetworkFault::GatewayOwn),
            gateway if !same_network(own, gateway, prefix) => Some(NetworkFault::GatewayElsewhere),
            _ => None,
        }
    }
}

fn is_usable(own: Ipv4Addr, prefix: u8) -> bool {
    let hosts = u32::MAX.checked_shr(u32::from(prefix)).unwrap_or(0);
    let number = u32::from(own) & hosts;
    // In a network of two (RFC 3021) and of one, every number is a machine's.
    let is_host = prefix >= 31 || (number != 0 && number != hosts);
    let is_special = own.is_loopback() || own.is_link_local() || own.octets()[0] == 0;
    is_host && !is_special
}

#[cfg(test)]
mod tests {
    use super::*;

    fn faults(address: &str, gateway: &str, dns: &str) -> Vec<&'static str> {
        let given = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
        let network = Network {
            method: Some(Method::Static),
            address: given(address),
            gateway: given(gateway),
            dns: dns.split_whitespace().map(str::to_owned).collect(),
        };
        network.faults().into_iter().map(NetworkFault::key).collect()
    }

    #[test]
    fn a_sound_address_has_no_fault() {
        assert!(faults("192.168.1.10/24", "192.168.1.1", "192.168.1.1 2001:db8::53").is_empty());
        assert!(faults("10.0.0.2/8", "", "").is_empty(), "a network without a way out");
        assert!(faults("192.0.2.0/31", "192.0.2.1", "192.0.2.1").is_empty());
        assert!(Network::default().faults().is_empty());
    }

    #[test]
    fn each_fault_is_told_at_its_field() {
        assert_eq!(faults("", "192.168.1.1", ""), ["address_missing", "dns_missing"]);
        assert_eq!(faults("192.168.1.10", "", ""), ["address_wrong"]);
        assert_eq!(faults("192.168.1.10/33", "", ""), ["address_wrong"]);
        assert_eq!(faults("2001:db8::1/64", "", ""), ["address_six"]);
        // What no machine can have at all is taken for no address.
        for wrong in ["224.0.0.5/8", "0.0.0.0/8", "10.0.0.1/0"] {
            assert_eq!(faults(wrong, "", ""), ["address_wrong"], "{wrong}");
        }
        for unusable in ["192.168.1.0/24", "192.168.1.255/24", "127.0.0.1/8", "169.254.1.1/16", "0.0.0.1/8"] {
            assert_eq!(faults(unusable, "", ""), ["address_unusable"], "{unusable}");
        }
        assert_eq!(faults("192.168.1.10/24", "router", "dns"), ["gateway_wrong", "dns_wrong"]);
        assert_eq!(faults("192.168.1.10/24", "192.168.2.1", "9.9.9.9"), ["gateway_elsewhere"]);
        assert_eq!(faults("192.168.1.10/24", "192.168.1.10", "9.9.9.9"), ["gateway_own"]);
        assert_eq!(NetworkFault::GatewayElsewhere.field(), "gateway");
    }
}
