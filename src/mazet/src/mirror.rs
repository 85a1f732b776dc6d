//! Which mirror to build from.
//!
//! Mazet names none: it takes `--mirror`, else the one that the host's own apt uses where the
//! host is a Debian, else the one that mmdebstrap brings.

use std::fs;

use anyhow::{Context as _, Result, bail};

use crate::lock::Archive;
use crate::run::{Command, Program};

/// Base addresses of Debian's archives, without a slash at the end.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mirror {
    /// Holds the release and its updates.
    pub main: String,
    /// Holds the security updates.
    pub security: String,
    /// Lines of apt configuration of the host that concern reaching the mirror: proxies, and
    /// whether the age of an index matters.
    pub apt_options: Vec<String>,
}

impl Mirror {
    /// Finds the mirror.
    ///
    /// # Errors
    /// When neither the host nor mmdebstrap names one.
    pub fn find(given: Option<&str>) -> Result<Self> {
        let apt_options = host_options()?;
        if let Some(main) = given {
            let main = trim(main);
            return Ok(Self { security: security_beside(&main), main, apt_options });
        }
        if let Some((main, security)) = host_mirror()? {
            return Ok(Self { main, security, apt_options });
        }
        let main = mmdebstrap_mirror()?;
        Ok(Self { security: security_beside(&main), main, apt_options })
    }

    /// The base address of one archive.
    pub fn base(&self, archive: Archive) -> &str {
        match archive {
            Archive::Main => &self.main,
            Archive::Security => &self.security,
        }
    }
}

fn trim(address: &str) -> String {
    address.trim_end_matches('/').to_owned()
}

/// Mirrors keep `debian-security` beside `debian`.
fn security_beside(main: &str) -> String {
    match main.strip_suffix("/debian") {
        Some(stem) => format!("{stem}/debian-security"),
        None => main.to_owned(),
    }
}

/// Only what concerns reaching the mirror is taken from the host's apt configuration.
fn host_options() -> Result<Vec<String>> {
    let dump = Command::new(Program::AptConfig, "reading apt's configuration").arg("dump").text()?;
    let wanted = [
        "Acquire::http::Proxy",
        "Acquire::https::Proxy",
        "Acquire::Check-Valid-Until",
        "Acquire::Check-Date",
    ];
    let concerns = |line: &&str| {
        wanted.iter().any(|key| line.starts_with(&format!("{key} ")) || line.starts_with(&format!("{key}::")))
    };
    Ok(dump.lines().filter(concerns).map(str::to_owned).collect())
}

/// The mirror of a Debian host: asked of apt itself, which reads all its formats.
fn host_mirror() -> Result<Option<(String, String)>> {
    let release = fs::read_to_string("/etc/os-release").unwrap_or_default();
    let value = |key: &str| {
        let line = release.lines().find_map(|line| line.strip_prefix(key));
        line.map(|text| text.trim_matches('"').to_owned())
    };
    if value("ID=").as_deref() != Some("debian") {
        return Ok(None);
    }
    let codename = value("VERSION_CODENAME=").unwrap_or_default();
    let targets = Command::new(Program::AptGet, "asking apt for its sources")
        .args(["indextargets", "--format", "$(RELEASE) $(REPO_URI)", "Created-By: Packages"])
        .text()?;
    Ok(choose(&targets, &codename))
}

/// Picks the archive of the host's own release, and of its security updates.
fn choose(targets: &str, codename: &str) -> Option<(String, String)> {
    let find =
        |suite: &str| targets.lines().find_map(|line| line.strip_prefix(suite)?.strip_prefix(' ').map(trim));
    let main = find(codename).or_else(|| find("stable"))?;
    let security = find(&format!("{codename}-security"));
    Some((main.clone(), security.unwrap_or_else(|| security_beside(&main))))
}

/// The mirror that mmdebstrap would use by itself: it writes it into the sources of a tree that
/// a dry run never makes.
fn mmdebstrap_mirror() -> Result<String> {
    let folder = tempfile::tempdir().context("making a temporary folder")?;
    let copy = folder.path().join("sources");
    let hook = format!(
        "cat \"$1\"/etc/apt/sources.list \"$1\"/etc/apt/sources.list.d/* >>'{}' || true",
        copy.display()
    );
    Command::new(Program::Mmdebstrap, "asking mmdebstrap for a mirror")
        .args(["--mode=root", "--variant=custom", "--setup-hook", &hook, "stable"])
        .arg(folder.path().join("tree"))
        .run()
        .ok();
    let sources = fs::read_to_string(&copy).unwrap_or_default();
    let address = sources.split_whitespace().find(|word| word.starts_with("http"));
    match address {
        Some(address) => Ok(trim(address)),
        None => bail!(
            "no mirror is known: the host is no Debian and mmdebstrap names none; give one with --mirror"
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_s_own_release_names_the_mirror() {
        let targets = "nodistro https://other.example/\nbookworm http://a.example/debian/\nbookworm-security http://b.example/sec/\n";
        let chosen = choose(targets, "bookworm");
        assert_eq!(chosen, Some(("http://a.example/debian".into(), "http://b.example/sec".into())));
        assert_eq!(choose(targets, "trixie"), None);
    }

    #[test]
    fn security_updates_lie_beside_the_release() {
        assert_eq!(security_beside("http://a.example/debian"), "http://a.example/debian-security");
        assert_eq!(security_beside("http://a.example/x"), "http://a.example/x");
    }
}
