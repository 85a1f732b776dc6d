//! `mazetd services`: what the box does.

use std::path::Path;

use anyhow::{Context, Result};
use clap::Subcommand;

use super::{Refused, print, settings};
use crate::acts::machine::{Switches, groups, switched};
use crate::change::{self, Current};
use crate::measure::desk;
use crate::run::Runner;
use crate::web::api::choice::Compared;

/// What `mazetd services` does.
#[derive(Debug, Subcommand)]
pub enum Services {
    /// The services of the box: name, on or off, title
    List {
        /// For programs
        #[arg(long)]
        json: bool,
    },
    /// Switches an optional service on
    On {
        /// Its name
        service: String,
        /// Change nothing, show what would change
        #[arg(long)]
        dry_run: bool,
    },
    /// Switches an optional service off
    Off {
        /// Its name
        service: String,
        /// Change nothing, show what would change
        #[arg(long)]
        dry_run: bool,
    },
    /// Of services that are alternatives to each other (web servers), puts this one in the others' place
    Choose {
        /// Its name
        service: String,
        /// Change nothing, show what would change
        #[arg(long)]
        dry_run: bool,
    },
    /// Services that are alternatives to each other, with the figures that `mazetd measure` kept
    Compare {
        /// For programs
        #[arg(long)]
        json: bool,
    },
}

/// Does it.
///
/// # Errors
/// There is no such service, or the change fails.
pub fn run(command: &Services, runner: &Runner) -> Result<()> {
    let root = Path::new("/");
    let current = change::current(root)?;
    let (switches, dry_run) = match command {
        Services::List { json } => return list(&current, *json),
        Services::Compare { json } => return compare(root, &current, *json, runner),
        Services::On { service, dry_run } => (on(service, true), *dry_run),
        Services::Off { service, dry_run } => (on(service, false), *dry_run),
        Services::Choose { service, dry_run } => (choose(&current, service)?, *dry_run),
    };
    match switched(&current, &switches) {
        Ok(wished) => settings::put(root, (&wished, None), dry_run, runner),
        Err(wrong) => Refused::none(&wrong),
    }
}

fn on(service: &str, on: bool) -> Switches {
    Switches { on: [(service.to_owned(), on)].into(), ..Switches::default() }
}

fn choose(current: &Current, service: &str) -> Result<Switches> {
    let found = current.services.iter().find(|one| one.name == service);
    let group = found.and_then(|one| one.alternative.clone()).with_context(|| {
        let names = current.services.iter().filter(|one| one.alternative.is_some());
        let names: Vec<&str> = names.map(|one| one.name.as_str()).collect();
        format!("{service:?} is no alternative to another service; these are: {}", names.join(", "))
    })?;
    Ok(Switches { alternatives: [(group, service.to_owned())].into(), ..Switches::default() })
}

fn list(current: &Current, json: bool) -> Result<()> {
    if json {
        return print(&current.services);
    }
    for one in &current.services {
        let state = if one.on { "on" } else { "off" };
        let kind = match (&one.alternative, one.optional) {
            (Some(group), _) => format!("\tone of {group}"),
            (None, true) => "\toptional".to_owned(),
            (None, false) => String::new(),
        };
        println!("{}\t{state}\t{}{kind}", one.name, one.title.en);
    }
    Ok(())
}

fn compare(root: &Path, current: &Current, json: bool, runner: &Runner) -> Result<()> {
    let mut all = Vec::new();
    for alternative in groups(current) {
        let comparison = desk::comparison(root, &alternative, runner)?;
        all.push(Compared { alternative, comparison });
    }
    if json {
        return print(&all);
    }
    for Compared { alternative, comparison } in all {
        for one in &comparison.candidates {
            let share = one.usage.as_ref();
            let share = share.map(|usage| {
                format!("\t{} % {} ({}, {})", usage.percent, usage.of.en, usage.source, usage.date)
            });
            let state = if one.on { "on" } else { "off" };
            println!("{alternative}\t{}\t{state}{}", one.name, share.unwrap_or_default());
        }
        match &comparison.report {
            Some(report) => print!("{}", report.text()),
            None => eprintln!("{alternative}: not measured yet (mazetd measure)"),
        }
    }
    Ok(())
}
