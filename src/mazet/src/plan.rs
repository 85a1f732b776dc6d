//! From a recipe to the packages of every layer and tree: the lock.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use mazet_model::manifest::Manifest;
use mazet_model::recipe::Recipe;

use crate::arch::Architecture;
use crate::digest::Digest;
use crate::layers::debian;
use crate::lock::{Entry, Lock, Part};
use crate::mirror::Mirror;
use crate::paths::{Cache, Project};
use crate::resolve::{Resolver, Target};

/// The manifest whose packages belong to the base layer.
pub const BASE: &str = "base";
/// Folder of lists of packages, one a line, for the tools, compile and test trees. A hardware may
/// add to each in a folder of the same name below its own: what one image needs costs no other.
const TREES: &str = "trees";

/// Names of packages, part by part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wishes {
    /// Parts in the order that they are resolved in.
    pub parts: Vec<(Part, Vec<String>)>,
}

impl Wishes {
    /// What a recipe and the project's helper trees want.
    ///
    /// # Errors
    /// When a list of packages cannot be read.
    pub fn of(project: &Project, recipe: &Recipe, services: &[Manifest]) -> Result<Self> {
        let mut base = vec![recipe.packages.kernel.clone()];
        base.extend(recipe.packages.system.iter().cloned());
        base.extend(recipe.packages.firmware.iter().cloned());
        let mut all = Vec::new();
        for manifest in services {
            let list = if manifest.service.name == BASE { &mut base } else { &mut all };
            list.extend(manifest.service.packages.iter().cloned());
        }
        let hardware = &recipe.image.hardware;
        Ok(Self {
            parts: vec![
                (Part::Tools, helper(project, hardware, "tools")?),
                (Part::Compile, helper(project, hardware, "compile")?),
                (Part::Base, base),
                (Part::Services, all),
                (Part::Test, helper(project, hardware, "test")?),
            ],
        })
    }

    /// The names of one part.
    pub fn part(&self, part: Part) -> Vec<String> {
        let found = self.parts.iter().find(|(name, _)| *name == part);
        found.map(|(_, names)| names.clone()).unwrap_or_default()
    }

    /// Architectures other than the builder's that helper trees take packages of.
    fn foreign(&self) -> Vec<String> {
        let helpers = self.parts.iter().filter(|(part, _)| !part.is_of_image());
        let names = helpers.flat_map(|(_, names)| names);
        let found: BTreeSet<_> = names.filter_map(|name| Some(name.split_once(':')?.1.to_owned())).collect();
        found.into_iter().collect()
    }

    fn digest(&self, target: &Target) -> Digest {
        let Target { release, architecture, components, suites, .. } = target;
        let mut wishes = format!("{:?} {release} {architecture} {components:?}", self.parts);
        if !suites.is_empty() {
            wishes += &format!(" {suites:?}");
        }
        Digest::of(wishes)
    }
}

/// The packages of one helper tree: the project's list, then the hardware's where it has one.
fn helper(project: &Project, hardware: &str, tree: &str) -> Result<Vec<String>> {
    let mut names = list(&project.firmware(TREES).join(tree))?;
    let further = project.firmware(hardware).join(TREES).join(tree);
    if further.exists() {
        names.extend(list(&further)?);
    }
    Ok(names)
}

fn list(path: &Path) -> Result<Vec<String>> {
    let text = fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
    let lines = text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#'));
    Ok(lines.map(str::to_owned).collect())
}

/// How to come by a lock.
#[derive(Debug, Clone, Default)]
pub struct Asking {
    /// From this file.
    pub locked: Option<PathBuf>,
    /// Never from the network.
    pub offline: bool,
    /// From the newest indexes.
    pub refresh: bool,
}

/// The lock of a recipe where apt need not be asked: the given one, or the one kept for these very
/// wishes while the archive's indexes are fresh.
///
/// # Errors
/// When the given lock does not fit, or apt may not be asked and no lock is kept.
pub fn known(cache: &Cache, wishes: &Wishes, target: &Target, asking: &Asking) -> Result<Option<Lock>> {
    if let Some(file) = &asking.locked {
        return read(file, wishes, target).map(Some);
    }
    let kept = kept(cache, wishes, target)?;
    if kept.exists() && (asking.offline || (!asking.refresh && fresh(&kept))) {
        return read(&kept, wishes, target).map(Some);
    }
    if asking.offline {
        bail!("no lock is known for this recipe: build once without --offline, or give one with --locked");
    }
    Ok(None)
}

/// Whom to ask for packages, and what for.
pub struct Archive<'a> {
    /// Keeps indexes and locks.
    pub cache: &'a Cache,
    /// What the image is for.
    pub target: &'a Target,
    /// Where the archive is.
    pub mirror: &'a Mirror,
    /// Ask for its newest indexes, however fresh the kept ones are.
    pub refresh: bool,
}

