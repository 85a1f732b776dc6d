//! Ports.

use super::document::Table;
use super::{Firsts, Plan, is_name, name_fault};
use crate::fault::Fault;

/// nftables keeps comments up to 128 bytes; some of them are ours.
const PURPOSE_MAX: usize = 120;

pub(super) fn check(plan: &Plan<'_>, faults: &mut Vec<Fault>) {
    let mut ports = Firsts::default();
    for service in &plan.services {
        for port in service.tables("port") {
            if let (Some(number), Some(protocol)) = (port.integer("port"), port.text("protocol")) {
                let name = format!("{number}/{}", protocol.value);
                ports.claim(&name, &format!("port {name}"), port.place_of("port"), faults);
            }
            purpose(&port, faults);
            user(&port, faults);
        }
    }
}

/// Only on the box itself can the firewall tell whose program connects.
fn user(port: &Table<'_>, faults: &mut Vec<Fault>) {
    let Some(user) = port.text("user") else { return };
    if !is_name(user.value) {
        faults.push(name_fault(&user, "a user"));
    }
    if port.text("scope").is_some_and(|scope| scope.value != "loopback") {
        let hint = "write scope = \"loopback\", or remove `user`".to_owned();
        faults.push(user.place.fault("a port of the network cannot be kept for one user", hint));
    }
}

/// The purpose becomes a quoted comment in the firewall's rules.
fn purpose(port: &Table<'_>, faults: &mut Vec<Fault>) {
    let Some(purpose) = port.text("purpose") else { return };
    let text = purpose.value;
    if text.trim().is_empty()
        || text.len() > PURPOSE_MAX
        || text.contains(['"', '\\'])
        || text.contains(char::is_control)
    {
        let hint = format!(
            "one line of 1 to {PURPOSE_MAX} bytes without `\"` and `\\`: it goes into the firewall's rules"
        );
        faults.push(purpose.place.fault("this purpose cannot be written as a comment", hint));
    }
}
