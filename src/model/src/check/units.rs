//! systemd units, and the settings that units and ports depend on.

use super::document::{Table, Text};
use super::{Firsts, Plan};
use crate::fault::Fault;
use crate::settings::Settings;
use crate::suggest::nearest;

/// Unit types, systemd.unit(5).
const SUFFIXES: [&str; 7] = ["service", "socket", "timer", "target", "path", "mount", "slice"];

pub(super) fn check(plan: &Plan<'_>, faults: &mut Vec<Fault>) {
    let mut units = Firsts::default();
    for service in &plan.services {
        for unit in service.tables("unit") {
            when(&unit, faults);
            if let Some(name) = unit.text("name") {
                unit_name(&name, faults);
                units.claim(name.value, &format!("unit `{}`", name.value), name.place, faults);
            }
            if let (Some(false), true) = (unit.boolean("enable"), unit.has("when")) {
                let hint = "remove one of the two".to_owned();
                faults.push(unit.place_of("when").fault("a unit with `enable = false` never starts", hint));
            }
        }
        for port in service.tables("port") {
            when(&port, faults);
        }
    }
    if plan.documents().any(|document| !document.errors.is_empty()) {
        // The unit may be declared where the file does not parse.
        return;
    }
    let known: Vec<&str> = units.seen.keys().map(String::as_str).collect();
    for template in plan.services.iter().flat_map(|service| service.tables("template")) {
        for unit in ["reload", "restart"].into_iter().flat_map(|key| template.texts(key)) {
            reference(&unit, &known, faults);
        }
    }
}

fn unit_name(name: &Text<'_>, faults: &mut Vec<Fault>) {
    let plain = |c: char| c.is_ascii_alphanumeric() || ":-_.\\@".contains(c);
    let (stem, suffix) = name.value.rsplit_once('.').unwrap_or((name.value, ""));
    if !stem.is_empty() && name.value.chars().all(plain) && SUFFIXES.contains(&suffix) {
        return;
    }
    let hint = match suffix {
        "" => format!("write `{}.service`", name.value),
        _ => format!("a unit's name ends in one of: .{}", SUFFIXES.join(", .")),
    };
    faults.push(name.place.fault(format!("`{}` is no name of a systemd unit", name.value), hint));
}

fn reference(unit: &Text<'_>, known: &[&str], faults: &mut Vec<Fault>) {
    if known.contains(&unit.value) {
        return;
    }
    let hint = match nearest(unit.value, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("declare it: [[unit]] name = \"{}\"", unit.value),
    };
    faults.push(unit.place.fault(format!("no manifest declares the unit `{}`", unit.value), hint));
}

fn when(entry: &Table<'_>, faults: &mut Vec<Fault>) {
    let Some(path) = entry.text("when") else { return };
    let known = Settings::boolean_paths();
    if known.iter().any(|known| known == path.value) {
        return;
    }
    let hint = match nearest(path.value, known.iter().map(String::as_str)) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("settings that are true or false: {}", known.join(", ")),
    };
    let message = format!("`{}` is no setting of box.toml that is true or false", path.value);
    faults.push(path.place.fault(message, hint));
}
