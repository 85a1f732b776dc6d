//! Debian packages: well named, and listed once in the whole image.

use super::document::Text;
use super::{Firsts, Plan};
use crate::fault::Fault;

pub(super) fn check(plan: &Plan<'_>, faults: &mut Vec<Fault>) {
    let mut firsts = Firsts::default();
    let root = plan.recipe.table();
    if let Some(table) = root.table("packages") {
        let lists = ["system", "firmware"].into_iter().flat_map(|list| table.texts(list));
        for package in table.text("kernel").into_iter().chain(lists) {
            claim(package, &mut firsts, faults);
        }
    }
    for service in &plan.services {
        let table = service.table().table("service");
        for package in table.map(|table| table.texts("packages")).unwrap_or_default() {
            claim(package, &mut firsts, faults);
        }
    }
}

fn claim<'d>(package: Text<'d>, firsts: &mut Firsts<'d>, faults: &mut Vec<Fault>) {
    if is_package(package.value) {
        firsts.claim(package.value, &format!("package `{}`", package.value), package.place, faults);
    } else {
        let hint = "two or more lower-case letters, digits, `+`, `-` and `.`; no version, no architecture"
            .to_owned();
        faults.push(package.place.fault(format!("`{}` is no name of a Debian package", package.value), hint));
    }
}

/// Debian Policy 5.6.1: at least two characters, the first a letter or digit.
pub(super) fn is_package(name: &str) -> bool {
    name.len() >= 2
        && name.starts_with(|c: char| c.is_ascii_lowercase() || c.is_ascii_digit())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || "+-.".contains(c))
}
