//! What templates may name: the context made from settings and manifests.
//!
//! ```text
//! box.name, box.language ("fr", "en"), box.timezone     organisation.name
//! operator.name, operator.login                         ssh.enabled, ssh.keys[]
//! network.fixed, .address, .gateway, .dns[]             wired network; empty where the network itself tells
//! domains[]                                             public names of the box
//! relay.host, .port, .security, .user, .sender          the server that takes messages; host empty: none
//! options.<service>.<option>                            what was chosen of a service that is on
//! services[]                                            names of the services that are on
//! ports[].port, .protocol, .purpose                     what the firewall opens
//! kept_ports[].port, .protocol, .user, .purpose         what one user's programs alone may connect to
//! vhosts[]                                              what the front web server answers: see `vhosts`
//! plain[]                                               what it answers over plain HTTP too: see `vhosts`
//! front                                                 how it listens: see `front`
//! live                                                  true in the live system
//! data                                                  "/srv"
//! ```

use serde_json::{Value, json};

use crate::manifest::{Manifest, Port, Scope};
use crate::settings::{Mail, Settings};
use crate::{options, vhosts};

/// Where the data subvolume is mounted.
pub const DATA: &str = "/srv";

/// The context of every template of every service.
///
/// `services` are all services of the image, in dependency order; those that the settings
/// switch off contribute nothing. In the live system only ports marked `live` are open.
pub fn context(settings: &Settings, services: &[Manifest], live: bool) -> Value {
    let on: Vec<&Manifest> = services.iter().filter(|manifest| settings.is_on(manifest)).collect();
    let ports: Vec<Value> = on
        .iter()
        .flat_map(|manifest| manifest.ports.iter().map(move |port| (manifest, port)))
        .filter(|(manifest, port)| is_open(manifest, port, settings, live))
        .map(|(_, port)| json!({ "port": port.port, "protocol": port.protocol, "purpose": port.purpose }))
        .collect();
    let kept: Vec<Value> = on
        .iter()
        .flat_map(|manifest| &manifest.ports)
        .filter_map(|port| port.user.as_ref().map(|user| (port, user)))
        .map(|(port, user)| {
            json!({ "port": port.port, "protocol": port.protocol, "user": user, "purpose": port.purpose })
        })
        .collect();
    json!({
        "box": {
            "name": settings.machine.name,
            "language": settings.machine.language,
            "timezone": settings.machine.timezone,
        },
        "organisation": { "name": settings.organisation.name },
        "operator": { "name": settings.operator.name, "login": settings.operator.login },
        "network": {
            "fixed": settings.network.fixed().is_some(),
            "address": settings.network.address,
            "gateway": settings.network.gateway,
            "dns": settings.network.dns,
        },
        "domains": settings.certificates.domains,
        "relay": relay(&settings.mail),
        "ssh": { "enabled": settings.ssh.enabled, "keys": settings.ssh.keys },
        "options": options::context(settings, &on),
        "services": on.iter().map(|manifest| &manifest.service.name).collect::<Vec<_>>(),
        "ports": ports,
        "kept_ports": kept,
        "vhosts": vhosts::of(&on, &settings.certificates.domains),
        "plain": vhosts::plain(&on),
        "front": vhosts::front(),
        "live": live,
        "data": DATA,
    })
}

/// The server that takes messages for everybody; without one, all is empty.
fn relay(mail: &Mail) -> Value {
    match &mail.relay {
        Some(relay) => json!({
            "host": relay.host,
            "port": relay.port,
            "security": relay.security,
            "user": relay.user.as_deref().unwrap_or_default(),
            "sender": relay.sender,
        }),
        None => json!({ "host": "", "port": 0, "security": "", "user": "", "sender": "" }),
    }
}

/// A context in which every list has one element: what the static check of templates walks.
pub fn shape() -> Value {
    let mut settings = Settings::live();
    settings.ssh.keys.push("ssh-ed25519 AAAA".to_owned());
    settings.network.dns.push("192.0.2.53".to_owned());
    let sample: Vec<Manifest> = Manifest::parse(SAMPLE).into_iter().collect();
    let mut shape = context(&settings, &sample, false);
    shape["domains"] = json!(["box.example.org"]);
    shape
}

