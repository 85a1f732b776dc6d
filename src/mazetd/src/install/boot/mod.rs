//! What makes a disk start. What is particular to the hardware stands in one module each.
//!
//! | module | hardware |
//! |---|---|
//! | [`pc`] | GPT, GRUB for BIOS and UEFI, one boot menu |
//! | [`count`] | a PC: starts after an update are counted |
//! | [`pi`] | MBR, the Raspberry Pi's firmware, which reads kernels from the FAT alone |

pub mod count;
pub mod pc;
pub mod pi;

use std::fs;
use std::os::unix::fs::symlink;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use mazet_model::answers as advance;
use mazet_model::firmware::packaged_kernel;
use mazet_model::image::{FIRMWARE_DIR, ImageInfo, LIVE_DIR};
use mazet_model::template;

use super::check::{Place, Written};
use super::copy::{copy, files_below};
use super::layout::{Target, TargetDisk};
use super::mounts::Mounts;
use super::progress::StageReporter;
use crate::broker::answers;
use crate::log;
use crate::run::Runner;

/// Arguments that say where the system is: those of the live system are not the installed one's.
const OF_THE_PLACE: [&str; 4] = ["boot=", "live-media", "systemd.unit=", "root"];

/// How a kind of hardware starts.
pub trait Boot: Sync {
    /// Can a box be installed to the very disk that the live system runs from?
    fn shares_medium(&self) -> bool {
        false
    }

    /// Numbers of the FAT's and of the btrfs's partition.
    fn partitions(&self) -> (u8, u8);

    /// What `sfdisk` is given to partition `disk` anew.
    fn script(&self, disk: &TargetDisk) -> String;

    /// Adds the btrfs's partition to the medium's own disk, and leaves the FAT alone.
    ///
    /// # Errors
    /// When the disk is not the medium's or is full.
    fn extend(&self, disk: &TargetDisk, _runner: &Runner) -> Result<()> {
        bail!("{} is the live system's own medium, which this hardware keeps as it is", disk.device.display())
    }

    /// Copies everything that starts the box, but for what makes firmware look at the disk.
    ///
    /// # Errors
    /// When the medium cannot be read or a disk not be written.
    fn install(&self, work: &Work<'_>) -> Result<Vec<Written>>;

    /// The part of [`Boot::install`] that does not write to the btrfs: a box that runs has its own kernel there.
    ///
    /// # Errors
    /// When the medium cannot be read or a disk not be written; when this hardware is given no further disk.
    fn start_files(&self, work: &Work<'_>) -> Result<Vec<Written>> {
        bail!("hardware of the kind \"{}\" is given no further disk while it runs", work.image.hardware)
    }

    /// The last step: firmware starts the box from these disks from now on.
    ///
    /// # Errors
    /// When a disk cannot be written.
    fn seal(&self, target: &Target, medium: &Path) -> Result<()>;

    /// Makes what firmware starts match the kernel of the running box. None: the boot loader
    /// reads the kernel from the box's own file system, and there is nothing to do.
    ///
    /// # Errors
    /// When it cannot be read or written.
    fn keep_in_step(&self, _image: &ImageInfo) -> Result<Option<InStep>> {
        Ok(None)
    }

    /// Does the boot loader count starts after an update, and go back by itself?
    fn counts(&self) -> bool {
        false
    }
}

/// What firmware starts from now on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InStep {
    /// The release of the box's kernel.
    pub kernel: String,
    /// The folder that was written or chosen; none: all was in step already.
    pub changed: Option<String>,
}

/// An installation at work.
pub struct Work<'w> {
    /// Where to.
    pub target: &'w Target,
    /// The image that is installed.
    pub image: &'w ImageInfo,
    /// Root of the medium's FAT.
    pub medium: &'w Path,
    /// The new box's file systems.
    pub mounts: &'w Mounts,
    /// Told how far it is.
    pub stage: &'w StageReporter<'w>,
}

