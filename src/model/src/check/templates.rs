//! Templates: what they name must be in the context.

use std::collections::BTreeSet;

use serde_json::Value;

use super::Plan;
use crate::fault::Fault;
use crate::template::check_template;
use crate::{context, firmware};

pub(super) fn check(plan: &Plan<'_>, faults: &mut Vec<Fault>) {
    let shape = shape(plan);
    let mut seen = BTreeSet::new();
    for service in &plan.services {
        for source in service.tables("template").iter().filter_map(|template| template.text("source")) {
            let path = service.overlay(source.value);
            if !seen.insert(path.clone()) {
                continue;
            }
            let Some(text) = plan.sources.texts.get(&path) else {
                if plan.sources.has(&path) {
                    faults.push(source.place.fault(format!("{path} is not UTF-8 text"), None));
                }
                continue;
            };
            report(&path, text, &shape, faults);
        }
    }
}

/// What templates may name: beside what every box has, the options of the plan's services.
pub(super) fn shape(plan: &Plan<'_>) -> Value {
    let mut shape = context::shape();
    for service in &plan.services {
        for option in service.tables("option") {
            let (Some(name), Some(default)) = (option.text("name"), option.text("default")) else { continue };
            shape["options"][service.name][name.value] = default.value.into();
        }
    }
    shape
}

/// What boots the recipe's hardware.
pub(super) fn firmware(plan: &Plan<'_>, faults: &mut Vec<Fault>) {
    let image = plan.recipe.table().table("image");
    let Some(hardware) = image.as_ref().and_then(|image| image.text("hardware")) else { return };
    let folder = format!("firmware/{}/", hardware.value);
    for (path, text) in plan.sources.texts.range(folder.clone()..) {
        let Some(name) = path.strip_prefix(&folder) else { break };
        if !name.ends_with(".hbs") {
            continue;
        }
        match firmware::shape(name) {
            Some(shape) => report(path, text, &shape, faults),
            None => {
                let known: Vec<&str> = firmware::names().collect();
                let hint = format!("rendered are {}", known.join(", "));
                let message = "no program renders this template".to_owned();
                faults.push(Fault::at(path, text, (1, 1), 1, message).with_hint(Some(hint)));
            }
        }
    }
}

pub(super) fn report(path: &str, text: &str, shape: &Value, faults: &mut Vec<Fault>) {
    for fault in check_template(text, shape) {
        let place = (fault.line, fault.column);
        faults.push(Fault::at(path, text, place, fault.length, fault.message).with_hint(fault.hint));
    }
}
