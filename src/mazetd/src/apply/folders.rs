//! The services' data folders below `/srv`.

use std::fs;
use std::os::unix::fs::{MetadataExt as _, chown};
use std::path::Path;

use anyhow::{Context, Result};
use mazet_model::manifest::{Folder, Manifest};
use mazet_model::settings::Settings;

use super::render::mode;
use crate::files;
use crate::system::below;

/// Makes every folder of every service that is on, with its owner and mode. What is in them is
/// left alone.
///
/// # Errors
/// When one cannot be made, or its owner is not known.
pub fn make(root: &Path, settings: &Settings, services: &[Manifest]) -> Result<()> {
    let on = services.iter().filter(|manifest| settings.is_on(manifest));
    on.flat_map(|manifest| &manifest.folders).try_for_each(|folder| one(root, folder))
}

fn one(root: &Path, folder: &Folder) -> Result<()> {
    let path = below(root, &folder.path);
    files::make_folder(&path, mode(&folder.mode)?)?;
    let user = if folder.owner == "root" { 0 } else { files::user_id(root, &folder.owner)? };
    let group = if folder.group == "root" { 0 } else { files::group_id(root, &folder.group)? };
    let now = fs::metadata(&path).with_context(|| format!("reading {}", path.display()))?;
    if (now.uid(), now.gid()) != (user, group) {
        chown(&path, Some(user), Some(group))
            .with_context(|| format!("giving {} to {}:{}", path.display(), folder.owner, folder.group))?;
    }
    Ok(())
}
