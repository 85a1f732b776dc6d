//! The system made anew around a box's data: the subvolume `root` goes and comes again, `data` is not touched.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use mazet_model::bios;

use super::disk;
use super::layout::Target;
use super::mounts::mount_top;
use crate::run::{Program, Runner};

/// Until the very end nothing may start from these disks, not even what was on them: the boot code goes. The
/// partition table stays.
///
/// # Errors
/// When a partition is missing, or a disk cannot be written.
pub fn close_off(target: &Target) -> Result<()> {
    for one in &target.disks {
        for node in [&one.fat, &one.data] {
            fs::metadata(node).with_context(|| format!("there is no {}", node.display()))?;
        }
        disk::erase_start(&one.device, bios::BOOT_CODE)?;
    }
    Ok(())
}

/// Makes the FATs and the subvolume `root` anew; gives the machine id that the box had, where it can be read.
///
/// # Errors
/// When the btrfs cannot be mounted (a disk of a mirror is missing), or its data has no `witness`: it holds no box.
pub fn make_root(target: &Target, witness: &Path, runner: &Runner) -> Result<Option<String>> {
    let top = mount_top(target)?;
    let witness = top.path().join("data").join(witness);
    fs::metadata(&witness).with_context(|| format!("there is no {}: no box is here", witness.display()))?;
    disk::make_fats(target, runner)?;
    let root = top.path().join("root");
    let machine_id = fs::read_to_string(root.join("etc/machine-id")).ok();
    // Cut off before this, the next run finds none.
    if root.exists() {
        let words = ["subvolume", "delete", "--commit-after", "--recursive", &root.to_string_lossy()];
        runner.run(Program::Btrfs, &words)?;
    }
    disk::make_subvolume(&root, runner)?;
    top.unmount()?;
    Ok(machine_id.map(|id| id.trim().to_owned()).filter(|id| is_machine_id(id)))
}

/// 32 hexadecimal digits (machine-id(5)).
fn is_machine_id(text: &str) -> bool {
    text.len() == 32 && text.chars().all(|one| one.is_ascii_hexdigit())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_boot_code_goes_and_the_partition_table_stays() {
        let folder = tempfile::tempdir().expect("temporary folder");
        let file = folder.path().join("disk");
        fs::write(&file, [7; 2048]).expect("written");
        disk::erase_start(&file, bios::BOOT_CODE).expect("erased");
        let bytes = fs::read(&file).expect("read");
        assert!(bytes[..bios::BOOT_CODE].iter().all(|byte| *byte == 0));
        assert!(bytes[bios::BOOT_CODE..].iter().all(|byte| *byte == 7) && bytes.len() == 2048);
    }

    #[test]
    fn a_machine_keeps_its_id_if_it_is_one() {
        assert!(is_machine_id("0123456789abcdef0123456789abcdef"));
        assert!(!is_machine_id("uninitialized") && !is_machine_id(""));
    }
}
