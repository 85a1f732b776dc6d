//! Databases: dumped, counted, loaded.

use std::collections::BTreeMap;
use std::fs::{self, File};
use std::path::Path;
use std::process::Stdio;

use anyhow::{Context as _, Result, bail};
use mazet_host::run::{failure, said};
use serde::{Deserialize, Serialize};

use crate::cluster::Cluster;
use crate::digest;

/// Roles of all databases, in the folder of the dumps.
const ROLES: &str = "roles.sql";
/// The administrator is there before anything is loaded.
const ADMINISTRATOR: &str = "CREATE ROLE postgres;";

/// Counts every table, and sums up a hash of each row, which does not depend on their order. psql runs what it gives.
const COUNT: &str = r"select format('select %L, count(*), coalesce(sum(hashtextextended(mazet_row::text, 0)), 0) from %I.%I mazet_row',
    n.nspname || '.' || c.relname, n.nspname, c.relname)
from pg_class c join pg_namespace n on n.oid = c.relnamespace
where c.relkind = 'r' and c.relpersistence <> 't' and n.nspname <> 'information_schema' and n.nspname !~ '^pg_'
order by n.nspname, c.relname \gexec
";

/// A database as the backup holds it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Database {
    /// Bytes that it takes on the disk.
    pub bytes: u64,
    /// SHA-256 of its dump.
    pub dump: String,
    /// Its tables, `<schema>.<table>`.
    pub tables: BTreeMap<String, Table>,
}

/// A table.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Table {
    /// Rows.
    pub rows: u64,
    /// Sum of PostgreSQL's `hashtextextended` over the text of each row, a decimal number.
    pub content: String,
}

/// Dumps `databases` and all roles into `folder`, and says what they hold.
///
/// # Errors
/// When a database is not there, or cannot be written.
pub fn dump(
    cluster: &Cluster<'_>,
    databases: &[String],
    folder: &Path,
) -> Result<BTreeMap<String, Database>> {
    let mut roles = cluster.program("pg_dumpall");
    roles.args(["--roles-only", "--no-role-passwords", "--database=postgres"]);
    let roles = said(&mut roles, "dumping the databases' roles")?;
    let path = folder.join(ROLES);
    fs::write(&path, roles).with_context(|| format!("writing {}", path.display()))?;
    databases.iter().map(|name| Ok((name.clone(), one(cluster, name, folder)?))).collect()
}

fn one(cluster: &Cluster<'_>, name: &str, folder: &Path) -> Result<Database> {
    let dumping = || format!("dumping the database {name}");
    let path = folder.join(format!("{name}.dump"));
    let file = File::create(&path).with_context(|| format!("writing {}", path.display()))?;
    let mut command = cluster.program("pg_dump");
    // Not compressed: of two dumps, the repository keeps the difference, and compresses that itself.
    command.args(["--format=custom", "--compress=0", "--create", "--dbname", name]);
    let output = command.stdin(Stdio::null()).stdout(file).output().with_context(dumping)?;
    if !output.status.success() {
        bail!("{}: {}", dumping(), failure(command.get_program(), &output));
    }
    let size = psql(cluster, name, "select pg_database_size(current_database())")?;
    Ok(Database {
        bytes: size.trim().parse().with_context(dumping)?,
        dump: digest::digest_of(&path)?,
        tables: tables(cluster, name)?,
    })
}

/// Every table of a database.
///
/// # Errors
/// When the server refuses.
pub fn tables(cluster: &Cluster<'_>, database: &str) -> Result<BTreeMap<String, Table>> {
    let said = psql(cluster, database, COUNT)?;
    let table = |line: &str| -> Option<(String, Table)> {
        // A name may hold what parts the columns.
        let mut parts = line.rsplitn(3, '\t');
        let (content, rows, name) = (parts.next()?, parts.next()?, parts.next()?);
        Some((name.to_owned(), Table { rows: rows.parse().ok()?, content: content.to_owned() }))
    };
    let counted =
        said.lines().map(|line| table(line).with_context(|| format!("counting {database}: {line:?}")));
    counted.collect()
}

/// Names of the databases that somebody made.
///
/// # Errors
/// When the server refuses.
pub fn names(cluster: &Cluster<'_>) -> Result<Vec<String>> {
    let asked =
        "select datname from pg_database where not datistemplate and datname <> 'postgres' order by 1";
    Ok(psql(cluster, "postgres", asked)?.lines().map(str::to_owned).collect())
}

fn psql(cluster: &Cluster<'_>, database: &str, statement: &str) -> Result<String> {
    let mut file = tempfile::tempfile().context("making a temporary file")?;
    std::io::Write::write_all(&mut file, statement.as_bytes()).context("writing a temporary file")?;
    std::io::Seek::rewind(&mut file).context("writing a temporary file")?;
    let mut command = cluster.program("psql");
    command
        .args(["--no-psqlrc", "--quiet", "--tuples-only", "--no-align", "--field-separator=\t"])
        .args(["--set=ON_ERROR_STOP=1", "--dbname", database])
        .stdin(file);
    let asking = || format!("asking the database {database}");
    let output = command.output().with_context(asking)?;
    if !output.status.success() {
        bail!("{}: {}", asking(), failure(command.get_program(), &output));
    }
    String::from_utf8(output.stdout).with_context(asking)
}

/// Loads roles and `databases` from `folder` into a cluster. What a load before this one began is loaded anew; those
/// that `done` says are left, and it is told of each that is whole.
///
/// # Errors
/// When a dump is not there, or the server refuses it.
pub fn load<'n>(
    cluster: &Cluster<'_>,
    databases: impl Iterator<Item = &'n str>,
    folder: &Path,
    mut done: impl FnMut(&str, bool) -> Result<bool>,
) -> Result<()> {
    load_roles(cluster, folder)?;
    for name in databases {
        if done(name, false)? {
            continue;
        }
        let path = folder.join(format!("{name}.dump"));
        let file = File::open(&path).with_context(|| format!("reading {}", path.display()))?;
        let loading = || format!("loading the database {name}");
        psql(cluster, "postgres", &format!("drop database if exists \"{}\"", name.replace('"', "\"\"")))?;
        let mut command = cluster.program("pg_restore");
        command.args(["--create", "--exit-on-error", "--dbname=postgres"]).stdin(file);
        let output = command.output().with_context(loading)?;
        if !output.status.success() {
            bail!("{}: {}", loading(), failure(command.get_program(), &output));
        }
        done(name, true)?;
    }
    Ok(())
}

fn load_roles(cluster: &Cluster<'_>, folder: &Path) -> Result<()> {
    let path = folder.join(ROLES);
    let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    let known = psql(cluster, "postgres", "select rolname from pg_roles")?;
    let known: Vec<&str> = known.lines().collect();
    // Those that a load before this one made are there.
    let is_new = |line: &&str| match line.strip_prefix("CREATE ROLE ").and_then(|rest| rest.strip_suffix(';'))
    {
        Some(name) => *line != ADMINISTRATOR && !known.contains(&name.trim_matches('"')),
        None => true,
    };
    let wanted: Vec<&str> = text.lines().filter(is_new).collect();
    psql(cluster, "postgres", &wanted.join("\n")).map(drop).context("loading the databases' roles")
}
