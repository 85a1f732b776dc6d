//! `mazetd people`.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::{Args, Subcommand, ValueEnum};
use mazet_directory::people::{self, New};
use mazet_directory::{Actor, Directory, Role, csv, leaving, second_factor, sessions};
use mazet_model::settings::Language;

use super::invitations::{self, Desk, How};
use super::{InWords as _, Quota, Refused, organisation, person, print, quota, with};
use crate::acts::Wrong;
use crate::acts::people::{self as acts, Wish};
use crate::web::api::people::Shown;

/// What `mazetd people` does.
#[derive(Debug, Subcommand)]
pub enum People {
    /// Everybody on the box, or those of one association
    List {
        /// The association's name
        #[arg(long, value_name = "NAME")]
        organisation: Option<String>,
        /// A part of the name or login
        #[arg(long, value_name = "TEXT", default_value = "")]
        search: String,
        /// For programs
        #[arg(long)]
        json: bool,
    },
    /// One person, with their associations, roles and addresses
    Show {
        /// Login name
        login: String,
        /// For programs
        #[arg(long)]
        json: bool,
    },
    /// Adds somebody, and prints the code of their invitation, or sends it
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
        /// Language of their pages; else what their browser asks for
        #[arg(long, value_name = "LANGUAGE")]
        language: Option<Tongue>,
        /// A role beside that of a member; may be given several times
        #[arg(long = "role", value_name = "ROLE")]
        roles: Vec<Given>,
        /// Sends the invitation to their mail address, and prints that
        #[arg(long, requires = "contact")]
        by_mail: bool,
        /// For programs
        #[arg(long)]
        json: bool,
    },
    /// Changes what is said here of somebody, and nothing else
    Change(Change),
    /// Prints a new invitation for somebody who has no password yet, or sends it
    Invite {
        /// Login name
        login: String,
        /// Sends it to their mail address, and prints that
        #[arg(long)]
        by_mail: bool,
        /// For programs
        #[arg(long)]
        json: bool,
    },
    /// Prints a code with which somebody (an operator too) chooses a new password
    Reset {
        /// Login name
        login: String,
        /// For programs
        #[arg(long)]
        json: bool,
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
    /// Deletes an account that ended for good (`mazetd people leave` ends one that is then in no association);
    /// nobody is given its login again
    Remove {
        /// Login name
        login: String,
    },
    /// Suspends somebody: locks them out, and ends their sessions
    #[command(visible_alias = "suspend")]
    Lock {
        /// Login name
        login: String,
    },
    /// Lets somebody in again
    #[command(visible_alias = "resume")]
    Unlock {
        /// Login name
        login: String,
    },
    /// Signs somebody out on every device
    SignOut {
        /// Login name
        login: String,
    },
    /// Makes somebody who is on the box already a member of another association
    Join {
        /// Login name
        login: String,
        /// The association's name
        #[arg(long, value_name = "NAME")]
        organisation: String,
    },
    /// Makes somebody an operator, who answers for the machine
    Operator {
        /// Login name
        login: String,
    },
    /// Makes somebody no longer an operator
    NoOperator {
        /// Login name
        login: String,
    },
    /// Prints the people of an association as a table (CSV)
    Export {
        /// The association's name; not needed where there is one alone
        #[arg(long, value_name = "NAME")]
        organisation: Option<String>,
    },
    /// Takes in the people of a table (CSV), all or none, and prints the codes of their invitations, or sends
    /// them
    Import {
        /// The table
        file: PathBuf,
        /// The association's name; not needed where there is one alone
        #[arg(long, value_name = "NAME")]
        organisation: Option<String>,
        /// Take nobody in, say who would come
        #[arg(long)]
        dry_run: bool,
        /// Sends the invitations to their mail addresses, where the table gives them
        #[arg(long)]
        by_mail: bool,
        /// For programs
        #[arg(long)]
        json: bool,
    },
}

