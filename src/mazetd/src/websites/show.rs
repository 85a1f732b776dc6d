//! The folder of an association's files that is a web site, shown to the web server at `/run/mazet-sites/<site>`.
//!
//! The web server may not look into the files: they are their service's, and most of them are nobody's business.
//! What is published is mounted once more, read-only, and there its owner is mapped to the web server's own user
//! (an idmapped mount): that folder opens to it, whatever the modes in it, and nothing beside it does. A link in it
//! that leads elsewhere has another owner than what it leads to; both web servers refuse it.

use std::fs;
use std::os::fd::AsRawFd as _;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};

use super::tree;
use crate::run::{Program, Runner};
use crate::system::below;
use crate::{data, files, system};
use mazet_model::site_faults::kind;
use mazet_model::sites;

/// Where published folders are shown.
const PLACES: &str = "/run/mazet-sites";
/// Whom they belong to there.
const READER: &str = "www-data";

/// Shows the folder of the site of that name: the work of `mazet-site-folder@.service`.
///
/// # Errors
/// When there is no such site or folder, or it cannot be mounted.
pub fn show(root: &Path, name: &str, runner: &Runner) -> Result<()> {
    let (settings, services) = (system::settings(root)?, system::services(root)?);
    let site = settings.sites.iter().find(|site| site.name == name);
    let site = site.with_context(|| format!("the box has no web site {name:?}"))?;
    let kind = kind(&site.kind, &services).context("the box has no such kind of site")?;
    let path =
        sites::context(&settings, kind, site)["site"]["folder"].as_str().unwrap_or_default().to_owned();
    if path.is_empty() {
        bail!("a site of the kind {:?} shows no folder", site.kind);
    }
    let folder = fs::File::from(tree::open(root, &path)?);
    let owner = folder.metadata().context("reading who owns the folder")?;
    let place = place(root, name);
    hide(root, name, runner)?;
    files::make_folder(&below(root, PLACES), 0o755)?;
    files::make_folder(&place, 0o755)?;
    // By the open folder: whoever fills the files cannot exchange it for another one meanwhile.
    let source = format!("/proc/{}/fd/{}", std::process::id(), folder.as_raw_fd());
    let mapped = |kind: &str, from: u32, to: u32| format!("{kind}:{from}:{to}:1");
    let map = [
        mapped("u", owner.uid(), files::user_id(root, READER)?),
        mapped("g", owner.gid(), files::group_id(root, READER)?),
    ];
    let options = format!("bind,ro,nosuid,nodev,noexec,X-mount.idmap={}", map.join(" "));
    let arguments = ["--no-canonicalize", "-o", &options, &source, &place.display().to_string()];
    runner.run(Program::Mount, &arguments).with_context(|| format!("showing {path}")).map(drop)
}

/// Shows the folder of that site no more.
///
/// # Errors
/// When it cannot be unmounted.
pub fn hide(root: &Path, name: &str, runner: &Runner) -> Result<()> {
    let place = place(root, name);
    let mounts = fs::read_to_string("/proc/self/mountinfo").context("reading what is mounted")?;
    if data::source(&mounts, &place.display().to_string()).is_some() {
        // Requests under way are finished.
        runner.run(Program::Umount, &["--lazy".to_owned(), place.display().to_string()])?;
    }
    match fs::remove_dir(&place) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
            Err(error).with_context(|| format!("removing {}", place.display()))
        }
        _ => Ok(()),
    }
}

fn place(root: &Path, name: &str) -> PathBuf {
    below(root, PLACES).join(name)
}
