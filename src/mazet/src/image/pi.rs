//! A Raspberry Pi: MBR, and one FAT32 that its own firmware starts from.
//!
//! The firmware reads `config.txt` at the FAT's root, which names the folder (`os_prefix`) that
//! kernel, initrd, command line, device trees and overlays are taken from (Raspberry Pi
//! documentation, *config.txt*). Here that is the folder of the live system.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use mazet_model::bios::SECTOR;
use mazet_model::image::LIVE_DIR;

use super::Hardware;
use super::assemble::Parts;
use crate::digest::Digest;
use crate::layers::debian::Workshop;

/// First sector of the FAT: 4 MiB, the erase block of most cards.
const FAT_LBA: u64 = 8192;
/// Kernels of the installed system that the FAT has room for: the current one and the next one.
const SYSTEMS: u64 = 2;
/// Room for the device trees and overlays of one of them, in bytes.
const TREES: u64 = 4 << 20;
/// Where Debian's raspi-firmware puts what the Pi's firmware reads.
const FIRMWARE: &str = "usr/lib/raspi-firmware";

/// Raspberry Pi 3 and later.
pub struct Pi;

impl Hardware for Pi {
    fn fat_sector(&self) -> u64 {
        FAT_LBA
    }

    fn tail(&self) -> u64 {
        0
    }

    fn programs(&self, _shop: &Workshop<'_>, _firmware: &Path) -> Result<Vec<PathBuf>> {
        Ok(Vec::new())
    }

    fn files(&self, parts: &Parts<'_>, folder: &Path) -> Result<Vec<(PathBuf, String)>> {
        let firmware = parts.base.join(FIRMWARE);
        let mut files = below(&firmware, "")?;
        files.extend(below(&firmware.join("overlays"), &format!("{LIVE_DIR}/overlays/"))?);
        let trees = parts.base.join(format!("usr/lib/linux-image-{}/broadcom", parts.info.kernel));
        let trees: Vec<_> = below(&trees, &format!("{LIVE_DIR}/"))?
            .into_iter()
            .filter(|(_, name)| name.contains("-rpi-"))
            .collect();
        ensure!(!trees.is_empty(), "the kernel {} brings no device tree of a Pi", parts.info.kernel);
        files.extend(trees);
        let config =
            parts.template("config.txt.hbs", &serde_json::json!({ "os_prefix": format!("{LIVE_DIR}/") }))?;
        let line =
            parts.template("cmdline.txt.hbs", &serde_json::json!({ "arguments": arguments(parts) }))?;
        ensure!(line.trim_end().lines().count() == 1, "the Pi's firmware reads one line of cmdline.txt");
        for (name, text, target) in [
            ("config.txt", config, "config.txt".to_owned()),
            ("cmdline.txt", line, format!("{LIVE_DIR}/cmdline.txt")),
        ] {
            let path = folder.join(name);
            fs::write(&path, text).with_context(|| format!("writing {name}"))?;
            files.push((path, target));
        }
        Ok(files)
    }

    fn room(&self, parts: &Parts<'_>) -> Result<u64> {
        let size = |path: &Path| {
            fs::metadata(path).map(|meta| meta.len()).with_context(|| format!("reading {}", path.display()))
        };
        let one = size(&parts.kernel.join("vmlinuz"))? + size(&parts.kernel.join("initrd.img"))? + TREES;
        // Kernels grow from update to update, and initrds with them.
        Ok(SYSTEMS * (one + one / 2))
    }

    fn partitions(&self, digest: Digest, fat: u64) -> String {
        let [a, b, c, d] = [0, 1, 2, 3].map(|i| Digest::of(format!("{digest} disk")).bytes()[i]);
        format!(
            "label: dos\nlabel-id: 0x{:08x}\nstart={FAT_LBA}, size={}, type=c, bootable\n",
            u32::from_be_bytes([a, b, c, d]),
            fat / SECTOR as u64
        )
    }

    fn boot_code(&self, _parts: &Parts<'_>, _image: &Path) -> Result<()> {
        Ok(())
    }
}

/// The live system's kernel command line.
fn arguments(parts: &Parts<'_>) -> String {
    let live = [
        "boot=live".to_owned(),
        format!("live-media-path=/{LIVE_DIR}"),
        "systemd.unit=mazet-live.target".to_owned(),
    ];
    live.iter().chain(&parts.info.kernel_arguments).cloned().collect::<Vec<_>>().join(" ")
}

/// The files of a folder, by name, with their targets.
fn below(folder: &Path, target: &str) -> Result<Vec<(PathBuf, String)>> {
    let entries = fs::read_dir(folder).with_context(|| format!("reading {}", folder.display()))?;
    let mut files = Vec::new();
    for entry in entries {
        let path = entry?.path();
        if path.is_file() {
            let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
            files.push((path, format!("{target}{name}")));
        }
    }
    files.sort();
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_disk_is_named_by_the_build_and_holds_one_fat() {
        let script = Pi.partitions(Digest::of("a build"), 64 << 20);
        assert_eq!(script, Pi.partitions(Digest::of("a build"), 64 << 20));
        assert_ne!(script, Pi.partitions(Digest::of("another"), 64 << 20));
        assert!(script.ends_with("\nstart=8192, size=131072, type=c, bootable\n"), "{script}");
    }
}
