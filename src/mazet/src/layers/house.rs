//! The `box` layer: what makes a Debian a Mazet. Files are laid out by us; nothing runs.

use std::collections::BTreeSet;
use std::fs;
use std::os::unix::fs::{PermissionsExt as _, symlink};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use mazet_model::image::{FIRMWARE_DIR, IMAGE_JSON, ImageInfo, OVERLAYS_DIR, SERVICES_DIR};
use mazet_model::manifest::Manifest;
use mazet_model::recipe::Suite;
use mazet_model::settings::Settings;

use super::{Layer, squash};
use crate::digest::{Digest, Inputs};
use crate::paths::Project;
use crate::stage::stage;
use crate::suites;

/// Files of a hardware that lie on the box as they lie below this folder.
const ROOT: &str = "root/";
/// Lists of packages for the builder.
const TREES: &str = "trees/";

/// What the layer is made from.
pub struct Contents<'a> {
    /// The project.
    pub project: &'a Project,
    /// Validated manifests, in dependency order.
    pub services: &'a [Manifest],
    /// Suites beside the release.
    pub suites: &'a [Suite],
    /// The tree of the base layer.
    pub base: &'a Path,
    /// The box's programs, compiled.
    pub compiled: &'a [PathBuf],
    /// What the image says of itself.
    pub info: &'a ImageInfo,
    /// Boot programs of the hardware, which the box needs for disks that it writes.
    pub programs: &'a [PathBuf],
    /// The clock of the build, seconds since 1970 UTC.
    pub epoch: u64,
}

/// Makes the layer.
///
/// # Errors
/// When a file of an overlay is missing or a template names an unknown variable.
pub fn make(shelf: &Path, tools: &Path, contents: &Contents<'_>, inputs: &Inputs) -> Result<Layer> {
    let made = stage(shelf, "box", inputs, |folder| {
        let tree = folder.join("tree");
        lay_out(&tree, contents)?;
        squash(tools, &tree, &folder.join("box.squashfs"), contents.epoch, &["-all-root"])
    })?;
    Ok(Layer { name: "box", folder: made.folder, key: made.key, cached: made.cached })
}

/// All that decides the layer.
///
/// # Errors
/// When a file cannot be read.
pub fn inputs(
    project: &Project,
    services: &[Manifest],
    hardware: &str,
    keys: &[(&str, Digest)],
) -> Result<Inputs> {
    let mut inputs = Inputs::new("box", 2);
    for (name, key) in keys {
        inputs.digest(*name, *key);
    }
    inputs.text("squashing", include_str!("squash.sh"));
    for manifest in services {
        let name = &manifest.service.name;
        inputs.text(format!("manifest {name}"), serde_json::to_string(manifest)?);
        // A service without files of its own needs no folder.
        let overlay = project.overlays().join(name);
        if overlay.is_dir() {
            inputs.folder(&format!("overlays/{name}"), &overlay)?;
        }
    }
    for (path, relative) in baked(&project.firmware(hardware))? {
        let executable = fs::metadata(&path)?.permissions().mode() & 0o100 != 0;
        let content = Digest::of_file(&path)?;
        inputs.text(format!("firmware/{hardware}/{relative}"), format!("{content} {executable}"));
    }
    Ok(inputs)
}

/// The files of a hardware that the box gets, with their paths below its folder. The lists for the
/// builder's own trees are not among them.
fn baked(firmware: &Path) -> Result<Vec<(PathBuf, String)>> {
    let relative = |path: &Path| path.strip_prefix(firmware).unwrap_or(path).display().to_string();
    let files = crate::digest::files_below(firmware)?.into_iter().map(|path| (path.clone(), relative(&path)));
    Ok(files.filter(|(_, relative)| !relative.starts_with(TREES)).collect())
}

fn lay_out(tree: &Path, contents: &Contents<'_>) -> Result<()> {
    let project = contents.project;
    for program in contents.compiled {
        let name = program.file_name().unwrap_or_default().to_string_lossy();
        install(program, tree, &format!("/usr/bin/{name}"), 0o755)?;
    }
    for manifest in contents.services {
        service(tree, project, manifest)?;
    }
    for file in contents.programs {
        let name = file.file_name().unwrap_or_default().to_string_lossy();
        install(file, tree, &format!("{FIRMWARE_DIR}/{name}"), 0o644)?;
    }
    let firmware = project.firmware(&contents.info.hardware);
    for (path, relative) in baked(&firmware)? {
        match relative.strip_prefix(ROOT) {
            Some(target) => install(&path, tree, target, mode_of(&path)?)?,
            None => install(&path, tree, &format!("{FIRMWARE_DIR}/{relative}"), mode_of(&path)?)?,
        }
    }
    // The box remakes its initrd at a kernel update as the builder made the first one.
    copy_folder(&firmware.join("initramfs"), tree, "/etc/initramfs-tools")?;
    write(tree, IMAGE_JSON, &serde_json::to_string_pretty(contents.info)?, 0o644)?;
    further_suites(tree, contents)?;
    up_to_date(tree)?;
    render_live(tree, contents)
}

