//! Debian trees made from locked packages: the tools, the compiler, the test clients, and the
//! base of every image.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context as _, Result};

use crate::arch::Architecture;
use crate::digest::Inputs;
use crate::lock::Entry;
use crate::repo;
use crate::run::Program;
use crate::sandbox::{self, Sandbox};
use crate::stage::{Made, stage};

/// Documentation and translations that no tool and no box reads; licences stay.
pub const LEFT_OUT: [&str; 12] = [
    "path-exclude=/usr/share/doc/*",
    "path-include=/usr/share/doc/*/copyright",
    // The box's own sources: Debian's word on where Debian is, so that no mirror is named here.
    "path-include=/usr/share/doc/apt/examples/debian.sources",
    "path-exclude=/usr/share/man/*",
    "path-exclude=/usr/share/info/*",
    "path-exclude=/usr/share/groff/*",
    "path-exclude=/usr/share/lintian/*",
    "path-exclude=/usr/share/locale/*",
    "path-include=/usr/share/locale/locale.alias",
    "path-include=/usr/share/locale/fr/*",
    "path-include=/usr/share/locale/fr_FR/*",
    "force-unsafe-io",
];

/// Where the tools tree's mmdebstrap sees the local archive; normalising takes it out.
const ARCHIVE: &str = "/mazet-archive";

/// Which mmdebstrap makes a tree.
pub enum Maker<'a> {
    /// The host's: for the tools tree, which brings the other.
    Host,
    /// The tools tree's.
    Tools(&'a Path),
}

/// What a tree is made of.
pub struct Order<'a> {
    /// Debian release, by code name.
    pub release: &'a str,
    /// Debian architecture.
    pub architecture: &'a str,
    /// Every package.
    pub entries: &'a [Entry],
    /// The clock inside: seconds since 1970 UTC.
    pub epoch: u64,
    /// The cache of downloaded packages.
    pub debs: &'a Path,
}

impl Order<'_> {
    /// What decides the tree's content.
    pub fn inputs(&self, name: &str, version: u32) -> Inputs {
        let mut inputs = Inputs::new(name, version);
        inputs.text("epoch", self.epoch.to_string());
        inputs.text("left out", LEFT_OUT.join("\n"));
        add_packages(&mut inputs, self.entries);
        inputs
    }
}

/// Adds packages to a stage's inputs.
pub fn add_packages(inputs: &mut Inputs, entries: &[Entry]) {
    for entry in entries {
        // A package may be there for two architectures.
        let label = match entries.iter().filter(|other| other.name == entry.name).count() {
            1 => format!("package {}", entry.name),
            _ => format!("package {}:{}", entry.name, entry.architecture),
        };
        inputs.text(label, format!("{} {}", entry.version, entry.sha256));
    }
}

/// Architectures of packages other than `own` and `all`.
fn foreign<'a>(entries: &'a [Entry], own: &str) -> Vec<&'a str> {
    let names: BTreeSet<_> = entries.iter().map(|entry| entry.architecture.as_str()).collect();
    names.into_iter().filter(|name| *name != own && *name != "all").collect()
}

/// A kept helper tree: `<shelf>/<name>-<key>/tree`.
///
/// # Errors
/// When mmdebstrap fails.
pub fn helper(shelf: &Path, name: &str, maker: &Maker<'_>, order: &Order<'_>) -> Result<Made> {
    stage(shelf, name, &order.inputs(name, 1), |folder| {
        make(maker, order, folder)?;
        sandbox::remove_tree(&folder.join("repo"))
    })
}

/// Makes `folder/tree`, with the local archive that it came from in `folder/repo`.
///
/// # Errors
/// When mmdebstrap fails.
pub fn make(maker: &Maker<'_>, order: &Order<'_>, folder: &Path) -> Result<()> {
    let repo = folder.join("repo");
    repo::lay_out(&repo, order.debs, order.release, order.entries).context("laying out a local archive")?;
    let doing = "making a Debian tree";
    // mmdebstrap leaves the archive's path in the tree as an empty folder: for an image it may not
    // be the builder's own.
    let (mut command, archive) = match maker {
        Maker::Host => (sandbox::host_command(doing, Program::Mmdebstrap), repo.display().to_string()),
        Maker::Tools(tree) => {
            let sandbox =
                Sandbox::new(tree).share(folder).bind(&repo, ARCHIVE).running(order.architecture)?;
            (sandbox.command(doing, Program::Mmdebstrap.name())?, ARCHIVE.to_owned())
        }
    };
    let own = match maker {
        Maker::Host => Architecture::builder()?.debian,
        Maker::Tools(_) => order.architecture,
    };
    let foreign = foreign(order.entries, own);
    if !foreign.is_empty() || Architecture::of(own)?.is_foreign() {
        let all: Vec<_> = std::iter::once(own).chain(foreign.iter().copied()).collect();
        command = command.arg(format!("--architectures={}", all.join(","))).arg("--skip=check/qemu");
    }
    let names: Vec<_> = order
        .entries
        .iter()
        .map(|entry| match foreign.contains(&entry.architecture.as_str()) {
            true => format!("{}:{}", entry.name, entry.architecture),
            false => entry.name.clone(),
        })
        .collect();
    command = command
        .args(["--mode=root", "--variant=essential", "--format=directory"])
        .args(["--hook-dir=/usr/share/mmdebstrap/hooks/file-mirror-automount"])
        .arg(format!("--include={}", names.join(",")))
        .args(LEFT_OUT.map(|option| format!("--dpkgopt={option}")))
        .arg(order.release)
        .arg(folder.join("tree"))
        .arg(format!("deb [trusted=yes] file:{archive} ./"))
        .env("SOURCE_DATE_EPOCH", order.epoch.to_string())
        // One initramfs, made later, when everything that belongs in it is there.
        .env("INITRD", "No")
        .log(&folder.join("mmdebstrap.log"));
    command.run()?;
    Ok(())
}
