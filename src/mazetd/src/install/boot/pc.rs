//! The PC: rescue system, kernel and menus, GRUB for BIOS, signed programs for UEFI.
//!
//! ```text
//! 1  MAZET-BIOS  1 MiB at sector 2048   GRUB's core image for legacy BIOS
//! 2  MAZET-ESP   4 GiB or 2.5 GiB       FAT32: boot loader for UEFI, rescue system
//! 3  MAZET-DATA  the rest               btrfs: subvolumes root and data, mirrored with two disks
//! ```

use std::fs::{self, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::path::Path;

use anyhow::{Context, Result};
use mazet_model::bios;
use mazet_model::image::{FIRMWARE_DIR, ImageInfo, fat_uuid};
use rustix::mount::MountFlags;
use serde_json::json;

use super::super::check::Written;
use super::super::copy::{copy, files_below};
use super::super::layout::{Target, TargetDisk, fat_mib};
use super::super::mounts::Mounted;
use super::count::{self, Try};
use super::{Boot, Work, content, copy_content, kernel, kernel_arguments, render};
use crate::disks::DATA_LABEL;
use crate::files;

/// First sector of the BIOS-boot partition, which is the first one.
const CORE_LBA: u64 = 2048;
/// Type of partition 1: GRUB's BIOS boot partition.
const BIOS_BOOT: &str = "21686148-6449-6E6F-744E-656564454649";
/// Type of partition 2: EFI system partition (UEFI specification 2.10, 5.3.3).
const ESP: &str = "C12A7328-F81F-11D2-BA4B-00A0C93EC93B";
/// Type of partition 3: Linux file-system data. Not the "root" type, which systemd mounts by itself.
const LINUX: &str = "0FC63DAF-8483-4772-8E79-3D69D8477DE4";
/// The boot menu, on the ESP and on the stick.
const MENU: &str = "EFI/debian/grub.cfg";
/// Offset of the first partition's status byte in the master boot record.
const FIRST_STATUS: usize = 446;

/// A PC: legacy BIOS, UEFI, UEFI with Secure Boot.
pub struct Pc;

impl Boot for Pc {
    fn partitions(&self) -> (u8, u8) {
        (2, 3)
    }

    fn script(&self, disk: &TargetDisk) -> String {
        let esp_mib = fat_mib(disk.bytes);
        format!(
            "label: gpt\nunit: sectors\nfirst-lba: 2048\n\n\
             start={CORE_LBA}, size=1MiB, type={BIOS_BOOT}, name=\"MAZET-BIOS\"\n\
             size={esp_mib}MiB, type={ESP}, name=\"MAZET-ESP\"\n\
             type={LINUX}, name=\"{DATA_LABEL}\"\n"
        )
    }

    fn install(&self, work: &Work<'_>) -> Result<Vec<Written>> {
        let mut written = kernel(work.image, work.medium, work.mounts.root())?;
        written.extend(self.start_files(work)?);
        Ok(written)
    }

    fn start_files(&self, work: &Work<'_>) -> Result<Vec<Written>> {
        let content = content(work.medium, |path| path == Path::new(MENU) || is_entry(path))?;
        let written = copy_content(work, &content)?;
        for (disk, esp) in work.target.disks.iter().zip(work.mounts.fats()) {
            menu(work.target, disk, work.image, esp)?;
            core_image(disk)?;
        }
        Ok(written)
    }

    fn counts(&self) -> bool {
        true
    }

    fn seal(&self, target: &Target, medium: &Path) -> Result<()> {
        let boot_img = firmware("boot.img")?;
        for disk in &target.disks {
            let esp = Mounted::new(&disk.fat, "fat", "vfat", MountFlags::NOATIME, "")?;
            for (path, _) in files_below(medium)?.iter().filter(|(path, _)| is_entry(path)) {
                copy(&medium.join(path), &esp.path().join(path), &mut |_| ())?;
            }
            esp.unmount()?;
            let code = bios::boot_sector(&boot_img, CORE_LBA)?;
            write_boot_sector(&disk.device, &code)
                .with_context(|| format!("writing the boot sector of {}", disk.device.display()))?;
        }
        Ok(())
    }
}

/// Is it a program that firmware starts by itself (`EFI/BOOT/BOOTX64.EFI`; FAT knows no case)?
fn is_entry(path: &Path) -> bool {
    let path = path.to_string_lossy().to_ascii_lowercase();
    path.starts_with("efi/boot/boot") && path.ends_with(".efi")
}

/// The installed system's boot menu, on the ESP of `disk`.
fn menu(target: &Target, disk: &TargetDisk, image: &ImageInfo, esp: &Path) -> Result<()> {
    let context = json!({
        "filesystem_uuid": target.uuid,
        "volume_id": fat_uuid(&disk.volume_id),
        "kernel_arguments": kernel_arguments(&image.kernel_arguments),
    });
    let menu = render("grub-installed.cfg.hbs", &context)?;
    let place = esp.join(MENU);
    files::make_folder(place.parent().context("the menu has a folder")?, 0o755)?;
    files::write_atomically(&place, menu.as_bytes(), 0o644, None)?;
    files::write_atomically(&esp.join(count::FILE), &count::block(Try::None), 0o644, None)
}

/// GRUB's core image to the BIOS-boot partition. Nothing points at it yet.
fn core_image(disk: &TargetDisk) -> Result<()> {
    let core = bios::core_image(&firmware("core.img")?, CORE_LBA)?;
    let place = disk.partition(1);
    let write = || -> std::io::Result<()> {
        let mut device = OpenOptions::new().write(true).open(&place)?;
        device.write_all(&core)?;
        device.sync_all()
    };
    write().with_context(|| format!("writing GRUB to {}", place.display()))
}

/// Puts `code` before the partition table of `device`, and marks the protective partition active:
/// some BIOSes start from no disk without an active partition.
fn write_boot_sector(device: &Path, code: &[u8; bios::BOOT_CODE]) -> std::io::Result<()> {
    let mut file = OpenOptions::new().read(true).write(true).open(device)?;
    let mut sector = [0; bios::SECTOR];
    file.read_exact(&mut sector)?;
    sector[..bios::BOOT_CODE].copy_from_slice(code);
    sector[FIRST_STATUS] = 0x80;
    file.seek(SeekFrom::Start(0))?;
    file.write_all(&sector)?;
    file.sync_all()
}

fn firmware(name: &str) -> Result<Vec<u8>> {
    let path = Path::new(FIRMWARE_DIR).join(name);
    fs::read(&path).with_context(|| format!("reading {}", path.display()))
}

#[cfg(test)]
mod tests {
    use mazet_model::answers as advance;
    use mazet_model::template;

    use super::*;
    use crate::broker::answers;

    const MENU_TEMPLATE: &str = include_str!("../../../../../firmware/pc/grub-installed.cfg.hbs");

    #[test]
    fn the_rescue_copy_leaves_out_what_is_the_sticks_own() {
        let medium = tempfile::tempdir().expect("temporary folder");
        for path in [
            "EFI/BOOT/BOOTX64.EFI",
            "EFI/BOOT/grubx64.efi",
            MENU,
            "live/vmlinuz",
            answers::FILE,
            advance::FILE,
            crate::log::FILE,
        ] {
            let path = medium.path().join(path);
            fs::create_dir_all(path.parent().expect("folder")).expect("made");
            fs::write(path, "x").expect("written");
        }
        let held_back = |path: &Path| path == Path::new(MENU) || is_entry(path);
        let content = content(medium.path(), held_back).expect("listed");
        let paths: Vec<_> = content.iter().map(|(path, _)| path.to_string_lossy().into_owned()).collect();
        assert_eq!(paths, ["EFI/BOOT/grubx64.efi", "live/vmlinuz"]);
    }

    #[test]
    fn the_boot_sector_leaves_the_partition_table_alone() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let disk = folder.path().join("disk");
        let mut before = vec![0x11; 1024];
        before[FIRST_STATUS] = 0;
        fs::write(&disk, &before).expect("written");
        write_boot_sector(&disk, &[0x22; bios::BOOT_CODE]).expect("written");
        let after = fs::read(&disk).expect("read");
        assert_eq!(after[..440], [0x22; 440]);
        assert_eq!(after[440..446], before[440..446]);
        assert_eq!(after[446], 0x80);
        assert_eq!(after[447..], before[447..]);
    }

    #[test]
    fn the_menu_offers_the_installed_system_first_and_rescue_second() {
        let live = ["boot=live", "live-media-path=/live", "console=tty0", "systemd.unit=mazet-live.target"];
        let context = json!({
            "filesystem_uuid": "1b4e28ba-2fa1-4d00-883f-0016d3cca427",
            "volume_id": "12AB-34CD",
            "kernel_arguments": kernel_arguments(&live.map(str::to_owned)),
        });
        insta::assert_snapshot!(template::render(MENU_TEMPLATE, &context).expect("rendered"));
    }

    fn disk(name: &str, bytes: u64) -> TargetDisk {
        TargetDisk::new(&Pc, name, bytes, "12AB34CD".to_owned(), false)
    }

    #[test]
    fn a_large_disk_has_room_for_two_rescue_systems() {
        insta::assert_snapshot!(Pc.script(&disk("sda", 500_000_000_000)), @r#"
        label: gpt
        unit: sectors
        first-lba: 2048

        start=2048, size=1MiB, type=21686148-6449-6E6F-744E-656564454649, name="MAZET-BIOS"
        size=4096MiB, type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B, name="MAZET-ESP"
        type=0FC63DAF-8483-4772-8E79-3D69D8477DE4, name="MAZET-DATA"
        "#);
    }

    #[test]
    fn a_small_disk_keeps_more_for_the_system() {
        let script = Pc.script(&disk("mmcblk0", 8_000_000_000));
        assert!(script.contains("\nsize=2560MiB, type=C12A7328"));
    }
}
