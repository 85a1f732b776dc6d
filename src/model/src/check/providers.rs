//! Who serves the DNS of domains, and what opens an account there.

use super::document::Table;
use super::{Firsts, Plan, is_name, name_fault};
use crate::fault::Fault;

pub(super) fn check(plan: &Plan<'_>, faults: &mut Vec<Fault>) {
    let mut providers = Firsts::default();
    for service in &plan.services {
        for provider in service.tables("dns-provider") {
            if let Some(name) = provider.text("name") {
                if !is_name(name.value) {
                    faults.push(name_fault(&name, "a DNS provider"));
                }
                providers.claim(name.value, &format!("DNS provider `{}`", name.value), name.place, faults);
            }
            variables(&provider, faults);
        }
    }
}

/// They become lines of an environment file, and what is not required may be empty: so one must be.
fn variables(provider: &Table<'_>, faults: &mut Vec<Fault>) {
    let mut names = Firsts::default();
    let variables = provider.tables("variables");
    for name in variables.iter().filter_map(|variable| variable.text("name")) {
        if !is_variable(name.value) {
            let hint = "capital letters, digits and underscores, a letter first".to_owned();
            faults.push(name.place.fault(format!("`{}` is no name of a variable", name.value), hint));
        }
        names.claim(name.value, &format!("variable `{}`", name.value), name.place, faults);
    }
    if provider.has("variables") && variables.iter().all(|one| one.boolean("required") == Some(false)) {
        let hint = "leave `required` out of the variable that opens the account".to_owned();
        let place = provider.place_of("variables");
        faults.push(place.fault("a DNS provider needs a variable that must be given", hint));
    }
}

fn is_variable(name: &str) -> bool {
    name.starts_with(|first: char| first.is_ascii_uppercase())
        && name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit() || c == '_')
}
