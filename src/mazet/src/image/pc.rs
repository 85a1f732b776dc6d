//! A PC: GPT, with GRUB for legacy BIOS in a partition of its own, and Debian's signed shim and
//! GRUB for UEFI on the FAT.

use std::fs::{self, OpenOptions};
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use mazet_model::bios::{self, SECTOR};
use mazet_model::image::LIVE_DIR;

use super::assemble::{MIB, Parts};
use super::{Hardware, grub};
use crate::digest::Digest;
use crate::layers::debian::Workshop;

/// First sector of the BIOS-boot partition, and its size: 1 MiB each.
const CORE_LBA: u64 = 2048;
/// First sector of the FAT.
const FAT_LBA: u64 = 4096;
/// Sectors of the second partition table at the end of the disk, rounded up to a MiB.
const TAIL: u64 = MIB;

/// Signed boot programs: (where Debian's packages put them, where the firmware looks).
const SIGNED: [(&str, &str); 3] = [
    ("/usr/lib/shim/shimx64.efi.signed", "EFI/BOOT/BOOTX64.EFI"),
    ("/usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed", "EFI/BOOT/grubx64.efi"),
    ("/usr/lib/shim/mmx64.efi.signed", "EFI/BOOT/mmx64.efi"),
];

/// Any 64-bit PC.
pub struct Pc;

impl Hardware for Pc {
    fn fat_sector(&self) -> u64 {
        FAT_LBA
    }

    fn tail(&self) -> u64 {
        TAIL
    }

    fn programs(&self, shop: &Workshop<'_>, firmware: &Path) -> Result<Vec<PathBuf>> {
        let folder = grub::bios_images(shop.shelf, shop.tools, shop.tools_key, firmware)?;
        Ok(["boot.img", "core.img"].map(|name| folder.join(name)).to_vec())
    }

    fn files(&self, parts: &Parts<'_>, folder: &Path) -> Result<Vec<(PathBuf, String)>> {
        let menu = folder.join("grub.cfg");
        fs::write(&menu, live_menu(parts)?).context("writing the boot menu")?;
        let signed = SIGNED
            .map(|(source, target)| (parts.tools.join(source.trim_start_matches('/')), target.to_owned()));
        Ok([(menu, "EFI/debian/grub.cfg".to_owned())].into_iter().chain(signed).collect())
    }

    fn partitions(&self, digest: Digest, fat: u64) -> String {
        format!(
            "label: gpt\nlabel-id: {}\nfirst-lba: 34\n\
             start={CORE_LBA}, size={}, type=21686148-6449-6E6F-744E-656564454649, uuid={}, name=\"mazet-bios\"\n\
             start={FAT_LBA}, size={}, type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B, uuid={}, name=\"mazet-live\"\n",
            guid(digest, "disk"),
            FAT_LBA - CORE_LBA,
            guid(digest, "bios"),
            fat / SECTOR as u64,
            guid(digest, "live"),
        )
    }

    /// GRUB's two BIOS images, and the flag that some old BIOSes want on the protective partition.
    fn boot_code(&self, parts: &Parts<'_>, image: &Path) -> Result<()> {
        let read = |name: &str| {
            let found = parts.programs.iter().find(|path| path.ends_with(name));
            let path = found.with_context(|| format!("GRUB's {name} was not made"))?;
            fs::read(path).with_context(|| format!("reading {}", path.display()))
        };
        let code = bios::boot_sector(&read("boot.img")?, CORE_LBA)?;
        let core = bios::core_image(&read("core.img")?, CORE_LBA)?;
        let room = usize::try_from((FAT_LBA - CORE_LBA) * SECTOR as u64)?;
        if core.len() > room {
            bail!("GRUB's core image ({} bytes) is larger than its partition ({room} bytes)", core.len());
        }
        let mut image = OpenOptions::new().write(true).open(image)?;
        image.write_all(&code)?;
        image.seek(SeekFrom::Start(0x1BE))?;
        image.write_all(&[0x80])?;
        image.seek(SeekFrom::Start(CORE_LBA * SECTOR as u64))?;
        image.write_all(&core).context("writing GRUB's core image")
    }
}

fn live_menu(parts: &Parts<'_>) -> Result<String> {
    let context = serde_json::json!({
        "volume_id": mazet_model::image::fat_uuid(&parts.info.volume_id),
        "kernel_arguments": parts.info.kernel_arguments.join(" "),
        "live_dir": LIVE_DIR,
    });
    parts.template("grub-live.cfg.hbs", &context)
}

/// A GUID (RFC 9562, version 8: vendor-specific) derived from the build's digest.
fn guid(digest: Digest, what: &str) -> String {
    let mut bytes = Digest::of(format!("{digest} {what}")).bytes();
    bytes[6] = (bytes[6] & 0x0F) | 0x80;
    bytes[8] = (bytes[8] & 0x3F) | 0x80;
    let hex: String = bytes[..16].iter().map(|byte| format!("{byte:02X}")).collect();
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..32])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn identifiers_follow_the_build_alone() {
        let digest = Digest::of("a build");
        assert_eq!(guid(digest, "disk"), guid(digest, "disk"));
        assert_ne!(guid(digest, "disk"), guid(digest, "live"));
        assert_eq!(guid(digest, "disk").len(), 36);
        assert_eq!(&guid(digest, "disk")[14..15], "8");
    }
}
