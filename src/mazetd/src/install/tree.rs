//! The live system's layers, merged and copied to the box's `root`.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result, bail};
use mazet_model::image::ImageInfo;
use rustix::mount::MountFlags;

use super::mounts::Mounted;
use super::progress::{StageReporter, while_running};
use crate::run::{Program, Runner, finish};

/// Where live-boot mounts each layer, by its file name.
const LAYERS: &str = "/run/live/rootfs";

/// Copies the merged layers of `image` to `root`.
///
/// # Errors
/// When a layer is not mounted, the disk is full, or a file cannot be copied.
pub fn unpack(image: &ImageInfo, root: &Path, runner: &Runner, stage: &StageReporter<'_>) -> Result<()> {
    let merged = merge(image)?;
    let from = format!("{}/.", merged.path().display());
    let to = format!("{}/", root.display());
    let arguments = ["--archive", "--no-target-directory", &from, &to];
    let child = runner.spawn(Program::Cp, &arguments)?;
    let accounting = format!("/proc/{}/io", child.id());
    let output = while_running(child, || {
        if let Some(written) = bytes_written(&fs::read_to_string(&accounting).unwrap_or_default()) {
            stage.at(written, image.unpacked_bytes);
        }
    })?;
    finish(Program::Cp, &arguments, &output)?;
    merged.unmount()
}

/// The layers as one read-only tree, without what the running live system wrote over them.
fn merge(image: &ImageInfo) -> Result<Mounted> {
    for layer in &image.layers {
        let path = Path::new(LAYERS).join(layer);
        fs::metadata(&path).with_context(|| format!("the layer {} is not mounted", path.display()))?;
    }
    match image.layers.as_slice() {
        [] => bail!("the image names no layers"),
        [only] => {
            let path = Path::new(LAYERS).join(only);
            Mounted::new(&path, "layers", "none", MountFlags::BIND | MountFlags::RDONLY, "")
        }
        layers => {
            let options = lower_folders(layers);
            Mounted::new(Path::new("overlay"), "layers", "overlay", MountFlags::RDONLY, &options)
        }
    }
}

/// overlayfs wants the highest layer first, the image names the lowest first.
fn lower_folders(layers: &[String]) -> String {
    let folders: Vec<String> = layers.iter().rev().map(|layer| format!("{LAYERS}/{layer}")).collect();
    format!("lowerdir={}", folders.join(":"))
}

/// `wchar` of proc_pid_io(5): bytes that a process handed over to be written.
fn bytes_written(accounting: &str) -> Option<u64> {
    accounting.lines().find_map(|line| line.strip_prefix("wchar: ")?.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_highest_layer_stands_first() {
        let layers = ["base.squashfs".to_owned(), "box.squashfs".to_owned()];
        assert_eq!(
            lower_folders(&layers),
            "lowerdir=/run/live/rootfs/box.squashfs:/run/live/rootfs/base.squashfs"
        );
    }

    #[test]
    fn progress_is_read_from_the_kernels_accounting() {
        assert_eq!(bytes_written("rchar: 5\nwchar: 1234\nsyscr: 1\n"), Some(1234));
        assert_eq!(bytes_written(""), None);
    }
}
