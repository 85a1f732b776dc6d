//! What people are told to connect: an address that answers, values that there are, a profile that renders.

use super::document::{Table, Text};
use super::files::check_source;
use super::templates::{report, shape};
use super::{Plan, Service};
use crate::client::{PLACES, Reader, unknown_places};
use crate::fault::Fault;
use crate::suggest::nearest;

/// Whom the static check of profiles is told of.
const SOMEBODY: Reader<'_> = Reader { host: "mazet.local", login: "zoe", email: "zoe@example.org" };

pub(super) fn check(plan: &Plan<'_>, faults: &mut Vec<Fault>) {
    for service in &plan.services {
        let mut files: Vec<&str> = Vec::new();
        for client in service.tables("client") {
            address(service, &client, faults);
            texts(&client).iter().for_each(|text| places(text, faults));
            let Some(profile) = client.table("profile") else { continue };
            template(plan, service, &profile, faults);
            let Some(file) = profile.text("file") else { continue };
            if files.contains(&file.value) {
                let message = format!("another client of the service has a profile `{}`", file.value);
                faults.push(file.place.fault(message, "name this one otherwise".to_owned()));
            }
            if !file.value.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-.".contains(&byte)) {
                let hint = "letters, digits, dashes and dots, as in \"mail.mobileconfig\"".to_owned();
                faults.push(file.place.fault(format!("`{}` is no name of a file", file.value), hint));
            }
            files.push(file.value);
        }
    }
}

/// People copy the address of a client: something must answer there.
fn address(service: &Service<'_>, client: &Table<'_>, faults: &mut Vec<Fault>) {
    let vhosts = service.tables("vhost");
    let own = || vhosts.iter().filter(|vhost| !vhost.has("names")).filter_map(|vhost| vhost.text("location"));
    let Some(location) = client.text("location").filter(|location| location.value != "/") else { return };
    if own().any(|own| location.value.starts_with(own.value)) {
        return;
    }
    let known: Vec<&str> = own().map(|own| own.value).collect();
    let hint = match nearest(location.value, known) {
        Some(near) => format!("did you mean `{near}`?"),
        None => "name a location of the service, or `/`".to_owned(),
    };
    faults.push(
        location.place.fault(format!("no [[vhost]] of the service answers `{}`", location.value), hint),
    );
}

/// All that people read of it, in both languages.
fn texts<'d>(client: &Table<'d>) -> Vec<Text<'d>> {
    let tables = client.table("text").into_iter().chain(client.tables("steps"));
    tables.flat_map(|text| ["fr", "en"].map(|language| text.text(language))).flatten().collect()
}

fn places(text: &Text<'_>, faults: &mut Vec<Fault>) {
    for place in unknown_places(text.value) {
        let hint = match nearest(place, PLACES) {
            Some(near) => format!("did you mean `{{{near}}}`?"),
            None => PLACES.map(|place| format!("{{{place}}}")).join(", "),
        };
        faults.push(text.place.fault(format!("nothing stands for `{{{place}}}`"), hint));
    }
}

fn template(plan: &Plan<'_>, service: &Service<'_>, profile: &Table<'_>, faults: &mut Vec<Fault>) {
    let Some(source) = profile.text("template") else { return };
    check_source(plan, service, "template", &source, faults);
    let path = service.overlay(source.value);
    let Some(text) = plan.sources.texts.get(&path) else { return };
    report(&path, text, &SOMEBODY.context(shape(plan), str::to_owned), faults);
}
