//! Kinds of web sites: what `[site]` names, and what tells one site's units from another's.

use std::collections::BTreeSet;

use serde_json::Value;

use super::document::{Table, Text};
use super::files::{check_source, mode};
use super::templates::report;
use super::{Plan, Service, vhosts};
use crate::context;
use crate::fault::Fault;
use crate::settings::Settings;
use crate::site_kind::SiteKind;
use crate::sites::{self, sample};
use crate::template::check_template;

/// What stands in the place of `{{site.name}}`.
const NAME: &str = "{{site.name}}";

pub(super) fn check(plan: &Plan<'_>, faults: &mut Vec<Fault>) {
    let site = shape();
    for service in &plan.services {
        let Some(kind) = service.table().table("site") else { continue };
        for text in texts(&kind) {
            for fault in check_template(text.value, &site) {
                faults.push(text.place.fault(fault.message, fault.hint));
            }
        }
        if let Some(program) = kind.texts("prepare").first().filter(|program| !program.value.starts_with('/'))
        {
            let hint = "write the program's absolute path first".to_owned();
            faults.push(program.place.fault("this command names no program", hint));
        }
        let units = kind.tables("unit").into_iter().filter_map(|unit| unit.text("name"));
        let acts = ["install", "dump", "load", "remove"].into_iter().filter_map(|key| kind.text(key));
        units.chain(acts).for_each(|unit| instance(&unit, faults));
        kind.tables("vhost").iter().for_each(|vhost| vhosts::programs(vhost, faults));
        kind.tables("folder").iter().for_each(|folder| mode(folder, faults));
        templates(plan, service, &kind, &site, faults);
    }
}

/// A sample of what a kind may name.
fn shape() -> Value {
    let kind = SiteKind { publishes: Some("/srv".to_owned()), ..SiteKind::default() };
    sites::context(&Settings::live(), &kind, &sample())
}

/// Every text of a kind that is rendered for each site, but for what people read.
fn texts<'d>(kind: &Table<'d>) -> Vec<Text<'d>> {
    let keys = [
        ("folder", &["path", "owner", "group"][..]),
        ("template", &["target", "group"]),
        ("unit", &["name"]),
        ("vhost", &["location", "folder", "php"]),
        ("check", &["name", "url"]),
    ];
    let mut texts: Vec<Text<'d>> = ["publishes", "install", "entrance", "dump", "load", "remove"]
        .into_iter()
        .filter_map(|key| kind.text(key))
        .collect();
    texts.extend(["pause", "prepare"].into_iter().flat_map(|key| kind.texts(key)));
    texts.extend(kind.table("backup").into_iter().flat_map(|backup| backup.texts("copy")));
    for (name, keys) in keys {
        for table in kind.tables(name) {
            texts.extend(keys.iter().filter_map(|key| table.text(key)));
            texts.extend(
                ["reload", "restart", "command", "programs", "denied"]
                    .into_iter()
                    .flat_map(|key| table.texts(key)),
            );
        }
    }
    texts
}

/// The name alone must tell which site a unit is of.
fn instance(unit: &Text<'_>, faults: &mut Vec<Fault>) {
    let parts: Vec<&str> = unit.value.split(NAME).collect();
    if parts.len() != 2 || !parts[0].ends_with('@') || !parts[1].starts_with('.') {
        let hint = format!("name an instance of a template unit, as in \"mazet-php@{NAME}.socket\"");
        faults.push(unit.place.fault(format!("`{}` does not say which site it is of", unit.value), hint));
    }
}

fn templates(
    plan: &Plan<'_>,
    service: &Service<'_>,
    kind: &Table<'_>,
    site: &Value,
    faults: &mut Vec<Fault>,
) {
    let mut shape = context::shape();
    shape["site"] = site["site"].clone();
    let mut seen = BTreeSet::new();
    for template in kind.tables("template") {
        mode(&template, faults);
        let Some(source) = template.text("source") else { continue };
        check_source(plan, service, "template", &source, faults);
        let path = service.overlay(source.value);
        if let Some(text) = plan.sources.texts.get(&path).filter(|_| seen.insert(path.clone())) {
            report(&path, text, &shape, faults);
        }
        if let Some(target) = template.text("target").filter(|target| !target.value.contains(NAME)) {
            let hint = format!("put {NAME} into the path");
            faults.push(target.place.fault(format!("all sites would have `{}`", target.value), hint));
        }
    }
}