/// What `mazetd people change` is told. What is not given stays.
#[derive(Debug, Args)]
pub struct Change {
    /// Login name
    login: String,
    /// Full name
    #[arg(long)]
    name: Option<String>,
    /// Mail address elsewhere; empty for none
    #[arg(long, value_name = "ADDRESS")]
    contact: Option<String>,
    /// Language of their pages
    #[arg(long, value_name = "LANGUAGE")]
    language: Option<Tongue>,
    /// Space in gigabytes, or `none`: what the association gives its members
    #[arg(long, value_name = "N", value_parser = quota)]
    quota: Option<Quota>,
    /// A role beside that of a member, in place of all that they have in the association; may be given
    /// several times
    #[arg(long = "role", value_name = "ROLE", conflicts_with = "no_roles")]
    roles: Vec<Given>,
    /// Takes every role but that of a member away
    #[arg(long)]
    no_roles: bool,
    /// The association that the roles are in; not needed where there is one alone
    #[arg(long, value_name = "NAME")]
    organisation: Option<String>,
    /// An address beside the usual ones, in place of all that they have; may be given several times
    #[arg(long = "alias", value_name = "ADDRESS", conflicts_with = "no_aliases")]
    aliases: Vec<String>,
    /// Takes every such address away
    #[arg(long)]
    no_aliases: bool,
}

/// A role that is given within an association.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Given {
    /// Looks after people and quotas
    Manager,
    /// Writes the web site
    SiteEditor,
    /// Looks after backups
    BackupKeeper,
}

/// A language of the pages.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Tongue {
    /// French
    Fr,
    /// English
    En,
    /// What the browser asks for
    None,
}

impl From<Given> for Role {
    fn from(given: Given) -> Self {
        match given {
            Given::Manager => Self::Manager,
            Given::SiteEditor => Self::SiteEditor,
            Given::BackupKeeper => Self::BackupKeeper,
        }
    }
}

impl From<Tongue> for Option<Language> {
    fn from(tongue: Tongue) -> Self {
        match tongue {
            Tongue::Fr => Some(Language::Fr),
            Tongue::En => Some(Language::En),
            Tongue::None => None,
        }
    }
}

/// Does it.
///
/// # Errors
/// What the directory refuses.
pub fn run(command: &People) -> Result<()> {
    with(async |directory: &Directory| act(directory, command).await)
}

pub(super) async fn act(directory: &Directory, command: &People) -> Result<()> {
    match command {
        People::List { organisation, search, json } => {
            list(directory, organisation.as_deref(), search, *json).await
        }
        People::Show { login, json } => show(directory, login, *json).await,
        People::Add { login, name, organisation: named, contact, language, roles, by_mail, json } => {
            let organisation = organisation(directory, named.as_deref()).await?.id;
            let (login, name, contact) = (login.clone(), name.clone(), contact.clone());
            let roles = roles.iter().copied().map(Role::from).collect();
            let language = language.and_then(Option::from);
            let new = New { organisation, login, name, contact, language, roles };
            let desk = Desk::open(How { by_mail: *by_mail, json: *json })?;
            let id = people::add(directory, &Actor::system(), &new).await.in_words()?;
            invitations::invite(directory, id, &desk).await
        }
        People::Change(change) => self::change(directory, change).await,
        People::Export { organisation: named } => {
            let organisation = organisation(directory, named.as_deref()).await?.id;
            print!("{}", csv::export(directory, &Actor::system(), organisation).await?);
            Ok(())
        }
        People::Import { file, organisation: named, dry_run, by_mail, json } => {
            let organisation = organisation(directory, named.as_deref()).await?.id;
            let table = std::fs::read(file).with_context(|| format!("reading {}", file.display()))?;
            let how = How { by_mail: *by_mail, json: *json };
            invitations::import(directory, organisation, &table, (*dry_run, how)).await
        }
        other => account(directory, other).await,
    }
}

