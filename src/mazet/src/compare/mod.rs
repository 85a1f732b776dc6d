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

impl Comparison {
    /// Mazet's wall time and processor time, as parts of mmdebstrap's.
    pub fn ratios(&self) -> (f64, f64) {
        (self.mazet.wall / self.mmdebstrap.wall, self.mazet.cpu / self.mmdebstrap.cpu)
    }
}

/// Makes the tree of `order` both ways in `folder`, and compares.
///
/// # Errors
/// When one of them fails.
pub fn compare(tools: &Path, folder: &Path, order: &Order<'_>) -> Result<Comparison> {
    let [ours, theirs] = ["mazet", "mmdebstrap"].map(|name| folder.join(name));
    for place in [&ours, &theirs] {
        fs::create_dir_all(place.join("tree")).with_context(|| format!("making {}", place.display()))?;
    }
    let mazet = cost(|| raise(tools, &ours, order))?;
    let mmdebstrap = cost(|| tree::make(&Maker::Tools(tools), order, &theirs))?;
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
    Raising::new(tools, folder, &root, sandbox, order, &[])?.from_nothing(&[])
}

/// What `work` costs: its own time and that of every program that it waited for.
fn cost(work: impl FnOnce() -> Result<()>) -> Result<Cost> {
    let (start, before) = (Instant::now(), children()?);
    work()?;
    Ok(Cost { wall: start.elapsed().as_secs_f64(), cpu: children()? - before })
}

/// Processor time of all ended children in seconds (proc_pid_stat(5), fields 16 and 17).
fn children() -> Result<f64> {
    let stat = fs::read_to_string("/proc/self/stat").context("reading this program's times")?;
    let fields = stat.rsplit_once(')').map(|(_, rest)| rest).unwrap_or_default();
    let ticks: Vec<f64> =
        fields.split_whitespace().skip(13).take(2).filter_map(|field| field.parse().ok()).collect();
    Ok(ticks.iter().sum::<f64>() / rustix::param::clock_ticks_per_second() as f64)
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

/// What may differ: files in which each way leaves its own name, and records of when.
const ALLOWED: [&str; 3] = ["etc/dpkg/dpkg.cfg.d/", "var/cache/ldconfig", "var/lib/dpkg/info/format"];

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
