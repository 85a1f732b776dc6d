//! What makes a disk start: the rescue system, kernel and menus, GRUB for BIOS.

use std::fs::{self, OpenOptions};
use std::io::{Read as _, Seek as _, SeekFrom, Write as _};
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use mazet_model::bios;
use mazet_model::image::{FIRMWARE_DIR, ImageInfo, LIVE_DIR, fat_uuid};
use mazet_model::template;
use rustix::mount::MountFlags;
use serde_json::json;

use super::check::{Place, Written};
use super::copy::{copy, files_below};
use super::layout::{CORE_LBA, Target, TargetDisk};
use super::mounts::{Mounted, Mounts};
use super::progress::StageReporter;
use crate::broker::answers;
use crate::files;

/// Where the running live system's FAT file system is mounted.
pub const MEDIUM: &str = "/run/live/medium";
/// The boot menu, on the ESP and on the stick.
const MENU: &str = "EFI/debian/grub.cfg";
/// Answers given in advance: they may hold secrets and are for one installation.
const ADVANCE_ANSWERS: &str = "mazet.toml";
/// Offset of the first partition's status byte in the master boot record.
const FIRST_STATUS: usize = 446;
/// Arguments that the menu's entries bring themselves.
const OF_THE_MENU: [&str; 4] = ["boot=", "live-media", "systemd.unit=", "root"];

/// Copies everything that starts the box, but for what makes firmware look at the disk.
///
/// # Errors
/// When the stick cannot be read or a disk not be written.
pub fn install(
    target: &Target,
    image: &ImageInfo,
    medium: &Path,
    mounts: &Mounts,
    stage: &StageReporter<'_>,
) -> Result<Vec<Written>> {
    let content = content(medium)?;
    let rescue: u64 = content.iter().map(|(_, bytes)| bytes).sum();
    let whole = rescue * target.disks.len() as u64;
    let mut done = 0;
    let mut moved = |bytes| {
        done += bytes;
        stage.at(done, whole);
    };
    let mut written = kernel(image, medium, mounts.root())?;
    for (number, (disk, esp)) in target.disks.iter().zip(mounts.esps()).enumerate() {
        for (path, _) in &content {
            let digest = copy(&medium.join(path), &esp.join(path), &mut moved)?;
            written.push(Written { place: Place::Esp(number), path: path.clone(), digest });
        }
        menu(target, disk, image, esp)?;
        core_image(disk)?;
    }
    Ok(written)
}

/// What of the stick goes onto an ESP at once, with sizes.
fn content(medium: &Path) -> Result<Vec<(PathBuf, u64)>> {
    let mut content = files_below(medium)?;
    content.retain(|(path, _)| {
        let stays = [MENU, ADVANCE_ANSWERS, answers::FILE].iter().any(|name| path == Path::new(name));
        !stays && !is_entry(path)
    });
    Ok(content)
}

/// Is it a program that firmware starts by itself (`EFI/BOOT/BOOTX64.EFI`; FAT knows no case)?
fn is_entry(path: &Path) -> bool {
    let path = path.to_string_lossy().to_ascii_lowercase();
    path.starts_with("efi/boot/boot") && path.ends_with(".efi")
}

/// Kernel and initrd to `/boot`, with the links that GRUB and Debian's hooks look at.
fn kernel(image: &ImageInfo, medium: &Path, root: &Path) -> Result<Vec<Written>> {
    let mut written = Vec::new();
    for (live, name) in [("vmlinuz", "vmlinuz"), ("initrd.img", "initrd.img")] {
        let path = PathBuf::from(format!("boot/{name}-{}", image.kernel));
        let digest = copy(&medium.join(LIVE_DIR).join(live), &root.join(&path), &mut |_| ())?;
        let link = root.join(name);
        match fs::remove_file(&link) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                return Err(error).with_context(|| format!("replacing {}", link.display()));
            }
            _ => {}
        }
        symlink(&path, &link).with_context(|| format!("linking {}", link.display()))?;
        written.push(Written { place: Place::Box, path, digest });
    }
    Ok(written)
}

/// The installed system's boot menu, on the ESP of `disk`.
fn menu(target: &Target, disk: &TargetDisk, image: &ImageInfo, esp: &Path) -> Result<()> {
    let path = Path::new(FIRMWARE_DIR).join("grub-installed.cfg.hbs");
    let source = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    let context = json!({
        "filesystem_uuid": target.uuid,
        "volume_id": fat_uuid(&disk.volume_id),
        "kernel_arguments": kernel_arguments(&image.kernel_arguments),
    });
    let menu =
        template::render(&source, &context).with_context(|| format!("rendering {}", path.display()))?;
    let place = esp.join(MENU);
    files::make_folder(place.parent().context("the menu has a folder")?, 0o755)?;
    files::write_atomically(&place, menu.as_bytes(), 0o644, None)
}

/// The image's own arguments: consoles, quietness; not where the system is.
fn kernel_arguments(live: &[String]) -> String {
    let own = live.iter().filter(|argument| !OF_THE_MENU.iter().any(|of| argument.starts_with(of)));
    own.cloned().collect::<Vec<_>>().join(" ")
}

/// GRUB's core image to the BIOS-boot partition. Nothing points at it yet.
fn core_image(disk: &TargetDisk) -> Result<()> {
    let core = bios::core_image(&firmware("core.img")?, CORE_LBA)?;
    let write = || -> std::io::Result<()> {
        let mut device = OpenOptions::new().write(true).open(&disk.bios)?;
        device.write_all(&core)?;
        device.sync_all()
    };
    write().with_context(|| format!("writing GRUB to {}", disk.bios.display()))
}

/// The last step: firmware finds the disks from now on, UEFI and BIOS alike.
///
/// # Errors
/// When a disk cannot be written.
pub fn seal(target: &Target, medium: &Path) -> Result<()> {
    let boot_img = firmware("boot.img")?;
    for disk in &target.disks {
        let esp = Mounted::new(&disk.esp, "esp", "vfat", MountFlags::NOATIME, "")?;
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
    use super::*;

    const MENU_TEMPLATE: &str = include_str!("../../../../firmware/pc/grub-installed.cfg.hbs");

    #[test]
    fn the_rescue_copy_leaves_out_what_is_the_sticks_own() {
        let medium = tempfile::tempdir().expect("temporary folder");
        for path in [
            "EFI/BOOT/BOOTX64.EFI",
            "EFI/BOOT/grubx64.efi",
            MENU,
            "live/vmlinuz",
            answers::FILE,
            ADVANCE_ANSWERS,
        ] {
            let path = medium.path().join(path);
            fs::create_dir_all(path.parent().expect("folder")).expect("made");
            fs::write(path, "x").expect("written");
        }
        let content = content(medium.path()).expect("listed");
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
}
