//! Checking a recipe, its service manifests and their overlays: all faults at once.
//!
//! [`check`] reads only what it is given. Each submodule knows one kind of rule:
//!
//! | module | rules |
//! |---|---|
//! | `shape` | keys, types, ranges: by the JSON Schema of the types |
//! | `image` | the recipe's own values |
//! | `suites` | further suites of the archive |
//! | `graph` | services: found, named, ordered by what they depend on |
//! | `alternatives` | services of which exactly one is on |
//! | `kinds` | kinds of web sites |
//! | `packages` | Debian packages |
//! | `files` | overlay files, target paths, modes, folders |
//! | `units` | systemd units, and the settings they depend on |
//! | `network` | ports |
//! | `vhosts` | virtual hosts |
//! | `accounts` | users, roles, backups, health checks |
//! | `databases` | PostgreSQL's databases, and the versions of their schemas |
//! | `providers` | who serves the DNS of domains |
//! | `reports` | pages for the operator, and options |
//! | `templates` | what templates of overlays and of `firmware/` name |

mod accounts;
mod alternatives;
mod clients;
mod databases;
pub(crate) mod document;
mod files;
mod graph;
mod image;
mod kinds;
mod network;
mod packages;
mod providers;
mod reports;
pub(crate) mod shape;
mod suites;
mod templates;
mod units;
mod vhosts;

use std::collections::BTreeMap;

use serde::Serialize;
use serde::de::DeserializeOwned;

use self::document::{Document, Place, Table, Text};
use crate::alternatives::prefer;
use crate::fault::Fault;
use crate::manifest::Manifest;
use crate::recipe::Recipe;
use crate::schema;
use crate::source::Sources;

/// Folder of the service manifests, in a project.
pub const SERVICES: &str = "recipes/services/";

/// A recipe without faults, and the manifests of its services.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Valid {
    /// The recipe.
    pub recipe: Recipe,
    /// Manifests, each after those that it depends on.
    pub services: Vec<Manifest>,
}

/// What the rules look at: the recipe and the manifests that it names, as far as they parse.
struct Plan<'s> {
    sources: &'s Sources,
    recipe: Document<'s>,
    services: Vec<Service<'s>>,
}

impl<'s> Plan<'s> {
    fn documents(&self) -> impl Iterator<Item = &Document<'s>> {
        std::iter::once(&self.recipe).chain(self.services.iter().map(|service| &service.document))
    }
}

/// A service named by the recipe, by its file's name.
struct Service<'s> {
    name: &'s str,
    document: Document<'s>,
}

impl Service<'_> {
    fn table(&self) -> Table<'_> {
        self.document.table()
    }

    /// All `[[key]]` tables of the manifest.
    fn tables(&self, key: &str) -> Vec<Table<'_>> {
        self.table().tables(key)
    }

    /// Path of a file of its overlay.
    fn overlay(&self, source: &str) -> String {
        format!("overlays/{}/{source}", self.name)
    }
}

/// Checks the recipe of `sources` with its services, overlays and templates.
///
/// # Errors
/// All faults: those of the recipe first, then service by service, each file by position.
pub fn check(sources: &Sources) -> Result<Valid, Vec<Fault>> {
    let mut faults = Vec::new();
    let Some(text) = sources.texts.get(&sources.recipe) else {
        return Err(vec![not_text(&sources.recipe)]);
    };
    let recipe = Document::parse(&sources.recipe, text);
    shape::check(&recipe, &schema::recipe(), &mut faults);
    let services = graph::load(sources, &recipe, &mut faults);
    let plan = Plan { sources, recipe, services };
    let rules = [
        image::check,
        suites::check,
        graph::check,
        alternatives::check,
        packages::check,
        files::check,
        units::check,
        network::check,
        vhosts::check,
        clients::check,
        accounts::check,
        databases::check,
        providers::check,
        reports::check,
        templates::check,
        kinds::check,
        templates::firmware,
    ];
    for rule in rules {
        rule(&plan, &mut faults);
    }
    report_syntax(&plan, &mut faults);
    if faults.is_empty() {
        return valid(&plan).map_err(|fault| vec![fault]);
    }
    sort(&plan, &mut faults);
    Err(faults)
}

/// A file that exists and could not be read as text.
fn not_text(path: &str) -> Fault {
    let hint = Some("write it again in an editor that saves UTF-8".to_owned());
    Fault::new(path, "", 0..0, format!("{path} is not UTF-8 text"), hint)
}

/// Of a file that does not parse, only the syntax errors are reported.
fn report_syntax(plan: &Plan<'_>, faults: &mut Vec<Fault>) {
    for document in plan.documents().filter(|document| !document.errors.is_empty()) {
        faults.retain(|fault| fault.file != document.path);
        faults.extend(document.errors.iter().cloned());
    }
}

fn valid(plan: &Plan<'_>) -> Result<Valid, Fault> {
    let recipe: Recipe = read(&plan.recipe)?;
    let services = graph::order(plan).into_iter().map(|service| read(&service.document));
    let mut services: Vec<Manifest> = services.collect::<Result<_, _>>()?;
    prefer(&mut services, &recipe.alternatives);
    Ok(Valid { recipe, services })
}

/// The document as its type. The rules have passed, so that a fault here is one they missed.
fn read<T: DeserializeOwned>(document: &Document<'_>) -> Result<T, Fault> {
    toml::from_str(document.text)
        .map_err(|error| document.place(error.span().unwrap_or(0..0)).fault(error.message().to_owned(), None))
}

/// By file (recipe, manifests in the recipe's order, overlays), then by place.
fn sort(plan: &Plan<'_>, faults: &mut Vec<Fault>) {
    let rank = |file: &str| {
        if file == plan.recipe.path {
            return 0;
        }
        let service = plan.services.iter().position(|service| service.document.path == file);
        service.map_or(usize::MAX, |index| index + 1)
    };
    faults.sort_by_key(|fault| (rank(&fault.file), fault.file.clone(), fault.line, fault.column));
    faults.dedup();
}

/// Remembers who named a thing first, and makes a fault of the second.
#[derive(Default)]
struct Firsts<'s> {
    seen: BTreeMap<String, Place<'s>>,
}

impl<'s> Firsts<'s> {
    /// `what` names the thing in the message: `package `nginx``.
    fn claim(&mut self, key: &str, what: &str, place: Place<'s>, faults: &mut Vec<Fault>) {
        if let Some(first) = self.seen.get(key) {
            let hint = format!("first at {}; remove one of the two", first.name());
            faults.push(place.fault(format!("{what} is named twice"), hint));
        } else {
            self.seen.insert(key.to_owned(), place);
        }
    }
}

/// Names of services, images, roles: lower-case letters, digits and dashes, a letter first.
fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
}

fn name_fault(name: &Text<'_>, what: &str) -> Fault {
    let hint = "lower-case letters, digits and dashes, a letter first".to_owned();
    name.place.fault(format!("`{}` is no good name for {what}", name.value), hint)
}
