//! `mazetd`: the box's program.
//!
//! | command | runs as | does |
//! |---|---|---|
//! | `broker` | root, no network | the privileged half: claim code, disks, installing |
//! | `web` | mazetd, sandboxed | the pages: wizard and home page |
//! | `console` | root, no rights | address and claim code on the screen |
//! | `account` | root | the operator's Unix account |
//! | `certificates` | mazet-acme, sandboxed; root | orders certificates of another authority; shows and chooses |
//! | `answers` | root, no network | answers given in advance, mazet.toml |
//! | `clock` | root, to set the time | the live system's clock, before certificates are made |
//! | `log` | root | the first boot's log, to the stick or card |
//! | `apply` | root | files and units follow `box.toml` |
//! | `settings`, `services` | root | shows and changes `box.toml`, and applies it |
//! | `database` | root | roles, databases and schemas of the services |
//! | `health` | root | is the box well? |
//! | `measure` | root | services of which one must be chosen, compared on this hardware |
//! | `updates` | root | how Debian's updates stand |
//! | `network` | root | the network as it is now, and changing it |
//! | `sites` | root | what the box answers to |
//! | `boot-files` | root | what firmware starts follows the box's kernel |
//! | `wifi`, `wifi-scan` | root | what wpa_supplicant is told; which networks there are |
//! | `people`, `groups`, `resources`, `organisations`, `events` | root | the directory on the command line |
//! | `mail` | a user of its own, or root | the box's own messages, and the mail relay |
//! | `websites` | root | the associations' web sites |
//! | `mount-data` | root | `/srv`, early at boot |
//! | `disk` | root | another disk for a box that runs |

mod account;
mod acme;
mod acts;
mod advance;
mod alarm;
mod apply;
mod boot_files;
mod boxes;
mod broker;
mod certificates;
mod change;
mod clock;
mod command;
mod console;
mod data;
mod database;
mod disks;
mod files;
mod health;
mod install;
mod log;
mod mail;
mod measure;
mod medium;
mod network;
mod notify;
mod protocol;
mod random;
mod reports;
mod run;
mod system;
mod tls;
mod trial;
mod updates;
mod web;
mod websites;
mod wifi;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use run::Runner;

/// Exit code for faulty settings, and values that cannot be taken.
const FAULTY: u8 = 2;
/// Exit code when a check failed.
const CHECK_FAILED: u8 = 3;

/// The box's program: wizard, installing, applying settings, health.
#[derive(Debug, Parser)]
#[command(name = "mazetd", version)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// The privileged half, without network: answers `mazetd web` over a socket
    Broker,
    /// The unprivileged half: serves the pages on the sockets that systemd hands over
    Web,
    /// Shows the box's addresses (and the claim code) on this terminal, and keeps them current
    Console,
    /// Makes the operator's Unix account, for the text console and SSH, follow the box's settings
    Account,
    /// Makes the box's files and units follow its settings, /srv/mazet/box.toml
    Apply {
        /// Change nothing, show what would change
        #[arg(long)]
        dry_run: bool,
        /// The tree to change
        #[arg(long, value_name = "DIR", default_value = "/")]
        root: PathBuf,
    },
    /// The box's certificates
    Certificates {
        #[command(subcommand)]
        action: command::certificates::CertificatesAction,
    },
    /// Shows the box's settings, and changes them
    Settings {
        #[command(subcommand)]
        action: command::settings::SettingsAction,
    },
    /// The services of the box: lists them, switches them on and off, chooses the web server
    #[command(subcommand)]
    Services(command::services::Services),
    /// Looks whether the box is well: units, disks, clock, certificate, services
    Health {
        /// For programs
        #[arg(long)]
        json: bool,
    },
    /// Looks whether the box is well, and tells its operators when that changes
    Alarm,
    /// How Debian's updates stand; alone, prints which wait, as JSON
    Updates {
        #[command(subcommand)]
        action: Option<command::machine::UpdatesAction>,
    },
    /// The box's network: shows it, changes it on trial; alone, prints it as it is now, as JSON
    Network {
        #[command(subcommand)]
        action: Option<command::network::NetworkAction>,
    },
    /// What the box answers to, and where the associations' domains lead
    Sites {
        /// For programs
        #[arg(long)]
        json: bool,
    },
    /// Measures services of which one must be chosen (web servers) on this hardware, each beside the
    /// running one, and keeps the figures for the page that offers the choice
    Measure {
        /// How long each task is repeated, in seconds
        #[arg(long, value_name = "N", default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..=600))]
        seconds: u32,
        /// For programs
        #[arg(long)]
        json: bool,
    },
    /// Reads mazet.toml of the live medium, and makes the live system follow it
    Answers,
    /// Puts the live system's clock forward, and waits a little for a time server
    Clock,
    /// Writes the first boot's log to the stick or card, where it was asked for or something failed
    Log,
    /// Makes what the machine's firmware starts follow the box's own kernel
    BootFiles {
        /// The box has just started: restart once if another kernel than its own runs
        #[arg(long)]
        at_boot: bool,
    },
    /// Prepares what wpa_supplicant is told for a wireless device; ends with 1 when no network is set
    Wifi {
        /// The device's name
        device: String,
    },
    /// Listens which wireless networks there are
    WifiScan,
    /// Makes the services' roles, databases and schemas what their manifests say
    Database,
    /// Who is in the directory: lists, adds, invites, changes, suspends, lets in again
    #[command(subcommand)]
    People(command::people::People),
    /// The groups of an association's members
    #[command(subcommand)]
    Groups(command::groups::Groups),
    /// The rooms and things that an association's members book
    #[command(subcommand)]
    Resources(command::resources::Resources),
    /// The associations that share the box
    #[command(subcommand)]
    Organisations(command::organisations::Organisations),
    /// What was done lately, and by whom: number, time, who, what, to whom, more
    Events(command::events::Events),
    /// The mail relay, and the box's own messages: invitations, resets
    #[command(subcommand)]
    Mail(command::mail::Mail),
    /// The associations' web sites: adds, removes, archives and restores them
    #[command(subcommand)]
    Websites(command::websites::Websites),
    /// Mounts the box's data on /srv, also with a disk of a mirror missing
    MountData,
    /// Makes another disk one of the box, in the place of one that died
    #[command(subcommand)]
    Disk(command::disk::Disk),
}

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("mazetd: {error:#}");
            if error.is::<apply::Faulty>() || error.is::<command::Refused>() {
                ExitCode::from(FAULTY)
            } else {
                ExitCode::FAILURE
            }
        }
    }
}

