//! The firmware that a machine boots with.

use std::fs;
use std::path::Path;

use clap::ValueEnum;
use serde::{Deserialize, Serialize};

use crate::error::BootError;
use crate::runner::Runner;

/// Where Debian's package `ovmf` keeps UEFI firmware images, inside the tools tree.
const OVMF: &str = "/usr/share/OVMF";
/// COM1's I/O port as SeaBIOS expects it: 0x3F8, little endian.
const COM1: [u8; 2] = [0xF8, 0x03];

/// What runs before the boot loader.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, ValueEnum, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Firmware {
    /// Legacy BIOS (SeaBIOS).
    Bios,
    /// UEFI (OVMF) without Secure Boot.
    Uefi,
    /// UEFI with Secure Boot enforced and Microsoft's keys enrolled.
    SecureBoot,
    /// QEMU's Raspberry Pi 3B: kernel and device tree taken out of the card's FAT.
    Raspi3b,
    /// QEMU's generic arm64 board with the Pi's kernel: what a Pi runs, faster.
    Virt,
}

impl Firmware {
    /// The name as on the command line.
    pub fn name(self) -> &'static str {
        match self {
            Self::Bios => "bios",
            Self::Uefi => "uefi",
            Self::SecureBoot => "secure-boot",
            Self::Raspi3b => "raspi3b",
            Self::Virt => "virt",
        }
    }

    /// Does it start a card of a Pi, rather than a PC's disk?
    pub fn is_pi(self) -> bool {
        matches!(self, Self::Raspi3b | Self::Virt)
    }

    /// The QEMU that has it.
    pub fn program(self) -> &'static str {
        if self.is_pi() { "qemu-system-aarch64" } else { "qemu-system-x86_64" }
    }

    /// The kernel's name of the serial line that is read.
    pub fn console(self) -> &'static str {
        match self {
            Self::Bios | Self::Uefi | Self::SecureBoot => "ttyS0",
            Self::Raspi3b => "ttyS1",
            Self::Virt => "ttyAMA0",
        }
    }

    /// QEMU's arguments; variables and small files of the machine's own go to `scratch`.
    ///
    /// # Errors
    /// When the tree lacks OVMF or `scratch` cannot be written.
    pub fn arguments(self, runner: &Runner, scratch: &Path) -> Result<Vec<String>, BootError> {
        match self {
            Self::Raspi3b | Self::Virt => Ok(Vec::new()),
            Self::Bios => seabios(scratch),
            Self::Uefi => ovmf(runner, scratch, "OVMF_CODE_4M.fd", "OVMF_VARS_4M.fd", &[]),
            Self::SecureBoot => {
                // Without this, a guest in kernel mode could rewrite the keys.
                let secure = ["-global", "driver=cfi.pflash01,property=secure,value=on"];
                ovmf(runner, scratch, "OVMF_CODE_4M.ms.fd", "OVMF_VARS_4M.ms.fd", &secure)
            }
        }
    }
}

/// SeaBIOS speaks on the screen alone; told of COM1 it, and the boot sector's messages,
/// reach the serial log as well.
fn seabios(scratch: &Path) -> Result<Vec<String>, BootError> {
    let port = scratch.join("sercon-port");
    fs::write(&port, COM1).map_err(BootError::file("writing", &port))?;
    Ok(vec!["-fw_cfg".to_owned(), format!("name=etc/sercon-port,file={}", port.display())])
}

fn ovmf(
    runner: &Runner,
    scratch: &Path,
    code: &str,
    variables: &str,
    extra: &[&str],
) -> Result<Vec<String>, BootError> {
    // The tree is not visible from here: a program of its own hands the file out.
    let own = scratch.join("efi-variables.fd");
    if !own.exists() {
        let fresh = runner.output("cat", &[format!("{OVMF}/{variables}")])?;
        fs::write(&own, fresh).map_err(BootError::file("writing", &own))?;
    }
    let mut arguments: Vec<String> = extra.iter().map(ToString::to_string).collect();
    arguments.push("-drive".to_owned());
    arguments.push(format!("if=pflash,unit=0,format=raw,readonly=on,file={OVMF}/{code}"));
    arguments.push("-drive".to_owned());
    arguments.push(format!("if=pflash,unit=1,format=raw,file={}", own.display()));
    Ok(arguments)
}
