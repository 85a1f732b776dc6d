//! The box's directory and services on its own command line, for root: the same acts as the pages' and the
//! API's.
//!
//! | module | command |
//! |---|---|
//! | [`people`], [`groups`], [`resources`], [`organisations`], [`events`] | the directory |
//! | [`services`], [`settings`] | what the box does, and how |
//! | [`network`], [`mail`], [`certificates`] | its network, its mail relay and messages, its certificates |
//! | [`machine`] | how it is |
//! | [`disk`] | another disk for it |
//! | [`websites`] | the associations' web sites |
//! | [`invitations`] | codes that are printed or sent |
//! | [`secret`] | secrets that are typed or piped in |
//!
//! What a program may read goes to standard output (`--json`: the API's own shapes); talk goes to
//! standard error.

pub mod certificates;
pub mod disk;
pub mod events;
pub mod groups;
mod invitations;
pub mod machine;
pub mod mail;
pub mod network;
pub mod organisations;
pub mod people;
pub mod resources;
mod secret;
pub mod services;
pub mod settings;
#[cfg(test)]
mod tests;
pub mod websites;

use std::fmt;
use std::path::Path;

use anyhow::{Context, Result, bail, ensure};
use mazet_directory::organisations::Organisation;
use mazet_directory::{Actor, Directory, PersonId};
use mazet_model::manifest::Feature;
use mazet_model::settings::Language;
use serde::Serialize;

use crate::acts::{self, Wrong};
use crate::broker::offers;
use crate::database;
use crate::web::catalogue::Catalogue;

/// Bytes of a gigabyte, as the pages count too.
const GIGABYTE: u64 = 1 << 30;

/// Values that cannot be taken, in words: whoever typed them is at fault (exit code 2).
#[derive(Debug)]
pub struct Refused(Vec<String>);

impl fmt::Display for Refused {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&self.0.join("\n        "))
    }
}

impl std::error::Error for Refused {}

impl Refused {
    /// Nothing, or what cannot be taken.
    ///
    /// # Errors
    /// There is something.
    pub fn none(wrong: &[Wrong]) -> Result<()> {
        if wrong.is_empty() {
            return Ok(());
        }
        let catalogue = Catalogue::load()?;
        let say = |one: &Wrong| {
            let known = catalogue.get(Language::En, &one.key).is_some();
            let key = if known { &one.key } else { "invalid.other" };
            let more = one.values.iter().map(|(name, value)| (name.as_str(), value.as_str()));
            let values: Vec<_> = more.chain([("fault", one.value.as_str())]).collect();
            let text = catalogue.say(Language::En, key, &values);
            let value = if one.value.is_empty() { String::new() } else { format!(" {:?}", one.value) };
            format!("{}{value}: {text}", one.field)
        };
        Err(Self(wrong.iter().map(say).collect()).into())
    }
}

/// Says no in the same words as the pages.
trait InWords<T> {
    /// The value, or why there is none.
    fn in_words(self) -> Result<T>;
}

impl<T> InWords<T> for mazet_directory::Result<T> {
    fn in_words(self) -> Result<T> {
        match self.map_err(acts::wrongs) {
            Ok(value) => Ok(value),
            Err(Ok(wrong)) => match Refused::none(&wrong) {
                Ok(()) => bail!("a value will not do"),
                Err(refused) => Err(refused),
            },
            Err(Err(error)) => Err(error.into()),
        }
    }
}

/// The work of a command, over the box's directory.
fn with<T>(work: impl AsyncFnOnce(&Directory) -> Result<T>) -> Result<T> {
    database::runtime()?.block_on(async {
        let directory = Directory::of_box()?;
        work(&directory).await
    })
}

/// Refuses what no service that is on does.
///
/// # Errors
/// None does, or the settings or manifests cannot be read.
fn needs(feature: Feature, what: &str) -> Result<()> {
    let offers = offers::of(Path::new("/"))?;
    ensure!(
        offers.features.contains(&feature),
        "no service that is on has {what}; `mazetd services` shows what may be switched on"
    );
    Ok(())
}

/// For programs.
fn print(value: &impl Serialize) -> Result<()> {
    println!("{}", serde_json::to_string(value)?);
    Ok(())
}

/// The person with that login.
async fn person(directory: &Directory, login: &str) -> Result<PersonId> {
    let found = mazet_directory::people::find(directory, &Actor::system(), login).await;
    found.with_context(|| format!("looking for the login {login:?}"))
}

/// The association of that name; without a name, the only one.
async fn organisation(directory: &Directory, name: Option<&str>) -> Result<Organisation> {
    let mut all = mazet_directory::organisations::list(directory, &Actor::system()).await?;
    let names = all.iter().map(|one| format!("{:?}", one.name)).collect::<Vec<_>>().join(", ");
    match name {
        Some(name) => all.retain(|one| one.name == name),
        None if all.len() > 1 => bail!("say for which association, with --organisation: {names}"),
        None => {}
    }
    all.pop().with_context(|| format!("there is no such association; there are {names}"))
}

/// Bytes; none: what stands above gives.
type Quota = Option<u64>;

/// A number of gigabytes, or `none`.
fn quota(text: &str) -> Result<Quota, String> {
    if text == "none" {
        return Ok(None);
    }
    let number = text.parse::<u64>().ok().filter(|number| (1..=100_000).contains(number));
    number
        .map(|number| Some(number * GIGABYTE))
        .ok_or_else(|| "a number from 1 to 100000, or none".to_owned())
}
