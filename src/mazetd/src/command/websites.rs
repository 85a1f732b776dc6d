//! `mazetd websites`: the associations' web sites.

use std::io;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use clap::{Args, Subcommand};
use mazet_directory::{Actor, people};
use mazet_model::settings::Language;

use super::{InWords as _, Refused, organisation, person, print, with};
use crate::acts::Wrong;
use crate::run::Runner;
use crate::websites::order::{self, Administrator, Desk, NewSite, Order};
use crate::websites::{Site, archive, show, state};

/// What `mazetd websites` does.
#[derive(Debug, Subcommand)]
pub enum Websites {
    /// The web sites of the box: name, kind, address, number of the association
    List {
        /// For programs, with the kinds that there are and the archives
        #[arg(long)]
        json: bool,
    },
    /// Adds one. Where it has accounts of its own, prints what its first administrator signs in with, once
    Add(New),
    /// Removes one, with its data and its archives; a folder of files that it showed stays
    Remove {
        /// Its name
        site: String,
    },
    /// Puts all of one into an archive; the newest five are kept
    BackUp {
        /// Its name
        site: String,
    },
    /// The archives of one: number, bytes
    Archives {
        /// Its name
        site: String,
    },
    /// Writes an archive to standard output
    Fetch {
        /// The site's name
        site: String,
        /// The archive's number; the newest without it
        #[arg(long, value_name = "N")]
        archive: Option<i64>,
    },
    /// Makes a site what it was
    Restore {
        /// Its name
        site: String,
        /// The archive's number; the newest without it
        #[arg(long, value_name = "N")]
        archive: Option<i64>,
    },
    /// Deletes an archive
    Forget {
        /// The site's name
        site: String,
        /// The archive's number
        archive: i64,
    },
    /// Does what the pages ordered (the work of mazet-websites.service)
    CarryOut,
    /// Shows the folder of a site to the web server (the work of mazet-site-folder@.service)
    ShowFolder {
        /// The site's name
        site: String,
    },
    /// Shows it no more
    HideFolder {
        /// The site's name
        site: String,
    },
}

/// A site to be added.
#[derive(Debug, Args)]
pub struct New {
    /// Its name: a small letter, then up to 20 small letters, digits and dashes
    name: String,
    /// Its kind, as `mazetd websites list --json` names it
    #[arg(long)]
    kind: String,
    /// The association's name; not needed where there is one alone
    #[arg(long, value_name = "NAME")]
    organisation: Option<String>,
    /// A public name of its own
    #[arg(long)]
    domain: Option<String>,
    /// The folder among the association's files that it shows
    #[arg(long)]
    folder: Option<String>,
    /// Login of who is its first administrator, where it has accounts of its own
    #[arg(long, value_name = "LOGIN")]
    administrator: Option<String>,
}

/// Does it.
///
/// # Errors
/// There is no such site or archive, or the act fails.
pub fn run(command: &Websites, runner: &Runner) -> Result<()> {
    let (root, desk) = (Path::new("/"), Desk::running());
    match command {
        Websites::List { json: true } => print(&state(root, &desk)?),
        Websites::List { json: false } => {
            for one in state(root, &desk)?.sites {
                println!("{}\t{}\t{}\t{}", one.name, one.kind, one.address, one.organisation);
            }
            Ok(())
        }
        Websites::Add(new) => add(&desk, new, runner),
        Websites::Remove { site } => now(&desk, &Order::Remove { id: find(site)?.id }, runner),
        Websites::BackUp { site } => now(&desk, &Order::BackUp { id: find(site)?.id }, runner),
        Websites::Archives { site } => {
            find(site)?.archives.iter().for_each(|one| println!("{}\t{}", one.at, one.bytes));
            Ok(())
        }
        Websites::Fetch { site, archive } => {
            let known = find(site)?;
            let mut file = archive::open(root, &known.name, newest(&known, *archive)?)?;
            io::copy(&mut file, &mut io::stdout()).context("writing the archive").map(drop)
        }
        Websites::Restore { site, archive } => {
            let known = find(site)?;
            let archive = newest(&known, *archive)?;
            now(&desk, &Order::Restore { id: known.id, archive }, runner)
        }
        Websites::Forget { site, archive } => archive::forget(root, &find(site)?.name, *archive),
        Websites::CarryOut => order::carry_out(&desk, runner),
        Websites::ShowFolder { site } => show::show(root, site, runner),
        Websites::HideFolder { site } => show::hide(root, site, runner),
    }
}

fn find(name: &str) -> Result<Site> {
    let all = state(Path::new("/"), &Desk::running())?.sites;
    let names = all.iter().map(|one| one.name.as_str()).collect::<Vec<_>>().join(", ");
    let found = all.into_iter().find(|one| one.name == name);
    found.with_context(|| format!("there is no web site {name:?}; there are: {names}"))
}

fn newest(site: &Site, chosen: Option<i64>) -> Result<i64> {
    let newest = || site.archives.first().map(|one| one.at);
    chosen.or_else(newest).with_context(|| format!("there is no archive of {}", site.name))
}

/// Carries an order out; what a person can mend is told as such.
fn now(desk: &Desk, order: &Order, runner: &Runner) -> Result<()> {
    order::now(desk, order, runner).map_err(|error| match error.downcast::<order::Refused>() {
        Ok(refused) => {
            let wrong: Vec<Wrong> = refused.0.iter().map(Wrong::setting).collect();
            Refused::none(&wrong).err().unwrap_or_else(|| refused.into())
        }
        Err(error) => error,
    })
}

fn add(desk: &Desk, new: &New, runner: &Runner) -> Result<()> {
    let kinds = state(Path::new("/"), desk)?.kinds;
    let accounts = kinds.iter().any(|kind| kind.name == new.kind && kind.accounts);
    let (organisation, administrator) = with(async |directory| {
        let organisation = organisation(directory, new.organisation.as_deref()).await?.id;
        let administrator = match &new.administrator {
            Some(login) => {
                let id = person(directory, login).await?;
                Some(people::get(directory, &Actor::system(), id).await.in_words()?)
            }
            None if accounts => bail!("say who is its first administrator, with --administrator"),
            None => None,
        };
        Ok((organisation, administrator))
    })?;
    let password = order::password()?;
    let administrator = Administrator {
        login: administrator.as_ref().map(|one| one.login.clone()).unwrap_or_default(),
        name: administrator.as_ref().map(|one| one.name.clone()).unwrap_or_default(),
        contact: administrator.as_ref().and_then(|one| one.contact.clone()).unwrap_or_default(),
        language: administrator.as_ref().and_then(|one| one.language).unwrap_or(Language::Fr),
        password: password.clone(),
    };
    let site = NewSite {
        name: new.name.clone(),
        kind: new.kind.clone(),
        organisation: organisation.0,
        domain: new.domain.clone(),
        folder: new.folder.clone(),
    };
    now(desk, &Order::Add { site, administrator: administrator.clone() }, runner)?;
    let known = find(&new.name)?;
    println!("{}", known.address);
    if let Some(entrance) = known.entrance.filter(|_| accounts) {
        println!("{entrance}\t{}\t{password}", administrator.login);
    }
    Ok(())
}
