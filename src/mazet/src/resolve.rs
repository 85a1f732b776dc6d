//! Resolving: real apt, in a state folder of its own, says which packages a set of names means.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use anyhow::{Context as _, Result, anyhow, bail};
use mazet_model::recipe::Suite;

use crate::digest::Digest;
use crate::lock::{Archive, Entry, Part};
use crate::mirror::Mirror;
use crate::run::{Command, Program};
use crate::sandbox::Sandbox;
use crate::suites;

/// Indexes younger than this are used as they are.
pub const FRESH: Duration = Duration::from_secs(12 * 3600);
/// Signs Debian's archive; on the host and in every tree at the same path.
const KEYRING: &str = "/usr/share/keyrings/debian-archive-keyring.gpg";
/// The authorities that the host trusts for HTTPS, and where the apt of a tree sees them: a mirror
/// or a proxy may have a certificate that the host alone knows.
const CERTIFICATES: &str = "/etc/ssl/certs/ca-certificates.crt";
const LENT_CERTIFICATES: &str = "/dev/mazet-certificates.crt";

/// What to resolve for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    /// Debian release, by code name.
    pub release: String,
    /// Debian architecture.
    pub architecture: String,
    /// Further architectures that packages may be asked of, as `name:architecture`.
    pub foreign: Vec<String>,
    /// Archive components.
    pub components: Vec<String>,
    /// Suites beside the release, and what is taken from each.
    pub suites: Vec<Suite>,
    /// Names the archive's signing key, where it is not Debian's.
    pub keyring: Option<PathBuf>,
}

/// apt with its own state.
pub struct Resolver {
    folder: PathBuf,
    mirror: Mirror,
    target: Target,
    tree: Option<PathBuf>,
}

impl Resolver {
    /// A resolver that keeps its state in `folder`, and runs the apt of `tree` (the host's where
    /// there is none yet).
    ///
    /// # Errors
    /// When the state folder cannot be laid out.
    pub fn new(folder: &Path, mirror: &Mirror, target: &Target, tree: Option<&Path>) -> Result<Self> {
        let resolver = Self {
            folder: folder.to_owned(),
            mirror: mirror.clone(),
            target: target.clone(),
            tree: tree.map(Path::to_owned),
        };
        resolver.lay_out().with_context(|| format!("laying out apt's state in {}", folder.display()))?;
        Ok(resolver)
    }

    fn lay_out(&self) -> Result<()> {
        for sub in ["lists/partial", "archives/partial", "etc/preferences.d", "etc/trusted.gpg.d"] {
            fs::create_dir_all(self.folder.join(sub))?;
        }
        fs::write(self.folder.join("status"), "")?;
        let sources = self.sources();
        let path = self.folder.join("etc/sources.list");
        if fs::read_to_string(&path).unwrap_or_default() != sources {
            // Other sources: what is fresh of the old ones says nothing.
            let _ = fs::remove_file(self.stamp());
            fs::write(&path, sources)?;
        }
        fs::write(self.folder.join("etc/preferences"), suites::preferences(&self.target.suites))?;
        fs::write(self.folder.join("apt.conf"), self.configuration())?;
        Ok(())
    }

    fn sources(&self) -> String {
        let Target { release, components, suites, keyring, .. } = &self.target;
        let keyring = keyring.as_deref().unwrap_or(Path::new(KEYRING)).display();
        let components = components.join(" ");
        let line =
            |base: &str, suite: &str| format!("deb [signed-by={keyring}] {base} {suite} {components}\n");
        let own = [
            line(&self.mirror.main, release),
            line(&self.mirror.main, &format!("{release}-updates")),
            line(&self.mirror.security, &format!("{release}-security")),
        ];
        own.into_iter().chain(suites.iter().map(|suite| line(&self.mirror.main, &suite.name))).collect()
    }

    fn configuration(&self) -> String {
        let dir = self.folder.display();
        let arch = &self.target.architecture;
        let all: String =
            std::iter::once(arch).chain(&self.target.foreign).map(|name| format!("\"{name}\"; ")).collect();
        let mut lines = vec![
            format!("Dir::State \"{dir}\";"),
            format!("Dir::State::status \"{dir}/status\";"),
            format!("Dir::State::lists \"{dir}/lists\";"),
            format!("Dir::Cache \"{dir}\";"),
            format!("Dir::Cache::archives \"{dir}/archives\";"),
            format!("Dir::Etc \"{dir}/etc\";"),
            "Dir::Etc::parts \"/dev/null\";".into(),
            "Dir::Etc::main \"/dev/null\";".into(),
            format!("Dir::Log \"{dir}\";"),
            format!("APT::Architecture \"{arch}\";"),
            format!("APT::Architectures {{ {}}};", all),
            "APT::Install-Recommends \"false\";".into(),
            "APT::Sandbox::User \"root\";".into(),
            "Acquire::Languages \"none\";".into(),
            "Acquire::Retries \"3\";".into(),
        ];
        if self.tree.is_some() && Path::new(CERTIFICATES).exists() {
            lines.push(format!("Acquire::https::CAInfo \"{LENT_CERTIFICATES}\";"));
        }
        lines.extend(self.mirror.apt_options.iter().cloned());
        lines.join("\n") + "\n"
    }

