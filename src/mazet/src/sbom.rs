//! The software bill of materials: SPDX 2.3 in JSON (ISO/IEC 5962, <https://spdx.github.io/spdx-spec/v2.3/>).
//!
//! Made from the lock (what was asked for, with digests) and the image's dpkg database (what is
//! installed); the two must name the same packages. The same input gives the same bytes: the
//! clock is the lock's, the namespace comes from the image's digest.

mod dpkg;

use std::collections::BTreeMap;

use serde_json::{Value, json};
use thiserror::Error;

pub use dpkg::Installed;

use crate::lock::Entry;

/// A package of the lock.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Package {
    /// Package name.
    pub name: String,
    /// Debian version.
    pub version: String,
    /// Architecture of the package: the image's or `all`.
    pub architecture: String,
    /// SHA-256 of the `.deb`, 64 lower-case hexadecimal digits.
    pub sha256: String,
    /// Path below the archive's root.
    pub path: String,
}

impl From<&Entry> for Package {
    fn from(entry: &Entry) -> Self {
        Self {
            name: entry.name.clone(),
            version: entry.version.clone(),
            architecture: entry.architecture.clone(),
            sha256: entry.sha256.to_string(),
            path: entry.path.clone(),
        }
    }
}

/// What the bill is about.
#[derive(Debug, Clone)]
pub struct Subject<'a> {
    /// Image name.
    pub image: &'a str,
    /// Debian release, by code name.
    pub release: &'a str,
    /// Digest over all inputs of the image, in hexadecimal: names this very build.
    pub digest: &'a str,
    /// SHA-256 of the image file, in hexadecimal, when it is written already.
    pub image_sha256: Option<&'a str>,
    /// Seconds since 1970 UTC: the lock's clock.
    pub epoch: u64,
    /// Version of Mazet.
    pub tool_version: &'a str,
}

/// The lock and the dpkg database do not say the same.
#[derive(Debug, Error, PartialEq, Eq)]
#[error("the lock and the image's dpkg database differ: {}", .0.join("; "))]
pub struct Mismatch(pub Vec<String>);

/// Makes the document, as JSON text with a final line feed.
///
/// `status` is the text of `/var/lib/dpkg/status` (deb822) of the finished tree.
///
/// # Errors
/// When a package is locked and not installed, installed and not locked, or has another version.
pub fn document(subject: &Subject<'_>, packages: &[Package], status: &str) -> Result<String, Mismatch> {
    let installed = dpkg::installed(status);
    compare(packages, &installed)?;
    let mut sorted: Vec<&Package> = packages.iter().collect();
    sorted.sort_by_key(|package| (&package.name, &package.architecture, &package.version));
    sorted.dedup_by_key(|package| identifier(package));

    let mut entries = vec![image_entry(subject)];
    let mut relationships = vec![relationship("SPDXRef-DOCUMENT", "DESCRIBES", "SPDXRef-Image")];
    for package in sorted {
        entries.push(package_entry(subject, package, &installed[&package.name]));
        relationships.push(relationship("SPDXRef-Image", "CONTAINS", &identifier(package)));
    }
    let document = json!({
        "spdxVersion": "SPDX-2.3",
        "dataLicense": "CC0-1.0",
        "SPDXID": "SPDXRef-DOCUMENT",
        "name": format!("mazet-{}", subject.image),
        // A name, not an address: nothing is published there (RFC 2606 reserves .invalid).
        "documentNamespace": format!("https://mazet.invalid/spdx/{}/{}", subject.image, subject.digest),
        "creationInfo": {
            "created": timestamp(subject.epoch),
            "creators": [format!("Tool: mazet-{}", subject.tool_version)],
        },
        "packages": entries,
        "relationships": relationships,
    });
    Ok(format!("{document:#}\n"))
}

/// Names every difference between the lock and what dpkg has installed.
fn compare(packages: &[Package], installed: &BTreeMap<String, Installed>) -> Result<(), Mismatch> {
    let locked: BTreeMap<&str, &str> =
        packages.iter().map(|package| (package.name.as_str(), package.version.as_str())).collect();
    let mut faults = Vec::new();
    for (name, version) in &locked {
        match installed.get(*name) {
            None => faults.push(format!("{name} {version} is locked and not installed")),
            Some(there) if there.version != *version => {
                faults.push(format!("{name} is locked at {version} and installed at {}", there.version));
            }
            Some(_) => {}
        }
    }
    for (name, there) in installed.iter().filter(|(name, _)| !locked.contains_key(name.as_str())) {
        faults.push(format!("{name} {} is installed and not locked", there.version));
    }
    if faults.is_empty() { Ok(()) } else { Err(Mismatch(faults)) }
}

