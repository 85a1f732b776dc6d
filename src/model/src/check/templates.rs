//! Templates: what they name must be in the context.

use std::collections::BTreeSet;

use super::Plan;
use crate::context;
use crate::fault::Fault;
use crate::template::check_template;

pub(super) fn check(plan: &Plan<'_>, faults: &mut Vec<Fault>) {
    let shape = context::shape();
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
            for fault in check_template(text, &shape) {
                let place = (fault.line, fault.column);
                faults.push(Fault::at(&path, text, place, fault.length, fault.message).with_hint(fault.hint));
            }
        }
    }
}
