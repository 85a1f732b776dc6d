//! A PostgreSQL server of our own on a cluster's files, beside the box's: nobody reaches it but the database's
//! administrator, and it ends with this process.
//!
//! It runs on the files of a snapshot (what the power cut would have left: it recovers, as after one), and on
//! clusters that a restore or a proof makes.

use std::fs;
use std::io::{BufRead as _, BufReader, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context as _, Result, anyhow, bail};
use mazet_host::files;
use mazet_host::run::last_lines;

use crate::tools::Tools;

/// Makes a cluster where there is none, starts a server on it, says so, and ends it when its input ends: by
/// `stop`, or because who started it is gone.
const SCRIPT: &str = r#"
data=$1 run=$2 stop=$3
trap '' INT HUP
bin=$(ls -d /usr/lib/postgresql/*/bin | sort -V | tail -n 1)
if [ ! -e "$data/PG_VERSION" ]; then
    # As the box's own is made: rules that come with PostgreSQL, where it has them.
    set -- --pgdata="$data" --username=postgres --auth=trust --data-checksums --encoding=UTF8 --locale=C.UTF-8
    case $("$bin/initdb" --help) in *builtin-locale*) set -- "$@" --locale-provider=builtin --builtin-locale=C.UTF-8 ;; esac
    "$bin/initdb" "$@" >"$run/log" 2>&1
fi
# Of the server whose files these were.
rm -f "$data/postmaster.pid"
"$bin/pg_ctl" --pgdata="$data" --log="$run/log" --wait --timeout=3600 --options="--config-file=$run/postgresql.conf" start >/dev/null 2>&1
echo ready
read -r _ || true
"$bin/pg_ctl" --pgdata="$data" --mode="$stop" --wait --timeout=3600 stop >/dev/null 2>&1
echo stopped
"#;

/// Gives both folders to the database's administrator where we are root, and becomes them.
const ENTER: &str = r#"
if [ "$(id -u)" = 0 ]; then
    chown -R postgres:postgres "$2"
    [ -e "$1/PG_VERSION" ] || chown postgres:postgres "$1"
    exec setpriv --reuid=postgres --regid=postgres --clear-groups -- sh -euc "$0" postgres "$@"
fi
exec sh -euc "$0" postgres "$@"
"#;

/// Ours, whatever the box's own says: the files of a box, and the machine's memory spared.
const SETTINGS: &str = "listen_addresses = ''
port = 5432
ssl = off
max_connections = 20
shared_buffers = 32MB
maintenance_work_mem = 64MB
jit = off
autovacuum = off
max_worker_processes = 2
max_parallel_workers_per_gather = 0
max_parallel_maintenance_workers = 0
max_wal_size = 256MB
wal_level = minimal
max_wal_senders = 0
archive_mode = off
logging_collector = off
log_checkpoints = off
timezone = 'UTC'
log_timezone = 'UTC'
datestyle = 'iso, ymd'
lc_messages = 'C.UTF-8'
";

/// What the server's files are for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Use {
    /// To be looked at and thrown away: nothing waits for the disk.
    ThrownAway,
    /// To be lived in.
    Kept,
}

/// A running server.
pub struct Cluster<'t> {
    tools: &'t Tools,
    /// Folder of its socket.
    run: PathBuf,
    server: Child,
    said: BufReader<std::process::ChildStdout>,
}

impl<'t> Cluster<'t> {
    /// Starts one on the cluster `data`, which is made where there is none; its socket is in the new folder `run`.
    ///
    /// # Errors
    /// When it does not start: with the last lines of its log.
    pub fn start(tools: &'t Tools, data: &Path, run: &Path, purpose: Use) -> Result<Self> {
        let starting = || format!("starting PostgreSQL on {}", data.display());
        settle(tools, data, run, purpose).with_context(starting)?;
        let stop = if purpose == Use::Kept { "fast" } else { "immediate" };
        let mut server = tools
            .words(&["sh", "-euc", ENTER, SCRIPT])
            .args([data, run])
            .arg(stop)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .with_context(starting)?;
        let mut said = BufReader::new(server.stdout.take().context("a pipe")?);
        let mut line = String::new();
        said.read_line(&mut line).with_context(starting)?;
        if line != "ready\n" {
            let _ = server.wait();
            let log = fs::read_to_string(run.join("log")).unwrap_or_default();
            return Err(anyhow!("{}", last_lines(&log)).context(starting()));
        }
        Ok(Self { tools, run: run.to_owned(), server, said })
    }

    /// One of its programs, which asks this server.
    pub fn program(&self, name: &str) -> Command {
        let mut command = self.tools.postgresql(name);
        command.arg("--host").arg(&self.run).args(["--username=postgres", "--no-password"]);
        command
    }

    /// Ends it; what was written is on the disk then, if it is kept.
    ///
    /// # Errors
    /// When it does not end.
    pub fn stop(mut self) -> Result<()> {
        drop(self.server.stdin.take());
        let mut line = String::new();
        self.said.read_line(&mut line).context("stopping PostgreSQL")?;
        self.server.wait().context("stopping PostgreSQL")?;
        if line != "stopped\n" {
            bail!("stopping PostgreSQL: it did not end");
        }
        Ok(())
    }
}

impl Drop for Cluster<'_> {
    fn drop(&mut self) {
        drop(self.server.stdin.take());
        let _ = self.server.wait();
    }
}

/// The folders, and the settings of the server.
fn settle(tools: &Tools, data: &Path, run: &Path, purpose: Use) -> Result<()> {
    // Whose they become: another umask must not matter.
    tools.remove(run)?;
    files::make_folder(run, 0o700)?;
    if !data.exists() {
        let above: Vec<&Path> = data.ancestors().skip(1).take_while(|folder| !folder.exists()).collect();
        // The database's administrator must come through.
        above.iter().rev().try_for_each(|folder| files::make_folder(folder, 0o711))?;
        files::make_folder(data, 0o700)?;
    }
    let mut hba = fs::File::create(run.join("pg_hba.conf")).context("writing who may connect")?;
    // The folder of the socket is the administrator's alone.
    hba.write_all(b"local all postgres trust\n").context("writing who may connect")?;
    let fsync = if purpose == Use::Kept { "on" } else { "off" };
    let text = format!(
        "{SETTINGS}fsync = {fsync}\ndata_directory = '{}'\nhba_file = '{run}/pg_hba.conf'\n\
         unix_socket_directories = '{run}'\n",
        data.display(),
        run = run.display()
    );
    let path = run.join("postgresql.conf");
    fs::write(&path, text).with_context(|| format!("writing {}", path.display()))
}
