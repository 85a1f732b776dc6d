//! `mazetd sites`, `mazetd updates`: how the machine is.

use std::path::Path;

use anyhow::Result;
use clap::Subcommand;
use mazet_directory::{Actor, Directory};
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

use super::{print, with};
use crate::acts::sites::domains;
use crate::broker::offers;
use crate::run::Runner;
use crate::web::api::machine::Sites;
use crate::{network, updates};

/// What `mazetd updates` does.
#[derive(Debug, Subcommand)]
pub enum UpdatesAction {
    /// When Debian's updates were looked for and installed, what waits, whether the machine should restart
    Show {
        /// For programs
        #[arg(long)]
        json: bool,
    },
    /// Installs Debian's security updates when all is well, and goes back where they do harm: the work of the night
    Install,
    /// Restarts the machine where an update needs that: the work of the hour that the operator chose
    Restart,
    /// Finds the last updates good, or goes back, now that the machine has started
    AfterStart,
}

/// Shows how Debian's updates stand; without an action, asks apt and prints what waits as JSON (the work of
/// mazet-updates.service).
///
/// # Errors
/// When apt or systemd fails.
pub fn updates(action: Option<&UpdatesAction>, runner: &Runner) -> Result<()> {
    let root = Path::new("/");
    let json = match action {
        None => {
            println!("{}", updates::look(root, runner)?);
            return Ok(());
        }
        Some(UpdatesAction::Install) => return updates::night::install(runner),
        Some(UpdatesAction::Restart) => return updates::night::restart(runner),
        Some(UpdatesAction::AfterStart) => return updates::night::after_start(runner),
        Some(UpdatesAction::Show { json }) => json,
    };
    let standing = updates::standing(root, runner)?;
    if *json {
        return print(&standing);
    }
    println!("looked for\t{}", moment(standing.listed));
    println!("installed\t{}", moment(standing.installed));
    match standing.waiting {
        None => println!("waiting\tbeing found out"),
        Some(one) => println!("waiting\t{} packages, {} of security", one.packages, one.security),
    }
    println!("restart\t{}", if standing.restart { "needed" } else { "not needed" });
    Ok(())
}

/// A moment in seconds since 1970, as RFC 3339 writes it.
fn moment(seconds: Option<u64>) -> String {
    let at = seconds.and_then(|seconds| i64::try_from(seconds).ok());
    let at = at.and_then(|seconds| OffsetDateTime::from_unix_timestamp(seconds).ok());
    at.and_then(|at| at.format(&Rfc3339).ok()).unwrap_or_else(|| "never".to_owned())
}

/// What the box answers to, and where the domains lead.
///
/// # Errors
/// When settings, the network or the directory cannot be read.
pub fn sites(json: bool, runner: &Runner) -> Result<()> {
    let (answered, facts) = (offers::sites(Path::new("/"))?, network::look(runner)?);
    with(async |directory: &Directory| {
        let organisations = domains(directory, &Actor::system(), &facts).await?;
        let (sites, certificate_days) = (answered.sites, answered.certificate_days);
        if json {
            return print(&Sites { sites, certificate_days, organisations });
        }
        for one in sites {
            let names = if one.names.is_empty() { "*".to_owned() } else { one.names.join(" ") };
            println!("{names}\t{}\t{}\t{}", one.location, one.access, one.service.en);
        }
        for one in organisations.iter().flat_map(|one| &one.domains) {
            let addresses: Vec<String> = one.addresses.iter().map(ToString::to_string).collect();
            println!("{}\tleads {:?}\t{}", one.name, one.leads, addresses.join(" "));
        }
        Ok(())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_are_read_by_people_and_programs() {
        assert_eq!(moment(Some(1_764_080_000)), "2025-11-25T14:13:20Z");
        assert_eq!(moment(None), "never");
    }
}
