//! `mazetd network`: the box's name, its wired network and its Wi-Fi. What changes them is on trial, as on the
//! pages: `mazetd network keep` ends the trial, and `mazetd network go-back` does not wait for its end.

use std::path::Path;

use anyhow::{Context as _, Result};
use clap::{Args, Subcommand};
use mazet_model::answers::{Method, Network};
use mazet_model::settings::{Settings, Wifi as Chosen};

use super::secret::Much;
use super::{Refused, print, secret, settings};
use crate::acts::Wrong;
use crate::acts::machine::{WifiWish, of_network, of_wifi};
use crate::protocol::{Heard, Wifi};
use crate::run::Runner;
use crate::web::api::network::{NetworkState, WifiState};
use crate::{broker, network, system, trial, wifi};

/// What `mazetd network` does.
#[derive(Debug, Subcommand)]
pub enum NetworkAction {
    /// The network as it is and as it shall be, and what is on trial
    Show {
        /// For programs
        #[arg(long)]
        json: bool,
    },
    /// Has the network's own server give the address
    Automatic {
        /// Change nothing, show what would change
        #[arg(long)]
        dry_run: bool,
    },
    /// Gives the box an address of its own
    Fixed(Fixed),
    /// Keeps the settings that are on trial
    Keep,
    /// Goes back now from the settings that are on trial
    GoBack,
    /// Takes note that settings went back because nobody kept them
    Seen,
    /// The Wi-Fi, and the networks that were heard
    Wifi {
        /// Listen now, which takes some seconds
        #[arg(long)]
        listen: bool,
        /// For programs
        #[arg(long)]
        json: bool,
    },
    /// Joins a Wi-Fi network; its passphrase is read from standard input (empty: the key that is kept for it,
    /// else an open network)
    Join {
        /// The network's name
        ssid: String,
        /// The country where the box stands, two capital letters
        #[arg(long, value_name = "CC", default_value = "FR")]
        country: String,
        /// Change nothing, show what would change; no passphrase is read
        #[arg(long)]
        dry_run: bool,
    },
    /// Uses the cable alone, no Wi-Fi
    Cable {
        /// Change nothing, show what would change
        #[arg(long)]
        dry_run: bool,
    },
}

/// What `mazetd network fixed` is told.
#[derive(Debug, Args)]
pub struct Fixed {
    /// Address and prefix length: 192.168.1.10/24
    address: String,
    /// Address of the router, in the same network
    #[arg(long, value_name = "ADDRESS")]
    gateway: Option<String>,
    /// Address of a name server; may be given several times
    #[arg(long = "dns", value_name = "ADDRESS")]
    dns: Vec<String>,
    /// Change nothing, show what would change
    #[arg(long)]
    dry_run: bool,
}

/// Does it; without an action, prints the network as it is now as JSON (the work of mazet-network.service).
///
/// # Errors
/// What cannot be taken, or applying it fails.
pub fn run(action: Option<&NetworkAction>, runner: &Runner) -> Result<()> {
    let root = Path::new("/");
    match action {
        None => print(&network::look(runner)?),
        Some(NetworkAction::Show { json }) => show(root, *json, runner),
        Some(NetworkAction::Automatic { dry_run }) => wire(root, Network::default(), *dry_run, runner),
        Some(NetworkAction::Fixed(fixed)) => wire(root, wished(fixed), fixed.dry_run, runner),
        Some(NetworkAction::Keep) => trial::keep(root, &network::look(runner)?, runner),
        Some(NetworkAction::GoBack) => {
            trial::give_up(root)?;
            trial::lapse(root, runner)
        }
        Some(NetworkAction::Seen) => trial::seen(root),
        Some(NetworkAction::Wifi { listen, json }) => wireless(root, *listen, *json, runner),
        Some(NetworkAction::Join { ssid, country, dry_run }) => {
            let asked = || secret::read("Passphrase of the Wi-Fi network", Much::Line);
            let passphrase = if *dry_run { String::new() } else { asked()? };
            join(root, (ssid, country, &passphrase), *dry_run, runner)
        }
        Some(NetworkAction::Cable { dry_run }) => settings::put(
            root,
            (&with_wifi(root, Chosen::default())?, Some(&Wifi::default())),
            *dry_run,
            runner,
        ),
    }
}

