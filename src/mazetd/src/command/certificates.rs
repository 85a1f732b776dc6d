//! `mazetd certificates`: how the box's certificates stand, who certifies its public domains, and ordering.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context as _, Result, ensure};
use clap::{Args, Subcommand, ValueEnum};
use mazet_model::settings::{CertificateMode, Certificates, Settings};

use super::secret::Much;
use super::{Refused, print, secret, settings};
use crate::acts::machine::of_certificates;
use crate::run::Runner;
use crate::web::api::certificates::Standing;
use crate::{acme, certificates, system};

/// What `mazetd certificates` does.
#[derive(Debug, Subcommand)]
pub enum CertificatesAction {
    /// Prints certificates, the authority's fingerprint, and how the last order ended
    Show {
        /// For programs
        #[arg(long)]
        json: bool,
    },
    /// Chooses who certifies the box's public domains; what is not said stays
    Choose(Choice),
    /// Keeps what opens an account at a DNS provider: lines NAME=VALUE from standard input, in the place of
    /// what was kept
    Account {
        /// The provider, as `mazetd certificates show --json` names it
        provider: String,
    },
    /// Has a certificate of another authority ordered now
    Renew,
    /// Orders a certificate of another authority, where the settings wish one (the work of mazet-acme.service)
    Order,
}

/// What `mazetd certificates choose` is told.
#[derive(Debug, Args)]
pub struct Choice {
    /// Who certifies
    #[arg(long)]
    mode: Option<Mode>,
    /// A public domain name, in place of all that there are; may be given several times
    #[arg(long = "domain", value_name = "NAME", conflicts_with = "no_domains")]
    domains: Vec<String>,
    /// Takes every domain name away
    #[arg(long)]
    no_domains: bool,
    /// Where the certificate authority may write to
    #[arg(long, value_name = "ADDRESS")]
    email: Option<String>,
    /// The authority's ACME directory
    #[arg(long, value_name = "URL")]
    directory: Option<String>,
    /// Who serves the domains' DNS
    #[arg(long, value_name = "NAME")]
    provider: Option<String>,
    /// Change nothing, show what would change
    #[arg(long)]
    dry_run: bool,
}

/// Who certifies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Mode {
    /// The box's own authority
    Own,
    /// Another one, shown over HTTP that the names are the box's
    AcmeHttp,
    /// The same, shown by a DNS record
    AcmeDns,
}

impl From<Mode> for CertificateMode {
    fn from(mode: Mode) -> Self {
        match mode {
            Mode::Own => Self::Own,
            Mode::AcmeHttp => Self::AcmeHttp,
            Mode::AcmeDns => Self::AcmeDns,
        }
    }
}

/// Does it.
///
/// # Errors
/// What cannot be taken; the settings or certificates cannot be read, or how an order ended cannot be written.
pub fn run(action: &CertificatesAction, runner: &Runner) -> Result<()> {
    let root = Path::new("/");
    match action {
        CertificatesAction::Show { json: true } => {
            let settings = system::settings(root)?.certificates;
            print(&Standing { settings, state: certificates::state(root, runner)? })
        }
        CertificatesAction::Show { json: false } => {
            print!("{}", certificates::state(root, runner)?.text());
            Ok(())
        }
        CertificatesAction::Choose(choice) => {
            let current = system::settings(root)?;
            let certificates = wished(&current.certificates, choice);
            Refused::none(&of_certificates(&certificates))?;
            settings::put(root, (&Settings { certificates, ..current }, None), choice.dry_run, runner)
        }
        CertificatesAction::Account { provider } => account(root, provider),
        CertificatesAction::Renew => renew(&system::settings(root)?.certificates, runner),
        CertificatesAction::Order => {
            acme::order(Path::new(acme::FOLDER), &system::settings(root)?.certificates, runner)
        }
    }
}

fn wished(current: &Certificates, choice: &Choice) -> Certificates {
    let renamed = choice.no_domains || !choice.domains.is_empty();
    let given = |new: &Option<String>, old: &Option<String>| new.clone().or_else(|| old.clone());
    Certificates {
        mode: choice.mode.map_or(current.mode, CertificateMode::from),
        domains: if renamed { choice.domains.clone() } else { current.domains.clone() },
        email: given(&choice.email, &current.email),
        directory: given(&choice.directory, &current.directory),
        dns_provider: given(&choice.provider, &current.dns_provider),
    }
}

fn renew(wished: &Certificates, runner: &Runner) -> Result<()> {
    ensure!(
        wished.is_acme(),
        "the settings wish no certificate of another authority: `mazetd certificates choose --mode` says which"
    );
    acme::start(runner)?;
    eprintln!("ordered: `mazetd certificates show` tells how that goes");
    Ok(())
}

/// No error of it tells a value.
fn account(root: &Path, name: &str) -> Result<()> {
    let services = system::services(root)?;
    let providers = services.iter().flat_map(|manifest| &manifest.dns_providers);
    let provider = providers.clone().find(|one| one.name == name);
    let provider = provider.with_context(|| {
        let names: Vec<&str> = providers.map(|one| &*one.name).collect();
        format!("there is no DNS provider {name:?}; there are {}", names.join(", "))
    })?;
    let names: Vec<&str> = provider.variables.iter().map(|one| &*one.name).collect();
    let lines = secret::read(&format!("Lines NAME=VALUE for {}", names.join(", ")), Much::Lines)?;
    acme::secrets::keep(root, provider, &values(&lines)?)
}

fn values(lines: &str) -> Result<BTreeMap<String, String>> {
    let full = lines.lines().enumerate().filter(|(_, line)| !line.trim().is_empty());
    let pair = |(number, line): (usize, &str)| {
        let pair = line.split_once('=').with_context(|| format!("line {} is not NAME=VALUE", number + 1))?;
        Ok((pair.0.trim().to_owned(), pair.1.to_owned()))
    };
    full.map(pair).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_is_read_line_by_line_and_no_error_tells_it() {
        let read = values("TOKEN=a=b c\n\n ZONE =example.org\n").expect("read");
        let pairs: Vec<_> = read.iter().map(|(name, value)| (name.as_str(), value.as_str())).collect();
        assert_eq!(pairs, [("TOKEN", "a=b c"), ("ZONE", "example.org")]);
        assert_eq!(values("ZONE=x\ns3cret").expect_err("no pair").to_string(), "line 2 is not NAME=VALUE");
    }

    #[test]
    fn what_is_not_said_of_certificates_stays() {
        let current = Certificates {
            mode: CertificateMode::AcmeHttp,
            domains: vec!["amis.example.org".to_owned()],
            email: Some("box@example.org".to_owned()),
            ..Certificates::default()
        };
        let nothing = Choice {
            mode: None,
            domains: Vec::new(),
            no_domains: false,
            email: None,
            directory: None,
            provider: None,
            dry_run: false,
        };
        assert_eq!(wished(&current, &nothing), current);
        let own = wished(&current, &Choice { mode: Some(Mode::Own), no_domains: true, ..nothing });
        assert_eq!((own.mode, own.domains.len()), (CertificateMode::Own, 0));
    }
}
