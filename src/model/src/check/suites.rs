//! Further suites of the archive: known, named once, and with packages, which are well named.

use super::image::known;
use super::packages::is_package;
use super::{Firsts, Plan};
use crate::fault::Fault;

/// What a suite of the archive is named after its release, where it is not read anyway.
const FURTHER: [&str; 2] = ["backports", "proposed-updates"];

pub(super) fn check(plan: &Plan<'_>, faults: &mut Vec<Fault>) {
    let root = plan.recipe.table();
    let Some(release) = root.table("image").and_then(|image| image.text("release")) else { return };
    let suites = FURTHER.map(|further| format!("{}-{further}", release.value));
    let suites = suites.each_ref().map(String::as_str);
    let mut names = Firsts::default();
    // A package has one suite that it is taken from.
    let mut packages = Firsts::default();
    for suite in root.tables("suite") {
        let name = suite.text("name");
        known(name, "suite", &suites, faults);
        if let Some(name) = name {
            names.claim(name.value, &format!("suite `{}`", name.value), name.place, faults);
        }
        if suite.is_empty_list("packages") {
            let hint = "name packages, or remove the suite".to_owned();
            faults
                .push(suite.place_of("packages").fault("nothing is taken from this suite".to_owned(), hint));
        }
        for package in suite.texts("packages") {
            if is_pattern(package.value) {
                let what = format!("package `{}`", package.value);
                packages.claim(package.value, &what, package.place, faults);
            } else {
                let message = format!("`{}` is no name of Debian packages", package.value);
                let hint = "write it as Debian does; `*` stands for any part but the beginning".to_owned();
                faults.push(package.place.fault(message, hint));
            }
        }
    }
}

/// The name of a package, or of several with `*` for what differs.
fn is_pattern(text: &str) -> bool {
    !text.starts_with('*') && is_package(&text.replace('*', "+"))
}
