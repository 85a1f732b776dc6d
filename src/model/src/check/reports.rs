//! Pages for the operator and options: names, and that what they name is there.

use super::document::{Table, Text};
use super::{Firsts, Plan, Service, is_name, name_fault};
use crate::fault::Fault;
use crate::suggest::nearest;

pub(super) fn check(plan: &Plan<'_>, faults: &mut Vec<Fault>) {
    for service in &plan.services {
        named(&service.tables("report"), "a report", faults);
        named(&service.tables("option"), "an option", faults);
        for report in service.tables("report") {
            units(service, &report, faults);
            named(&report.tables("act"), "an act", faults);
            let fields = report.table("form").map(|form| form.tables("field")).unwrap_or_default();
            named(&fields, "a field", faults);
        }
        for option in service.tables("option") {
            values(service, &option, faults);
        }
        for port in service.tables("port") {
            only(service, &port, faults);
        }
    }
}

/// Each has a good name, and another one than the others.
fn named(tables: &[Table<'_>], what: &str, faults: &mut Vec<Fault>) {
    let mut names = Firsts::default();
    for name in tables.iter().filter_map(|table| table.text("name")) {
        if !is_name(name.value) {
            faults.push(name_fault(&name, what));
        }
        let kind = what.split(' ').next_back().unwrap_or(what);
        names.claim(name.value, &format!("{kind} `{}`", name.value), name.place, faults);
    }
}

fn units(service: &Service<'_>, report: &Table<'_>, faults: &mut Vec<Fault>) {
    let declared = service.tables("unit");
    let known: Vec<&str> =
        declared.iter().filter_map(|unit| unit.text("name")).map(|name| name.value).collect();
    for unit in ["unit", "act-unit"].iter().filter_map(|key| report.text(key)) {
        among(&unit, &known, "no [[unit]] of the service is", faults);
    }
    match report.text("act-unit") {
        Some(unit) if !unit.value.ends_with("@.service") => {
            let hint = "its instance says what is done: a name like `mail-act@.service`".to_owned();
            faults.push(unit.place.fault(format!("`{}` has no instances", unit.value), hint));
        }
        None if report.tables("act").iter().any(|act| act.boolean("forgets") != Some(true)) => {
            let hint = "name the unit in `act-unit`".to_owned();
            faults.push(report.place_of("act").fault("no unit does these acts", hint));
        }
        _ => {}
    }
}

fn values(service: &Service<'_>, option: &Table<'_>, faults: &mut Vec<Fault>) {
    let values = option.tables("value");
    named(&values, "a value", faults);
    let known: Vec<&str> =
        values.iter().filter_map(|value| value.text("name")).map(|name| name.value).collect();
    if let Some(default) = option.text("default") {
        among(&default, &known, "no value of the option is", faults);
    }
    let reports = service.tables("report");
    let known: Vec<&str> = reports.iter().filter_map(|one| one.text("name")).map(|name| name.value).collect();
    for report in values.iter().filter_map(|value| value.text("report")) {
        among(&report, &known, "no [[report]] of the service is", faults);
    }
}

/// `way=full`: an option of the service, and a value of it.
fn only(service: &Service<'_>, port: &Table<'_>, faults: &mut Vec<Fault>) {
    let Some(only) = port.text("only") else { return };
    let mut known = Vec::new();
    for option in service.tables("option") {
        let Some(name) = option.text("name") else { continue };
        let values = option.tables("value");
        known.extend(
            values
                .iter()
                .filter_map(|value| value.text("name"))
                .map(|value| format!("{}={}", name.value, value.value)),
        );
    }
    let known: Vec<&str> = known.iter().map(String::as_str).collect();
    among(&only, &known, "no option of the service can be", faults);
}

fn among(text: &Text<'_>, known: &[&str], what: &str, faults: &mut Vec<Fault>) {
    if known.contains(&text.value) {
        return;
    }
    let hint = match nearest(text.value, known.iter().copied()) {
        Some(near) => Some(format!("did you mean `{near}`?")),
        None => (!known.is_empty()).then(|| format!("there are {}", known.join(", "))),
    };
    faults.push(text.place.fault(format!("{what} `{}`", text.value), hint));
}
