//! The initial RAM disk: one for the live and the installed system, made once.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use super::Layer;
use super::debian::{Workshop, kernel_release};
use crate::digest::{Digest, Inputs};
use crate::sandbox::{self, Overlay, Sandbox};
use crate::stage::stage;

/// Kernel and initrd, ready for the image.
#[derive(Debug, Clone)]
pub struct Initrd {
    /// Folder of `vmlinuz` and `initrd.img`.
    pub folder: PathBuf,
    /// The kernel's release.
    pub kernel: String,
    /// The digest of its inputs.
    pub key: Digest,
    /// It was there already.
    pub cached: bool,
}

/// All that decides the initrd.
///
/// # Errors
/// When its configuration cannot be read.
pub fn inputs(base: Digest, services: Digest, firmware: &Path) -> Result<Inputs> {
    let mut inputs = Inputs::new("initrd", 1);
    inputs.digest("base", base);
    inputs.digest("services", services);
    inputs.text("making", include_str!("initrd.sh"));
    inputs.folder("configuration", &firmware.join("initramfs"))?;
    Ok(inputs)
}

/// Makes the initrd of the kernel in `base`, with the configuration in `firmware/initramfs`.
///
/// # Errors
/// When mkinitramfs fails.
pub fn make(
    shop: &Workshop<'_>,
    base: &Layer,
    services: &Layer,
    firmware: &Path,
    epoch: u64,
) -> Result<Initrd> {
    let configuration = firmware.join("initramfs");
    let kernel = kernel_release(base)?;
    let inputs = inputs(base.key, services.key, firmware)?;
    let made = stage(shop.shelf, "initrd", &inputs, |folder| {
        let root = folder.join("root");
        let overlay = Overlay {
            lower: vec![services.tree(), base.tree()],
            upper: folder.join("upper"),
            work: folder.join("work"),
            target: root.clone(),
        };
        Sandbox::new(shop.tools)
            .share(folder)
            .share(&base.folder)
            .share(&services.folder)
            .share(&configuration)
            .overlay(overlay)
            .command("making the initial RAM disk", "sh")?
            .args(["-euc", include_str!("initrd.sh"), "initrd"])
            .args([&root, &configuration, folder])
            .arg(&kernel)
            .env("SOURCE_DATE_EPOCH", epoch.to_string())
            .log(&folder.join("initrd.log"))
            .run()?;
        for rest in ["root", "upper", "work"] {
            sandbox::remove_tree(&folder.join(rest))?;
        }
        let vmlinuz = base.tree().join("boot").join(format!("vmlinuz-{kernel}"));
        fs::copy(&vmlinuz, folder.join("vmlinuz"))
            .with_context(|| format!("copying {}", vmlinuz.display()))?;
        Ok(())
    })?;
    Ok(Initrd { folder: made.folder, kernel, key: made.key, cached: made.cached })
}