    fn stamp(&self) -> PathBuf {
        self.folder.join("fresh")
    }

    /// Fetches the signed indexes, unless they are fresh.
    ///
    /// # Errors
    /// When there is no network, or a signature is wrong.
    pub fn update(&self, refresh: bool) -> Result<()> {
        let age = fs::metadata(self.stamp())
            .and_then(|meta| meta.modified())
            .ok()
            .and_then(|time| SystemTime::now().duration_since(time).ok());
        if !refresh && age.is_some_and(|age| age < FRESH) {
            return Ok(());
        }
        self.apt(Program::AptGet, "fetching Debian's package indexes")?
            .args(["update", "--error-on=any"])
            .log(&self.folder.join("update.log"))
            .run()
            .map_err(explain_update)?;
        fs::write(self.stamp(), "").context("noting that the indexes are fresh")?;
        Ok(())
    }

    /// The packages that `names` and every essential package mean, with all they depend on.
    ///
    /// # Errors
    /// When apt finds no solution: its own explanation is in the error.
    pub fn resolve(&self, part: Part, names: &[String]) -> Result<Vec<Entry>> {
        let essential = format!("?and(?essential,?architecture({}))", self.target.architecture);
        let mut wanted = vec![essential, "apt".to_owned()];
        wanted.extend(names.iter().cloned());
        let uris = self
            .apt(Program::AptGet, format!("resolving the {part:?} packages").to_lowercase())?
            // Not -qq: apt before version 3 then keeps to itself why there is no solution.
            .args(["install", "--print-uris", "--yes", "-q"])
            .args(&wanted)
            .log(&self.folder.join("resolve.log"))
            .text()?;
        let simulation = self
            .apt(Program::AptGet, "asking apt for versions")?
            .args(["install", "--simulate", "--yes", "-qq"])
            .args(&wanted)
            .text()?;
        let chosen = installed_versions(&simulation);
        let arguments: Vec<_> =
            chosen.iter().map(|(key, version)| format!("{}={version}", self.qualified(key))).collect();
        let stanzas = self
            .apt(Program::AptCache, "reading the package index")?
            .args(["show", "--no-all-versions"])
            .args(&arguments)
            .text()?;
        let addresses: Vec<_> = uris.lines().filter_map(quoted).map(percent_decode).collect();
        let mut entries = BTreeMap::new();
        for stanza in stanzas.split("\n\n").filter(|text| !text.trim().is_empty()) {
            let entry = self.entry(part, stanza, &addresses)?;
            let key = (entry.name.clone(), entry.architecture.clone());
            if chosen.get(&key) == Some(&entry.version) {
                entries.insert(key, entry);
            }
        }
        if let Some(key) = chosen.keys().find(|key| !entries.contains_key(*key)) {
            bail!("apt chose {} but its index does not describe it", key.0);
        }
        Ok(entries.into_values().collect())
    }

    /// A package as apt names it: with its architecture where that is not apt's own.
    fn qualified(&self, (name, architecture): &(String, String)) -> String {
        match self.target.foreign.contains(architecture) {
            true => format!("{name}:{architecture}"),
            false => name.clone(),
        }
    }

    fn entry(&self, part: Part, stanza: &str, addresses: &[String]) -> Result<Entry> {
        let field = |name: &str| {
            let value = stanza.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(": "));
            value
                .map(str::to_owned)
                .ok_or_else(|| anyhow!("a stanza of the package index has no {name}:\n{stanza}"))
        };
        let path = field("Filename")?.trim_start_matches("./").to_owned();
        let address = addresses.iter().find(|address| address.ends_with(&format!("/{path}")));
        let security = address.is_some_and(|address| {
            address.starts_with(&self.mirror.security)
                && !address.starts_with(&format!("{}/pool/main", self.mirror.main))
        });
        let sha256: Digest = field("SHA256")?.parse()?;
        Ok(Entry {
            part,
            name: field("Package")?,
            version: field("Version")?,
            architecture: field("Architecture")?,
            size: field("Size")?.parse().context("reading a package's size")?,
            sha256,
            archive: if security && self.mirror.security != self.mirror.main {
                Archive::Security
            } else {
                Archive::Main
            },
            path,
        })
    }

    /// The newest date of the signed indexes, in seconds since 1970 UTC.
    ///
    /// # Errors
    /// When no index is there.
    pub fn epoch(&self) -> Result<u64> {
        let mut newest = None;
        for file in fs::read_dir(self.folder.join("lists")).context("reading apt's lists")? {
            let path = file?.path();
            if path.to_string_lossy().ends_with("Release") {
                let text = String::from_utf8_lossy(&fs::read(&path)?).into_owned();
                let date = text.lines().find_map(|line| line.strip_prefix("Date: "));
                newest = newest.max(date.and_then(parse_date));
            }
        }
        newest.context("no signed index of the archive was found: run again with the network")
    }

    fn apt(&self, program: Program, doing: impl Into<String>) -> Result<Command> {
        let command = match &self.tree {
            Some(tree) => {
                let mut sandbox = Sandbox::new(tree).share(&self.folder).network();
                if let Some(keyring) = &self.target.keyring {
                    sandbox = sandbox.share(keyring);
                }
                if Path::new(CERTIFICATES).exists() {
                    sandbox = sandbox.lend(Path::new(CERTIFICATES), Path::new(LENT_CERTIFICATES));
                }
                sandbox.command(doing, program.name())?
            }
            None => Command::new(program, doing).env("LC_ALL", "C.UTF-8"),
        };
        Ok(command.env("APT_CONFIG", self.folder.join("apt.conf")))
    }
}

