//! From a recipe to the packages of every layer and tree: the lock.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use mazet_model::manifest::Manifest;
use mazet_model::recipe::Recipe;

use crate::digest::Digest;
use crate::layers::debian;
use crate::lock::{Entry, Lock, Part};
use crate::mirror::Mirror;
use crate::paths::{Cache, Project};
use crate::resolve::{Resolver, Target};

/// The manifest whose packages belong to the base layer.
pub const BASE: &str = "base";
/// Packages of the tools tree, one a line: a list of the project.
const TOOLS: &str = "firmware/trees/tools";
/// Packages of the compile tree.
const COMPILE: &str = "firmware/trees/compile";
/// Packages of the test tree.
const TEST: &str = "firmware/trees/test";

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
        Ok(Self {
            parts: vec![
                (Part::Tools, list(project, TOOLS)?),
                (Part::Compile, list(project, COMPILE)?),
                (Part::Base, base),
                (Part::Services, all),
                (Part::Test, list(project, TEST)?),
            ],
        })
    }

    /// The names of one part.
    pub fn part(&self, part: Part) -> Vec<String> {
        let found = self.parts.iter().find(|(name, _)| *name == part);
        found.map(|(_, names)| names.clone()).unwrap_or_default()
    }

    fn digest(&self, target: &Target) -> Digest {
        Digest::of(format!(
            "{:?} {} {} {:?}",
            self.parts, target.release, target.architecture, target.components
        ))
    }
}

fn list(project: &Project, path: &str) -> Result<Vec<String>> {
    let path = project.root.join(path);
    let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
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

/// The lock of a recipe: the given one, the one kept for these very wishes while the archive's
/// indexes are fresh, or apt's new answer.
///
/// # Errors
/// When the given lock does not fit, or apt finds no solution.
pub fn lock(
    cache: &Cache,
    wishes: &Wishes,
    target: &Target,
    asking: &Asking,
    mirror: impl FnOnce() -> Result<Mirror>,
) -> Result<Lock> {
    if let Some(file) = &asking.locked {
        return read(file, wishes, target);
    }
    let kept = cache.folder("locks")?.join(format!("{}.lock", wishes.digest(target).short()));
    if kept.exists() && (asking.offline || (!asking.refresh && fresh(&kept))) {
        return read(&kept, wishes, target);
    }
    if asking.offline {
        bail!("no lock is known for this recipe: build once without --offline, or give one with --locked");
    }
    let lock = resolve(cache, wishes, target, asking.refresh, &mirror()?)?;
    fs::write(&kept, lock.render()).with_context(|| format!("keeping the lock {}", kept.display()))?;
    Ok(lock)
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

fn resolve(cache: &Cache, wishes: &Wishes, target: &Target, refresh: bool, mirror: &Mirror) -> Result<Lock> {
    let state = cache.folder("indexes")?.join(format!("{}-{}", target.release, target.architecture));
    let resolver = Resolver::new(&state, mirror, target, None)?;
    resolver.update(refresh)?;
    let mut entries: Vec<Entry> = Vec::new();
    for (part, names) in &wishes.parts {
        let found = match part {
            // Above the base: resolved together, so that versions agree, and what the base holds
            // taken away.
            Part::Services => {
                let both = [wishes.part(Part::Base), names.clone()].concat();
                let below: Vec<_> = entries.iter().filter(|e| e.part == Part::Base).cloned().collect();
                debian::above(&resolver.resolve(*part, &both)?, &below)
            }
            _ => resolver.resolve(*part, names)?,
        };
        entries.extend(found);
    }
    Ok(Lock::new(&target.release, &target.architecture, resolver.epoch()?, entries))
}
