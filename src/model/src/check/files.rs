//! Overlay files, templates, links and folders: sources that exist, targets that do not clash.

use std::collections::BTreeMap;

use super::document::{Place, Table, Text};
use super::{Firsts, Plan, Service};
use crate::fault::Fault;
use crate::suggest::nearest;

/// What is mounted over when the box runs: a file laid there in the image is never seen.
const MOUNTED: [&str; 6] = ["/dev", "/proc", "/run", "/srv", "/sys", "/tmp"];

pub(super) fn check(plan: &Plan<'_>, faults: &mut Vec<Fault>) {
    let mut targets = Firsts::default();
    for service in &plan.services {
        for kind in ["file", "template", "link"] {
            for entry in service.tables(kind) {
                if let Some(target) = entry.text("target") {
                    claim_target(&target, &mut targets, faults);
                }
                if let Some(to) = entry.text("to").filter(|to| to.value.is_empty()) {
                    faults.push(to.place.fault("a link to nothing", "write a path".to_owned()));
                }
                if let Some(source) = entry.text("source") {
                    check_source(plan, service, kind, &source, faults);
                }
                mode(&entry, faults);
            }
        }
        folders(service, faults);
    }
    nested(&targets.seen, faults);
}

fn claim_target<'d>(target: &Text<'d>, targets: &mut Firsts<'d>, faults: &mut Vec<Fault>) {
    if let Some(reason) = not_absolute(target.value) {
        let hint = "write an absolute path such as /etc/nginx/nginx.conf".to_owned();
        faults.push(target.place.fault(format!("`{}` is no path of a file: {reason}", target.value), hint));
    } else if let Some(mount) = MOUNTED.iter().find(|mount| is_below(target.value, mount)) {
        let message = format!("`{}` would never be seen: {mount} is mounted over on the box", target.value);
        let hint = match *mount {
            "/srv" => "data belongs to a [[folder]], settings to /etc".to_owned(),
            _ => "make it at run time, with RuntimeDirectory= or systemd-tmpfiles".to_owned(),
        };
        faults.push(target.place.fault(message, hint));
    } else {
        targets.claim(target.value, &format!("target `{}`", target.value), target.place, faults);
    }
}

fn not_absolute(path: &str) -> Option<&'static str> {
    let rest = path.strip_prefix('/').ok_or("it is not absolute");
    match rest {
        Err(reason) => Some(reason),
        Ok(rest) if rest.is_empty() || rest.ends_with('/') => Some("it names a folder"),
        Ok(rest) => not_plain(rest),
    }
}

fn not_plain(path: &str) -> Option<&'static str> {
    if path.chars().any(char::is_control) {
        return Some("it holds control characters");
    }
    let bad = path.split('/').any(|part| part.is_empty() || part == "." || part == "..");
    bad.then_some("it holds `.`, `..` or an empty part")
}

fn is_below(path: &str, folder: &str) -> bool {
    path.strip_prefix(folder).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

pub(super) fn check_source(
    plan: &Plan<'_>,
    service: &Service<'_>,
    kind: &str,
    source: &Text<'_>,
    faults: &mut Vec<Fault>,
) {
    if let Some(reason) = not_plain(source.value) {
        let hint = format!("write a path below overlays/{}/", service.name);
        faults.push(source.place.fault(format!("`{}` is no path of a source: {reason}", source.value), hint));
        return;
    }
    if kind == "template" && !source.value.ends_with(".hbs") {
        let hint = "rename it, or lay it as a [[file]]".to_owned();
        faults.push(source.place.fault("the source of a template ends in `.hbs`", hint));
    }
    let path = service.overlay(source.value);
    if !plan.sources.has(&path) {
        faults.push(
            source.place.fault(format!("there is no file {path}"), missing_hint(plan, service, source.value)),
        );
    }
}

fn missing_hint(plan: &Plan<'_>, service: &Service<'_>, source: &str) -> String {
    let folder = service.overlay("");
    let known: Vec<&str> = plan.sources.below(&folder).map(|path| &path[folder.len()..]).collect();
    let base = |path: &str| path.rsplit('/').next().unwrap_or_default().to_owned();
    let moved = known.iter().find(|path| base(path) == base(source)).copied();
    match moved.or_else(|| nearest(source, known.iter().copied())) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "write the file, or remove this table".to_owned(),
    }
}

pub(super) fn mode(entry: &Table<'_>, faults: &mut Vec<Fault>) {
    let Some(mode) = entry.text("mode") else { return };
    let octal = mode.value.len() == 4 && mode.value.bytes().all(|digit| (b'0'..=b'7').contains(&digit));
    if !octal {
        let hint = "write four octal digits, such as \"0644\" or \"0755\"".to_owned();
        faults.push(mode.place.fault(format!("`{}` is no file mode", mode.value), hint));
    } else if mode.value.ends_with(['2', '3', '6', '7']) {
        let hint = "nothing on the box may be written by everybody".to_owned();
        faults.push(mode.place.fault(format!("mode `{}` lets everybody write", mode.value), hint));
    }
}

fn folders(service: &Service<'_>, faults: &mut Vec<Fault>) {
    let mut firsts = Firsts::default();
    for folder in service.tables("folder") {
        mode(&folder, faults);
        let Some(path) = folder.text("path") else { continue };
        firsts.claim(path.value, &format!("folder `{}`", path.value), path.place, faults);
        let inside = path.value.starts_with("/srv/") && not_absolute(path.value).is_none();
        if !inside {
            let hint = "all state lives below /srv: write /srv/<service>".to_owned();
            faults.push(path.place.fault(format!("`{}` is no data folder", path.value), hint));
        }
    }
}

/// A target below another target: the first would have to be a folder.
fn nested(targets: &BTreeMap<String, Place<'_>>, faults: &mut Vec<Fault>) {
    for (target, place) in targets {
        let parents = target.match_indices('/').map(|(end, _)| &target[..end]);
        for (parent, first) in parents.filter_map(|parent| targets.get_key_value(parent)) {
            let hint = format!("`{parent}` is laid as a file at {}", first.name());
            faults.push(place.fault(format!("target `{target}` lies below another target"), hint));
        }
    }
}
