//! Services of which exactly one is on, and the recipe's choice among them.

use std::collections::BTreeMap;

use super::{Firsts, Plan, Service, Text, files, is_name, name_fault};
use crate::fault::Fault;
use crate::suggest::nearest;

/// Names of services by the word that they are alternatives of.
type Groups<'p> = BTreeMap<&'p str, Vec<&'p str>>;

pub(super) fn check(plan: &Plan<'_>, faults: &mut Vec<Fault>) {
    let mut groups = Groups::new();
    for service in &plan.services {
        let Some(word) = word(service) else { continue };
        if !is_name(word.value) {
            faults.push(name_fault(&word, "an alternative"));
        }
        groups.entry(word.value).or_default().push(service.name);
        optional(service, faults);
    }
    let mut sockets = Firsts::default();
    for service in &plan.services {
        trial(plan, service, &mut sockets, faults);
        usage(service, faults);
    }
    for service in &plan.services {
        depends(plan, service, faults);
    }
    choices(plan, &groups, faults);
}

fn word<'d>(service: &'d Service<'_>) -> Option<Text<'d>> {
    service.table().table("service")?.text("alternative")
}

/// One of several goes off by choosing another, so that one is always on.
fn optional(service: &Service<'_>, faults: &mut Vec<Fault>) {
    let Some(table) = service.table().table("service") else { return };
    if table.boolean("optional") == Some(true) {
        let hint = "remove `optional`: choosing another one switches it off".to_owned();
        faults.push(table.place_of("optional").fault("an alternative to others is never optional", hint));
    }
}

/// What others need must not go off.
fn depends(plan: &Plan<'_>, service: &Service<'_>, faults: &mut Vec<Fault>) {
    let Some(table) = service.table().table("service") else { return };
    for needed in table.texts("depends") {
        let other = plan.services.iter().find(|other| other.name == needed.value);
        if let Some(group) = other.and_then(|other| word(other)) {
            let message = format!("`{}` may be off: it is one `{}` of several", needed.value, group.value);
            let hint = "depend on what all of them depend on".to_owned();
            faults.push(needed.place.fault(message, hint));
        }
    }
}

/// The recipe's `[alternatives]`.
fn choices(plan: &Plan<'_>, groups: &Groups<'_>, faults: &mut Vec<Fault>) {
    let root = plan.recipe.table();
    let Some(table) = root.table("alternatives") else { return };
    for (key, place) in table.keys() {
        let Some(members) = groups.get(key) else {
            let hint = match nearest(key, groups.keys().copied()) {
                Some(near) => format!("did you mean `{near}`?"),
                None => "it is the word of `alternative` in a manifest of the image".to_owned(),
            };
            faults.push(place.fault(format!("no service of the image is a `{key}`"), hint));
            continue;
        };
        let known = || members.join(", ");
        match table.text(key) {
            None => {
                let message = format!("`{key}` must be the name of a service");
                faults.push(table.place_of(key).fault(message, format!("one of: {}", known())));
            }
            Some(name) if !members.contains(&name.value) => {
                let hint = match nearest(name.value, members.iter().copied()) {
                    Some(near) => format!("did you mean `{near}`?"),
                    None => format!("one of: {}", known()),
                };
                faults.push(name.place.fault(format!("`{}` is no `{key}` of the image", name.value), hint));
            }
            Some(_) => {}
        }
    }
}

/// What `mazetd measure` starts: a template of the service, by a program of the box.
fn trial<'p>(
    plan: &'p Plan<'_>,
    service: &'p Service<'_>,
    sockets: &mut Firsts<'p>,
    faults: &mut Vec<Fault>,
) {
    let Some(trial) = service.table().table("trial") else { return };
    if !trial.texts("command").first().is_some_and(|program| program.value.starts_with('/')) {
        let hint = "write the program's absolute path first".to_owned();
        faults.push(trial.place_of("command").fault("this command names no program", hint));
    }
    if let Some(socket) = trial.text("socket") {
        // The servers that are compared have their PHP run by one alone.
        sockets.claim("", "who runs the PHP of what is measured", socket.place, faults);
        helper(plan, service, &socket, trial.text("template"), faults);
        return;
    }
    if word(service).is_none() {
        let hint = "add `alternative` to [service]; or `socket`, where they run their PHP; or remove [trial]"
            .to_owned();
        faults.push(trial.place.fault("only alternatives to each other are compared", hint));
    }
    let templates = service.tables("template");
    let sources: Vec<&str> =
        templates.iter().filter_map(|template| template.text("source")).map(|source| source.value).collect();
    if let Some(template) = trial.text("template").filter(|template| !sources.contains(&template.value)) {
        let hint = match nearest(template.value, sources.iter().copied()) {
            Some(near) => format!("did you mean `{near}`?"),
            None => "name the `source` of a [[template]]".to_owned(),
        };
        let message = format!("`{}` is no template of the service", template.value);
        faults.push(template.place.fault(message, hint));
    }
}

/// What alternatives are compared with: its template is for that alone.
fn helper(
    plan: &Plan<'_>,
    service: &Service<'_>,
    socket: &Text<'_>,
    template: Option<Text<'_>>,
    faults: &mut Vec<Fault>,
) {
    if socket.value.is_empty() || socket.value.starts_with('.') || socket.value.contains('/') {
        let hint = "write a name alone, as in \"php.sock\"".to_owned();
        faults.push(socket.place.fault(format!("`{}` is no name of a file", socket.value), hint));
    }
    if let Some(template) = template {
        files::check_source(plan, service, "template", &template, faults);
    }
}

/// A figure that a page can show with its date and source.
fn usage(service: &Service<'_>, faults: &mut Vec<Fault>) {
    let Some(usage) = service.table().table("usage") else { return };
    let percent = |text: &str| text.parse::<f64>().is_ok_and(|number| (0.0..=100.0).contains(&number));
    if let Some(text) = usage.text("percent").filter(|text| !percent(text.value)) {
        let hint = "write a number from 0 to 100, as in \"44.9\"".to_owned();
        faults.push(text.place.fault(format!("`{}` is no percentage", text.value), hint));
    }
    let month = |text: &str| {
        text.split_once('-').is_some_and(|(year, month)| {
            let digits =
                |text: &str, count| text.len() == count && text.bytes().all(|byte| byte.is_ascii_digit());
            digits(year, 4) && digits(month, 2) && ("01"..="12").contains(&month)
        })
    };
    if let Some(text) = usage.text("date").filter(|text| !month(text.value)) {
        let hint = "write year and month, as in \"2017-09\"".to_owned();
        faults.push(text.place.fault(format!("`{}` is no month", text.value), hint));
    }
    if let Some(text) = usage.text("url").filter(|text| !text.value.starts_with("https://")) {
        let hint = "write its whole address: https://…".to_owned();
        faults.push(text.place.fault(format!("`{}` is no address of a page", text.value), hint));
    }
}
