//! The last good rendering: `/srv/mazet/rendered`.
//!
//! Tells which files are ours, so that those of a service that is switched off go away, and
//! what a box looked like before somebody changed a file by hand.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};

use super::render::Rendered;
use crate::files;
use crate::install::files_below;

/// Its folder below the root.
const FOLDER: &str = "srv/mazet/rendered";

/// The last good rendering of a tree.
#[derive(Debug)]
pub struct Good {
    folder: PathBuf,
}

impl Good {
    /// That of the tree at `root`.
    pub fn of(root: &Path) -> Self {
        Self { folder: root.join(FOLDER) }
    }

    /// Paths on the box of its files, sorted; none before the first apply.
    ///
    /// # Errors
    /// When the folder cannot be read.
    pub fn targets(&self) -> Result<Vec<String>> {
        if !self.folder.is_dir() {
            return Ok(Vec::new());
        }
        let files = files_below(&self.folder)?;
        Ok(files.into_iter().map(|(path, _)| format!("/{}", path.display())).collect())
    }

    /// Keeps `rendering` as the last good one, unless it is.
    ///
    /// # Errors
    /// When the folder cannot be written.
    pub fn keep(&self, rendering: &[Rendered]) -> Result<()> {
        if self.holds(rendering)? {
            return Ok(());
        }
        let next = self.folder.with_extension("new");
        remove(&next)?;
        files::make_folder(&next, 0o700)?;
        for rendered in rendering {
            let path = next.join(rendered.target.trim_start_matches('/'));
            fs::create_dir_all(path.parent().context("a file has a folder")?)
                .with_context(|| format!("making the folder of {}", path.display()))?;
            files::write_atomically(&path, rendered.content.as_bytes(), 0o600, None)?;
        }
        remove(&self.folder)?;
        fs::rename(&next, &self.folder).context("keeping the last good rendering")?;
        files::sync_folder(self.folder.parent().context("it has a folder")?)
    }

    fn holds(&self, rendering: &[Rendered]) -> Result<bool> {
        let same = rendering.iter().all(|rendered| {
            let path = self.folder.join(rendered.target.trim_start_matches('/'));
            fs::read(path).is_ok_and(|content| content == rendered.content.as_bytes())
        });
        Ok(same && self.targets()?.len() == rendering.len())
    }
}

fn remove(folder: &Path) -> Result<()> {
    match fs::remove_dir_all(folder) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("removing {}", folder.display()))
        }
        _ => Ok(()),
    }
}
