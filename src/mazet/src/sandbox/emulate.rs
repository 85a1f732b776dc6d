//! Programs of another architecture: QEMU of the tools tree, registered with the kernel.
//!
//! Since Linux 6.7 a user namespace has a binfmt_misc of its own (kernel documentation,
//! `admin-guide/binfmt-misc`): the host is neither asked nor changed. Before that, the host must
//! have registered the emulator itself, as Debian's package qemu-user-static does.

use std::fs;
use std::path::Path;

use anyhow::{Context as _, Result, bail};
use rustix::mount::{MountFlags, mount};

use crate::arch::Architecture;

/// Where the namespace's own register is mounted, below the tree's `/dev`.
const REGISTER: &str = "dev/mazet-binfmt";

/// Makes programs of `architecture` run in this namespace.
///
/// # Errors
/// When the kernel is too old and the host has no emulator, or the tree has none.
pub fn register(tree: &Path, architecture: Architecture) -> Result<()> {
    let folder = tree.join(REGISTER);
    fs::create_dir_all(&folder).context("making a place for binfmt_misc")?;
    if mount("binfmt_misc", &folder, "binfmt_misc", MountFlags::empty(), None).is_err() {
        return registered_by_host(architecture);
    }
    let emulator = tree.join(format!("usr/bin/qemu-{}", architecture.machine));
    if !emulator.exists() {
        bail!(
            "the tools tree has no {}: name qemu-user in firmware/<hardware>/trees/tools",
            emulator.display()
        );
    }
    let rule = rule(architecture, &emulator);
    fs::write(folder.join("register"), rule)
        .with_context(|| format!("registering {} with the kernel", emulator.display()))
}

/// The kernel's register line: ELF files of 64 bits, little-endian, executable or shared, for this
/// machine. Flags: P (the program keeps its own name), F (the emulator is opened now: it need not
/// lie in the tree that is entered).
fn rule(architecture: Architecture, emulator: &Path) -> Vec<u8> {
    let [low, high] = architecture.elf_machine.to_le_bytes();
    let mut magic = vec![0x7F, b'E', b'L', b'F', 2, 1, 1];
    magic.resize(16, 0);
    magic.extend([2, 0, low, high]);
    // Of the identification, what systems fill in as they like does not matter; type 2 or 3.
    let mut mask = vec![0xFF_u8; 7];
    mask.push(0);
    mask.resize(16, 0xFF);
    mask.extend([0xFE, 0xFF, 0xFF, 0xFF]);
    let quoted = |bytes: &[u8]| bytes.iter().map(|byte| format!("\\x{byte:02x}")).collect::<String>();
    format!(
        ":mazet-{}:M::{}:{}:{}:PF",
        architecture.machine,
        quoted(&magic),
        quoted(&mask),
        emulator.display()
    )
    .into_bytes()
}

/// Has the host registered an emulator that also serves inside other trees?
fn registered_by_host(architecture: Architecture) -> Result<()> {
    let path = format!("/proc/sys/fs/binfmt_misc/qemu-{}", architecture.machine);
    let text = fs::read_to_string(&path).unwrap_or_default();
    let flags = text.lines().find_map(|line| line.strip_prefix("flags: ")).unwrap_or_default();
    if text.starts_with("enabled") && flags.contains('F') {
        return Ok(());
    }
    bail!(
        "this kernel runs no {} programs: it is older than Linux 6.7 and the host has registered no emulator. \
         Install one (apt-get install qemu-user-static) or start a newer kernel",
        architecture.debian
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_rule_is_the_kernel_s_own_form() {
        let arm = Architecture::of("arm64").expect("known");
        let rule = String::from_utf8(rule(arm, Path::new("/t/usr/bin/qemu-aarch64"))).expect("text");
        assert_eq!(
            rule,
            r":mazet-aarch64:M::\x7f\x45\x4c\x46\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00:\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff:/t/usr/bin/qemu-aarch64:PF"
        );
    }
}
