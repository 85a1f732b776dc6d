//! A PostgreSQL server of their own for tests: made in a temporary folder when a test binary first
//! asks for it, gone when the binary ends.
//!
//! Its programs are those of the tree that `MAZET_TEST_PREFIX` enters (one word a line: `mazet test`
//! says it), else the host's own. Without any, tests that need it are skipped, and fail in CI.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicU32, Ordering};

use tokio_postgres::Client;

use crate::roles::{self, Wanted};
use crate::{Place, migrations};

/// Words that enter a tree with PostgreSQL in it, one a line.
pub const PREFIX: &str = "MAZET_TEST_PREFIX";
/// `on`: the servers flush what they acknowledge, as a box's does. Tests do without.
pub const FSYNC: &str = "MAZET_TEST_FSYNC";
/// Where Debian's versions of the server lie.
const VERSIONS: &str = "/usr/lib/postgresql";

/// Makes the server, says that it is there, and waits until its standard input ends.
const SCRIPT: &str = r#"
trap '' INT HUP
folder=$1
bin=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -n 1)
"$bin/initdb" -D "$folder/data" -U postgres --auth=trust --encoding=UTF8 --locale=C.UTF-8 --no-sync >"$folder/log" 2>&1
"$bin/pg_ctl" -D "$folder/data" -l "$folder/log" -w -o "-c listen_addresses= -c unix_socket_directories='$folder' \
    -c fsync=$2 -c max_connections=200 -c shared_buffers=32MB -c jit=off" start >/dev/null 2>&1
echo ready
read -r _ || true
"$bin/pg_ctl" -D "$folder/data" -m immediate stop >/dev/null 2>&1
rm -rf "$folder"
"#;

/// The words of [`PREFIX`], one a line; empty where the host's programs are used.
fn prefix() -> String {
    std::env::var(PREFIX).unwrap_or_default()
}

/// Are programs those of the host, and not a tree's?
pub fn is_host() -> bool {
    prefix().is_empty()
}

/// A program of the tree that tests use, or of the host, with arguments.
///
/// # Panics
/// Without any word.
pub fn program(words: &[&str]) -> Command {
    let prefix = prefix();
    let mut all = prefix.lines().chain(words.iter().copied());
    let mut command = Command::new(all.next().expect("a program"));
    command.args(all);
    command
}

/// The server of this test binary.
pub struct Server {
    socket: PathBuf,
    /// Ends the server when its standard input is closed, which the kernel does when this process ends.
    _life: Child,
    databases: AtomicU32,
}

/// The server; none where there is no PostgreSQL and the test is to be skipped.
///
/// # Panics
/// When it does not start; when there is none and this is CI.
pub fn server() -> Option<&'static Server> {
    static SERVER: OnceLock<Option<Server>> = OnceLock::new();
    SERVER
        .get_or_init(|| {
            if is_host() && !Path::new(VERSIONS).is_dir() {
                assert!(std::env::var_os("CI").is_none(), "no PostgreSQL: run the tests with ./mazet test");
                eprintln!("skipped: no PostgreSQL on this machine (./mazet test brings one)");
                return None;
            }
            Some(Server::start())
        })
        .as_ref()
}

impl Server {
    fn start() -> Self {
        let folder = tempfile::Builder::new().prefix("mazet-pg-").tempdir().expect("a temporary folder");
        // The script removes it.
        let socket = folder.keep();
        // PostgreSQL refuses to run as root: root becomes the user that its package made.
        let other = "if [ \"$(id -u)\" = 0 ]; then \
                     chown postgres:postgres \"$1\"; chmod 0755 \"$1\"; \
                     exec setpriv --reuid=postgres --regid=postgres --clear-groups -- sh -euc \"$0\" postgres \"$1\" \"$2\"; \
                     else exec sh -euc \"$0\" postgres \"$1\" \"$2\"; fi";
        let fsync = std::env::var(FSYNC).unwrap_or_else(|_| "off".to_owned());
        let mut child = program(&["sh", "-euc", other, SCRIPT])
            .arg(&socket)
            .arg(fsync)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap_or_else(|error| panic!("starting PostgreSQL: {error}"));
        let output = child.stdout.take().expect("a pipe");
        let mut said = String::new();
        BufReader::new(output).read_line(&mut said).expect("readable");
        let log = || std::fs::read_to_string(socket.join("log")).unwrap_or_default();
        assert!(said == "ready\n", "PostgreSQL does not start: {}", log());
        Self { socket, _life: child, databases: AtomicU32::new(0) }
    }

    /// `database` of this server, as `role`.
    pub fn place(&self, database: &str, role: &str) -> Place {
        Place { socket: self.socket.clone(), database: database.to_owned(), role: role.to_owned() }
    }

    /// A connection as superuser.
    pub async fn superuser(&self, database: &str) -> Client {
        self.place(database, "postgres").connect().await.expect("connected")
    }

    /// A new database with a name of its own, made as `mazetd` makes a service's, and migrated as
    /// its owner with the files of `folder`. Gives its name.
    pub async fn database(&self, owner: &str, users: &[&str], folder: &Path) -> String {
        let name = format!("{owner}_{}", self.databases.fetch_add(1, Ordering::Relaxed));
        let users = users.iter().map(|user| (*user).to_owned()).collect();
        let wanted = Wanted { name: name.clone(), owner: owner.to_owned(), users };
        let client = self.superuser("postgres").await;
        // Roles are the whole server's: other tests make the same ones now.
        client.batch_execute("select pg_advisory_lock(1)").await.expect("locked");
        roles::ensure(&client, &wanted).await.expect("roles and database");
        drop(client);
        roles::close(&self.superuser(&name).await, &wanted).await.expect("closed");
        let mut client = self.place(&name, owner).connect().await.expect("connected");
        let all = migrations::read(folder).expect("migrations");
        migrations::apply(&mut client, &all).await.expect("migrated");
        name
    }
}

/// Writes migrations into a folder: file name and SQL.
///
/// # Panics
/// When they cannot be written.
pub fn write(folder: &Path, files: &[(&str, &str)]) {
    for (name, text) in files {
        let mut file = std::fs::File::create(folder.join(name)).expect("a new file");
        file.write_all(text.as_bytes()).expect("written");
    }
}
