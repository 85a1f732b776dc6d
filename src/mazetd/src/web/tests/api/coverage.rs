//! No act of the pages is missing here: every path and every button of the installed box's pages, with the
//! operations that do the same, or with the reason why none does.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use super::*;
use crate::web::api::operation::Operation;
use crate::web::api::routes::all;
use crate::web::routes::{Access, table};

/// How a page, or a button of it, is done by programs.
enum Same {
    /// By these operations.
    By(&'static [&'static str]),
    /// Not at all, for this reason.
    Not(&'static str),
}

use Same::{By, Not};

const DOOR: &str = "opens a browser's session: a program comes with an application password instead";
const SLIP: &str = "for who cannot sign in yet: a code is taken by the person whom it is for";
const END: &str = "ends the browser's own session: devices.end ends any";
const SHOWN: &str = "shows, and does nothing";
const PROFILE: &str = "a file for the device of who is signed in: offers says what stands in it";
const FILES: &str = "files for browsers and devices, for everybody";

/// Every path of the pages.
const PAGES: [(&str, Same); 76] = [
    ("/assets/{name}", Not(FILES)),
    ("/robots.txt", Not(FILES)),
    ("/", By(&["offers"])),
    ("/done", Not(SHOWN)),
    ("/authority/", By(&["certificates.get"])),
    ("/authority/mazet.crt", Not(FILES)),
    ("/authority/mazet.mobileconfig", Not(FILES)),
    ("/authority/mazet.pem", Not(FILES)),
    ("/sign-in", Not(DOOR)),
    ("/sign-in/code", Not(DOOR)),
    ("/welcome", Not(SLIP)),
    ("/reset", Not(SLIP)),
    ("/forgotten", Not(SLIP)),
    ("/sign-out", Not(END)),
    ("/connect", By(&["offers"])),
    ("/connect/{service}/{file}", Not(PROFILE)),
    ("/api", By(&["openapi"])),
    ("/account", By(&["account.get", "account.change"])),
    ("/account/password", By(&["account.password"])),
    (
        "/account/second-factor",
        By(&["factor.get", "factor.offer", "factor.confirm", "factor.codes", "factor.stop"]),
    ),
    ("/account/applications", By(&["applications.list", "applications.add"])),
    ("/account/applications/{id}", By(&["applications.remove"])),
    ("/account/devices", By(&["devices.list", "devices.end_all"])),
    ("/account/devices/{id}", By(&["devices.end"])),
    ("/people", By(&["people.list"])),
    ("/people/new", By(&["people.add"])),
    ("/people/import", By(&["people.preview", "people.import"])),
    ("/people/export", By(&["people.export"])),
    ("/people/{id}", By(&["people.get", "people.change"])),
    ("/people/{id}/suspend", By(&["people.suspend"])),
    ("/people/{id}/resume", By(&["people.resume"])),
    ("/people/{id}/factor", By(&["people.factor"])),
    ("/people/{id}/everywhere", By(&["people.sign_out"])),
    ("/people/{id}/operator", By(&["people.appoint"])),
    ("/people/{id}/no-operator", By(&["people.dismiss"])),
    ("/people/{id}/join", By(&["people.join"])),
    ("/people/{id}/leave", By(&["people.leave"])),
    ("/people/{id}/remove", By(&["people.remove"])),
    ("/people/{id}/invite", By(&["people.invite"])),
    ("/people/{id}/invite-by-mail", By(&["people.invite_by_mail"])),
    ("/people/{id}/reset", By(&["people.reset"])),
    ("/groups", By(&["groups.list", "groups.add"])),
    ("/groups/{id}", By(&["groups.get", "groups.change", "groups.remove"])),
    ("/resources", By(&["resources.list", "resources.add"])),
    ("/resources/{id}/remove", By(&["resources.remove"])),
    ("/organisations", By(&["organisations.list"])),
    ("/organisations/new", By(&["organisations.add"])),
    ("/organisations/{id}", By(&["organisations.get", "organisations.change"])),
    ("/organisations/{id}/remove", By(&["organisations.consequences", "organisations.remove"])),
    ("/websites", By(&["websites.list"])),
    ("/websites/new", By(&["websites.list", "websites.add"])),
    (
        "/websites/{id}",
        By(&["websites.get", "websites.back_up", "websites.restore", "websites.forget", "websites.remove"]),
    ),
    ("/websites/{id}/archive", By(&["websites.fetch"])),
    ("/events", By(&["events.list"])),
    ("/machine", By(&["machine.get", "machine.health", "machine.updates"])),
    ("/machine/settings", By(&["settings.get", "settings.preview"])),
    ("/machine/services", By(&["services.list", "services.preview"])),
    ("/machine/mail", By(&["mail.get", "mail.messages", "mail.preview"])),
    ("/machine/mail/password", By(&["mail.password"])),
    ("/machine/mail/test", By(&["mail.test"])),
    ("/machine/mail/clear", By(&["mail.clear"])),
    ("/machine/network", By(&["network.get", "network.preview"])),
    ("/machine/sites", By(&["machine.sites"])),
    ("/machine/network/keep", By(&["network.keep"])),
    ("/machine/network/go-back", By(&["network.go_back"])),
    ("/machine/network/seen", By(&["network.seen"])),
    ("/machine/wifi", By(&["wifi.get", "wifi.preview"])),
    ("/machine/certificates", By(&["certificates.get", "certificates.preview"])),
    ("/machine/certificates/order", By(&["certificates.order"])),
    ("/machine/certificates/account", By(&["certificates.account"])),
    (
        "/machine/change",
        By(&[
            "settings.last",
            "settings.change",
            "services.change",
            "mail.change",
            "network.change",
            "wifi.change",
            "certificates.change",
        ]),
    ),
    ("/machine/reports/{service}/{report}", By(&["reports.list", "reports.get"])),
    ("/machine/reports/{service}/{report}/act", By(&["reports.act"])),
    ("/machine/reports/{service}/{report}/form", By(&["reports.add"])),
    ("/machine/{name}", By(&["comparisons.list", "services.preview"])),
    ("/machine/{name}/measure", By(&["comparisons.measure"])),
];

