//! The script of axe-core for the end-to-end scenarios: no Debian package brings it.

use std::env;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use super::Setting;
use crate::digest::Inputs;
use crate::sandbox::Sandbox;
use crate::stage::stage;

/// What pip is to bring, with its digest.
const WANTED: &str = "tests/axe.txt";
/// The script, in the kept folder.
const SCRIPT: &str = "axe.min.js";
/// Where pip and the host's programs look for certificate authorities.
const AUTHORITIES: &str = "/etc/ssl/certs/ca-certificates.crt";

/// Its file, brought once by the test tree's pip from where the host's pip would take it.
///
/// # Errors
/// When pip cannot bring what `tests/axe.txt` names, or something else comes.
pub fn script(setting: &Setting, test_tree: &Path) -> Result<PathBuf> {
    let wanted = setting.project.root.join(WANTED);
    let mut inputs = Inputs::new("axe", 1);
    inputs.text("wanted", fs::read_to_string(&wanted).with_context(|| format!("reading {WANTED}"))?);
    let made = stage(&setting.cache.folder("programs")?, "axe", &inputs, |folder| {
        bring(test_tree, &wanted, folder).context("bringing axe-core (pip needs the network for it)")
    })?;
    Ok(made.folder.join(SCRIPT))
}

fn bring(test_tree: &Path, wanted: &Path, folder: &Path) -> Result<()> {
    fs::copy(wanted, folder.join("wanted"))?;
    let mut sandbox = Sandbox::new(test_tree).share(folder).network().cwd(&folder.display().to_string());
    for (outside, inside) in lent() {
        sandbox = sandbox.lend(&outside, &inside);
    }
    let pip = [
        "download",
        "--quiet",
        "--no-deps",
        "--only-binary=:all:",
        "--require-hashes",
        "--dest=.",
        "-r",
        "wanted",
    ];
    let mut command = sandbox.command("downloading axe-core", "pip")?.args(pip);
    for (name, value) in env::vars_os()
        .filter_map(|(name, value)| Some((name.into_string().ok()?, value)))
        .filter(|(name, _)| is_pips(name))
    {
        command = command.env(&name, value);
    }
    command.run()?;
    let unzip = ["-q", "-j", "-o", "*.whl", "*/axe.min.js"];
    sandbox.command("unpacking axe-core", "unzip")?.args(unzip).run().map(drop)
}

/// The host's settings of pip and the authorities that it trusts, where there are such: outside, and inside.
fn lent() -> impl Iterator<Item = (PathBuf, PathBuf)> {
    let home = |path: &str| PathBuf::from(env::var_os("HOME").unwrap_or_default()).join(path);
    let same = |path: PathBuf| (path.clone(), path);
    let named = env::var_os("PIP_CERT").map(|path| same(path.into()));
    let files = [
        same(AUTHORITIES.into()),
        same("/etc/pip.conf".into()),
        (home(".config/pip/pip.conf"), "/root/.config/pip/pip.conf".into()),
        (home(".pip/pip.conf"), "/root/.pip/pip.conf".into()),
    ];
    files.into_iter().chain(named).filter(|(outside, _)| outside.is_file())
}

/// Says this variable something to pip?
fn is_pips(name: &str) -> bool {
    let lower = name.to_lowercase();
    lower.starts_with("pip_")
        || ["http_proxy", "https_proxy", "no_proxy", "all_proxy"].contains(&lower.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pip_is_told_of_proxies_and_no_secrets() {
        assert!(is_pips("PIP_INDEX_URL") && is_pips("https_proxy") && is_pips("NO_PROXY"));
        assert!(!is_pips("PATH") && !is_pips("AWS_SECRET_ACCESS_KEY"));
    }
}
