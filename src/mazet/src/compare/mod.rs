//! Two ways to one tree, side by side: Mazet's own and mmdebstrap's. What each costs, and whether
//! the trees are the same.

use std::collections::{BTreeMap, BTreeSet};
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
    /// Files of which only the content differs, and that differ each time they are made: each with why.
    pub drawn: Vec<String>,
}

/// Folders of the two ways.
const WAYS: [&str; 2] = ["mazet", "mmdebstrap"];

/// Makes the tree of `order` both ways in `folder`, and compares. `drawn`: files whose content is drawn anew by
/// whatever makes them, a line each: path, tab, why. All else of them (that they are there, kind, mode, owner,
/// attributes) is compared. `said` hears each cost.
///
/// # Errors
/// When one of them fails.
pub fn compare(
    tools: &Path,
    folder: &Path,
    order: &Order<'_>,
    drawn: &str,
    said: impl Fn(String),
) -> Result<Comparison> {
    let [ours, theirs] = WAYS.map(|name| folder.join(name));
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
    let (differences, drawn) = differences(&one, &other, drawn);
    Ok(Comparison {
        architecture: order.architecture.to_owned(),
        packages: order.entries.len(),
        mazet,
        mmdebstrap,
        differences,
        drawn,
    })
}

/// Deletes what [`compare`] left in `folder` when it failed, but for the logs: its error names them.
///
/// # Errors
/// When something cannot be deleted.
pub fn keep_logs(folder: &Path) -> Result<()> {
    for place in WAYS.map(|name| folder.join(name)) {
        for made in ["tree", "repo"] {
            sandbox::remove_tree(&place.join(made))?;
        }
    }
    Ok(())
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

/// Paths of which two inventories say different things; apart from them the files of `drawn` of
/// which they do.
fn differences(one: &str, other: &str, drawn: &str) -> (Vec<String>, Vec<String>) {
    let (one, other) = (by_path(one), by_path(other));
    let reasons: BTreeMap<&str, &str> = drawn.lines().filter_map(|line| line.split_once('\t')).collect();
    let paths: BTreeSet<_> = one.keys().chain(other.keys()).copied().collect();
    let (mut found, mut again) = (Vec::new(), Vec::new());
    for path in paths.into_iter().filter(|path| !ALLOWED.iter().any(|allowed| path.starts_with(allowed))) {
        let both = [one.get(path), other.get(path)].map(|said| said.map_or(&[][..], Vec::as_slice));
        let [ours, theirs] = both;
        match reasons.get(path) {
            _ if ours == theirs => {}
            Some(why) if beside_content(ours) == beside_content(theirs) => {
                again.push(format!("{path}: {why}"));
            }
            _ => {
                let [ours, theirs] =
                    both.map(|said| if said.is_empty() { "nothing".to_owned() } else { said.join(", ") });
                found.push(format!("{path}: {ours} | {theirs}"));
            }
        }
    }
    (found, again)
}

/// What is said of a path, but for what it holds.
fn beside_content<'a>(said: &[&'a str]) -> Vec<&'a str> {
    said.iter().copied().filter(|said| !said.starts_with("content ")).collect()
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
        let (found, drawn) = differences(one, other, "");
        assert_eq!(
            found,
            [
                "a: f 0644 0:0  | f 0755 0:0 ",
                "b: f 0644 0:0 , attribute security.capability=0x01 | f 0644 0:0 ",
                "d: nothing | f 0644 0:0 ",
            ]
        );
        assert!(drawn.is_empty());
        assert_eq!(differences(one, one, ""), (Vec::new(), Vec::new()));
    }

    #[test]
    fn what_is_drawn_anew_may_differ_in_content_alone() {
        let (control, other) = ("var/lib/some/number", "var/lib/some/version");
        let tree = |path: &str, mode: &str, content: &str| {
            format!("{path}\tf {mode} 100:104 \n{path}\tcontent {content}\n")
        };
        let seen = |one: &str, other: &str| {
            let (found, drawn) = differences(one, other, "var/lib/some/number\tthe time\n");
            (found.len(), drawn.len())
        };
        assert_eq!(seen(&tree(control, "0600", "1"), &tree(control, "0600", "2")), (0, 1));
        assert_eq!(seen(&tree(control, "0600", "1"), &tree(control, "0644", "2")), (1, 0));
        assert_eq!(seen(&tree(control, "0600", "1"), ""), (1, 0));
        assert_eq!(seen(&tree(other, "0600", "1"), &tree(other, "0600", "2")), (1, 0));
    }
}
