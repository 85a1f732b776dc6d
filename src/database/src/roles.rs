//! Roles and databases as service manifests declare them: one role a service, no more rights than it
//! needs.

use tokio_postgres::{Client, GenericClient};

use crate::Error;

/// What no role of a service may do.
const PLAIN: &str = "login nosuperuser nocreatedb nocreaterole noreplication nobypassrls";

/// A database with those who may connect to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// Database.
    pub name: String,
    /// Role that owns it and all that is in it.
    pub owner: String,
    /// Other roles that may connect; what they may do there, migrations grant.
    pub users: Vec<String>,
}

/// Makes roles and database where they are missing, and takes back rights that they should not
/// have. `client` is a superuser's. Gives one line for each thing that was changed.
///
/// # Errors
/// When the server refuses.
pub async fn ensure(client: &Client, wanted: &Wanted) -> Result<Vec<String>, Error> {
    let mut changed = Vec::new();
    for role in std::iter::once(&wanted.owner).chain(&wanted.users) {
        self::role(client, role, &mut changed).await?;
    }
    database(client, wanted, &mut changed).await?;
    Ok(changed)
}

/// What [`ensure`] would make.
///
/// # Errors
/// When the server refuses.
pub async fn missing(client: &Client, wanted: &Wanted) -> Result<Vec<String>, Error> {
    let mut lines = Vec::new();
    for name in std::iter::once(&wanted.owner).chain(&wanted.users) {
        lines.extend(lack(client, name).await?.map(|verb| format!("{verb} role {name}")));
    }
    if !has(client, &wanted.name).await? {
        lines.push(format!("create database {}", wanted.name));
    }
    Ok(lines)
}

/// Takes from everybody what PostgreSQL gives to everybody in a database: connecting, temporary
/// tables, the schema `public`, functions. `client` is a superuser's, connected to that database.
///
/// # Errors
/// When the server refuses.
pub async fn close(client: &Client, wanted: &Wanted) -> Result<(), Error> {
    let owner = quoted(&wanted.owner);
    let mut statements = format!(
        "revoke all on schema public from public;
         alter schema public owner to {owner};
         alter default privileges for role {owner} revoke execute on functions from public;"
    );
    for user in &wanted.users {
        statements.push_str(&format!("grant usage on schema public to {};", quoted(user)));
    }
    let doing = format!("closing the database {}", wanted.name);
    client.batch_execute(&statements).await.map_err(Error::refused(doing))
}

/// An identifier in double quotes.
pub fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

async fn role(client: &Client, name: &str, changed: &mut Vec<String>) -> Result<(), Error> {
    let Some(verb) = lack(client, name).await? else { return Ok(()) };
    let statement = format!("{verb} role {} {PLAIN}", quoted(name));
    let done = client.batch_execute(&statement).await;
    done.map_err(Error::refused(format!("making the role {name}")))?;
    changed.push(format!("{verb} role {name}"));
    Ok(())
}

/// What a role lacks to be as it should: to be created, or altered.
async fn lack(client: &Client, name: &str) -> Result<Option<&'static str>, Error> {
    let plain = "select rolcanlogin and not (rolsuper or rolcreatedb or rolcreaterole or rolreplication or rolbypassrls) \
                 from pg_roles where rolname = $1";
    let row = client.query_opt(plain, &[&name]).await.map_err(Error::refused("looking at roles"))?;
    Ok(match row {
        None => Some("create"),
        Some(row) if row.get::<_, bool>(0) => None,
        Some(_) => Some("alter"),
    })
}

async fn has(client: &Client, database: &str) -> Result<bool, Error> {
    let known = client.query_opt("select 1 from pg_database where datname = $1", &[&database]).await;
    Ok(known.map_err(Error::refused("looking at databases"))?.is_some())
}

async fn database(client: &Client, wanted: &Wanted, changed: &mut Vec<String>) -> Result<(), Error> {
    let (name, owner) = (&wanted.name, quoted(&wanted.owner));
    let doing = || Error::refused(format!("making the database {name}"));
    if !has(client, name).await? {
        let statement = format!("create database {} owner {owner}", quoted(name));
        client.batch_execute(&statement).await.map_err(doing())?;
        changed.push(format!("create database {name}"));
    }
    // What nobody changed is changed by none of these.
    let mut statements =
        format!("revoke all on database {0} from public; alter database {0} owner to {owner};", quoted(name));
    for user in &wanted.users {
        statements.push_str(&format!("grant connect on database {} to {};", quoted(name), quoted(user)));
    }
    client.batch_execute(&statements).await.map_err(doing())
}

/// Nobody but superusers connects to the server's own databases.
///
/// # Errors
/// When the server refuses.
pub async fn close_own(client: &impl GenericClient) -> Result<(), Error> {
    let statements =
        "revoke all on database postgres from public; revoke all on database template1 from public;";
    client.batch_execute(statements).await.map_err(Error::refused("closing the server's own databases"))
}
