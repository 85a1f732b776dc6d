//! System users of the box's web sites: made before anything is given to them, removed with their site.
//!
//! Their numbers stand in the settings, so that what lies in `/srv` keeps its owners over a reinstall.

use std::collections::BTreeMap;
use std::fs;

use anyhow::{Context, Result, bail};
use mazet_model::manifest::Manifest;
use mazet_model::settings::Settings;
use mazet_model::site_faults::kind;
use mazet_model::sites::{self, FIRST, LAST_NUMBER};

use super::Options;
use crate::run::{Program, Runner};

/// What begins the name of a site's user.
const PREFIX: &str = "site-";

/// What must be made and removed.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Plan {
    /// Root of a tree that does not run; none: the running system.
    root: Option<String>,
    /// Number and home by name.
    add: BTreeMap<String, (u32, String)>,
    remove: Vec<String>,
}

/// Compares the users that there are with the sites of the settings.
///
/// # Errors
/// When they cannot be read, or a name or number that a site needs is somebody else's.
pub fn plan(options: &Options, settings: &Settings, services: &[Manifest]) -> Result<Plan> {
    let path = options.root.join("etc/passwd");
    let text = match fs::read_to_string(&path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => String::new(),
        text => text.with_context(|| format!("reading {}", path.display()))?,
    };
    let known: BTreeMap<&str, u32> = text.lines().filter_map(account).collect();
    let mut plan = Plan { root: super::tree(options), ..Plan::default() };
    for site in &settings.sites {
        if !kind(&site.kind, services).is_some_and(|kind| kind.user) {
            continue;
        }
        let (name, id) = (sites::user(&site.name), sites::uid(site));
        match known.get(name.as_str()) {
            Some(there) if *there == id => {}
            Some(there) => bail!(
                "the user {name} has the number {there}, and its site {id}: change the site's in box.toml"
            ),
            None => drop(plan.add.insert(name, (id, format!("{}/{}", sites::HOMES, site.name)))),
        }
    }
    let last = FIRST + u32::from(LAST_NUMBER);
    let ours = |(name, id): &(&&str, &u32)| name.starts_with(PREFIX) && (FIRST..=last).contains(*id);
    let wanted = |name: &str| settings.sites.iter().any(|site| sites::user(&site.name) == name);
    plan.remove = known.iter().filter(ours).map(|(name, _)| (*name).to_owned()).collect();
    plan.remove.retain(|name| !wanted(name));
    Ok(plan)
}

/// Name and number of a line of passwd(5).
fn account(line: &str) -> Option<(&str, u32)> {
    let mut fields = line.split(':');
    Some((fields.next()?, fields.nth(1)?.parse().ok()?))
}

impl Plan {
    /// What is done, one line each.
    pub fn describe(&self) -> Vec<String> {
        let added = self.add.keys().map(|name| format!("add {name}"));
        added.chain(self.remove.iter().map(|name| format!("remove {name}"))).collect()
    }

    /// Makes those that are missing, each with a group of its own and without a password or a shell.
    ///
    /// # Errors
    /// When useradd(8) refuses.
    pub fn add(&self, runner: &Runner) -> Result<()> {
        for (name, (id, home)) in &self.add {
            let id = id.to_string();
            // A group of the same number: useradd(8) by itself would take whatever is free.
            let group = self.in_root(&["--system", "--gid", &id, name]);
            runner.run(Program::Groupadd, &group).with_context(|| format!("making the group {name}"))?;
            let account = ["--system", "--uid", &id, "--gid", &id, "--no-create-home", "--home-dir", home];
            let arguments = self.in_root(&[&account[..], &["--shell", "/usr/sbin/nologin", name]].concat());
            runner.run(Program::Useradd, &arguments).with_context(|| format!("making the user {name}"))?;
        }
        Ok(())
    }

    /// Removes those whose sites went. Nothing of theirs runs any more.
    ///
    /// # Errors
    /// When userdel(8) refuses.
    pub fn remove(&self, runner: &Runner) -> Result<()> {
        for name in &self.remove {
            runner
                .run(Program::Userdel, &self.in_root(&[name]))
                .with_context(|| format!("removing the user {name}"))?;
        }
        Ok(())
    }

    fn in_root(&self, arguments: &[&str]) -> Vec<String> {
        let root = self.root.iter().flat_map(|root| ["--root", root]);
        root.chain(arguments.iter().copied()).map(str::to_owned).collect()
    }
}
