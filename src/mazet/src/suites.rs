//! Further suites of the archive, as a recipe names them: what apt is told of them.
//!
//! The same words for the builder's own apt and for that of the box: nothing comes from such a suite
//! but the packages that the recipe names, whatever else it holds in newer versions (apt_preferences(5)).

use std::fmt::Write as _;

use anyhow::{Result, bail};
use mazet_model::recipe::Suite;

/// Debian's own list of its archives, as its package apt brings it: it names the mirror of a box.
pub const DEBIAN_SOURCES: &str = "usr/share/doc/apt/examples/debian.sources";

/// What the box gets: (path, text).
///
/// # Errors
/// When `debian`, the text of [`DEBIAN_SOURCES`], names no suite.
pub fn of_box(suites: &[Suite], debian: &str) -> Result<Vec<(&'static str, String)>> {
    Ok(vec![
        ("/etc/apt/sources.list.d/mazet-suites.sources", sources(suites, debian)?),
        ("/etc/apt/preferences.d/mazet-suites", preferences(suites)),
        // Behind 52mazet, which begins the list anew.
        ("/etc/apt/apt.conf.d/53mazet-suites", updates(suites)),
    ])
}

/// Which packages come from where. As if the release had them: the newest version counts, so that a
/// package goes on with the release's own when that is the newer one.
pub fn preferences(suites: &[Suite]) -> String {
    suites.iter().fold(String::new(), |mut text, Suite { name, packages }| {
        let packages = packages.join(" ");
        let _ = write!(
            text,
            "# From {name} come these packages alone.\n\
             Package: {packages}\nPin: release n={name}\nPin-Priority: 500\n\n\
             Package: *\nPin: release n={name}\nPin-Priority: -1\n\n"
        );
        text
    })
}

/// Where the suites are: at the mirror of Debian's own list, signed as that.
fn sources(suites: &[Suite], debian: &str) -> Result<String> {
    let stanzas = debian.split("\n\n").map(|stanza| stanza.lines().filter(|line| !line.starts_with('#')));
    let Some(stanza) = stanzas.map(Iterator::collect::<Vec<_>>).find(|lines| {
        let has = |key: &str| lines.iter().any(|line| line.starts_with(key));
        has("URIs: ") && has("Suites: ") && has("Signed-By: ")
    }) else {
        bail!("{DEBIAN_SOURCES} of the base layer names no suite and its mirror");
    };
    let names: Vec<&str> = suites.iter().map(|suite| suite.name.as_str()).collect();
    let line = |line: &&str| match line.split_once(": ") {
        Some(("Suites", _)) => format!("Suites: {}\n", names.join(" ")),
        _ => format!("{line}\n"),
    };
    Ok(stanza.iter().map(line).collect())
}

/// The suites whose updates a box installs by itself, beside the release's security updates.
fn updates(suites: &[Suite]) -> String {
    let name = |suite: &Suite| format!("    \"codename={}\";\n", suite.name);
    let names: String = suites.iter().map(name).collect();
    format!(
        "// Of these suites, the packages that preferences.d/mazet-suites allows.\n\
         Unattended-Upgrade::Origins-Pattern {{\n{names}}};\n"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    /// In the form of trixie's apt.
    const DEBIAN: &str = "## Debian distribution repository\n##\nTypes: deb\nURIs: http://mirror.example/debian\n\
        Suites: trixie trixie-updates\nComponents: main non-free-firmware\nSigned-By: /usr/share/keyrings/debian.gpg\n\n\
        ## Security\nTypes: deb\nURIs: http://mirror.example/debian-security\nSuites: trixie-security\n\
        Components: main\nSigned-By: /usr/share/keyrings/debian.gpg\n";

    fn suites() -> Vec<Suite> {
        let packages = ["linux-base", "linux-image-*"].map(str::to_owned).to_vec();
        vec![Suite { name: "trixie-backports".to_owned(), packages }]
    }

    #[test]
    fn a_box_reads_the_suite_where_debian_is_and_takes_what_is_named() {
        let files = of_box(&suites(), DEBIAN).expect("a list of Debian's");
        let text: String = files.iter().map(|(path, text)| format!("== {path}\n{text}")).collect();
        insta::assert_snapshot!(text, @r#"
        == /etc/apt/sources.list.d/mazet-suites.sources
        Types: deb
        URIs: http://mirror.example/debian
        Suites: trixie-backports
        Components: main non-free-firmware
        Signed-By: /usr/share/keyrings/debian.gpg
        == /etc/apt/preferences.d/mazet-suites
        # From trixie-backports come these packages alone.
        Package: linux-base linux-image-*
        Pin: release n=trixie-backports
        Pin-Priority: 500

        Package: *
        Pin: release n=trixie-backports
        Pin-Priority: -1

        == /etc/apt/apt.conf.d/53mazet-suites
        // Of these suites, the packages that preferences.d/mazet-suites allows.
        Unattended-Upgrade::Origins-Pattern {
            "codename=trixie-backports";
        };
        "#);
    }

    #[test]
    fn a_list_without_a_suite_is_no_list_of_debian_s() {
        let error = of_box(&suites(), "# moved elsewhere\n").expect_err("no suite").to_string();
        assert!(error.starts_with(DEBIAN_SOURCES), "{error}");
    }
}
