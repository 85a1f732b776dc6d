//! `mazetd people`, `mazetd organisations`: the directory on the box's own command line, for root.
//!
//! What a program may read goes to standard output; the rest to standard error.

use anyhow::{Context, Result, bail};
use clap::Subcommand;
use mazet_directory::organisations::{self, Organisation, Wish};
use mazet_directory::people::{self, New};
use mazet_directory::{Actor, Directory, PersonId, invitations, leaving, resets, second_factor};

use crate::database;

/// What `mazetd people` does.
#[derive(Debug, Subcommand)]
pub enum People {
    /// Everybody on the box, or those of one association
    List {
        /// The association's name
        #[arg(long, value_name = "NAME")]
        organisation: Option<String>,
        /// For programs
        #[arg(long)]
        json: bool,
    },
    /// Adds somebody, and prints the code of their invitation
    Add {
        /// Login name
        login: String,
        /// Full name
        name: String,
        /// The association's name; not needed where there is one alone
        #[arg(long, value_name = "NAME")]
        organisation: Option<String>,
        /// Mail address elsewhere
        #[arg(long, value_name = "ADDRESS", default_value = "")]
        contact: String,
    },
    /// Prints a new invitation for somebody who has no password yet
    Invite {
        /// Login name
        login: String,
    },
    /// Prints a code with which somebody (an operator too) chooses a new password
    Reset {
        /// Login name
        login: String,
    },
    /// Removes the second factor of somebody who lost it; an operator sets up another at the next sign-in
    ForgetSecondFactor {
        /// Login name
        login: String,
    },
    /// Takes somebody out of an association; an account that is then in none ends
    Leave {
        /// Login name
        login: String,
        /// The association's name
        #[arg(long, value_name = "NAME")]
        organisation: String,
    },
    /// Deletes an account for good; nobody is given its login again
    Remove {
        /// Login name
        login: String,
    },
    /// Locks somebody out, and ends their sessions
    Lock {
        /// Login name
        login: String,
    },
    /// Lets somebody in again
    Unlock {
        /// Login name
        login: String,
    },
}

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
    },
    /// Removes one; its domains are free for others
    Remove {
        /// Its name
        name: String,
        /// Its people leave it first; accounts that are then in none end
        #[arg(long)]
        with_people: bool,
    },
}

/// Does it.
///
/// # Errors
/// What the directory refuses.
pub fn run(command: &People) -> Result<()> {
    database::runtime()?.block_on(people(&Directory::of_box()?, command))
}

/// Does it.
///
/// # Errors
/// What the directory refuses.
pub fn run_organisations(command: &Organisations) -> Result<()> {
    database::runtime()?.block_on(organisations(&Directory::of_box()?, command))
}

async fn people(directory: &Directory, command: &People) -> Result<()> {
    let root = Actor::system();
    match command {
        People::List { organisation, json } => list(directory, organisation.as_deref(), *json).await?,
        People::Add { login, name, organisation, contact } => {
            let organisation = find(directory, organisation.as_deref()).await?.id;
            let (login, name, contact) = (login.clone(), name.clone(), contact.clone());
            let new = New { organisation, login, name, contact, language: None, roles: Default::default() };
            invite(directory, people::add(directory, &root, &new).await?).await?;
        }
        People::Invite { login } => invite(directory, person(directory, login).await?).await?,
        People::Reset { login } => {
            let ticket = resets::make(directory, &root, person(directory, login).await?).await?;
            eprintln!("counts for {} hours", resets::SLIP_HOURS);
            println!("{}", ticket.code.grouped());
        }
        People::ForgetSecondFactor { login } => {
            second_factor::remove(directory, &root, person(directory, login).await?)
                .await
                .with_context(|| format!("removing the second factor of {login}"))?;
        }
        People::Leave { login, organisation } => {
            let organisation = find(directory, Some(organisation)).await?.id;
            leaving::leave(directory, &root, person(directory, login).await?, organisation)
                .await
                .with_context(|| format!("taking {login} out"))?;
        }
        People::Remove { login } => {
            leaving::remove(directory, &root, person(directory, login).await?)
                .await
                .with_context(|| format!("deleting the account of {login}"))?;
        }
        People::Lock { login } => {
            people::set_active(directory, &root, person(directory, login).await?, false).await?;
        }
        People::Unlock { login } => {
            people::set_active(directory, &root, person(directory, login).await?, true).await?;
        }
    }
    Ok(())
}

async fn organisations(directory: &Directory, command: &Organisations) -> Result<()> {
    let root = Actor::system();
    match command {
        Organisations::List { json } => {
            let all = organisations::list(directory, &root).await?;
            if *json {
                println!("{}", serde_json::to_string(&all)?);
            }
            for one in all.iter().filter(|_| !json) {
                println!("{}\t{} people\t{}", one.name, one.people, one.domains.join(" "));
            }
        }
        Organisations::Add { name, domains } => {
            let wish = Wish { domains: domains.clone(), ..Wish::named(name) };
            organisations::add(directory, &root, &wish).await?;
        }
        Organisations::Remove { name, with_people } => {
            let id = find(directory, Some(name)).await?.id;
            leaving::remove_organisation(directory, &root, id, *with_people)
                .await
                .with_context(|| format!("removing {name}"))?;
        }
    }
    Ok(())
}

async fn list(directory: &Directory, organisation: Option<&str>, json: bool) -> Result<()> {
    let organisation = match organisation {
        Some(name) => Some(find(directory, Some(name)).await?.id),
        None => None,
    };
    let all = people::list(directory, &Actor::system(), organisation).await?;
    if json {
        println!("{}", serde_json::to_string(&all)?);
        return Ok(());
    }
    for one in all {
        let operator = if one.operator { "\toperator" } else { "" };
        println!("{}\t{}\t{:?}{operator}", one.login, one.name, one.state);
    }
    Ok(())
}

async fn invite(directory: &Directory, person: PersonId) -> Result<()> {
    let ticket = invitations::make(directory, &Actor::system(), person).await?;
    eprintln!("counts for {} days", invitations::HOURS / 24);
    println!("{}", ticket.code.grouped());
    Ok(())
}

async fn person(directory: &Directory, login: &str) -> Result<PersonId> {
    let found = people::find(directory, &Actor::system(), login).await;
    found.with_context(|| format!("looking for the login {login:?}"))
}

/// The association of that name; without a name, the only one.
async fn find(directory: &Directory, name: Option<&str>) -> Result<Organisation> {
    let mut all = organisations::list(directory, &Actor::system()).await?;
    let names = all.iter().map(|one| format!("{:?}", one.name)).collect::<Vec<_>>().join(", ");
    match name {
        Some(name) => all.retain(|one| one.name == name),
        None if all.len() > 1 => bail!("say for which association, with --organisation: {names}"),
        None => {}
    }
    all.pop().with_context(|| format!("there is no such association; there are {names}"))
}