/// What is done with somebody's account.
async fn account(directory: &Directory, command: &People) -> Result<()> {
    let root = &Actor::system();
    let id = async |login: &str| person(directory, login).await;
    match command {
        People::Invite { login, by_mail, json } => {
            let desk = Desk::open(How { by_mail: *by_mail, json: *json })?;
            invitations::invite(directory, id(login).await?, &desk).await?;
        }
        People::Reset { login, json } => invitations::reset(directory, id(login).await?, *json).await?,
        People::ForgetSecondFactor { login } => {
            second_factor::remove(directory, root, id(login).await?)
                .await
                .with_context(|| format!("removing the second factor of {login}"))?;
        }
        People::Lock { login } => {
            people::set_active(directory, root, id(login).await?, false).await.in_words()?;
        }
        People::Unlock { login } => {
            people::set_active(directory, root, id(login).await?, true).await.in_words()?;
        }
        People::SignOut { login } => sessions::end_all(directory, root, id(login).await?, false).await?,
        People::Join { login, organisation: name } => {
            let organisation = organisation(directory, Some(name)).await?.id;
            people::join(directory, root, id(login).await?, organisation).await.in_words()?;
        }
        People::Operator { login } => {
            people::set_operator(directory, root, id(login).await?, true).await.in_words()?;
        }
        People::NoOperator { login } => {
            people::set_operator(directory, root, id(login).await?, false).await.in_words()?;
        }
        People::Leave { login, organisation: name } => {
            let organisation = organisation(directory, Some(name)).await?.id;
            leaving::leave(directory, root, id(login).await?, organisation).await.in_words()?;
        }
        People::Remove { login } => {
            let id = id(login).await?;
            // As on the pages: nobody is deleted by a slip of the hand.
            if crate::acts::leaving::ended(directory, root, id).await?.is_none() {
                Refused::none(&[Wrong::at("login", "leaving.not_ended")])?;
            }
            leaving::remove(directory, root, id).await.in_words()?;
        }
        // Done by the caller.
        People::List { .. }
        | People::Show { .. }
        | People::Add { .. }
        | People::Change(_)
        | People::Export { .. }
        | People::Import { .. } => {}
    }
    Ok(())
}

async fn list(directory: &Directory, named: Option<&str>, search: &str, json: bool) -> Result<()> {
    let organisation = match named {
        Some(name) => Some(organisation(directory, Some(name)).await?.id),
        None => None,
    };
    let mut all = acts::seen(directory, &Actor::system(), organisation).await?;
    all.retain(|person| acts::matches(person, search));
    if json {
        return print(&all);
    }
    for one in all {
        let operator = if one.operator { "\toperator" } else { "" };
        println!("{}\t{}\t{:?}{operator}", one.login, one.name, one.state);
    }
    Ok(())
}

async fn show(directory: &Directory, login: &str, json: bool) -> Result<()> {
    let root = Actor::system();
    let person = people::get(directory, &root, person(directory, login).await?).await?;
    let aliases = acts::addresses(directory, &root, &person).await?;
    let aliases: Vec<String> = aliases.into_iter().map(|one| one.address).collect();
    if json {
        return print(&Shown { person, aliases });
    }
    let operator = if person.operator { ", operator" } else { "" };
    println!("{} ({}): {:?}{operator}", person.name, person.login, person.state);
    println!("contact\t{}", person.contact.unwrap_or_default());
    println!("second factor\t{}", if person.second_factor { "yes" } else { "no" });
    for one in person.memberships {
        let roles: Vec<String> = one.roles.iter().map(|role| format!("{role:?}")).collect();
        println!("in\t{}\t{}", one.name, roles.join(" "));
    }
    for address in aliases {
        println!("address\t{address}");
    }
    Ok(())
}

async fn change(directory: &Directory, change: &Change) -> Result<()> {
    let root = Actor::system();
    let known = people::get(directory, &root, person(directory, &change.login).await?).await?;
    let mut roles = BTreeMap::new();
    if change.no_roles || !change.roles.is_empty() {
        let organisation = organisation(directory, change.organisation.as_deref()).await?.id;
        let given: BTreeSet<Role> = change.roles.iter().copied().map(Role::from).collect();
        roles.insert(organisation, given);
    }
    let language = change.language.map(Option::from);
    let aliased = change.no_aliases || !change.aliases.is_empty();
    let wish = Wish {
        name: change.name.clone(),
        contact: change.contact.clone(),
        language,
        quota_bytes: change.quota,
        roles,
        aliases: aliased.then(|| change.aliases.clone()),
    };
    Refused::none(&acts::keep(directory, &root, &known, &wish).await?)
}
