//! The Raspberry Pi: its firmware reads everything from the disk's FAT.
//!
//! ```text
//! MBR  1  FAT   firmware, config.txt, live/ (the rescue system), system-a/, system-b/
//!      2  the rest  btrfs: subvolumes root and data
//! ```
//!
//! `config.txt` names the folder that the firmware starts from (`os_prefix=`): that one line decides
//! between the live system and the installed one, and between the two kernels of the latter. It is
//! changed last, so that a power cut leaves what was there.
//!
//! | module | subject |
//! |---|---|
//! | [`table`] | the partition table |
//! | [`config`] | the line of `config.txt` |
//! | [`folder`] | `system-a` and `system-b` |
//! | [`step`] | keeping them in step with the running box |

mod config;
mod folder;
mod step;
mod table;

use std::path::Path;

use anyhow::{Context, Result};
use mazet_model::image::ImageInfo;
use rustix::mount::MountFlags;
use serde_json::json;

use super::super::check::{Place, Written};
use super::super::copy::{copy, files_below};
use super::super::layout::{Target, TargetDisk};
use super::super::mounts::Mounted;
use super::{Boot, InStep, Work, content, copy_content, kernel, kernel_arguments, render};
use crate::medium::Writable;
use crate::run::Runner;

/// The Raspberry Pi, in 64-bit mode.
pub struct Pi;

impl Boot for Pi {
    fn shares_medium(&self) -> bool {
        true
    }

    fn partitions(&self) -> (u8, u8) {
        (1, 2)
    }

    fn script(&self, disk: &TargetDisk) -> String {
        table::whole(disk)
    }

    fn extend(&self, disk: &TargetDisk, runner: &Runner) -> Result<()> {
        table::extend(disk, runner)
    }

    fn install(&self, work: &Work<'_>) -> Result<Vec<Written>> {
        let root = work.mounts.root();
        let mut written = kernel(work.image, work.medium, root)?;
        let content = content(work.medium, is_held_back)?;
        written.extend(copy_content(work, &content)?);
        let sources = folder::Sources::of(root)?;
        let line = command_line(&work.target.uuid, work.image)?;
        for (number, fat) in work.mounts.fats().enumerate() {
            let name = folder::spare(config::current(fat).as_deref());
            let files = folder::write(fat, name, &sources, &line)?;
            let place = Place::Fat(number);
            written.extend(files.into_iter().map(|(path, digest)| Written { place, path, digest }));
        }
        Ok(written)
    }

    fn seal(&self, target: &Target, medium: &Path) -> Result<()> {
        for disk in &target.disks {
            if disk.medium {
                let writable = Writable::open(medium)?;
                config::switch(medium, medium, folder::spare(config::current(medium).as_deref()))?;
                writable.close()?;
            } else {
                let fat = Mounted::new(&disk.fat, "fat", "vfat", MountFlags::NOATIME, "")?;
                for (path, _) in files_below(medium)?.iter().filter(|(path, _)| is_program(path)) {
                    copy(&medium.join(path), &fat.path().join(path), &mut |_| ())?;
                }
                config::switch(medium, fat.path(), folder::spare(None))?;
                fat.unmount().context("closing the FAT")?;
            }
        }
        Ok(())
    }

    fn keep_in_step(&self, image: &ImageInfo) -> Result<Option<InStep>> {
        step::keep(image).map(Some)
    }
}

/// `cmdline.txt` of the installed system, one line: the firmware reads no further.
fn command_line(uuid: &str, image: &ImageInfo) -> Result<String> {
    render("cmdline.txt.hbs", &json!({ "arguments": arguments(uuid, image) }))
}

/// Where the installed system is, and the image's own arguments.
fn arguments(uuid: &str, image: &ImageInfo) -> String {
    let own = kernel_arguments(&image.kernel_arguments);
    format!("root=UUID={uuid} rootfstype=btrfs rootflags=subvol=root,degraded rootwait rw {own}")
        .trim_end()
        .to_owned()
}

/// Is it a program that the Pi's boot ROM or EEPROM starts by itself (FAT knows no case)?
fn is_program(path: &Path) -> bool {
    let path = path.to_string_lossy().to_ascii_lowercase();
    path == "bootcode.bin" || (path.starts_with("start") && path.ends_with(".elf"))
}

/// What is not copied to another disk at once: what would start it, and an older box's kernels.
fn is_held_back(path: &Path) -> bool {
    let is_config = path.to_string_lossy().eq_ignore_ascii_case(config::FILE);
    is_program(path) || is_config || folder::NAMES.iter().any(|name| path.starts_with(name))
}

#[cfg(test)]
mod tests;