/// `Inst name (version origin [arch])` lines of a simulation: (name, architecture) → version.
fn installed_versions(simulation: &str) -> BTreeMap<(String, String), String> {
    let parse = |line: &str| {
        let (name, rest) = line.strip_prefix("Inst ")?.split_once(' ')?;
        let (inner, _) = rest.split_once('(')?.1.split_once(')')?;
        let version = inner.split(' ').next()?;
        let architecture = inner.rsplit_once('[')?.1.trim_end_matches(']');
        Some(((name.split(':').next()?.to_owned(), architecture.to_owned()), version.to_owned()))
    };
    simulation.lines().filter_map(parse).collect()
}

fn quoted(line: &str) -> Option<&str> {
    line.strip_prefix('\'')?.split('\'').next()
}

fn percent_decode(address: &str) -> String {
    let bytes = address.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut i = 0;
    while i < bytes.len() {
        let code = (bytes[i] == b'%')
            .then(|| address.get(i + 1..i + 3).and_then(|hex| u8::from_str_radix(hex, 16).ok()))
            .flatten();
        decoded.push(code.unwrap_or(bytes[i]));
        i += if code.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

/// `Sat, 12 Sep 2026 07:55:41 UTC` (the form of a Release file's Date) in seconds since 1970.
fn parse_date(text: &str) -> Option<u64> {
    let mut words = text.split_whitespace().skip(1);
    let day: u64 = words.next()?.parse().ok()?;
    let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"];
    let name = words.next()?;
    let month = months.iter().position(|month| *month == name)? as u64 + 1;
    let year: u64 = words.next()?.parse().ok()?;
    let clock: Vec<u64> = words.next()?.split(':').filter_map(|part| part.parse().ok()).collect();
    let [hours, minutes, seconds] = clock[..] else { return None };
    // Days since 1970 in the proleptic Gregorian calendar, years beginning in March.
    let (y, m) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 1;
    Some((days.checked_sub(719_468)? * 24 + hours) * 3600 + minutes * 60 + seconds)
}

/// Adds to apt's failure what a builder can do about it.
fn explain_update(error: anyhow::Error) -> anyhow::Error {
    let text = error.to_string();
    let signature = [
        "NO_PUBKEY",
        "BADSIG",
        "not signed",
        "EXPKEYSIG",
        "no longer signed",
        "Missing key",
        "Bad signature",
    ];
    let network = [
        "Could not resolve",
        "Could not connect",
        "Temporary failure",
        "Connection refused",
        "Network is unreachable",
        "Unable to connect",
        "Cannot initiate",
    ];
    let has = |words: &[&str]| words.iter().any(|word| text.contains(word));
    if has(&signature) {
        error.context(
            "the archive's signature does not hold: the mirror is wrong, or the host's keys are too old (apt-get update && apt-get install debian-archive-keyring); nothing was taken from it",
        )
    } else if has(&network) {
        error.context("no network, or the mirror does not answer: connect, choose another with --mirror, or build from the cache with --offline")
    } else {
        error
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_date_becomes_seconds() {
        assert_eq!(parse_date("Thu, 01 Jan 1970 00:00:00 UTC"), Some(0));
        assert_eq!(parse_date("Sat, 12 Sep 2026 07:55:41 UTC"), Some(1_789_199_741));
        assert_eq!(parse_date("nonsense"), None);
    }

    #[test]
    fn a_simulation_names_versions() {
        let text = "Inst libc6 (2.41-12 Debian:13.1/stable [amd64])\nConf libc6 (2.41-12 Debian [amd64])\nInst libc6:arm64 (2.41-12 D, E [arm64]) []\nInst gcc-14-base:amd64 [1.0] (14.2-1 D [amd64])\n";
        let versions = installed_versions(text);
        let version = |name: &str, architecture: &str| {
            versions.get(&(name.to_owned(), architecture.to_owned())).map(String::as_str)
        };
        assert_eq!(version("libc6", "amd64"), Some("2.41-12"));
        assert_eq!(version("libc6", "arm64"), Some("2.41-12"));
        assert_eq!(version("gcc-14-base", "amd64"), Some("14.2-1"));
        assert_eq!(versions.len(), 3);
    }

    #[test]
    fn addresses_are_decoded() {
        assert_eq!(percent_decode("http://a/sl_5.02-1%2bb1_%zz.deb"), "http://a/sl_5.02-1+b1_%zz.deb");
    }
}
