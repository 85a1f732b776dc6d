//! Users, roles, programs, backups and health checks.

use super::document::Table;
use super::{Firsts, Plan, Service, is_name, name_fault};
use crate::fault::Fault;

pub(super) fn check(plan: &Plan<'_>, faults: &mut Vec<Fault>) {
    let (mut names, mut ids, mut programs) = (Firsts::default(), Firsts::default(), Firsts::default());
    for service in &plan.services {
        for program in service.table().table("service").iter().flat_map(|table| table.texts("programs")) {
            if !is_name(program.value) {
                faults.push(name_fault(&program, "a program"));
            }
            programs.claim(program.value, &format!("program `{}`", program.value), program.place, faults);
        }
        for user in service.tables("user") {
            if let Some(name) = user.text("name") {
                if !is_name(name.value) || name.value.len() > 31 {
                    faults.push(name_fault(&name, "a user"));
                }
                names.claim(name.value, &format!("user `{}`", name.value), name.place, faults);
            }
            if let Some(id) = user.integer("id") {
                ids.claim(&id.to_string(), &format!("user id {id}"), user.place_of("id"), faults);
            }
        }
        roles(service, faults);
        backup(service, faults);
        let mut checks = Firsts::default();
        for check in service.tables("check") {
            if let Some(name) = check.text("name") {
                checks.claim(name.value, &format!("check `{}`", name.value), name.place, faults);
            }
            health(&check, faults);
        }
    }
}

fn roles(service: &Service<'_>, faults: &mut Vec<Fault>) {
    let mut roles = Firsts::default();
    for name in service.tables("role").iter().filter_map(|role| role.text("name")) {
        if !is_name(name.value) {
            faults.push(name_fault(&name, "a role"));
        }
        roles.claim(name.value, &format!("role `{}`", name.value), name.place, faults);
    }
}

fn backup(service: &Service<'_>, faults: &mut Vec<Fault>) {
    let table = service.table();
    let Some(backup) = table.table("backup") else { return };
    let own = table.table("database").and_then(|database| database.text("name"));
    for dump in backup.texts("dump") {
        if own.is_none_or(|own| own.value != dump.value) {
            let hint = "declare it: [database] with its name and owner".to_owned();
            faults.push(dump.place.fault(format!("the service has no database `{}`", dump.value), hint));
        }
    }
    for copy in backup.texts("copy") {
        if !copy.value.starts_with("/srv/") || copy.value.split('/').any(|part| part == "..") {
            let hint = "all state lives below /srv".to_owned();
            faults.push(copy.place.fault(format!("`{}` is no data folder", copy.value), hint));
        }
    }
}

/// Exactly one of `url` and `command`, and each well written.
fn health(check: &Table<'_>, faults: &mut Vec<Fault>) {
    match (check.has("url"), check.has("command")) {
        (true, true) => {
            let hint = "make two checks of it".to_owned();
            faults
                .push(check.place_of("command").fault("a check has a `url` or a `command`, not both", hint));
        }
        (false, false) => {
            let hint = "add url = \"/\" or command = [\"/usr/bin/…\"]".to_owned();
            faults.push(check.place.fault("a check needs a `url` or a `command`", hint));
        }
        _ => {}
    }
    if let Some(url) = check.text("url").filter(|url| !url.value.starts_with('/')) {
        let hint = "write the path alone, as in \"/\": the box asks itself".to_owned();
        faults.push(url.place.fault(format!("`{}` is no path of a page", url.value), hint));
    }
    let program = check.texts("command");
    let absolute = program.first().is_some_and(|program| program.value.starts_with('/'));
    if check.has("command") && !absolute {
        let hint = "write the program's absolute path first".to_owned();
        faults.push(check.place_of("command").fault("this command names no program", hint));
    }
}
