//! A checked recipe as text.

use std::fmt::Write as _;

use mazet_model::check::Valid;
use mazet_model::manifest::{Manifest, Port, Protocol, Scope, Unit, VirtualHost};
use mazet_model::recipe::Suite;

/// Columns that lists are wrapped at.
const WIDTH: usize = 96;
/// Columns of the labels.
const LABEL: usize = 14;

/// One line for a recipe without faults.
pub fn summary(valid: &Valid) -> String {
    let count = |of: fn(&Manifest) -> usize| valid.services.iter().map(of).sum::<usize>();
    format!(
        "recipe {}: no fault; {} services, {} files, {} templates",
        valid.recipe.image.name,
        valid.services.len(),
        count(|manifest| manifest.files.len()),
        count(|manifest| manifest.templates.len()),
    )
}

/// The resolved plan: what the image is made of, service by service in the order of their
/// dependencies.
pub fn show(valid: &Valid) -> String {
    let (image, packages) = (&valid.recipe.image, &valid.recipe.packages);
    let mut text = format!(
        "{}: Debian {}, {}, for {}, at most {} MiB\n",
        image.name, image.release, image.architecture, image.hardware, image.size_budget_mib
    );
    list(&mut text, "components", &image.components);
    list(&mut text, "arguments", &image.kernel_arguments);
    list(&mut text, "kernel", std::slice::from_ref(&packages.kernel));
    list(&mut text, "system", &packages.system);
    list(&mut text, "firmware", &packages.firmware);
    let from = |suite: &Suite| format!("{} from {}", suite.packages.join(" "), suite.name);
    list(&mut text, "suites", &each(&valid.recipe.suites, from));
    for manifest in &valid.services {
        service(&mut text, manifest);
    }
    text
}

fn service(text: &mut String, manifest: &Manifest) {
    let section = &manifest.service;
    let _ = writeln!(text, "\n{}: {}", section.name, section.summary.en);
    list(text, "depends", &section.depends);
    list(text, "packages", &section.packages);
    list(text, "units", &each(&manifest.units, unit));
    list(text, "ports", &each(&manifest.ports, port));
    list(text, "users", &each(&manifest.users, |user| format!("{} ({})", user.name, user.id)));
    list(text, "files", &each(&manifest.files, |file| file.target.clone()));
    list(text, "templates", &each(&manifest.templates, |template| template.target.clone()));
    list(text, "links", &each(&manifest.links, |link| format!("{} → {}", link.target, link.to)));
    list(text, "folders", &each(&manifest.folders, |folder| folder.path.clone()));
    list(text, "locations", &each(&manifest.vhosts, location));
    list(text, "checks", &each(&manifest.checks, |check| check.name.clone()));
}

fn each<T>(items: &[T], text: impl Fn(&T) -> String) -> Vec<String> {
    items.iter().map(text).collect()
}

fn unit(unit: &Unit) -> String {
    match (&unit.when, unit.enable) {
        (Some(when), _) => format!("{} (when {when})", unit.name),
        (None, false) => format!("{} (off)", unit.name),
        (None, true) => unit.name.clone(),
    }
}

fn location(vhost: &VirtualHost) -> String {
    let content = vhost.proxy.as_ref().or(vhost.folder.as_ref()).map_or("nobody", String::as_str);
    format!("{}{} → {content}", vhost.names.join(", "), vhost.location)
}

fn port(port: &Port) -> String {
    let protocol = match port.protocol {
        Protocol::Tcp => "tcp",
        Protocol::Udp => "udp",
    };
    let mut notes = Vec::new();
    if port.scope == Scope::Loopback {
        notes.push("loopback".to_owned());
    }
    if port.live {
        notes.push("live".to_owned());
    }
    notes.extend(port.when.iter().map(|when| format!("when {when}")));
    let notes = if notes.is_empty() { String::new() } else { format!(" ({})", notes.join(", ")) };
    format!("{}/{protocol}{notes}", port.port)
}

/// A labelled list, wrapped; nothing when it is empty.
fn list(text: &mut String, label: &str, items: &[String]) {
    let mut line = format!("  {label:<LABEL$}");
    for (index, item) in items.iter().enumerate() {
        let item = if index + 1 < items.len() { format!("{item}, ") } else { item.clone() };
        if line.chars().count() + item.chars().count() > WIDTH && line.chars().count() > LABEL + 2 {
            let _ = writeln!(text, "{}", line.trim_end());
            line = " ".repeat(LABEL + 2);
        }
        line.push_str(&item);
    }
    if !items.is_empty() {
        let _ = writeln!(text, "{}", line.trim_end());
    }
}