/// Every button that says what a form of several shall do, by its template, its name and its value.
const BUTTONS: [(&str, &str, Same); 16] = [
    ("account/factor.hbs", "do=start", By(&["factor.offer"])),
    ("account/factor.hbs", "do=confirm", By(&["factor.confirm"])),
    ("account/factor.hbs", "do=codes", By(&["factor.codes"])),
    ("account/factor.hbs", "do=stop", By(&["factor.stop"])),
    ("people/group.hbs", "do=save", By(&["groups.change"])),
    ("people/group.hbs", "do=remove", By(&["groups.remove"])),
    ("people/import.hbs", "do=preview", By(&["people.preview"])),
    ("people/preview.hbs", "do=confirm", By(&["people.import"])),
    ("people/preview.hbs", "do=edit", Not("brings what was typed back into the form")),
    ("people/preview.hbs", "by=mail", By(&["people.import"])),
    ("people/new.hbs", "by=mail", By(&["people.add"])),
    ("people/new.hbs", "by=paper", By(&["people.add"])),
    ("websites/one.hbs", "do=back-up", By(&["websites.back_up"])),
    ("websites/one.hbs", "do=restore", By(&["websites.restore"])),
    ("websites/one.hbs", "do=forget", By(&["websites.forget"])),
    ("websites/one.hbs", "do=remove", By(&["websites.remove"])),
];

/// The operations of that name.
fn named(names: &[&'static str]) -> Vec<Operation> {
    let found: Vec<Operation> = all().into_iter().filter(|one| names.contains(&one.name)).collect();
    assert_eq!(found.len(), names.len(), "there are not all of these operations: {names:?}");
    found
}

#[tokio::test]
async fn every_page_stands_here_and_its_forms_are_operations_for_the_same_people() {
    let known: BTreeMap<&str, &Same> = PAGES.iter().map(|(path, same)| (*path, same)).collect();
    assert_eq!(known.len(), PAGES.len(), "a page stands here twice");
    let pages = table(Mode::Installed);
    let there: BTreeSet<&str> = pages.iter().map(|route| route.path).collect();
    let gone: Vec<&&str> = known.keys().filter(|path| !there.contains(**path)).collect();
    assert!(gone.is_empty(), "there are no such pages any more: {gone:?}");
    let broker = FakeBroker::start(Mode::Installed);
    let app = App::new(&broker.path(), Mode::Installed, None).unwrap();
    let mut forms = 0;
    for route in &pages {
        let same = known.get(route.path);
        let same = same.unwrap_or_else(|| panic!("{}: say here which operations do the same", route.path));
        let names = match same {
            By(names) => *names,
            Not(reason) => {
                assert!(!reason.is_empty());
                // What is asked of nobody's role is all that may be missing.
                assert!(!matches!(route.access, Access::May(_)), "{}", route.path);
                continue;
            }
        };
        let operations = named(names);
        if !route.takes_forms(&app).await {
            continue;
        }
        forms += 1;
        let doing: Vec<&Operation> = operations.iter().filter(|one| one.method != "get").collect();
        assert!(!doing.is_empty(), "{} has a form, and {names:?} do nothing", route.path);
        for one in doing {
            assert_eq!(one.access, route.access, "{} is not for the same people as {}", one.name, route.path);
        }
    }
    assert!(forms > 35, "only {forms} forms were found");
}

#[test]
fn every_button_stands_here_and_is_an_operation() {
    let there = buttons(&Path::new(env!("CARGO_MANIFEST_DIR")).join("pages"));
    let known: BTreeSet<(String, String)> =
        BUTTONS.iter().map(|(file, button, _)| ((*file).to_owned(), (*button).to_owned())).collect();
    assert_eq!(known.len(), BUTTONS.len(), "a button stands here twice");
    assert_eq!(there, known, "say here which operations do the same");
    for (file, button, same) in BUTTONS {
        match same {
            By(names) => assert!(!named(names).is_empty(), "{file} {button}"),
            Not(reason) => assert!(!reason.is_empty(), "{file} {button}"),
        }
    }
}

/// `do` and `by` of every template, two folders deep.
fn buttons(folder: &Path) -> BTreeSet<(String, String)> {
    let mut found = BTreeSet::new();
    for part in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
        let inner = if part.is_dir() { std::fs::read_dir(&part).unwrap().collect() } else { Vec::new() };
        for file in inner.into_iter().map(|entry| entry.unwrap().path()) {
            let text = std::fs::read_to_string(&file).unwrap();
            let name = file.strip_prefix(folder).unwrap().display().to_string();
            for word in ["do", "by"] {
                let before = format!("name=\"{word}\" value=\"");
                let values = text.split(before.as_str()).skip(1);
                let value = |rest: &str| rest.split('"').next().unwrap_or_default().to_owned();
                found.extend(values.map(|rest| (name.clone(), format!("{word}={}", value(rest)))));
            }
        }
    }
    found
}