/// The apt of the box takes the same packages from the same suites as that of the builder.
fn further_suites(tree: &Path, contents: &Contents<'_>) -> Result<()> {
    if contents.suites.is_empty() {
        return Ok(());
    }
    let list = contents.base.join(suites::DEBIAN_SOURCES);
    let debian = fs::read_to_string(&list).with_context(|| format!("reading {}", list.display()))?;
    for (path, text) in suites::of_box(contents.suites, &debian)? {
        write(tree, path, &text, 0o644)?;
    }
    Ok(())
}

/// Tells systemd that caches were made for this very `/usr` (systemd-update-done.service(8)), so
/// that the live system does not make them again at every start.
fn up_to_date(tree: &Path) -> Result<()> {
    for path in ["/etc/.updated", "/var/.updated"] {
        write(tree, path, "# Made with the image.\n", 0o644)?;
    }
    Ok(())
}

fn service(tree: &Path, project: &Project, manifest: &Manifest) -> Result<()> {
    let name = &manifest.service.name;
    let overlay = project.overlays().join(name);
    let text = project.services().join(format!("{name}.toml"));
    install(&text, tree, &format!("{SERVICES_DIR}/{name}.toml"), 0o644)?;
    let of_sites = manifest.site.iter().flat_map(|kind| &kind.templates);
    let of_trial = manifest.trial.iter().map(|trial| &trial.template);
    let sources: BTreeSet<&String> =
        manifest.templates.iter().chain(of_sites).map(|template| &template.source).chain(of_trial).collect();
    for source in sources {
        install(&overlay.join(source), tree, &format!("{OVERLAYS_DIR}/{name}/{source}"), 0o644)?;
    }
    if let Some(folder) = manifest.database.as_ref().and_then(|database| database.migrations.as_ref()) {
        copy_folder(&overlay.join(folder), tree, &format!("{OVERLAYS_DIR}/{name}/{folder}"))?;
    }
    for file in &manifest.files {
        install(&overlay.join(&file.source), tree, &file.target, mode(&file.mode)?)?;
    }
    for link in &manifest.links {
        let path = place(tree, &link.target)?;
        symlink(&link.to, &path).with_context(|| format!("linking {}", link.target))?;
    }
    Ok(())
}

/// Templates that the live system needs too, rendered with its settings.
fn render_live(tree: &Path, contents: &Contents<'_>) -> Result<()> {
    let context = mazet_model::context::context(&Settings::live(), contents.services, true);
    for manifest in contents.services {
        let name = &manifest.service.name;
        for template in manifest.templates.iter().filter(|template| template.live) {
            let source = contents.project.overlays().join(name).join(&template.source);
            let text =
                fs::read_to_string(&source).with_context(|| format!("reading {}", source.display()))?;
            let rendered = mazet_model::template::render(&text, &context)
                .with_context(|| format!("rendering {} for the live system", source.display()))?;
            write(tree, &template.target, &rendered, mode(&template.mode)?)?;
        }
    }
    Ok(())
}

fn mode(text: &str) -> Result<u32> {
    u32::from_str_radix(text, 8).with_context(|| format!("reading the mode {text}"))
}

/// The path of `target` in the tree, its folder made. Folders of ours are 0755, whatever the
/// builder's umask.
fn place(tree: &Path, target: &str) -> Result<PathBuf> {
    let path = tree.join(target.trim_start_matches('/'));
    let folder = path.parent().unwrap_or(tree);
    fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
    for ancestor in folder.ancestors().take_while(|ancestor| ancestor.starts_with(tree)) {
        fs::set_permissions(ancestor, fs::Permissions::from_mode(0o755))?;
    }
    Ok(path)
}

fn install(source: &Path, tree: &Path, target: &str, mode: u32) -> Result<()> {
    let path = place(tree, target)?;
    let bytes = fs::read(source).with_context(|| format!("reading {}", source.display()))?;
    fs::write(&path, bytes).with_context(|| format!("writing {target} of the box layer"))?;
    fs::set_permissions(&path, fs::Permissions::from_mode(mode))?;
    Ok(())
}

fn write(tree: &Path, target: &str, text: &str, mode: u32) -> Result<()> {
    let path = place(tree, target)?;
    fs::write(&path, text).with_context(|| format!("writing {target} of the box layer"))?;
    fs::set_permissions(&path, fs::Permissions::from_mode(mode))?;
    Ok(())
}

fn copy_folder(source: &Path, tree: &Path, target: &str) -> Result<()> {
    for file in crate::digest::files_below(source)? {
        let relative = file.strip_prefix(source).unwrap_or(&file).display().to_string();
        install(&file, tree, &format!("{target}/{relative}"), mode_of(&file)?)?;
    }
    Ok(())
}

/// The mode on the box of a file of the project: only its executable bit counts.
fn mode_of(file: &Path) -> Result<u32> {
    let executable = fs::metadata(file)?.permissions().mode() & 0o100 != 0;
    Ok(if executable { 0o755 } else { 0o644 })
}
