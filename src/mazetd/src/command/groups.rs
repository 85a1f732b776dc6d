//! `mazetd groups`.

use anyhow::{Context, Result};
use clap::{Args, Subcommand};
use mazet_directory::groups::{self, Group};
use mazet_directory::organisations::Organisation;
use mazet_directory::{Actor, Directory, people};
use mazet_model::manifest::Feature;

use crate::acts::groups::{Wish, keep};

use super::{InWords as _, needs, organisation, person, print, with};

/// What `mazetd groups` does.
#[derive(Debug, Subcommand)]
pub enum Groups {
    /// The groups of an association, with the logins of their members
    List {
        #[command(flatten)]
        place: Place,
        /// For programs
        #[arg(long)]
        json: bool,
    },
    /// Adds an empty one
    Add {
        /// Its name
        name: String,
        #[command(flatten)]
        place: Place,
    },
    /// Renames one, puts people in and takes them out
    Change {
        /// Its name
        group: String,
        #[command(flatten)]
        place: Place,
        /// Another name
        #[arg(long, value_name = "NAME")]
        name: Option<String>,
        /// Login of somebody to put in; may be given several times
        #[arg(long = "put-in", value_name = "LOGIN")]
        put_in: Vec<String>,
        /// Login of somebody to take out; may be given several times
        #[arg(long = "take-out", value_name = "LOGIN")]
        take_out: Vec<String>,
        /// Is what is written to it kept in one mailbox that all of them read?
        #[arg(long, value_name = "YES")]
        mailbox: Option<bool>,
        /// An address that leads to it, where others shall not; may be given several times
        #[arg(long = "address", value_name = "ADDRESS")]
        addresses: Vec<String>,
    },
    /// Removes one, and the addresses that lead to it
    Remove {
        /// Its name
        group: String,
        #[command(flatten)]
        place: Place,
    },
}

/// Whose group it is.
#[derive(Debug, Args)]
pub struct Place {
    /// The association's name; not needed where there is one alone
    #[arg(long, value_name = "NAME")]
    organisation: Option<String>,
}

impl Place {
    pub(super) async fn find(&self, directory: &Directory) -> Result<Organisation> {
        organisation(directory, self.organisation.as_deref()).await
    }

    /// The group of that name.
    async fn group(&self, directory: &Directory, name: &str) -> Result<Group> {
        let all = groups::list(directory, &Actor::system(), self.find(directory).await?.id).await?;
        let names = all.iter().map(|one| format!("{:?}", one.name)).collect::<Vec<_>>().join(", ");
        let found = all.into_iter().find(|one| one.name == name);
        found.with_context(|| format!("there is no group {name:?}; there are {names}"))
    }
}

/// Does it.
///
/// # Errors
/// What the directory refuses; a mailbox or an address where no service has mailboxes.
pub fn run(command: &Groups) -> Result<()> {
    if let Groups::Change { mailbox, addresses, .. } = command {
        if mailbox.is_some() || !addresses.is_empty() {
            needs(Feature::Mailboxes, "mailboxes")?;
        }
    }
    with(async |directory: &Directory| act(directory, command).await)
}

pub(super) async fn act(directory: &Directory, command: &Groups) -> Result<()> {
    let root = Actor::system();
    match command {
        Groups::List { place, json } => list(directory, place, *json).await,
        Groups::Add { name, place } => {
            let organisation = place.find(directory).await?.id;
            groups::add(directory, &root, organisation, name).await.in_words().map(drop)
        }
        Groups::Change { group, place, name, put_in, take_out, mailbox, addresses } => {
            let known = place.group(directory, group).await?;
            let mut members = known.members.clone();
            for login in put_in {
                members.push(person(directory, login).await?);
            }
            for login in take_out {
                let gone = person(directory, login).await?;
                members.retain(|one| *one != gone);
            }
            let wish = Wish {
                name: name.as_ref().unwrap_or(&known.name).clone(),
                members,
                mailbox: *mailbox,
                addresses: Some(addresses.clone()).filter(|wanted| !wanted.is_empty()),
            };
            keep(directory, &root, &known, &wish).await.in_words()
        }
        Groups::Remove { group, place } => {
            let id = place.group(directory, group).await?.id;
            groups::remove(directory, &root, id).await.in_words()
        }
    }
}

async fn list(directory: &Directory, place: &Place, json: bool) -> Result<()> {
    let (root, organisation) = (Actor::system(), place.find(directory).await?.id);
    let all = groups::list(directory, &root, organisation).await?;
    if json {
        return print(&all);
    }
    let people = people::list(directory, &root, Some(organisation)).await?;
    for one in all {
        let inside = people.iter().filter(|person| one.members.contains(&person.id));
        let logins: Vec<&str> = inside.map(|person| person.login.as_str()).collect();
        println!("{}\t{}", one.name, logins.join(" "));
    }
    Ok(())
}