/// One of everything that the context lists.
const SAMPLE: &str = r#"
[service]
name = "sample"
title = { fr = "Exemple", en = "Sample" }
summary = { fr = "Exemple.", en = "Sample." }
[[port]]
port = 80
protocol = "tcp"
scope = "network"
purpose = "sample"
[[port]]
port = 8080
protocol = "tcp"
scope = "loopback"
user = "www-data"
purpose = "sample"
[[vhost]]
location = "/"
proxy = "127.0.0.1:8080"
plain = true
headers = { x-host = "{host}" }
"#;

fn is_open(manifest: &Manifest, port: &Port, settings: &Settings, live: bool) -> bool {
    port.scope == Scope::Network
        && port.only.as_deref().is_none_or(|only| options::holds(settings, manifest, only))
        && (port.live || !live)
        && port.when.as_deref().is_none_or(|path| settings.boolean(path) == Some(true))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::settings::{Relay, Security};

    fn base() -> Manifest {
        let text = format!(
            "{SAMPLE}\n[[port]]\nport = 22\nprotocol = \"tcp\"\nscope = \"network\"\nwhen = \"ssh.enabled\"\npurpose = \"ssh\"\n\
             [[port]]\nport = 53\nprotocol = \"udp\"\nscope = \"loopback\"\npurpose = \"dns\"\n\
             [[port]]\nport = 5353\nprotocol = \"udp\"\nscope = \"network\"\nlive = true\npurpose = \"mdns\"\n"
        );
        Manifest::parse(&text).expect("a valid manifest")
    }

    fn open(context: &Value) -> Vec<u64> {
        let ports = context["ports"].as_array().expect("a list");
        ports.iter().filter_map(|port| port["port"].as_u64()).collect()
    }

    #[test]
    fn every_list_of_the_shape_has_an_element() {
        let shape = shape();
        for list in ["services", "ports", "kept_ports", "vhosts", "plain", "domains"] {
            assert_eq!(shape[list].as_array().map(Vec::len), Some(1), "{list}");
        }
        assert_eq!(shape["ssh"]["keys"].as_array().map(Vec::len), Some(1));
    }

    #[test]
    fn the_live_system_opens_only_what_the_wizard_needs() {
        assert_eq!(open(&context(&Settings::live(), &[base()], true)), [5353]);
    }

    #[test]
    fn a_port_with_a_condition_follows_its_setting() {
        let mut settings = Settings::live();
        assert_eq!(open(&context(&settings, &[base()], false)), [80, 5353]);
        settings.ssh.enabled = true;
        assert_eq!(open(&context(&settings, &[base()], false)), [80, 22, 5353]);
    }

    #[test]
    fn templates_know_the_relay_and_the_public_names() {
        let mut settings = Settings::live();
        assert_eq!(context(&settings, &[], false)["relay"]["host"], "");
        settings.mail.relay = Some(Relay {
            host: "smtp.example.org".to_owned(),
            port: 465,
            security: Security::Tls,
            user: None,
            sender: "box@example.org".to_owned(),
        });
        settings.certificates.domains.push("amis.example.org".to_owned());
        let context = context(&settings, &[], false);
        let relay = json!({ "host": "smtp.example.org", "port": 465, "security": "tls", "user": "", "sender": "box@example.org" });
        assert_eq!(context["relay"], relay);
        assert_eq!(context["domains"], json!(["amis.example.org"]));
    }

    #[test]
    fn only_an_optional_service_can_be_switched_off() {
        let mut settings = Settings::live();
        settings.disabled_services.push("sample".to_owned());
        let mut manifest = base();
        assert_eq!(context(&settings, &[manifest.clone()], false)["services"], json!(["sample"]));
        manifest.service.optional = true;
        let context = context(&settings, &[manifest], false);
        assert_eq!(context["services"], json!([]));
        assert_eq!(open(&context), Vec::<u64>::new());
    }
}
