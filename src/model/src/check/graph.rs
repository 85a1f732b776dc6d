//! Services: found, named, and ordered by what they depend on.

use super::document::Document;
use super::{Firsts, Plan, SERVICES, Service, is_name, name_fault, shape};
use crate::fault::Fault;
use crate::schema;
use crate::source::Sources;
use crate::suggest::nearest;

/// Parses the manifests that the recipe names; those that it lacks are faults.
pub(super) fn load<'s>(
    sources: &'s Sources,
    recipe: &Document<'s>,
    faults: &mut Vec<Fault>,
) -> Vec<Service<'s>> {
    let root = recipe.table();
    let schema = schema::manifest();
    let mut services = Vec::new();
    let mut names = Firsts::default();
    for name in root.table("image").map(|image| image.texts("services")).unwrap_or_default() {
        let repeated = names.seen.contains_key(name.value);
        names.claim(name.value, &format!("service `{}`", name.value), name.place, faults);
        let path = format!("{SERVICES}{}.toml", name.value);
        match sources.texts.get_key_value(&path) {
            _ if repeated => {}
            None if sources.has(&path) => faults.push(super::not_text(&path)),
            None => faults.push(absent(sources, name.value, &path).place_at(name.place)),
            Some((path, text)) => {
                let document = Document::parse(path, text);
                shape::check(&document, &schema, faults);
                services.push(Service { name: stem(path), document });
            }
        }
    }
    services
}

struct Absent {
    message: String,
    hint: String,
}

impl Absent {
    fn place_at(self, place: super::Place<'_>) -> Fault {
        place.fault(self.message, self.hint)
    }
}

fn absent(sources: &Sources, name: &str, path: &str) -> Absent {
    let known: Vec<&str> = sources.below(SERVICES).map(stem).collect();
    let hint = match nearest(name, known.iter().copied()) {
        Some(near) => format!("did you mean `{near}`?"),
        None => format!("write {path}, or take one of: {}", known.join(", ")),
    };
    Absent { message: format!("there is no service `{name}`"), hint }
}

fn stem(path: &str) -> &str {
    path.rsplit('/').next().unwrap_or(path).trim_end_matches(".toml")
}

pub(super) fn check(plan: &Plan<'_>, faults: &mut Vec<Fault>) {
    for service in &plan.services {
        name(service, faults);
        depends(plan, service, faults);
    }
    cycles(plan, faults);
}

fn name(service: &Service<'_>, faults: &mut Vec<Fault>) {
    let Some(name) = service.table().table("service").and_then(|table| table.text("name")) else { return };
    if !is_name(name.value) {
        faults.push(name_fault(&name, "a service"));
    }
    if name.value != service.name {
        let message = format!("the service is named `{}`, its file `{}`", name.value, service.name);
        faults.push(name.place.fault(message, format!("write `{}`, or rename the file", service.name)));
    }
}

fn depends(plan: &Plan<'_>, service: &Service<'_>, faults: &mut Vec<Fault>) {
    let mut firsts = Firsts::default();
    for needed in dependencies(service) {
        firsts.claim(needed.value, &format!("dependency `{}`", needed.value), needed.place, faults);
        if plan.services.iter().any(|other| other.name == needed.value) {
            continue;
        }
        let path = format!("{SERVICES}{}.toml", needed.value);
        if plan.sources.has(&path) {
            let message = format!("`{}` needs `{}`, which is not in the image", service.name, needed.value);
            let hint = format!("add \"{}\" to `services` in {}", needed.value, plan.recipe.path);
            faults.push(needed.place.fault(message, hint));
        } else {
            faults.push(absent(plan.sources, needed.value, &path).place_at(needed.place));
        }
    }
}

fn dependencies<'d>(service: &'d Service<'_>) -> Vec<super::Text<'d>> {
    service.table().table("service").map(|table| table.texts("depends")).unwrap_or_default()
}

/// One fault for each dependency that closes a circle.
fn cycles(plan: &Plan<'_>, faults: &mut Vec<Fault>) {
    let mut done = Vec::new();
    for service in &plan.services {
        follow(plan, service, &mut Vec::new(), &mut done, faults);
    }
}

fn follow<'p>(
    plan: &'p Plan<'_>,
    service: &'p Service<'_>,
    path: &mut Vec<&'p str>,
    done: &mut Vec<&'p str>,
    faults: &mut Vec<Fault>,
) {
    if done.contains(&service.name) {
        return;
    }
    path.push(service.name);
    for needed in dependencies(service) {
        if let Some(start) = path.iter().position(|name| *name == needed.value) {
            let circle = [&path[start..], &[needed.value]].concat().join(" → ");
            let hint = "of two services, one must be able to do without the other".to_owned();
            faults.push(needed.place.fault(format!("services depend on each other: {circle}"), hint));
        } else if let Some(next) = plan.services.iter().find(|other| other.name == needed.value) {
            follow(plan, next, path, done, faults);
        }
    }
    path.pop();
    done.push(service.name);
}

/// Services in dependency order, otherwise as the recipe lists them. There are no circles.
pub(super) fn order<'p, 's>(plan: &'p Plan<'s>) -> Vec<&'p Service<'s>> {
    let mut ordered: Vec<&Service> = Vec::new();
    for service in &plan.services {
        append(plan, service, &mut ordered);
    }
    ordered
}

fn append<'p, 's>(plan: &'p Plan<'s>, service: &'p Service<'s>, ordered: &mut Vec<&'p Service<'s>>) {
    for needed in dependencies(service) {
        if let Some(next) = plan.services.iter().find(|other| other.name == needed.value) {
            append(plan, next, ordered);
        }
    }
    if !ordered.iter().any(|other| other.name == service.name) {
        ordered.push(service);
    }
}