/// A lock of nothing but the tools tree, by the host's apt: that tree brings the apt that resolves
/// everything ([`resolve`]).
///
/// # Errors
/// When apt finds no solution, or the indexes cannot be had.
pub fn tools(archive: &Archive<'_>, wishes: &Wishes) -> Result<Lock> {
    let target = archive.target;
    let helpers = archive.resolver(&builder(wishes, target)?, archive.refresh, None)?;
    let entries = helpers.resolve(Part::Tools, &wishes.part(Part::Tools))?;
    Ok(Lock::new(&target.release, &target.architecture, helpers.epoch()?, entries))
}

/// The whole lock, by the apt and the archive keys of a tools `tree`, so that every host gets the
/// same; kept for [`known`].
///
/// # Errors
/// As [`tools`].
pub fn resolve(archive: &Archive<'_>, wishes: &Wishes, tree: &Path) -> Result<Lock> {
    let (target, refresh) = (archive.target, archive.refresh);
    let builder = builder(wishes, target)?;
    let image = archive.resolver(target, refresh, Some(tree))?;
    let helpers = archive.resolver(&builder, refresh && builder != *target, Some(tree))?;
    let entries = parts(wishes, &image, &helpers)?;
    let epoch = image.epoch()?.max(helpers.epoch()?);
    let lock = Lock::new(&target.release, &target.architecture, epoch, entries);
    let kept = kept(archive.cache, wishes, target)?;
    fs::write(&kept, lock.render()).with_context(|| format!("keeping the lock {}", kept.display()))?;
    Ok(lock)
}

/// Where the lock for these wishes is kept.
fn kept(cache: &Cache, wishes: &Wishes, target: &Target) -> Result<PathBuf> {
    Ok(cache.folder("locks")?.join(format!("{}.lock", wishes.digest(target).short())))
}

/// A kept lock is good for as long as apt's indexes are.
fn fresh(kept: &Path) -> bool {
    let age = fs::metadata(kept).and_then(|meta| meta.modified()).ok().and_then(|time| time.elapsed().ok());
    age.is_some_and(|age| age < crate::resolve::FRESH)
}

fn read(file: &Path, wishes: &Wishes, target: &Target) -> Result<Lock> {
    let text = fs::read_to_string(file).with_context(|| format!("reading the lock {}", file.display()))?;
    let lock = Lock::parse(&text).with_context(|| format!("reading the lock {}", file.display()))?;
    for (part, names) in &wishes.parts {
        lock.fits(&target.release, &target.architecture, *part, names)
            .with_context(|| format!("using the lock {}", file.display()))?;
    }
    Ok(lock)
}

/// What the helper trees are resolved for: they work on the builder, whatever the image is for, and
/// are of the release alone.
fn builder(wishes: &Wishes, target: &Target) -> Result<Target> {
    let architecture = Architecture::builder()?.debian.to_owned();
    Ok(Target { architecture, foreign: wishes.foreign(), suites: Vec::new(), ..target.clone() })
}

/// The packages of every part.
fn parts(wishes: &Wishes, image: &Resolver, helpers: &Resolver) -> Result<Vec<Entry>> {
    let mut entries: Vec<Entry> = Vec::new();
    for (part, names) in &wishes.parts {
        let found = match part {
            // Above the base: resolved together, so that versions agree, and what the base holds
            // taken away.
            Part::Services => {
                let both = [wishes.part(Part::Base), names.clone()].concat();
                let below: Vec<_> = entries.iter().filter(|e| e.part == Part::Base).cloned().collect();
                debian::above(&image.resolve(*part, &both)?, &below)
            }
            Part::Base => image.resolve(*part, names)?,
            Part::Tools | Part::Compile | Part::Test => helpers.resolve(*part, names)?,
        };
        entries.extend(found);
    }
    Ok(entries)
}

impl Archive<'_> {
    /// apt for one target, its indexes fresh: of `tree`, or the host's. Each keeps indexes of its
    /// own, with signatures that it checked itself.
    fn resolver(&self, target: &Target, refresh: bool, tree: Option<&Path>) -> Result<Resolver> {
        let whose = if tree.is_some() { "tools" } else { "host" };
        let further = target.foreign.iter().chain(target.suites.iter().map(|suite| &suite.name));
        let name = std::iter::once(&target.architecture)
            .chain(further)
            .fold(format!("{whose}-{}", target.release), |name, next| format!("{name}-{next}"));
        let resolver = Resolver::new(&self.cache.folder("indexes")?.join(name), self.mirror, target, tree)?;
        resolver.update(refresh)?;
        Ok(resolver)
    }
}
