//! A second project with a cache of its own, for builds that may not touch the first.
//!
//! It has the sources and the downloads (inputs, named by their digests), and no result; on wish
//! another user and another clock.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use super::Setting;
use super::test::clock::Clock;
use crate::run::{Command, Program};
use crate::sandbox;

/// Folders of the project that no build reads.
const NOT_COPIED: [&str; 3] = ["target", "images", ".git"];
/// Downloads: inputs named by their digests, not results.
const DOWNLOADS: [&str; 2] = ["debs", "crates"];

/// The second project; deleted when dropped, with the files of sub-ids in its cache.
pub struct Elsewhere {
    root: PathBuf,
    recipe: String,
    user: Option<String>,
    clock: Option<Clock>,
}

impl Elsewhere {
    /// Copies project, downloads, the lock of the last build of `recipe`, and this very program;
    /// all given to `user` where there is one.
    ///
    /// # Errors
    /// When something cannot be copied: most often because `recipe` was never built.
    pub fn new(setting: &Setting, recipe: &str, user: Option<&str>) -> Result<Self> {
        // Another user cannot reach this one's cache.
        let near =
            if user.is_some() { PathBuf::from("/var/tmp") } else { setting.cache.folder("scratch")? };
        let root = tempfile::Builder::new().prefix("mazet-second-").tempdir_in(near)?.keep();
        let place = Self { root, recipe: recipe.to_owned(), user: user.map(str::to_owned), clock: None };
        copy_project(&setting.project.root, &place.project())?;
        for kind in DOWNLOADS {
            copy_folder(&setting.cache.root.join(kind), &place.root.join("cache/mazet").join(kind))?;
        }
        fs::copy("/proc/self/exe", place.root.join("mazet")).context("copying Mazet's program")?;
        let lock = setting.project.images().join(format!("{recipe}.lock"));
        fs::copy(&lock, place.root.join("lock")).with_context(|| format!("copying {}", lock.display()))?;
        place.hand_over()?;
        Ok(place)
    }

    /// Everything started there has this clock.
    #[must_use]
    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = Some(clock);
        self
    }

    /// Its folder.
    pub fn project(&self) -> PathBuf {
        self.root.join("an other/place for it")
    }

    /// Keeps `file` for as long as this place is there, whatever becomes of its name; gives its path.
    ///
    /// # Errors
    /// When it can be neither linked nor copied.
    pub fn hold(&self, file: &Path) -> Result<PathBuf> {
        let held = self.root.join("held");
        fs::hard_link(file, &held)
            .or_else(|_| fs::copy(file, &held).map(drop))
            .with_context(|| format!("keeping {}", file.display()))?;
        Ok(held)
    }

    /// The image that a build makes there.
    pub fn image(&self) -> PathBuf {
        self.project().join("images").join(format!("{}.img", self.recipe))
    }

    /// Builds there from the lock, without the network, with another umask, time zone and locale.
    ///
    /// # Errors
    /// When the build fails.
    pub fn build(&self) -> Result<()> {
        let lock = self.root.join("lock");
        self.mazet("building elsewhere")
            .args(["build", &self.recipe, "--offline", "--locked"])
            .arg(lock)
            .run()?;
        Ok(())
    }

    /// The tree of the only result that a stage has there: `<shelf>/<stage>-<key>/tree`.
    ///
    /// # Errors
    /// When nothing was built.
    pub fn tree(&self, shelf: &str, stage: &str) -> Result<PathBuf> {
        let shelf = self.root.join("cache/mazet").join(shelf);
        let entries = fs::read_dir(&shelf).with_context(|| format!("reading {}", shelf.display()))?;
        let mut names = entries.flatten().map(|entry| entry.path());
        let found = names.find(|path| {
            let name = path.file_name().unwrap_or_default().to_string_lossy();
            name.strip_prefix(stage).is_some_and(|rest| rest.starts_with('-'))
        });
        Ok(found.with_context(|| format!("no {stage} was made in {}", shelf.display()))?.join("tree"))
    }

    /// Its own `mazet`, ready for arguments.
    pub fn mazet(&self, doing: &str) -> Command {
        let clock = self.clock.iter().flat_map(Clock::environment);
        clock.fold(self.plain(doing), |command, (name, value)| command.env(name, value))
    }

    fn plain(&self, doing: &str) -> Command {
        let script = "umask 077; cd \"$1\"; shift; exec \"$@\"";
        let command = match &self.user {
            Some(user) => Command::new(Program::Runuser, doing).args(["--user", user, "--", "sh"]),
            None => Command::raw("sh", doing),
        };
        command
            .args(["-euc", script, "elsewhere"])
            .arg(self.project())
            .arg(self.root.join("mazet"))
            .env("XDG_CACHE_HOME", self.root.join("cache"))
            .env("HOME", &self.root)
            .env("MAZET_PROJECT", self.project())
            .env("TZ", "Pacific/Auckland")
            .env("LC_ALL", "C")
            .env("LANG", "tr_TR.UTF-8")
    }

    fn hand_over(&self) -> Result<()> {
        let Some(user) = &self.user else { return Ok(()) };
        Command::raw("chown", "giving the second project to the other user")
            .args(["--recursive", "--no-dereference"])
            .arg(format!("{user}:"))
            .arg(&self.root)
            .run()?;
        Ok(())
    }
}

impl Drop for Elsewhere {
    fn drop(&mut self) {
        if let Err(error) = sandbox::remove_tree(&self.root) {
            eprintln!("mazet: {error:#}");
        }
    }
}

fn copy_project(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to).with_context(|| format!("making {}", to.display()))?;
    for entry in fs::read_dir(from).context("reading the project")? {
        let entry = entry?;
        let name = entry.file_name();
        if NOT_COPIED.iter().any(|skipped| name == *skipped) {
            continue;
        }
        if entry.file_type()?.is_dir() {
            copy_folder(&entry.path(), &to.join(&name))?;
        } else {
            fs::copy(entry.path(), to.join(&name))
                .with_context(|| format!("copying {}", entry.path().display()))?;
        }
    }
    Ok(())
}

fn copy_folder(from: &Path, to: &Path) -> Result<()> {
    fs::create_dir_all(to).with_context(|| format!("making {}", to.display()))?;
    for file in crate::digest::files_below(from)? {
        let target = to.join(file.strip_prefix(from).unwrap_or(&file));
        if let Some(folder) = target.parent() {
            fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
        }
        fs::copy(&file, &target).with_context(|| format!("copying {}", file.display()))?;
    }
    Ok(())
}
