//! `mazetd organisations`.

use std::path::Path;

use anyhow::Result;
use clap::{Args, Subcommand};
use mazet_directory::leaving::{self, Consequences};
use mazet_directory::organisations::{self, Wish};
use mazet_directory::{Actor, Directory};
use mazet_model::settings::Website;

use super::{InWords as _, Quota, Refused, organisation, print, quota, with};
use crate::acts::leaving::of_removal;
use crate::acts::websites::left;
use crate::system;

/// What `mazetd organisations` does.
#[derive(Debug, Subcommand)]
pub enum Organisations {
    /// The associations that share the box
    List {
        /// For programs
        #[arg(long)]
        json: bool,
    },
    /// Adds one
    Add {
        /// Its name
        name: String,
        /// A domain name of it; may be given several times
        #[arg(long = "domain", value_name = "NAME")]
        domains: Vec<String>,
        /// Space of all its members together, in gigabytes, or `none`: as much as there is
        #[arg(long, value_name = "N", value_parser = quota, default_value = "none")]
        quota: Quota,
        /// Space of a member who has none of their own, in gigabytes
        #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=100_000))]
        member_quota: Option<u64>,
    },
    /// Removes one; its domains are free for others
    Remove {
        /// Its name
        name: String,
        /// Its people leave it first; accounts that are then in none end
        #[arg(long)]
        with_people: bool,
        /// Remove nothing, show what would go
        #[arg(long)]
        dry_run: bool,
        /// With --dry-run, for programs
        #[arg(long, requires = "dry_run")]
        json: bool,
    },
    /// Changes what is said here of one, and nothing else
    Change(Change),
}

/// What `mazetd organisations change` is told. What is not given stays.
#[derive(Debug, Args)]
pub struct Change {
    /// Its name
    organisation: String,
    /// Another name
    #[arg(long, value_name = "NAME")]
    name: Option<String>,
    /// A domain name, in place of all that it has; may be given several times
    #[arg(long = "domain", value_name = "NAME", conflicts_with = "no_domains")]
    domains: Vec<String>,
    /// Takes every domain name away, and the addresses there
    #[arg(long)]
    no_domains: bool,
    /// Space of all its members together, in gigabytes, or `none`: as much as there is
    #[arg(long, value_name = "N", value_parser = quota)]
    quota: Option<Quota>,
    /// Space of a member who has none of their own, in gigabytes
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..=100_000))]
    member_quota: Option<u64>,
}

/// Does it.
///
/// # Errors
/// What the directory refuses.
pub fn run(command: &Organisations) -> Result<()> {
    with(async |directory: &Directory| act(directory, command).await)
}

pub(super) async fn act(directory: &Directory, command: &Organisations) -> Result<()> {
    match command {
        Organisations::List { json } => list(directory, *json).await,
        Organisations::Add { name, domains, quota, member_quota } => {
            let usual = Wish::named(name);
            let wish = Wish {
                domains: domains.clone(),
                quota_bytes: *quota,
                member_quota_bytes: member_quota.map_or(usual.member_quota_bytes, |n| n * super::GIGABYTE),
                ..usual
            };
            organisations::add(directory, &Actor::system(), &wish).await.in_words().map(drop)
        }
        Organisations::Remove { name, dry_run: true, json, .. } => {
            let id = organisation(directory, Some(name)).await?.id;
            foresee(&leaving::consequences(directory, &Actor::system(), id).await?, *json)
        }
        Organisations::Remove { name, with_people, .. } => {
            let id = organisation(directory, Some(name)).await?.id;
            let sites = websites()?;
            let left = left(sites.iter().map(|site| (site.organisation, site.name.as_str())), id);
            Refused::none(&left.into_iter().collect::<Vec<_>>())?;
            match leaving::remove_organisation(directory, &Actor::system(), id, *with_people).await {
                Ok(()) => Ok(()),
                Err(error) => Refused::none(&of_removal(error)?),
            }
        }
        Organisations::Change(change) => self::change(directory, change).await,
    }
}

/// The web sites of the box; a tree without settings has none.
fn websites() -> Result<Vec<Website>> {
    let root = Path::new("/");
    if root.join(system::BOX_TOML).exists() { Ok(system::settings(root)?.sites) } else { Ok(Vec::new()) }
}

async fn list(directory: &Directory, json: bool) -> Result<()> {
    let all = organisations::list(directory, &Actor::system()).await?;
    if json {
        return print(&all);
    }
    for one in all {
        println!("{}\t{} people\t{}", one.name, one.people, one.domains.join(" "));
    }
    Ok(())
}

fn foresee(known: &Consequences, json: bool) -> Result<()> {
    if json {
        return print(known);
    }
    let one = &known.organisation;
    println!("{}: {} people leave it, {} accounts end", one.name, one.people, known.ending);
    println!("{} groups and {} addresses go", known.groups, known.aliases);
    println!("free for others: {}", one.domains.join(" "));
    Ok(())
}

async fn change(directory: &Directory, change: &Change) -> Result<()> {
    let known = organisation(directory, Some(&change.organisation)).await?;
    let renamed = change.no_domains || !change.domains.is_empty();
    let wish = Wish {
        name: change.name.clone().unwrap_or(known.name),
        domains: if renamed { change.domains.clone() } else { known.domains },
        quota_bytes: change.quota.unwrap_or(known.quota_bytes),
        member_quota_bytes: change.member_quota.map_or(known.member_quota_bytes, |n| n * super::GIGABYTE),
    };
    organisations::change(directory, &Actor::system(), known.id, &wish).await.in_words()
}
