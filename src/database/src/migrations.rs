//! The versioned schema of a database: files `0001_name.sql`, `0002_name.sql`, …, each applied once,
//! in order, in a transaction of its own, and recorded with its digest.

use std::fs;
use std::path::Path;

use sha2::{Digest as _, Sha256};
use tokio_postgres::Client;

use crate::Error;

/// Number of the lock that two runs at a time share (`pg_advisory_lock`).
const LOCK: i64 = 0x6d_617a_6574;
/// Where what was applied is recorded, in the database itself.
const TABLE: &str = "create table if not exists public.migration (
    number integer primary key,
    name text not null,
    sha256 text not null,
    applied_at timestamptz not null default now()
)";

/// A migration as written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Migration {
    /// From 1, without gaps.
    pub number: i32,
    /// File name: `0001_people.sql`.
    pub name: String,
    /// SQL.
    pub text: String,
}

impl Migration {
    /// SHA-256 of the text, 64 hexadecimal digits.
    pub fn digest(&self) -> String {
        Sha256::digest(&self.text).iter().map(|byte| format!("{byte:02x}")).collect()
    }
}

/// The migrations in `folder`, in order.
///
/// # Errors
/// When a file cannot be read, or is not named as the next in order.
pub fn read(folder: &Path) -> Result<Vec<Migration>, Error> {
    let fault = |path: &Path, why: &str| Error::Migration(format!("reading {}: {why}", path.display()));
    let entries = fs::read_dir(folder).map_err(|error| fault(folder, &error.to_string()))?;
    let mut names: Vec<_> = entries.flatten().map(|entry| entry.file_name()).collect();
    names.sort();
    let mut migrations = Vec::new();
    for name in names {
        let (path, name) = (folder.join(&name), name.to_string_lossy().into_owned());
        let number = number_of(&name).ok_or_else(|| fault(&path, "is not named like 0001_name.sql"))?;
        if usize::try_from(number) != Ok(migrations.len() + 1) {
            return Err(fault(&path, &format!("number {} should come here", migrations.len() + 1)));
        }
        let text = fs::read_to_string(&path).map_err(|error| fault(&path, &error.to_string()))?;
        migrations.push(Migration { number, name, text });
    }
    Ok(migrations)
}

/// The number that a file name begins with: four digits, a dash below, and `.sql` at the end.
fn number_of(name: &str) -> Option<i32> {
    let (number, rest) = name.split_once('_')?;
    let good = number.len() == 4 && number.bytes().all(|byte| byte.is_ascii_digit());
    (good && rest.len() > 4 && rest.ends_with(".sql")).then(|| number.parse().ok())?
}

/// Applies to the database of `client`, as its owner, those of `migrations` that it lacks; gives
/// their names. Twice at a time, the second waits for the first.
///
/// # Errors
/// When an applied one has changed since or is missing here, or the server refuses one: it and those
/// after it are then not applied, and nothing of it stays.
pub async fn apply(client: &mut Client, migrations: &[Migration]) -> Result<Vec<String>, Error> {
    let doing = "applying migrations";
    client.batch_execute(&format!("select pg_advisory_lock({LOCK})")).await.map_err(Error::refused(doing))?;
    let applied = locked(client, migrations).await;
    let unlocked = client.batch_execute(&format!("select pg_advisory_unlock({LOCK})")).await;
    let applied = applied?;
    unlocked.map_err(Error::refused(doing))?;
    Ok(applied)
}

/// Names of those of `migrations` that the database lacks.
///
/// # Errors
/// As [`apply`].
pub async fn missing(client: &Client, migrations: &[Migration]) -> Result<Vec<String>, Error> {
    let count = recorded(client, migrations).await?;
    Ok(migrations[count..].iter().map(|migration| migration.name.clone()).collect())
}

async fn locked(client: &mut Client, migrations: &[Migration]) -> Result<Vec<String>, Error> {
    let count = recorded(client, migrations).await?;
    if count < migrations.len() {
        client.batch_execute(TABLE).await.map_err(Error::refused("making the table of migrations"))?;
    }
    let mut applied = Vec::new();
    for migration in &migrations[count..] {
        one(client, migration).await.map_err(Error::refused(format!("applying {}", migration.name)))?;
        applied.push(migration.name.clone());
    }
    Ok(applied)
}

/// How many are recorded as applied; they are the first of `migrations`, unchanged.
async fn recorded(client: &Client, migrations: &[Migration]) -> Result<usize, Error> {
    let doing = || Error::refused("reading which migrations were applied");
    let known = client.query_one("select to_regclass('public.migration') is not null", &[]).await;
    if !known.map_err(doing())?.get::<_, bool>(0) {
        return Ok(0);
    }
    let rows = client.query("select number, name, sha256 from public.migration order by number", &[]).await;
    let rows = rows.map_err(doing())?;
    for row in &rows {
        let (number, name, digest): (i32, String, String) = (row.get(0), row.get(1), row.get(2));
        match migrations.iter().find(|migration| migration.number == number) {
            Some(migration) if migration.digest() == digest => {}
            Some(migration) => {
                return Err(Error::Migration(format!(
                    "{} was changed after it was applied: write a new migration instead",
                    migration.name
                )));
            }
            None => {
                return Err(Error::Migration(format!(
                    "the database has {name}, which this system does not know: the system is older than its data"
                )));
            }
        }
    }
    Ok(rows.len())
}

async fn one(client: &mut Client, migration: &Migration) -> Result<(), tokio_postgres::Error> {
    let transaction = client.transaction().await?;
    transaction.batch_execute(&migration.text).await?;
    let record = "insert into public.migration (number, name, sha256) values ($1, $2, $3)";
    transaction.execute(record, &[&migration.number, &migration.name, &migration.digest()]).await?;
    transaction.commit().await
}
