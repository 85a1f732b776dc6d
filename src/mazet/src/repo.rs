//! A small local archive of just the packages of one tree, made from the cache.
//!
//! Its packages were verified against the lock, the lock against the archive's signature:
//! so mmdebstrap and apt may trust it. With nothing else in it, apt can install nothing else.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result};

use crate::deb;
use crate::digest::Digest;
use crate::fetch;
use crate::lock::Entry;

/// Lays out a flat archive (deb822 `Packages` and `Release` beside hard links of the packages) in
/// `folder`, under the code name `release`.
///
/// # Errors
/// When a package cannot be linked or read.
pub fn lay_out(folder: &Path, debs: &Path, release: &str, entries: &[Entry]) -> Result<()> {
    fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
    for entry in entries {
        let link = folder.join(file_name(entry));
        let deb = fetch::path(debs, entry);
        if !link.exists() {
            fs::hard_link(&deb, &link)
                .or_else(|_| fs::copy(&deb, &link).map(drop))
                .with_context(|| format!("taking {} from the cache", deb.display()))?;
        }
    }
    let packages = packages_file(folder, entries)?;
    let release = release_file(release, &packages);
    for (name, text) in [("Packages", packages), ("Release", release)] {
        fs::write(folder.join(name), text).with_context(|| format!("writing the local archive's {name}"))?;
    }
    Ok(())
}

/// mmdebstrap finds the essential packages of a release by its code name.
fn release_file(release: &str, packages: &str) -> String {
    format!(
        "Origin: Mazet\nSuite: {release}\nCodename: {release}\nSHA256:\n {} {} Packages\n",
        Digest::of(packages),
        packages.len()
    )
}

/// Not the version: its colons and tildes are quoted by apt in more ways than one.
fn file_name(entry: &Entry) -> String {
    format!("{}_{}.deb", entry.name, entry.sha256.short())
}

/// The index: every package's own control file, with where it lies and its digest.
fn packages_file(folder: &Path, entries: &[Entry]) -> Result<String> {
    entries.iter().map(|entry| stanza(folder, entry)).collect()
}

fn stanza(folder: &Path, entry: &Entry) -> Result<String> {
    let name = file_name(entry);
    let about = deb::about(&folder.join(&name))?;
    Ok(format!(
        "{}\nFilename: ./{name}\nSize: {}\nSHA256: {}\n\n",
        about.control.trim_end(),
        entry.size,
        entry.sha256
    ))
}
