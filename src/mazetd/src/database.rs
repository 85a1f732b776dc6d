//! Roles, databases and schemas of the services, as their manifests want them; and who is first in
//! the directory.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use mazet_database::roles::{self, Wanted};
use mazet_database::{Place, migrations};
use mazet_directory::{Directory, seed};
use mazet_model::image::OVERLAYS_DIR;
use mazet_model::manifest::{Database, Manifest};
use mazet_model::settings::Settings;

use crate::system;

/// PostgreSQL's own database and superuser.
const OWN: &str = "postgres";
/// PHC string of the password that the operator gave the wizard, below the root.
const PASSWORD: &str = "srv/mazet/secrets/operator.phc";

/// `mazetd database`, at every start: what [`ensure`] does, told line by line.
///
/// # Errors
/// As [`ensure`].
pub fn run() -> Result<()> {
    let root = Path::new("/");
    for line in ensure(root, &system::settings(root)?, &system::services(root)?)? {
        eprintln!("{line}");
    }
    Ok(())
}

/// Makes the databases of every service that is on, and fills an empty directory; gives one line for
/// each thing that was changed. Done twice, nothing changes.
///
/// # Errors
/// When PostgreSQL cannot be reached or refuses, or a migration is not what it was.
pub fn ensure(root: &Path, settings: &Settings, services: &[Manifest]) -> Result<Vec<String>> {
    let wanted = wanted(settings, services);
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    runtime()?.block_on(async {
        let superuser = Place::new(OWN, OWN).connect().await?;
        roles::close_own(&superuser).await?;
        let mut changed = Vec::new();
        for (service, database) in wanted {
            let wanted = of(database);
            changed.extend(roles::ensure(&superuser, &wanted).await?);
            roles::close(&Place::new(&wanted.name, OWN).connect().await?, &wanted).await?;
            changed.extend(migrate(root, service, database).await?);
        }
        if seeded(root, settings, services).await? {
            changed.push(format!("first people of {}", mazet_directory::DATABASE));
        }
        Ok(changed)
    })
}

/// What [`ensure`] would change, as far as it can be known before.
///
/// # Errors
/// As [`ensure`].
pub fn missing(root: &Path, settings: &Settings, services: &[Manifest]) -> Result<Vec<String>> {
    let wanted = wanted(settings, services);
    if wanted.is_empty() {
        return Ok(Vec::new());
    }
    runtime()?.block_on(async {
        let superuser = Place::new(OWN, OWN).connect().await?;
        let mut changes = Vec::new();
        for (service, database) in wanted {
            let lacking = roles::missing(&superuser, &of(database)).await?;
            let all = read(root, service, database)?;
            let names = if lacking.iter().any(|line| line.starts_with("create database")) {
                all.into_iter().map(|migration| migration.name).collect()
            } else {
                migrations::missing(&Place::new(&database.name, OWN).connect().await?, &all).await?
            };
            changes.extend(lacking);
            changes.extend(names.iter().map(|name| line(database, name)));
        }
        Ok(changes)
    })
}

/// A runtime for the length of one command.
///
/// # Errors
/// When the kernel has no more file descriptors.
pub fn runtime() -> Result<tokio::runtime::Runtime> {
    let built = tokio::runtime::Builder::new_current_thread().enable_all().build();
    built.context("starting a runtime to talk with PostgreSQL")
}

fn wanted<'m>(settings: &Settings, services: &'m [Manifest]) -> Vec<(&'m str, &'m Database)> {
    let on = services.iter().filter(|manifest| settings.is_on(manifest));
    on.filter_map(|manifest| Some((manifest.service.name.as_str(), manifest.database.as_ref()?))).collect()
}

fn of(database: &Database) -> Wanted {
    let Database { name, owner, users, .. } = database;
    Wanted { name: name.clone(), owner: owner.clone(), users: users.clone() }
}

async fn migrate(root: &Path, service: &str, database: &Database) -> Result<Vec<String>> {
    let all = read(root, service, database)?;
    let mut owner = Place::new(&database.name, &database.owner).connect().await?;
    let applied = migrations::apply(&mut owner, &all).await;
    let applied = applied.with_context(|| format!("bringing the database {} up to date", database.name))?;
    Ok(applied.iter().map(|name| line(database, name)).collect())
}

fn read(root: &Path, service: &str, database: &Database) -> Result<Vec<migrations::Migration>> {
    let Some(folder) = &database.migrations else { return Ok(Vec::new()) };
    Ok(migrations::read(&system::below(root, OVERLAYS_DIR).join(service).join(folder))?)
}

fn line(database: &Database, migration: &str) -> String {
    format!("migrate {} {migration}", database.name)
}

/// The first association and the operator, from what the wizard was told.
async fn seeded(root: &Path, settings: &Settings, services: &[Manifest]) -> Result<bool> {
    let there = |(_, database): &(&str, &Database)| database.name == mazet_directory::DATABASE;
    if !wanted(settings, services).iter().any(there) {
        return Ok(false);
    }
    let path = root.join(PASSWORD);
    let password = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    let directory = Directory::new(&Place::new(mazet_directory::DATABASE, mazet_directory::OWNER), 1)?;
    let seed = seed::Seed {
        organisation: settings.organisation.name.clone(),
        name: settings.operator.name.clone(),
        login: settings.operator.login.clone(),
        password: password.trim().to_owned(),
    };
    seed::first(&directory, &seed).await.context("putting the first people into the directory")
}
