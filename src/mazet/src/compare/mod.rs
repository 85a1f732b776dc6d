//! Two ways to one tree, side by side: Mazet's own and mmdebstrap's. What each costs, and whether
//! the trees are the same.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::time::Instant;

use anyhow::{Context as _, Result};
use serde::Serialize;

use crate::layers::debian;
use crate::layers::raise::Raising;
use crate::sandbox::{self, Sandbox};
use crate::timings::{Processor, Timings, human_seconds};
use crate::tree::{self, Maker, Order};

/// What making a tree costs.
#[derive(Debug, Clone, Copy, Serialize)]
pub struct Cost {
    /// Seconds by the clock.
    pub wall: f64,
    /// Seconds of processor time, all programs together, user and system.
    pub cpu: f64,
}

/// Both ways, and what differs.
#[derive(Debug, Clone, Serialize)]
pub struct Comparison {
    /// Debian architecture.
    pub architecture: String,
    /// Number of packages.
    pub packages: usize,
    /// Mazet's way.
    pub mazet: Cost,
    /// mmdebstrap's.
    pub mmdebstrap: Cost,
    /// Paths that differ, each with both sides.
    pub differences: Vec<String>,
}

/// Makes the tree of `order` both ways in `folder`, and compares. `said` hears each cost.
///
/// # Errors
/// When one of them fails.
pub fn compare(tools: &Path, folder: &Path, order: &Order<'_>, said: impl Fn(String)) -> Result<Comparison> {
    let [ours, theirs] = ["mazet", "mmdebstrap"].map(|name| folder.join(name));
    for place in [&ours, &theirs] {
        fs::create_dir_all(place.join("tree")).with_context(|| format!("making {}", place.display()))?;
    }
    let told = |name: &str, cost: &Cost| {
        said(format!(
            "{name}: {} by the clock, {} of the processor",
            human_seconds(cost.wall),
            human_seconds(cost.cpu)
        ));
    };
    let mazet = cost(|| raise(tools, &ours, order))?;
    told("mazet", &mazet);
    let mmdebstrap = cost(|| tree::make(&Maker::Tools(tools), order, &theirs))?;
    told("mmdebstrap", &mmdebstrap);
    let [one, other] = [inventory(tools, &ours, order)?, inventory(tools, &theirs, order)?];
    for place in [&ours, &theirs] {
        sandbox::remove_tree(place)?;
    }
    Ok(Comparison {
        architecture: order.architecture.to_owned(),
        packages: order.entries.len(),
        mazet,
        mmdebstrap,
        differences: differences(&one, &other),
    })
}

fn raise(tools: &Path, folder: &Path, order: &Order<'_>) -> Result<()> {
    let root = folder.join("tree");
    let sandbox = Sandbox { inner: Some(root.clone()), ..Sandbox::new(tools).share(folder) };
    Raising::new(tools, folder, &root, sandbox, order, &Timings::new())?.from_nothing(&[])
}

/// What `work` costs: its own time and that of every program that it waited for.
fn cost(work: impl FnOnce() -> Result<()>) -> Result<Cost> {
    let start = Instant::now();
    let (done, processor) = Processor::of(None, work);
    done?;
    Ok(Cost { wall: start.elapsed().as_secs_f64(), cpu: processor.native })
}

/// Lines of a tree: path, and what is said of it.
fn inventory(tools: &Path, folder: &Path, order: &Order<'_>) -> Result<String> {
    let root = folder.join("tree");
    let sandbox = Sandbox::new(tools).share(folder).running(order.architecture)?;
    debian::normalise(&sandbox, &root, order.epoch)?;
    sandbox
        .command("listing a tree", "sh")?
        .args(["-euc", include_str!("inventory.sh"), "inventory"])
        .arg(&root)
        .text()
}

/// What may differ. dpkg's configuration bears each way's own name; the others are what mmdebstrap
/// leaves of itself: the host's resolv.conf, an empty fstab, the list of one architecture.
const ALLOWED: [&str; 4] =
    ["etc/dpkg/dpkg.cfg.d/", "etc/.resolv.conf.systemd-resolved.bak", "etc/fstab", "var/lib/dpkg/arch"];

/// Paths of which two inventories say different things.
fn differences(one: &str, other: &str) -> Vec<String> {
    let (one, other) = (by_path(one), by_path(other));
    let paths = one.keys().chain(other.keys().filter(|path| !one.contains_key(*path)));
    let said = |said: Option<&Vec<&str>>| said.map_or_else(|| "nothing".to_owned(), |said| said.join(", "));
    let mut found: Vec<_> = paths
        .filter(|path| one.get(*path) != other.get(*path))
        .filter(|path| !ALLOWED.iter().any(|allowed| path.starts_with(allowed)))
        .map(|path| format!("{path}: {} | {}", said(one.get(path)), said(other.get(path))))
        .collect();
    found.sort();
    found
}

fn by_path(inventory: &str) -> BTreeMap<&str, Vec<&str>> {
    let mut paths: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (path, said) in inventory.lines().filter_map(|line| line.split_once('\t')) {
        paths.entry(path).or_default().push(said);
    }
    paths
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_difference_is_seen() {
        let one = "a\tf 0644 0:0 \nb\tf 0644 0:0 \nb\tattribute security.capability=0x01\nc\tl 0777 0:0 x\n";
        let other = "a\tf 0755 0:0 \nb\tf 0644 0:0 \nd\tf 0644 0:0 \nc\tl 0777 0:0 x\n";
        assert_eq!(
            differences(one, other),
            [
                "a: f 0644 0:0  | f 0755 0:0 ",
                "b: f 0644 0:0 , attribute security.capability=0x01 | f 0644 0:0 ",
                "d: nothing | f 0644 0:0 ",
            ]
        );
        assert!(differences(one, one).is_empty());
    }
}
