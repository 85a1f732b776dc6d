//! The recipe's own values.

use std::collections::BTreeSet;

use super::document::{Table, Text};
use super::{Firsts, Plan, is_name, name_fault};
use crate::fault::Fault;
use crate::suggest::nearest;

const RELEASES: [&str; 1] = ["trixie"];
const ARCHITECTURES: [&str; 2] = ["amd64", "arm64"];
const COMPONENTS: [&str; 4] = ["main", "contrib", "non-free", "non-free-firmware"];

pub(super) fn check(plan: &Plan<'_>, faults: &mut Vec<Fault>) {
    let root = plan.recipe.table();
    let Some(image) = root.table("image") else { return };
    name(plan, &image, faults);
    known(image.text("release"), "release", &RELEASES, faults);
    known(image.text("architecture"), "architecture", &ARCHITECTURES, faults);
    let hardware = folders(plan, "firmware/");
    let hardware: Vec<&str> = hardware.iter().map(String::as_str).collect();
    known(image.text("hardware"), "folder below firmware/", &hardware, faults);
    let mut components = Firsts::default();
    for component in image.texts("components") {
        components.claim(
            component.value,
            &format!("component `{}`", component.value),
            component.place,
            faults,
        );
        known(Some(component), "component", &COMPONENTS, faults);
    }
    for argument in image.texts("kernel-arguments") {
        if argument.value.is_empty() || argument.value.contains(char::is_whitespace) {
            let hint = "write one argument a string, as in [\"quiet\", \"console=ttyS0\"]".to_owned();
            faults.push(argument.place.fault("a kernel argument holds no spaces and is not empty", hint));
        }
    }
}

fn name(plan: &Plan<'_>, image: &Table<'_>, faults: &mut Vec<Fault>) {
    let Some(name) = image.text("name") else { return };
    if !is_name(name.value) {
        faults.push(name_fault(&name, "an image"));
    }
    let stem = plan.recipe.path.rsplit('/').next().unwrap_or_default().trim_end_matches(".toml");
    if name.value != stem {
        let hint = format!("write `{stem}`, or rename the file");
        faults
            .push(name.place.fault(format!("the image is named `{}`, its file `{stem}`", name.value), hint));
    }
}

pub(super) fn known(value: Option<Text<'_>>, what: &str, known: &[&str], faults: &mut Vec<Fault>) {
    let Some(value) = value.filter(|value| !known.contains(&value.value)) else { return };
    let hint = match nearest(value.value, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None if known.is_empty() => "there is none yet".to_owned(),
        None => format!("known: {}", known.join(", ")),
    };
    faults.push(value.place.fault(format!("unknown {what} `{}`", value.value), hint));
}

/// Names of the folders directly below `prefix`.
fn folders(plan: &Plan<'_>, prefix: &str) -> BTreeSet<String> {
    let below = plan.sources.below(prefix).filter_map(|path| path[prefix.len()..].split_once('/'));
    below.map(|(folder, _)| folder.to_owned()).collect()
}