fn run(command: Command) -> Result<ExitCode> {
    let runner = Runner::default();
    match command {
        Command::Broker => broker::run()?,
        Command::Web => web::run(&web::Options::default())?,
        Command::Console => console::run(&runner)?,
        Command::Account => account::ensure(Path::new("/"), &runner)?,
        Command::Apply { dry_run, root } => {
            command::settings::show(&apply::apply(&apply::Options { root, dry_run }, &runner)?);
        }
        Command::Certificates { action } => command::certificates::run(&action, &runner)?,
        Command::Settings { action } => command::settings::run(&action, &runner)?,
        Command::Services(command) => command::services::run(&command, &runner)?,
        Command::Health { json } => return report(&runner, json),
        Command::Alarm => alarm::run(&runner)?,
        Command::Measure { seconds, json } => compared(&measure::run(&runner, seconds)?, json)?,
        Command::Updates { action } => command::machine::updates(action.as_ref(), &runner)?,
        Command::Network { action } => command::network::run(action.as_ref(), &runner)?,
        Command::Sites { json } => command::machine::sites(json, &runner)?,
        Command::Log => log::after_start(&runner)?,
        Command::Clock => clock::run()?,
        Command::Answers => advance::run()?,
        Command::BootFiles { at_boot } => boot_files::run(at_boot, &runner)?,
        Command::Wifi { device } => {
            return Ok(if wifi::prepare(&device)? { ExitCode::SUCCESS } else { ExitCode::FAILURE });
        }
        Command::WifiScan => wifi::scan(&runner)?,
        Command::Database => database::run()?,
        Command::People(command) => command::people::run(&command)?,
        Command::Groups(command) => command::groups::run(&command)?,
        Command::Resources(command) => command::resources::run(&command)?,
        Command::Organisations(command) => command::organisations::run(&command)?,
        Command::Events(events) => command::events::run(&events)?,
        Command::Mail(command) => command::mail::run(&command, &runner)?,
        Command::Websites(command) => command::websites::run(&command, &runner)?,
        Command::MountData => data::mount_data()?,
        Command::Disk(command) => command::disk::run(&command, &runner)?,
    }
    Ok(ExitCode::SUCCESS)
}

fn compared(reports: &[measure::Report], json: bool) -> Result<()> {
    if json {
        println!("{}", serde_json::to_string(reports)?);
    } else {
        reports.iter().for_each(|report| print!("{}", report.text()));
    }
    Ok(())
}

fn report(runner: &Runner, json: bool) -> Result<ExitCode> {
    let report = health::report(runner);
    if json {
        println!("{}", serde_json::to_string(&report)?);
    } else {
        print!("{}", report.text(web::catalogue::Catalogue::shared(), system::language()));
    }
    Ok(if report.is_well() { ExitCode::SUCCESS } else { ExitCode::from(CHECK_FAILED) })
}
