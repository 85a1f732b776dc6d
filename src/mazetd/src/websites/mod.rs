//! Web sites of the associations: added, removed, archived and brought back, each one act.
//!
//! | module | subject |
//! |---|---|
//! | [`order`] | what is ordered, checked and carried out |
//! | [`archive`] | all of a site in one file, and back |
//! | [`tree`] | a folder read and put in place without following a link |
//! | [`show`] | the folder of files that is a site, shown to the web server |
//!
//! The broker may not touch users, units and files of services. It writes an [`order::Order`] down, and a unit of
//! its own, `mazet-websites.service`, carries it out through `box.toml` and an apply, like every other change.

pub mod archive;
pub mod order;
pub mod show;
#[cfg(test)]
mod tests;
mod tree;

use std::path::Path;

use anyhow::{Context as _, Result};
use mazet_model::manifest::{Manifest, Text};
use mazet_model::settings::{Settings, Website};
use mazet_model::site_faults::kind;
use mazet_model::site_kind::SiteKind;
use mazet_model::sites;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::system;
use archive::Archive;
use order::{Desk, Last};

/// The sites of the box, and what others there could be.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct State {
    /// Kinds that can be added.
    pub kinds: Vec<Kind>,
    /// Its sites.
    pub sites: Vec<Site>,
    /// How the last act stands.
    pub last: Last,
}

impl State {
    /// The number of each site's association, and the site's name.
    pub fn owned(&self) -> impl Iterator<Item = (i64, &str)> {
        self.sites.iter().map(|site| (site.organisation, site.name.as_str()))
    }
}

/// A kind of site.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Kind {
    /// Its name.
    pub name: String,
    /// What people read.
    pub title: Text,
    /// One sentence.
    pub summary: Text,
    /// It shows a folder of the association's files.
    pub publishes: bool,
    /// It has accounts of its own: whoever adds one is its first administrator.
    pub accounts: bool,
}

/// A site.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Site {
    /// Its number on the box.
    pub id: u16,
    /// Its name.
    pub name: String,
    /// The name of its kind.
    pub kind: String,
    /// What people call that.
    pub title: Text,
    /// Number of the association.
    pub organisation: i64,
    /// A public name of its own.
    pub domain: Option<String>,
    /// The folder that it shows.
    pub folder: Option<String>,
    /// Where it is.
    pub address: String,
    /// The path at the box's own name that leads there too.
    pub path: String,
    /// Where its editors sign in.
    pub entrance: Option<String>,
    /// What is kept of it, the newest first.
    pub archives: Vec<Archive>,
}

/// The sites of the box at `root`.
///
/// # Errors
/// When settings, manifests or archives cannot be read.
pub fn state(root: &Path, desk: &Desk) -> Result<State> {
    let (settings, services) = (system::settings(root)?, system::services(root)?);
    let on = services.iter().filter(|manifest| settings.is_on(manifest));
    let kinds = on.filter_map(|manifest| {
        let kind = manifest.site.as_ref()?;
        Some(Kind {
            name: manifest.service.name.clone(),
            title: manifest.service.title.clone(),
            summary: manifest.service.summary.clone(),
            publishes: kind.publishes.is_some(),
            accounts: kind.install.is_some(),
        })
    });
    let sites = settings.sites.iter().map(|site| shown(root, &settings, &services, site));
    Ok(State { kinds: kinds.collect(), sites: sites.collect::<Result<_>>()?, last: order::last(desk) })
}

fn shown(root: &Path, settings: &Settings, services: &[Manifest], site: &Website) -> Result<Site> {
    let manifest = services.iter().find(|manifest| manifest.service.name == site.kind);
    let manifest = manifest.with_context(|| format!("this box has no kind of site {:?}", site.kind))?;
    let address = sites::address(settings, site);
    let entrance = manifest.site.as_ref().and_then(|kind| kind.entrance.as_ref());
    Ok(Site {
        id: site.number,
        name: site.name.clone(),
        kind: site.kind.clone(),
        title: manifest.service.title.clone(),
        organisation: site.organisation,
        domain: site.domain.clone(),
        folder: site.folder.clone(),
        path: format!("{}{}/", sites::PATH, site.name),
        entrance: entrance.map(|path| format!("{address}{path}")),
        address,
        archives: archive::list(root, &site.name)?,
    })
}

/// A site of the settings and its kind, every text of it rendered.
///
/// # Errors
/// When there is none with that number, or its kind names what there is not.
pub fn find(settings: &Settings, services: &[Manifest], id: u16) -> Result<(Website, SiteKind)> {
    let site = settings.sites.iter().find(|site| site.number == id);
    let site = site.with_context(|| format!("the box has no web site with the number {id}"))?;
    let kind = kind(&site.kind, services);
    let kind = kind.with_context(|| format!("this box has no kind of site {:?}", site.kind))?;
    Ok((site.clone(), sites::of_kind(settings, kind, site).context("filling in the kind of the site")?))
}
