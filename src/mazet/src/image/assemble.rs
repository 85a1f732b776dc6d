//! Assembling the image, without a loop device or a mount.

use std::fs::{self, File, OpenOptions};
use std::io::{Seek as _, SeekFrom, Write as _};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use mazet_model::bios::{self, SECTOR};
use mazet_model::image::{ImageInfo, LIVE_DIR};

use crate::digest::Digest;
use crate::sandbox::Sandbox;

/// First sector of the BIOS-boot partition, and its size: 1 MiB each.
const CORE_LBA: u64 = 2048;
/// First sector of the FAT.
const FAT_LBA: u64 = 4096;
/// Bytes of a MiB.
const MIB: u64 = 1 << 20;
/// Room left on the FAT for what the wizard keeps there and for a `mazet.toml`.
const SLACK: u64 = 24 * MIB;
/// Sectors of the second partition table at the end of the disk, rounded up to a MiB.
const TAIL: u64 = MIB;

/// What the image is made from.
pub struct Parts<'a> {
    /// The tools tree.
    pub tools: &'a Path,
    /// What the image says of itself.
    pub info: &'a ImageInfo,
    /// `firmware/<hardware>`.
    pub firmware: &'a Path,
    /// GRUB's BIOS images.
    pub grub: &'a Path,
    /// Folder of `vmlinuz` and `initrd.img`.
    pub kernel: &'a Path,
    /// The layers' squashfs files, lowest first.
    pub layers: &'a [PathBuf],
    /// Digest over everything: names file system, disk and partitions.
    pub digest: Digest,
    /// The clock of the build, seconds since 1970 UTC.
    pub epoch: u64,
}

/// Signed boot programs: (where Debian's packages put them, where the firmware looks).
const SIGNED: [(&str, &str); 3] = [
    ("/usr/lib/shim/shimx64.efi.signed", "EFI/BOOT/BOOTX64.EFI"),
    ("/usr/lib/grub/x86_64-efi-signed/grubx64.efi.signed", "EFI/BOOT/grubx64.efi"),
    ("/usr/lib/shim/mmx64.efi.signed", "EFI/BOOT/mmx64.efi"),
];

/// Writes the image to `output`, in `folder` on the way.
///
/// # Errors
/// When a part is missing or a tool fails.
pub fn assemble(parts: &Parts<'_>, folder: &Path, output: &Path) -> Result<()> {
    let files = files(parts, folder)?;
    let content: u64 =
        files.iter().map(|(source, _)| fs::metadata(source).map_or(0, |meta| meta.len())).sum();
    let fat = (content + content / 64 + SLACK).next_multiple_of(MIB);
    let size = FAT_LBA * SECTOR as u64 + fat + TAIL;
    let image = File::create(output).with_context(|| format!("making {}", output.display()))?;
    image.set_len(size).with_context(|| format!("making {} {} MiB long", output.display(), size / MIB))?;
    drop(image);
    partition(parts, output, fat)?;
    fill(parts, folder, output, fat, &files)?;
    boot_code(parts, output)
}

/// What goes onto the FAT: (file, path there), folders before what they hold.
fn files(parts: &Parts<'_>, folder: &Path) -> Result<Vec<(PathBuf, String)>> {
    let menu = folder.join("grub.cfg");
    fs::write(&menu, live_menu(parts)?).context("writing the boot menu")?;
    let module = folder.join("filesystem.module");
    fs::write(&module, parts.info.layers.join("\n") + "\n").context("writing the list of layers")?;
    let mut files = vec![(menu, "EFI/debian/grub.cfg".to_owned())];
    for (source, target) in SIGNED {
        files.push((parts.tools.join(source.trim_start_matches('/')), target.to_owned()));
    }
    files.push((parts.kernel.join("vmlinuz"), format!("{LIVE_DIR}/vmlinuz")));
    files.push((parts.kernel.join("initrd.img"), format!("{LIVE_DIR}/initrd.img")));
    files.push((module, format!("{LIVE_DIR}/filesystem.module")));
    for (layer, name) in parts.layers.iter().zip(&parts.info.layers) {
        files.push((layer.clone(), format!("{LIVE_DIR}/{name}")));
    }
    match files.iter().find(|(source, _)| !source.exists()) {
        Some((missing, target)) => bail!("{target} of the image is missing: {}", missing.display()),
        None => Ok(files),
    }
}

