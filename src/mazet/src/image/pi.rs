//! A Raspberry Pi: MBR, and one FAT32 that its own firmware starts from.
//!
//! The firmware reads `config.txt` at the FAT's root, which names the folder (`os_prefix`) that
//! kernel, initrd, command line, device trees and overlays are taken from (Raspberry Pi
//! documentation, *config.txt*). Here that is the folder of the live system.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, ensure};
use mazet_model::bios::SECTOR;
use mazet_model::firmware::device_trees;
use mazet_model::image::LIVE_DIR;

use super::Hardware;
use super::assemble::Parts;
use crate::digest::{Digest, Inputs, files_below};
use crate::layers::debian::Workshop;
use crate::sandbox::Sandbox;
use crate::stage::stage;

/// First sector of the FAT: 4 MiB, the erase block of most cards.
const FAT_LBA: u64 = 8192;
/// Kernels of the installed system that the FAT has room for: the current one and the next one.
const SYSTEMS: u64 = 2;
/// Room for the device trees and overlays of one of them, in bytes.
const TREES: u64 = 4 << 20;
/// Where Debian's raspi-firmware puts what the Pi's firmware reads.
const FIRMWARE: &str = "usr/lib/raspi-firmware";

/// Folder of overlays for device trees: the sources of ours below `firmware/pi`, and on the card.
const OVERLAYS: &str = "overlays";
/// Which of [`FIRMWARE`]'s programs go onto the card, one a line.
const START_FILES: &str = "start-files";
/// Folder of the device trees of Pis in the kernel's packages.
const VENDOR: &str = "broadcom";

/// Raspberry Pi 3 and later.
pub struct Pi;

impl Hardware for Pi {
    fn fat_sector(&self) -> u64 {
        FAT_LBA
    }

    fn tail(&self) -> u64 {
        0
    }

    /// Our own overlays for device trees, compiled.
    fn programs(&self, shop: &Workshop<'_>, firmware: &Path) -> Result<Vec<PathBuf>> {
        let sources = firmware.join(OVERLAYS);
        let mut inputs = Inputs::new(OVERLAYS, 1);
        inputs.digest("tools", shop.tools_key);
        inputs.folder(OVERLAYS, &sources)?;
        let made = stage(shop.shelf, OVERLAYS, &inputs, |folder| compile(shop.tools, &sources, folder))?;
        let compiled = files_below(&made.folder)?.into_iter();
        Ok(compiled.filter(|file| file.extension().is_some_and(|end| end == "dtbo")).collect())
    }

    fn files(&self, parts: &Parts<'_>, folder: &Path) -> Result<Vec<(PathBuf, String)>> {
        let firmware = parts.base.join(FIRMWARE);
        let mut files = start_files(parts, &firmware)?;
        files.extend(overlays(parts, &firmware)?);
        let trees = device_trees(&parts.info.kernel).map(|folder| parts.base.join(folder).join(VENDOR));
        let trees = trees.iter().find(|folder| folder.is_dir()).unwrap_or(&trees[0]);
        let mut trees = below(trees, &format!("{LIVE_DIR}/"))?;
        trees.retain(|(_, name)| name.contains("-rpi-"));
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
        // Kernels grow from update to update, and initrds with them: by a fifth from Linux 6.12 to 7.3, in
        // two years, and a release gets no longer new ones.
        Ok(SYSTEMS * (one + one / 3))
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

/// The programs that the firmware consists of, for the card's root.
fn start_files(parts: &Parts<'_>, firmware: &Path) -> Result<Vec<(PathBuf, String)>> {
    let list = parts.firmware.join(START_FILES);
    let text = fs::read_to_string(&list).with_context(|| format!("reading {}", list.display()))?;
    let names = text.lines().filter(|line| !line.is_empty() && !line.starts_with('#'));
    Ok(names.map(|name| (firmware.join(name), name.to_owned())).collect())
}

/// The overlays of Debian's package and our own. A README makes the firmware look for them there.
fn overlays(parts: &Parts<'_>, firmware: &Path) -> Result<Vec<(PathBuf, String)>> {
    let target = format!("{LIVE_DIR}/{OVERLAYS}/");
    let mut files = below(&firmware.join(OVERLAYS), &target)?;
    let own = parts.programs.iter().map(|file| {
        (file.clone(), format!("{target}{}", file.file_name().unwrap_or_default().to_string_lossy()))
    });
    files.extend(own);
    files.push((parts.firmware.join(OVERLAYS).join("README"), format!("{target}README")));
    Ok(files)
}

/// Compiles every `.dts` of `sources` into `folder`.
fn compile(tools: &Path, sources: &Path, folder: &Path) -> Result<()> {
    for source in files_below(sources)?.iter().filter(|file| file.extension().is_some_and(|end| end == "dts"))
    {
        let name = source.file_stem().unwrap_or_default().to_string_lossy();
        Sandbox::new(tools)
            .share(folder)
            .share(sources)
            .command("compiling an overlay for device trees", "dtc")?
            // Its warnings are for whole trees.
            .args(["-q", "-I", "dts", "-O", "dtb", "-o"])
            .arg(folder.join(format!("{name}.dtbo")))
            .arg(source)
            .run()?;
    }
    Ok(())
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
