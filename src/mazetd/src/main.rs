//! `mazetd`: the box's program.
//!
//! | command | runs as | does |
//! |---|---|---|
//! | `broker` | root, no network | the privileged half: claim code, disks, installing |
//! | `web` | mazetd, sandboxed | the pages: wizard and home page |
//! | `console` | root, no rights | address and claim code on the screen |
//! | `account` | root | the operator's Unix account |
//! | `certificates` | mazet-acme, sandboxed; root | orders certificates of another authority; shows all |
//! | `answers` | root, no network | answers given in advance, mazet.toml |
//! | `clock` | root, to set the time | the live system's clock, before certificates are made |
//! | `log` | root | the first boot's log, to the stick or card |
//! | `apply` | root | files and units follow `box.toml` |
//! | `settings` | root | shows and changes `box.toml`, and applies it |
//! | `database` | root | roles, databases and schemas of the services |
//! | `health` | root | is the box well? |
//! | `measure` | root | services of which one must be chosen, compared on this hardware |
//! | `boot-files` | root | what firmware starts follows the box's kernel |
//! | `wifi`, `wifi-scan` | root | what wpa_supplicant is told; which networks there are |
//! | `people`, `organisations` | root | the directory on the command line |
//! | `mount-data` | root | `/srv`, early at boot |

mod account;
mod acme;
mod advance;
mod apply;
mod boot_files;
mod broker;
mod certificates;
mod change;
mod clock;
mod console;
mod data;
mod database;
mod disks;
mod files;
mod health;
mod install;
mod log;
mod measure;
mod medium;
mod notify;
mod people;
mod protocol;
mod random;
mod run;
mod system;
mod tls;
mod web;
mod wifi;

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::Result;
use clap::{Parser, Subcommand};

use change::Desk;
use run::Runner;

/// Exit code for faulty settings.
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
        action: CertificatesAction,
    },
    /// Shows the box's settings, and changes them
    Settings {
        #[command(subcommand)]
        action: SettingsAction,
    },
    /// Looks whether the box is well: units, disks, clock, certificate, services
    Health {
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
    /// Who is in the directory: lists, adds, invites, lets in again
    #[command(subcommand)]
    People(people::People),
    /// The associations that share the box
    #[command(subcommand)]
    Organisations(people::Organisations),
    /// Mounts the box's data on /srv, also with a disk of a mirror missing
    MountData,
}

#[derive(Debug, Subcommand)]
enum CertificatesAction {
    /// Prints certificates, the authority's fingerprint, and how the last order ended
    Show {
        /// For programs
        #[arg(long)]
        json: bool,
    },
    /// Orders a certificate of another authority, where the settings wish one (the work of mazet-acme.service)
    Order,
}

#[derive(Debug, Subcommand)]
enum SettingsAction {
    /// Prints the settings
    Show {
        /// For programs, with the services that they may switch
        #[arg(long)]
        json: bool,
    },
    /// Changes one setting and applies it: `mazetd settings set ssh.enabled true`
    Set {
        /// The setting's dotted path in box.toml
        path: String,
        /// Its new value, as TOML; what is no TOML is taken as text
        value: String,
        /// Change nothing, show what would change
        #[arg(long)]
        dry_run: bool,
    },
    /// Puts the settings in force that the pages ordered (the work of mazet-settings.service)
    CarryOut,
}

fn main() -> ExitCode {
    match run(Cli::parse().command) {
        Ok(code) => code,
        Err(error) => {
            eprintln!("mazetd: {error:#}");
            if error.is::<apply::Faulty>() { ExitCode::from(FAULTY) } else { ExitCode::FAILURE }
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
            show(&apply::apply(&apply::Options { root, dry_run }, &runner)?);
        }
        Command::Certificates { action } => certificates_command(&action, &runner)?,
        Command::Settings { action } => settings(&action, &runner)?,
        Command::Health { json } => return report(&runner, json),
        Command::Measure { seconds, json } => compared(&measure::run(&runner, seconds)?, json)?,
        Command::Log => log::after_start(&runner)?,
        Command::Clock => clock::run()?,
        Command::Answers => advance::run()?,
        Command::BootFiles { at_boot } => boot_files::run(at_boot, &runner)?,
        Command::Wifi { device } => {
            return Ok(if wifi::prepare(&device)? { ExitCode::SUCCESS } else { ExitCode::FAILURE });
        }
        Command::WifiScan => wifi::scan(&runner)?,
        Command::Database => database::run()?,
        Command::People(command) => people::run(&command)?,
        Command::Organisations(command) => people::run_organisations(&command)?,
        Command::MountData => data::mount_data()?,
    }
    Ok(ExitCode::SUCCESS)
}

fn certificates_command(action: &CertificatesAction, runner: &Runner) -> Result<()> {
    let root = Path::new("/");
    match action {
        CertificatesAction::Show { json } => {
            let state = certificates::state(root, runner)?;
            if *json {
                println!("{}", serde_json::to_string(&state)?);
            } else {
                print!("{}", state.text());
            }
        }
        CertificatesAction::Order => {
            acme::order(Path::new(acme::FOLDER), &system::settings(root)?.certificates, runner)?;
        }
    }
    Ok(())
}

fn settings(action: &SettingsAction, runner: &Runner) -> Result<()> {
    let root = Path::new("/");
    match action {
        SettingsAction::Show { json: true } => {
            println!("{}", serde_json::to_string(&change::current(root)?)?);
        }
        SettingsAction::Show { json: false } => print!("{}", toml::to_string(&system::settings(root)?)?),
        SettingsAction::Set { path, value, dry_run } => {
            let wished = change::set(&system::settings(root)?, path, value)?;
            let put = if *dry_run { apply::preview } else { apply::change_settings };
            show(&put(root, &wished, runner)?);
        }
        SettingsAction::CarryOut => change::carry_out(&Desk::running(), runner)?,
    }
    Ok(())
}

fn show(outcome: &apply::Outcome) {
    print!("{}", outcome.diff);
    for file in &outcome.files {
        eprintln!("changed {file}");
    }
    for unit in &outcome.units {
        eprintln!("{unit}");
    }
    for line in &outcome.databases {
        eprintln!("{line}");
    }
    if outcome.files.is_empty() && outcome.units.is_empty() && outcome.databases.is_empty() {
        eprintln!("nothing to change");
    }
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
        print!("{}", report.text());
    }
    Ok(if report.is_well() { ExitCode::SUCCESS } else { ExitCode::from(CHECK_FAILED) })
}
