//! `mazetd certificates`: how the box's certificates stand, and ordering them.

use std::path::Path;

use anyhow::Result;
use clap::Subcommand;

use super::print;
use crate::run::Runner;
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
    /// Orders a certificate of another authority, where the settings wish one (the work of mazet-acme.service)
    Order,
}

/// Does it.
///
/// # Errors
/// The settings or certificates cannot be read, or how an order ended cannot be written.
pub fn run(action: &CertificatesAction, runner: &Runner) -> Result<()> {
    let root = Path::new("/");
    match action {
        CertificatesAction::Show { json: true } => print(&certificates::state(root, runner)?),
        CertificatesAction::Show { json: false } => {
            print!("{}", certificates::state(root, runner)?.text());
            Ok(())
        }
        CertificatesAction::Order => {
            acme::order(Path::new(acme::FOLDER), &system::settings(root)?.certificates, runner)
        }
    }
}
