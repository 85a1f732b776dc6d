//! What runs here: the live system or an installed box, from which image, with which services.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use mazet_model::alternatives::prefer;
use mazet_model::image::{IMAGE_JSON, ImageInfo, SERVICES_DIR};
use mazet_model::manifest::Manifest;
use mazet_model::settings::{Language, Settings};
use mazet_model::sites;

use crate::advance::Advance;
use crate::protocol::Mode;

/// The box's settings, below its root.
pub const BOX_TOML: &str = "srv/mazet/box.toml";

/// There when the box lives on the medium that it was installed from; below its root, since it is the
/// root's to know: another installation has another answer.
pub const KEEPS_MEDIUM: &str = "etc/mazet/keeps-medium";

/// Live or installed, as the kernel's command line says.
pub fn mode() -> Mode {
    let line = fs::read_to_string("/proc/cmdline").unwrap_or_default();
    if line.split_whitespace().any(|word| word == "boot=live") { Mode::Live } else { Mode::Installed }
}

/// `path`, an absolute path of the box, below `root`.
pub fn below(root: &Path, path: &str) -> std::path::PathBuf {
    root.join(path.trim_start_matches('/'))
}

/// The description of the image that the tree at `root` came from.
///
/// # Errors
/// When it cannot be read.
pub fn image(root: &Path) -> Result<ImageInfo> {
    let path = below(root, IMAGE_JSON);
    let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    serde_json::from_str(&text).with_context(|| format!("reading {}", path.display()))
}

/// The baked service manifests of the tree at `root`, in dependency order.
///
/// # Errors
/// When the image's description or a manifest cannot be read.
pub fn services(root: &Path) -> Result<Vec<Manifest>> {
    let folder = below(root, SERVICES_DIR);
    let read = |name: &String| -> Result<Manifest> {
        let path = folder.join(format!("{name}.toml"));
        let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
        Manifest::parse(&text).with_context(|| format!("reading {}", path.display()))
    };
    let image = image(root)?;
    let mut services = image.services.iter().map(read).collect::<Result<Vec<_>>>()?;
    prefer(&mut services, &image.alternatives);
    Ok(services)
}

/// The same, filled in for the box's web sites, and the settings that they were filled in from.
///
/// # Errors
/// When settings or manifests cannot be read.
pub fn filled(root: &Path) -> Result<(Vec<Manifest>, Settings)> {
    let settings = settings(root)?;
    let services = sites::expand(&settings, &services(root)?).context("filling in the box's web sites")?;
    Ok((services, settings))
}

/// The language of what runs here: of the settings, or of the answers given in advance.
pub fn language() -> Language {
    let live = || Advance::kept().live_settings().machine.language;
    match mode() {
        Mode::Live => live(),
        Mode::Installed => {
            settings(Path::new("/")).map_or_else(|_| live(), |settings| settings.machine.language)
        }
    }
}

/// The settings of the tree at `root`, unchecked.
///
/// # Errors
/// When they cannot be read; the text of a TOML fault shows its place.
pub fn settings(root: &Path) -> Result<Settings> {
    let path = root.join(BOX_TOML);
    let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    toml::from_str(&text).with_context(|| format!("reading {}", path.display()))
}
