//! `mazetd resources`.

use anyhow::{Context as _, Result};
use clap::Subcommand;
use mazet_directory::resources::{self, Kind};
use mazet_directory::{Actor, Directory};
use mazet_model::manifest::Feature;

use super::groups::Place;
use super::{InWords as _, needs, print, with};

/// What `mazetd resources` does.
#[derive(Debug, Subcommand)]
pub enum Resources {
    /// The rooms and things of an association
    List {
        #[command(flatten)]
        place: Place,
        /// For programs
        #[arg(long)]
        json: bool,
    },
    /// Adds a room, or a thing
    Add {
        /// Its name
        name: String,
        #[command(flatten)]
        place: Place,
        /// It is no room: a projector, a van
        #[arg(long)]
        equipment: bool,
    },
    /// Removes one
    Remove {
        /// Its name
        name: String,
        #[command(flatten)]
        place: Place,
    },
}

/// Does it.
///
/// # Errors
/// What the directory refuses; no service has calendars.
pub fn run(command: &Resources) -> Result<()> {
    needs(Feature::Calendars, "calendars")?;
    with(async |directory: &Directory| act(directory, command).await)
}

pub(super) async fn act(directory: &Directory, command: &Resources) -> Result<()> {
    let root = Actor::system();
    match command {
        Resources::List { place, json } => {
            let all = resources::list(directory, &root, place.find(directory).await?.id).await?;
            if *json {
                return print(&all);
            }
            all.iter().for_each(|one| println!("{}\t{}", one.name, one.kind.name()));
            Ok(())
        }
        Resources::Add { name, place, equipment } => {
            let organisation = place.find(directory).await?.id;
            let kind = if *equipment { Kind::Equipment } else { Kind::Room };
            resources::add(directory, &root, organisation, name, kind).await.in_words().map(drop)
        }
        Resources::Remove { name, place } => {
            let all = resources::list(directory, &root, place.find(directory).await?.id).await?;
            let found = all.iter().find(|one| one.name == *name);
            let found = found.with_context(|| format!("there is neither room nor thing {name:?}"))?;
            resources::remove(directory, &root, found.id).await.in_words()
        }
    }
}