fn image_entry(subject: &Subject<'_>) -> Value {
    let mut entry = json!({
        "SPDXID": "SPDXRef-Image",
        "name": format!("mazet-{}", subject.image),
        "versionInfo": subject.digest,
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": false,
        "licenseConcluded": "NOASSERTION",
        "licenseDeclared": "NOASSERTION",
        "copyrightText": "NOASSERTION",
        "primaryPackagePurpose": "OPERATING-SYSTEM",
    });
    if let Some(sha256) = subject.image_sha256 {
        entry["checksums"] = json!([{ "algorithm": "SHA256", "checksumValue": sha256 }]);
    }
    entry
}

fn package_entry(subject: &Subject<'_>, package: &Package, installed: &Installed) -> Value {
    let file_name = package.path.rsplit('/').next().unwrap_or(&package.path);
    let mut entry = json!({
        "SPDXID": identifier(package),
        "name": package.name,
        "versionInfo": package.version,
        "packageFileName": file_name,
        "supplier": "Organization: Debian",
        // No mirror is named: the digest says what it is, wherever it was fetched.
        "downloadLocation": "NOASSERTION",
        "filesAnalyzed": false,
        "checksums": [{ "algorithm": "SHA256", "checksumValue": package.sha256 }],
        "sourceInfo": format!("Debian source package {} {}", installed.source, installed.source_version),
        "comment": format!("Maintainer: {}", installed.maintainer),
        // What licences hold stands in each package's copyright file, which no program reads reliably.
        "licenseConcluded": "NOASSERTION",
        "licenseDeclared": "NOASSERTION",
        "copyrightText": "NOASSERTION",
        "externalRefs": [{
            "referenceCategory": "PACKAGE-MANAGER",
            "referenceType": "purl",
            "referenceLocator": package_url(subject.release, package),
        }],
    });
    if let Some(homepage) = &installed.homepage {
        entry["homepage"] = json!(homepage);
    }
    if let Some(summary) = &installed.summary {
        entry["summary"] = json!(summary);
    }
    entry
}

fn relationship(from: &str, kind: &str, to: &str) -> Value {
    json!({ "spdxElementId": from, "relationshipType": kind, "relatedSpdxElement": to })
}

/// An SPDX identifier: letters, digits, `.` and `-` alone. Package names have `+` besides,
/// which becomes `.plus.`.
fn identifier(package: &Package) -> String {
    format!("SPDXRef-Package-{}-{}", package.name.replace('+', ".plus."), package.architecture)
}

/// The package URL (<https://github.com/package-url/purl-spec>, type `deb`).
pub(crate) fn package_url(release: &str, package: &Package) -> String {
    let (name, version) = (percent(&package.name), percent(&package.version));
    format!("pkg:deb/debian/{name}@{version}?arch={}&distro={release}", package.architecture)
}

/// Percent-encodes all but the unreserved characters (RFC 3986, section 2.3).
fn percent(text: &str) -> String {
    let encode = |byte: u8| match byte {
        b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'.' | b'_' | b'~' => char::from(byte).to_string(),
        other => format!("%{other:02X}"),
    };
    text.bytes().map(encode).collect()
}

/// A time as SPDX wants it: `2026-11-22T14:00:00Z`.
fn timestamp(epoch: u64) -> String {
    let (days, seconds) = (epoch / 86_400, epoch % 86_400);
    let (year, month, day) = civil(days);
    let (hour, minute, second) = (seconds / 3600, seconds / 60 % 60, seconds % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

/// Year, month and day of a count of days since 1970-01-01, in the Gregorian calendar.
fn civil(mut days: u64) -> (u64, u64, u64) {
    let leap = |year: u64| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let mut year = 1970;
    while days >= if leap(year) { 366 } else { 365 } {
        days -= if leap(year) { 366 } else { 365 };
        year += 1;
    }
    let february = if leap(year) { 29 } else { 28 };
    let mut month = 1;
    for length in [31, february, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31] {
        if days < length {
            break;
        }
        days -= length;
        month += 1;
    }
    (year, month, days + 1)
}

#[cfg(test)]
mod tests;
