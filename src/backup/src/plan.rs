//! What a backup of this box holds: what the manifests of all services that are on say of it, and what is the box's
//! own. No service is named here.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use mazet_model::alternatives::prefer;
use mazet_model::image::{IMAGE_JSON, ImageInfo, SERVICES_DIR};
use mazet_model::manifest::Manifest;
use mazet_model::settings::Settings;
use mazet_model::sites;

/// The box's own: settings, secrets, certificates and their authority, host keys, the plan of its backups.
const OWN: &str = "/srv/mazet";
/// What all of it lies below.
const DATA: &str = "/srv/";

/// What a backup holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The box's name.
    pub name: String,
    /// Name and version of the image that it runs.
    pub image: String,
    /// Services that are on.
    pub services: Vec<String>,
    /// Folders, relative to `/srv`, none inside another one.
    pub folders: Vec<PathBuf>,
    /// Databases.
    pub databases: Vec<String>,
}

impl Plan {
    /// That of the box whose root is `root`.
    ///
    /// # Errors
    /// When settings or manifests cannot be read, or a folder is none of `/srv`.
    pub fn of(root: &Path) -> Result<Self> {
        let (image, settings, services) = read(root)?;
        let filled = sites::expand(&settings, &services).context("filling in the box's web sites")?;
        let on: Vec<&Manifest> = filled.iter().filter(|manifest| settings.is_on(manifest)).collect();
        let copied = on.iter().flat_map(|manifest| &manifest.backup.copy).map(String::as_str);
        let dumped: BTreeSet<&String> = on.iter().flat_map(|manifest| &manifest.backup.dump).collect();
        Ok(Self {
            name: settings.machine.name.clone(),
            image: format!("{} {}", image.name, image.version),
            services: on.iter().map(|manifest| manifest.service.name.clone()).collect(),
            folders: outermost(copied.chain([OWN]))?,
            databases: dumped.into_iter().cloned().collect(),
        })
    }
}

fn read(root: &Path) -> Result<(ImageInfo, Settings, Vec<Manifest>)> {
    let text = |path: &str| {
        let path = root.join(path.trim_start_matches('/'));
        fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))
    };
    let image: ImageInfo = serde_json::from_str(&text(IMAGE_JSON)?).context("reading what the image says")?;
    let settings = toml::from_str(&text("/srv/mazet/box.toml")?).context("reading the box's settings")?;
    let manifest = |name: &String| -> Result<Manifest> {
        let manifest = text(&format!("{SERVICES_DIR}/{name}.toml"))?;
        Manifest::parse(&manifest).with_context(|| format!("reading the manifest of {name}"))
    };
    let mut services = image.services.iter().map(manifest).collect::<Result<Vec<_>>>()?;
    prefer(&mut services, &image.alternatives);
    Ok((image, settings, services))
}

/// Folders without those that lie in another one, relative to `/srv`.
fn outermost<'a>(all: impl Iterator<Item = &'a str>) -> Result<Vec<PathBuf>> {
    let mut sorted = BTreeSet::new();
    for path in all {
        let inner = path.strip_prefix(DATA).map(|inner| inner.trim_end_matches('/'));
        match inner {
            Some(inner) if inner.split('/').all(|part| !["", ".", ".."].contains(&part)) => {
                sorted.insert(PathBuf::from(inner));
            }
            _ => bail!("{path} is no folder below /srv: a backup cannot hold it"),
        }
    }
    let mut kept: Vec<PathBuf> = Vec::new();
    for path in sorted {
        if !kept.iter().any(|outer| path.starts_with(outer)) {
            kept.push(path);
        }
    }
    Ok(kept)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_folder_is_taken_twice() {
        let all =
            ["/srv/mail", "/srv/mazet/secrets/mail-fetch", "/srv/mazet", "/srv/mailing", "/srv/mail/ada/"];
        let kept = outermost(all.into_iter()).expect("folders");
        assert_eq!(kept, ["mail", "mailing", "mazet"].map(PathBuf::from));
    }

    #[test]
    fn what_is_not_in_the_data_is_refused() {
        for bad in ["/etc", "/srv", "/srv/", "/srv/../etc", "srv/a", "/srv//a", "/srv/./a"] {
            assert!(outermost([bad].into_iter()).is_err(), "{bad}");
        }
    }
}
