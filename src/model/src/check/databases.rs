//! Databases: names that PostgreSQL takes as they are, and the versions of their schemas.

use super::document::{Table, Text};
use super::{Firsts, Plan, Service};
use crate::fault::Fault;

/// Longest name that PostgreSQL keeps whole, in bytes.
const LONGEST: usize = 63;
/// What is the server's own.
const OWN: [&str; 3] = ["postgres", "template0", "template1"];

pub(super) fn check(plan: &Plan<'_>, faults: &mut Vec<Fault>) {
    let mut databases = Firsts::default();
    for service in &plan.services {
        let Some(database) = service.table().table("database") else { continue };
        if let Some(name) = database.text("name") {
            databases.claim(name.value, &format!("database `{}`", name.value), name.place, faults);
            plain(&name, "a database", faults);
        }
        let roles = database.text("owner").into_iter().chain(database.texts("users"));
        roles.for_each(|role| plain(&role, "a role", faults));
        migrations(plan, service, &database, faults);
    }
}

fn plain(name: &Text<'_>, what: &str, faults: &mut Vec<Fault>) {
    let letter = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '_' || c == '-';
    let good = name.value.starts_with(|c: char| c.is_ascii_lowercase()) && name.value.chars().all(letter);
    if !good || name.value.len() > LONGEST {
        let hint = "small letters, digits, dashes and underscores, a letter first".to_owned();
        faults.push(name.place.fault(format!("`{}` is no good name for {what}", name.value), hint));
    } else if OWN.contains(&name.value) || name.value.starts_with("pg_") {
        let hint = "choose another name".to_owned();
        faults.push(name.place.fault(format!("`{}` is PostgreSQL's own", name.value), hint));
    }
}

/// Files named `0001_name.sql`, `0002_name.sql`, …, without a gap, and nothing beside them.
fn migrations(plan: &Plan<'_>, service: &Service<'_>, database: &Table<'_>, faults: &mut Vec<Fault>) {
    let Some(folder) = database.text("migrations") else { return };
    let path = service.overlay(&format!("{}/", folder.value));
    let mut names: Vec<&str> = plan.sources.below(&path).map(|file| &file[path.len()..]).collect();
    names.sort_unstable();
    if names.is_empty() {
        let hint = "write the first as 0001_name.sql".to_owned();
        faults.push(folder.place.fault(format!("there is no migration in {path}"), hint));
    }
    for (index, name) in names.into_iter().enumerate() {
        let next = format!("{:04}_", index + 1);
        let rest = name.strip_prefix(&next).and_then(|rest| rest.strip_suffix(".sql"));
        if rest.is_none_or(|rest| rest.is_empty() || rest.contains('/')) {
            let hint = format!("the next in order is named {next}….sql; nothing else lies beside them");
            faults.push(folder.place.fault(format!("{path}{name} is not named as a migration"), hint));
            return;
        }
    }
}
