//! GRUB for legacy BIOS: its core image, made from the tools tree's modules.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};

use crate::digest::{Digest, Inputs};
use crate::sandbox::Sandbox;
use crate::stage::stage;

/// Where GRUB for BIOS keeps its modules in the tools tree.
const MODULES: &str = "/usr/lib/grub/i386-pc";
/// The folder that GRUB reads its menu from: the same file as the signed GRUB for UEFI reads, on
/// the FAT (second partition) of the disk that booted.
const PREFIX: &str = "(,gpt2)/EFI/debian";

/// Makes `boot.img` and `core.img`; gives their folder.
///
/// # Errors
/// When grub-mkimage fails.
pub fn bios_images(shelf: &Path, tools: &Path, tools_key: Digest, firmware: &Path) -> Result<PathBuf> {
    let list = firmware.join("bios-modules");
    let modules = fs::read_to_string(&list).with_context(|| format!("reading {}", list.display()))?;
    let mut inputs = Inputs::new("grub", 1);
    inputs.digest("tools", tools_key);
    inputs.text("modules", &modules);
    inputs.text("prefix", PREFIX);
    let made = stage(shelf, "grub", &inputs, |folder| {
        Sandbox::new(tools)
            .share(folder)
            .command("making GRUB's image for BIOS", "grub-mkimage")?
            .args(["--format=i386-pc", "--directory", MODULES, "--prefix", PREFIX, "--output"])
            .arg(folder.join("core.img"))
            .args(modules.split_whitespace())
            .run()?;
        let boot = tools.join(MODULES.trim_start_matches('/')).join("boot.img");
        fs::copy(&boot, folder.join("boot.img")).with_context(|| format!("copying {}", boot.display()))?;
        Ok(())
    })?;
    Ok(made.folder)
}
