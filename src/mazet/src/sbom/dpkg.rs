//! Reading dpkg's database: deb822 paragraphs of `/var/lib/dpkg/status`.

use std::collections::BTreeMap;

/// An installed package.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Installed {
    /// Debian version.
    pub version: String,
    /// Source package that it was built from.
    pub source: String,
    /// Version of the source package.
    pub source_version: String,
    /// Maintainer, with address.
    pub maintainer: String,
    /// Home page of the program.
    pub homepage: Option<String>,
    /// First line of the description.
    pub summary: Option<String>,
}

/// The installed packages of a status file, by name. Packages that are removed with their
/// configuration kept are left out.
pub(super) fn installed(status: &str) -> BTreeMap<String, Installed> {
    status.split("\n\n").filter_map(paragraph).collect()
}

fn paragraph(text: &str) -> Option<(String, Installed)> {
    let field = |name: &str| {
        // Continuation lines begin with a space, so no field name is found in them.
        text.lines().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name).then(|| value.trim().to_owned())
        })
    };
    if field("Status")?.split_whitespace().last() != Some("installed") {
        return None;
    }
    let (name, version) = (field("Package")?, field("Version")?);
    let (source, source_version) = match field("Source") {
        // "Source: gcc-14 (14.2.0-19)": the version stands there when it is another.
        Some(source) => match source.split_once(" (") {
            Some((source, rest)) => (source.to_owned(), rest.trim_end_matches(')').to_owned()),
            None => (source, version.clone()),
        },
        None => (name.clone(), version.clone()),
    };
    let maintainer = field("Maintainer").unwrap_or_else(|| "unknown".to_owned());
    let (homepage, summary) = (field("Homepage"), field("Description"));
    Some((name, Installed { version, source, source_version, maintainer, homepage, summary }))
}
