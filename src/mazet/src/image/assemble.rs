//! Assembling the image, without a loop device or a mount.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use mazet_model::bios::SECTOR;
use mazet_model::image::{ImageInfo, LIVE_DIR};

use super::Hardware;
use crate::digest::Digest;
use crate::sandbox::Sandbox;

/// Bytes of a MiB.
pub const MIB: u64 = 1 << 20;
/// Room left on the FAT for what the wizard keeps there and for a `mazet.toml`.
const SLACK: u64 = 24 * MIB;
/// Where the FAT's files lie while it is filled.
const STAGED: &str = "/mnt/fat";

/// What the image is made from.
pub struct Parts<'a> {
    /// How its hardware boots.
    pub hardware: &'static dyn Hardware,
    /// The tools tree.
    pub tools: &'a Path,
    /// What the image says of itself.
    pub info: &'a ImageInfo,
    /// `firmware/<hardware>`.
    pub firmware: &'a Path,
    /// Boot programs of the hardware.
    pub programs: &'a [PathBuf],
    /// Folder of `vmlinuz` and `initrd.img`.
    pub kernel: &'a Path,
    /// The tree of the lowest layer.
    pub base: &'a Path,
    /// The layers' squashfs files, lowest first.
    pub layers: &'a [PathBuf],
    /// Digest over everything: names file system, disk and partitions.
    pub digest: Digest,
    /// The clock of the build, seconds since 1970 UTC.
    pub epoch: u64,
}

impl Parts<'_> {
    /// A template of the firmware, rendered.
    ///
    /// # Errors
    /// When it cannot be read or names something unknown.
    pub fn template(&self, name: &str, context: &serde_json::Value) -> Result<String> {
        let path = self.firmware.join(name);
        let text = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
        mazet_model::template::render(&text, context).with_context(|| format!("rendering {}", path.display()))
    }
}

/// Writes the image to `output`, in `folder` on the way.
///
/// # Errors
/// When a part is missing or a tool fails.
pub fn assemble(parts: &Parts<'_>, folder: &Path, output: &Path) -> Result<()> {
    let files = files(parts, folder)?;
    let content: u64 =
        files.iter().map(|(source, _)| fs::metadata(source).map_or(0, |meta| meta.len())).sum();
    let content = content + parts.hardware.room(parts)?;
    let fat = (content + content / 64 + SLACK).next_multiple_of(MIB);
    let size = parts.hardware.fat_sector() * SECTOR as u64 + fat + parts.hardware.tail();
    let image = File::create(output).with_context(|| format!("making {}", output.display()))?;
    image.set_len(size).with_context(|| format!("making {} {} MiB long", output.display(), size / MIB))?;
    drop(image);
    partition(parts, output, fat)?;
    fill(parts, folder, output, fat, &files)?;
    parts.hardware.boot_code(parts, output)
}

/// What goes onto the FAT: (file, path there), folders before what they hold.
fn files(parts: &Parts<'_>, folder: &Path) -> Result<Vec<(PathBuf, String)>> {
    let module = folder.join("filesystem.module");
    fs::write(&module, parts.info.layers.join("\n") + "\n").context("writing the list of layers")?;
    let mut files = parts.hardware.files(parts, folder)?;
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

fn partition(parts: &Parts<'_>, output: &Path, fat: u64) -> Result<()> {
    in_folder_of(parts, output)
        .command("writing the partition table", "sh")?
        .args(["-euc", "printf %s \"$2\" | sfdisk --quiet --no-reread --no-tell-kernel \"$1\"", "sfdisk"])
        .arg(output)
        .arg(parts.hardware.partitions(parts.digest, fat))
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
    let staged = folder.join("fat");
    for (source, target) in files {
        stage(source, &staged.join(target))?;
    }
    let sector = parts.hardware.fat_sector();
    in_folder_of(parts, output)
        .bind(&staged, STAGED)
        .command("filling the FAT file system", "sh")?
        .args(["-euc", include_str!("fill.sh"), "fill"])
        .arg(output)
        .args([(sector * SECTOR as u64).to_string(), sector.to_string(), (fat / 1024).to_string()])
        .args([&parts.info.volume_id, STAGED])
        .args(files.iter().map(|(_, target)| target))
        .env("SOURCE_DATE_EPOCH", parts.epoch.to_string())
        .log(&folder.join("fill.log"))
        .run()?;
    fs::remove_dir_all(&staged).with_context(|| format!("deleting {}", staged.display()))
}

/// Puts a file where the FAT will have it: by a link where that is possible.
fn stage(source: &Path, target: &Path) -> Result<()> {
    let folder = target.parent().unwrap_or(target);
    fs::create_dir_all(folder).with_context(|| format!("making {}", folder.display()))?;
    fs::hard_link(source, target)
        .or_else(|_| fs::copy(source, target).map(drop))
        .with_context(|| format!("taking {}", source.display()))
}