/// How the hardware of this name (a folder of `firmware/`) starts.
///
/// # Errors
/// When this program knows no such hardware.
pub fn of(hardware: &str) -> Result<&'static dyn Boot> {
    match hardware {
        "pc" => Ok(&pc::Pc),
        "pi" => Ok(&pi::Pi),
        other => bail!("this image is for the hardware \"{other}\", which this mazetd cannot start"),
    }
}

/// What of the medium goes onto a FAT at once, with sizes: all but what is the medium's own, and
/// what `held_back` names.
fn content(medium: &Path, held_back: impl Fn(&Path) -> bool) -> Result<Vec<(PathBuf, u64)>> {
    let own = [advance::FILE, answers::FILE, log::FILE];
    let mut content = files_below(medium)?;
    content.retain(|(path, _)| !own.iter().any(|name| path == Path::new(name)) && !held_back(path));
    Ok(content)
}

/// Copies `content` to every FAT of the target that is not the medium itself.
fn copy_content(work: &Work<'_>, content: &[(PathBuf, u64)]) -> Result<Vec<Written>> {
    let fats: Vec<_> = work.target.disks.iter().zip(work.mounts.fats()).enumerate().collect();
    let copies = fats.iter().filter(|(_, (disk, _))| !disk.medium).count();
    let whole = content.iter().map(|(_, bytes)| bytes).sum::<u64>() * copies as u64;
    let mut done = 0;
    let mut moved = |bytes| {
        done += bytes;
        work.stage.at(done, whole);
    };
    let mut written = Vec::new();
    for (number, (_, fat)) in fats.into_iter().filter(|(_, (disk, _))| !disk.medium) {
        for (path, _) in content {
            let digest = copy(&work.medium.join(path), &fat.join(path), &mut moved)?;
            written.push(Written { place: Place::Fat(number), path: path.clone(), digest });
        }
    }
    Ok(written)
}

/// Kernel and initrd to `/boot`, with the links that boot loaders and Debian's hooks look at.
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
    packaged(&image.kernel, root)?;
    Ok(written)
}

/// Newer packages hold the kernel themselves, and look for it when they are removed; the layers leave it
/// out, for the medium has it already.
fn packaged(release: &str, root: &Path) -> Result<()> {
    let path = root.join(packaged_kernel(release));
    let is_theirs = path.with_file_name("config").exists();
    if !is_theirs || path.exists() {
        return Ok(());
    }
    let kernel = root.join(format!("boot/vmlinuz-{release}"));
    fs::hard_link(&kernel, &path).with_context(|| format!("linking {}", path.display()))
}

/// The image's own arguments: consoles, quietness; not where the system is.
fn kernel_arguments(live: &[String]) -> String {
    let own = live.iter().filter(|argument| !OF_THE_PLACE.iter().any(|of| argument.starts_with(of)));
    own.cloned().collect::<Vec<_>>().join(" ")
}

/// The template `name` of the image's firmware, rendered with `context`.
fn render(name: &str, context: &serde_json::Value) -> Result<String> {
    let path = Path::new(FIRMWARE_DIR).join(name);
    let source = fs::read_to_string(&path).with_context(|| format!("reading {}", path.display()))?;
    template::render(&source, context).with_context(|| format!("rendering {}", path.display()))
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt as _;

    use super::*;

    #[test]
    fn a_kernel_that_its_package_holds_itself_is_there_again() {
        let root = tempfile::tempdir().expect("temporary folder");
        let here = root.path();
        fs::create_dir_all(here.join("boot")).expect("made");
        fs::create_dir_all(here.join("usr/lib/modules/7.3")).expect("made");
        fs::write(here.join("boot/vmlinuz-7.3"), "kernel").expect("written");
        let path = here.join(packaged_kernel("7.3"));
        packaged("7.3", here).expect("an older package");
        assert!(!path.exists());
        fs::write(path.with_file_name("config"), "CONFIG_64BIT=y\n").expect("written");
        packaged("7.3", here).expect("a newer package");
        packaged("7.3", here).expect("twice changes nothing");
        assert_eq!(fs::read_to_string(&path).expect("there"), "kernel");
        assert_eq!(fs::metadata(&path).expect("there").nlink(), 2);
    }
}
