//! A box is found by its name on the local network.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use mazet_boot::Qemu;
use mazet_boot::cable::Cable;
use mazet_boot::firmware::Firmware;
use mazet_boot::watch::Goal;
use serde_json::Value;

use crate::lab::Bench;
use crate::stories::install;
use crate::wizard::FRENCH;

/// The name of a system from the stick.
const LIVE: &str = "mazet";
/// A query waits some seconds for an answer; so many queries are asked.
const QUERIES: usize = 12;

/// The live system and an installed box, on one cable without any server, ask for each other.
pub fn answers(bench: &Bench) -> Result<()> {
    let cable = Cable::new()?;
    let [near, far] = cable.ends();
    let live = bench.machine("live", Firmware::Bios).disk(bench.stick("stick.qcow2")?).plugged(near.clone());
    let live = bench.boot(&live, &Goal::wizard())?;
    let home =
        bench.machine("installed", Firmware::Bios).disk(install::installed(bench)?).plugged(far.clone());
    let home = bench.boot(&home, &Goal::home())?;
    finds(&live, FRENCH.box_name, &home, far.mac)?;
    finds(&home, LIVE, &live, near.mac)
}

/// Sees that `seeker` is led by the other box's `name` to its card `mac`.
fn finds(seeker: &Qemu, name: &str, other: &Qemu, mac: &str) -> Result<()> {
    let query = format!("resolvectl query --cache=no {name}.local");
    let patient = format!("for count in $(seq {QUERIES}); do {query} && exit 0; done; exit 1");
    let answer = seeker.shell()?.run(&patient, Duration::from_secs(600))?;
    let known = addresses(&other.shell()?.ask("ip -j address")?, mac)?;
    ensure!(answer.status == 0, "nobody answers to {name}.local, neither does {known:?}:\n{}", answer.text);
    ensure!(answer.text.contains("mDNS"), "{name}.local was not learnt by mDNS:\n{}", answer.text);
    let found = found(&answer.text);
    let right = found.iter().any(|address| known.iter().any(|own| own == address));
    ensure!(right, "{name}.local leads to {found:?}; the box has {known:?}:\n{}", answer.text);
    eprintln!("  {name}.local: {}", found.join(" "));
    Ok(())
}

/// The addresses of the card `mac`, from `ip -j address`.
fn addresses(json: &str, mac: &str) -> Result<Vec<String>> {
    let cards: Value = serde_json::from_str(json).context("reading the answer of `ip -j address`")?;
    let cards = cards.as_array().into_iter().flatten().filter(|card| card["address"] == mac);
    let infos = cards.filter_map(|card| card["addr_info"].as_array()).flatten();
    let known: Vec<String> = infos.filter_map(|info| info["local"].as_str()).map(str::to_owned).collect();
    ensure!(!known.is_empty(), "the card {mac} has no address: {json}");
    Ok(known)
}

/// The addresses in an answer of `resolvectl query`, without their links.
fn found(answer: &str) -> Vec<&str> {
    answer
        .lines()
        .filter_map(|line| line.split_once(" -- link: "))
        .map(|(text, _)| text)
        .filter_map(|text| text.split_whitespace().last())
        .filter_map(|word| word.split('%').next())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_read_without_their_links() {
        let text = "cabanon.local: fe80::5054:ff:fe6d:7a02%3 -- link: ens4\n               \
                    192.168.1.7 -- link: ens4\n\n\
                    -- Information acquired via protocol mDNS/IPv6 in 1.2ms.\n-- Data is authenticated: no\n";
        assert_eq!(found(text), ["fe80::5054:ff:fe6d:7a02", "192.168.1.7"]);
    }

    #[test]
    fn a_card_is_known_by_its_mac() {
        let json = r#"[{"ifname":"lo","address":"00:00:00:00:00:00","addr_info":[{"local":"127.0.0.1"}]},
                       {"ifname":"ens4","address":"52:54:00:6d:7a:02","addr_info":[{"local":"fe80::1"}]}]"#;
        assert_eq!(addresses(json, "52:54:00:6d:7a:02").expect("addresses"), ["fe80::1"]);
        assert!(addresses(json, "52:54:00:6d:7a:01").is_err());
    }
}