fn live_menu(parts: &Parts<'_>) -> Result<String> {
    let path = parts.firmware.join("grub-live.cfg.hbs");
    let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    let context = serde_json::json!({
        "volume_id": mazet_model::image::fat_uuid(&parts.info.volume_id),
        "kernel_arguments": parts.info.kernel_arguments.join(" "),
        "live_dir": LIVE_DIR,
    });
    mazet_model::template::render(&text, &context).with_context(|| format!("rendering {}", path.display()))
}

/// A GUID (RFC 9562, version 8: vendor-specific) derived from the build's digest.
fn guid(digest: Digest, what: &str) -> String {
    let mut bytes = Digest::of(format!("{digest} {what}")).bytes();
    bytes[6] = (bytes[6] & 0x0F) | 0x80;
    bytes[8] = (bytes[8] & 0x3F) | 0x80;
    let hex: String = bytes[..16].iter().map(|byte| format!("{byte:02X}")).collect();
    format!("{}-{}-{}-{}-{}", &hex[..8], &hex[8..12], &hex[12..16], &hex[16..20], &hex[20..32])
}

fn partition(parts: &Parts<'_>, output: &Path, fat: u64) -> Result<()> {
    let script = format!(
        "label: gpt\nlabel-id: {}\nfirst-lba: 34\n\
         start={CORE_LBA}, size={}, type=21686148-6449-6E6F-744E-656564454649, uuid={}, name=\"mazet-bios\"\n\
         start={FAT_LBA}, size={}, type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B, uuid={}, name=\"mazet-live\"\n",
        guid(parts.digest, "disk"),
        FAT_LBA - CORE_LBA,
        guid(parts.digest, "bios"),
        fat / SECTOR as u64,
        guid(parts.digest, "live"),
    );
    in_folder_of(parts, output)
        .command("writing the partition table", "sh")?
        .args(["-euc", "printf %s \"$2\" | sfdisk --quiet --no-reread --no-tell-kernel \"$1\"", "sfdisk"])
        .arg(output)
        .arg(&script)
        .run()?;
    Ok(())
}

fn in_folder_of(parts: &Parts<'_>, output: &Path) -> Sandbox {
    Sandbox::new(parts.tools).share(output.parent().unwrap_or(output))
}

fn fill(
    parts: &Parts<'_>,
    folder: &Path,
    output: &Path,
    fat: u64,
    files: &[(PathBuf, String)],
) -> Result<()> {
    let mut sandbox = in_folder_of(parts, output).share(folder);
    let mut words = Vec::new();
    for (i, (source, target)) in files.iter().enumerate() {
        // Each file under a name of its own inside, with the build's clock.
        let inside = format!("/mnt/{i}");
        sandbox = sandbox.bind(source, &inside);
        words.extend([inside, target.clone()]);
    }
    sandbox
        .command("filling the FAT file system", "sh")?
        .args(["-euc", include_str!("fill.sh"), "fill"])
        .arg(output)
        .args([(FAT_LBA * SECTOR as u64).to_string(), FAT_LBA.to_string(), (fat / 1024).to_string()])
        .arg(&parts.info.volume_id)
        .args(&words)
        .env("SOURCE_DATE_EPOCH", parts.epoch.to_string())
        .log(&folder.join("fill.log"))
        .run()?;
    Ok(())
}

/// GRUB's two BIOS images, and the flag that some old BIOSes want on the protective partition.
fn boot_code(parts: &Parts<'_>, output: &Path) -> Result<()> {
    let read = |name: &str| {
        let path = parts.grub.join(name);
        fs::read(&path).with_context(|| format!("reading {}", path.display()))
    };
    let code = bios::boot_sector(&read("boot.img")?, CORE_LBA)?;
    let core = bios::core_image(&read("core.img")?, CORE_LBA)?;
    let room = usize::try_from((FAT_LBA - CORE_LBA) * SECTOR as u64)?;
    if core.len() > room {
        bail!("GRUB's core image ({} bytes) is larger than its partition ({room} bytes)", core.len());
    }
    let mut image = OpenOptions::new().write(true).open(output)?;
    image.write_all(&code)?;
    image.seek(SeekFrom::Start(0x1BE))?;
    image.write_all(&[0x80])?;
    image.seek(SeekFrom::Start(CORE_LBA * SECTOR as u64))?;
    image.write_all(&core).context("writing GRUB's core image")
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
