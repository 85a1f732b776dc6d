//! Ports and virtual hosts.

use super::document::{Table, Text};
use super::{Firsts, Plan};
use crate::fault::Fault;

/// nftables keeps comments up to 128 bytes; some of them are ours.
const PURPOSE_MAX: usize = 120;

pub(super) fn check(plan: &Plan<'_>, faults: &mut Vec<Fault>) {
    let (mut ports, mut locations) = (Firsts::default(), Firsts::default());
    for service in &plan.services {
        for port in service.tables("port") {
            if let (Some(number), Some(protocol)) = (port.integer("port"), port.text("protocol")) {
                let name = format!("{number}/{}", protocol.value);
                ports.claim(&name, &format!("port {name}"), port.place_of("port"), faults);
            }
            purpose(&port, faults);
        }
        for vhost in service.tables("vhost") {
            if let Some(location) = vhost.text("location") {
                check_location(&location, faults);
                let what = format!("location `{}`", location.value);
                locations.claim(location.value, &what, location.place, faults);
            }
            if let Some(proxy) = vhost.text("proxy").filter(|proxy| !is_proxy(proxy.value)) {
                let hint = "write unix:/run/<name>.sock, 127.0.0.1:<port> or [::1]:<port>".to_owned();
                faults.push(proxy.place.fault(format!("`{}` is no address on the box", proxy.value), hint));
            }
        }
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

fn check_location(location: &Text<'_>, faults: &mut Vec<Fault>) {
    let path = location.value;
    let plain = |c: char| c.is_ascii_alphanumeric() || "/-_.~".contains(c);
    let whole =
        path.starts_with('/') && path.ends_with('/') && !path.contains("//") && !path.contains("/../");
    if !whole || !path.chars().all(plain) {
        let hint = "begin and end with `/`, as in `/calendar/`".to_owned();
        faults.push(location.place.fault(format!("`{path}` is no location of a web server"), hint));
    }
}

fn is_proxy(proxy: &str) -> bool {
    if let Some(socket) = proxy.strip_prefix("unix:") {
        let plain = |c: char| c.is_ascii_alphanumeric() || "/-_.".contains(c);
        return socket.starts_with('/') && socket.chars().all(plain) && !socket.ends_with('/');
    }
    let port = proxy.strip_prefix("127.0.0.1:").or_else(|| proxy.strip_prefix("[::1]:"));
    port.and_then(|port| port.parse::<u16>().ok()).is_some_and(|port| port != 0)
}