fn wished(fixed: &Fixed) -> Network {
    let Fixed { address, gateway, dns, .. } = fixed;
    let (method, address) = (Some(Method::Static), Some(address.clone()));
    Network { method, address, gateway: gateway.clone(), dns: dns.clone() }
}

fn wire(root: &Path, network: Network, dry_run: bool, runner: &Runner) -> Result<()> {
    Refused::none(&of_network(&network))?;
    let wished = Settings { network, ..system::settings(root)? };
    settings::put(root, (&wished, None), dry_run, runner)
}

fn with_wifi(root: &Path, wifi: Chosen) -> Result<Settings> {
    Ok(Settings { wifi, ..system::settings(root)? })
}

fn join(
    root: &Path,
    (ssid, country, passphrase): (&str, &str, &str),
    dry_run: bool,
    runner: &Runner,
) -> Result<()> {
    let current = wifi::of_settings(root, &system::settings(root)?);
    let is_kept =
        current.as_ref().is_some_and(|wifi| wifi.ssid.as_deref() == Some(ssid) && wifi.key.is_some());
    let wish = WifiWish { ssid, country, passphrase, is_kept };
    Refused::none(&check(&wish, &wifi::last_heard(), dry_run))?;
    let passphrase = Some(passphrase.to_owned()).filter(|text| !text.is_empty());
    let wifi = broker::wifi(current.as_ref(), Some(ssid.to_owned()), passphrase, country.to_owned());
    let wifi = wifi.ok().context("the network's name, its country or its passphrase will not do")?;
    let chosen = Chosen { country: Some(country.to_owned()), ssid: Some(ssid.to_owned()) };
    settings::put(root, (&with_wifi(root, chosen)?, Some(&wifi)), dry_run, runner)
}

/// What will not do. Who only looks gave no passphrase.
fn check(wish: &WifiWish<'_>, heard: &Heard, dry_run: bool) -> Vec<Wrong> {
    let mut wrong = of_wifi(wish, heard);
    wrong.retain(|one| !(dry_run && one.field == "passphrase"));
    wrong
}

fn show(root: &Path, json: bool, runner: &Runner) -> Result<()> {
    let settings = system::settings(root)?;
    let (now, trial) = (network::look(runner)?, trial::standing(root)?);
    let state = NetworkState { name: settings.machine.name, settings: settings.network, now, trial };
    if json {
        return print(&state);
    }
    println!("name\t{}", state.name);
    print!("{}", toml::to_string(&state.settings)?);
    for card in &state.now.cards {
        let addresses = card.addresses.iter().map(|one| format!("{}/{}", one.address, one.prefix));
        let linked = if card.linked { "linked" } else { "not linked" };
        println!("card\t{}\t{linked}\t{}", card.name, addresses.collect::<Vec<_>>().join(" "));
    }
    if let Some(pending) = &state.trial.pending {
        println!("on trial\t{}", pending.hosts.join(" "));
    }
    if let Some(lapsed) = &state.trial.lapsed {
        println!("went back\t{}", lapsed.hosts.join(" "));
    }
    Ok(())
}

fn wireless(root: &Path, listen: bool, json: bool, runner: &Runner) -> Result<()> {
    let heard = if listen { wifi::listen(runner)? } else { wifi::last_heard() };
    let (settings, wireless) = (system::settings(root)?.wifi, !wifi::devices().is_empty());
    if json {
        return print(&WifiState { wireless, settings, heard: heard.networks });
    }
    println!("{}", if wireless { "there is a wireless device" } else { "there is no wireless device" });
    println!("chosen\t{}", settings.ssid.as_deref().unwrap_or("the cable alone"));
    for one in heard.networks {
        let kind = if one.secured { "with passphrase" } else { "open" };
        println!("heard\t{}\t{} dBm\t{kind}", one.ssid, one.signal);
    }
    Ok(())
}
