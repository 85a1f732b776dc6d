//! A server that is started beside the running one, its memory, and its end.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::process::Child;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};

use crate::run;

/// For a server to listen, and to end.
const PATIENCE: Duration = Duration::from_secs(60);
/// Between two looks: nothing tells when another program listens.
const PAUSE: Duration = Duration::from_millis(20);

/// A running server; killed when dropped.
pub struct Server {
    child: Child,
}

/// Where a server listens once it has started.
pub enum Listens {
    /// On a loopback port.
    Port(u16),
    /// On a Unix socket.
    Socket(PathBuf),
}

impl Listens {
    fn is_true(&self) -> bool {
        match self {
            Self::Port(port) => TcpStream::connect(SocketAddr::from((Ipv4Addr::LOCALHOST, *port))).is_ok(),
            Self::Socket(path) => UnixStream::connect(path).is_ok(),
        }
    }
}

impl fmt::Display for Listens {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Port(port) => write!(f, "port {port}"),
            Self::Socket(path) => path.display().fmt(f),
        }
    }
}

/// A loopback port that nobody listens on.
///
/// # Errors
/// When there is none.
pub fn free_port() -> Result<u16> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("finding a free port")?;
    Ok(listener.local_addr()?.port())
}

impl Server {
    /// Runs `command` with the path of its configuration, until it listens.
    ///
    /// # Errors
    /// When it cannot be started, ends, or does not listen in time.
    pub fn start(command: &[String], configuration: &Path, listens: &Listens) -> Result<Self> {
        let log = configuration.with_extension("log");
        let mut server = Self { child: run::trial(command, configuration, &log)? };
        let begin = Instant::now();
        while !listens.is_true() {
            if let Some(status) = server.child.try_wait().context("watching the server")? {
                let said = fs::read_to_string(&log).unwrap_or_default();
                let last = said.lines().last().unwrap_or("it said nothing");
                bail!("it ended at once: {status}: {last}");
            }
            if begin.elapsed() > PATIENCE {
                bail!("it does not listen on {listens} after {} s", PATIENCE.as_secs());
            }
            thread::sleep(PAUSE);
        }
        Ok(server)
    }

    /// Memory of it and of all processes below it (proportional set size), in KiB.
    pub fn memory_kib(&self) -> u64 {
        family(self.child.id(), &parents()).iter().map(|pid| pss_kib(*pid)).sum()
    }

    /// Asks it to end, and waits.
    ///
    /// # Errors
    /// When it cannot be asked, or does not end in time.
    pub fn stop(mut self) -> Result<()> {
        kill_process(Pid::from_child(&self.child), Signal::TERM).context("ending the server")?;
        let begin = Instant::now();
        while self.child.try_wait().context("waiting for the server")?.is_none() {
            if begin.elapsed() > PATIENCE {
                bail!("the server does not end");
            }
            thread::sleep(PAUSE);
        }
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Its workers first: they would outlive it.
        for pid in family(self.child.id(), &parents()).into_iter().rev() {
            if let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) {
                let _ = kill_process(pid, Signal::KILL);
            }
        }
        let _ = self.child.wait();
    }
}

/// Every process's parent.
fn parents() -> BTreeMap<u32, u32> {
    let entries = fs::read_dir("/proc").into_iter().flatten().flatten();
    let pids = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
    pids.filter_map(|pid: u32| Some((pid, parent(&fs::read_to_string(format!("/proc/{pid}/stat")).ok()?)?)))
        .collect()
}

/// The parent in a line of proc_pid_stat(5); the name before it may hold anything.
fn parent(stat: &str) -> Option<u32> {
    stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse().ok()
}

/// `pid` and all below it, parents first. A process that ended meanwhile is in no family.
fn family(pid: u32, parents: &BTreeMap<u32, u32>) -> Vec<u32> {
    let mut family: Vec<u32> = parents.contains_key(&pid).then_some(pid).into_iter().collect();
    let mut next = 0;
    while let Some(&head) = family.get(next) {
        family.extend(parents.iter().filter(|(_, parent)| **parent == head).map(|(pid, _)| *pid));
        next += 1;
    }
    family
}

fn pss_kib(pid: u32) -> u64 {
    let text = fs::read_to_string(format!("/proc/{pid}/smaps_rollup")).unwrap_or_default();
    let line = text.lines().find_map(|line| line.strip_prefix("Pss:"));
    line.and_then(|line| line.split_whitespace().next()?.parse().ok()).unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_family_is_a_process_and_all_below_it() {
        let parents = BTreeMap::from([(1, 0), (10, 1), (11, 10), (12, 11), (20, 1)]);
        assert_eq!(family(10, &parents), [10, 11, 12]);
        assert_eq!(family(99, &parents), Vec::<u32>::new());
        assert_eq!(parent("7 (a b) c)) S 5 7 7"), Some(5));
        assert!(super::parents().contains_key(&std::process::id()));
        assert!(pss_kib(std::process::id()) > 0);
    }

    #[test]
    fn a_server_that_ends_at_once_is_told() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let configuration = folder.path().join("server.conf");
        std::fs::write(&configuration, "echo first; echo last >&2; exit 7").expect("written");
        let command = vec!["/bin/sh".to_owned()];
        let port = Listens::Port(free_port().expect("a port"));
        let error = Server::start(&command, &configuration, &port).err();
        let text = error.map(|error| error.to_string());
        assert_eq!(text.as_deref(), Some("it ended at once: exit status: 7: last"));
    }
}
