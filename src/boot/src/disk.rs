//! Disks and sticks of a machine.

use std::path::{Path, PathBuf};

use crate::error::BootError;
use crate::firmware::Firmware;
use crate::runner::Runner;

/// How a disk is attached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Bus {
    /// A removable USB mass-storage stick.
    UsbStick,
    /// SATA.
    Sata,
    /// NVMe.
    Nvme,
    /// Virtio block: the fastest under emulation.
    Virtio,
    /// The card slot of a Raspberry Pi.
    Card,
}

/// Format of a disk's file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// Bytes as they are.
    Raw,
    /// QEMU's own, with overlays.
    Qcow2,
}

impl Format {
    fn name(self) -> &'static str {
        match self {
            Self::Raw => "raw",
            Self::Qcow2 => "qcow2",
        }
    }
}

/// A disk of a machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Disk {
    /// Its file on the host.
    pub file: PathBuf,
    /// The file's format.
    pub format: Format,
    /// How it is attached.
    pub bus: Bus,
    /// Serial number, as the guest reads it: at most 20 ASCII characters.
    pub serial: String,
    /// Model, as the guest reads it; SATA alone can be told one.
    pub model: Option<String>,
}

impl Disk {
    /// A USB stick over `file`.
    pub fn stick(file: impl Into<PathBuf>, format: Format) -> Self {
        let serial = "MAZETSTICK".to_owned();
        Self { file: file.into(), format, bus: Bus::UsbStick, serial, model: None }
    }

    /// A SATA disk over `file`.
    pub fn sata(file: impl Into<PathBuf>, format: Format, serial: &str, model: &str) -> Self {
        let (serial, model) = (serial.to_owned(), Some(model.to_owned()));
        Self { file: file.into(), format, bus: Bus::Sata, serial, model }
    }

    /// A Raspberry Pi's card over the raw `file`; on a board without a slot, a virtio disk.
    pub fn card(file: impl Into<PathBuf>, firmware: Firmware) -> Self {
        let bus = if firmware == Firmware::Raspi3b { Bus::Card } else { Bus::Virtio };
        Self { file: file.into(), format: Format::Raw, bus, serial: "MAZETCARD".to_owned(), model: None }
    }

    /// A new, empty, sparse qcow2 file of `bytes`.
    ///
    /// # Errors
    /// When `qemu-img` fails.
    pub fn blank(runner: &Runner, file: &Path, bytes: u64) -> Result<(), BootError> {
        let arguments =
            ["create", "-q", "-f", "qcow2", &file.to_string_lossy(), &bytes.to_string()].map(str::to_owned);
        runner.output("qemu-img", &arguments).map(drop)
    }

    /// A new qcow2 file over `original`, which stays as it is.
    ///
    /// # Errors
    /// When `original` is missing or `qemu-img` fails.
    pub fn overlay(runner: &Runner, original: &Path, format: Format, file: &Path) -> Result<(), BootError> {
        let original = original.canonicalize().map_err(BootError::file("opening", original))?;
        let (backing, file) = (original.to_string_lossy(), file.to_string_lossy());
        let arguments =
            ["create", "-q", "-f", "qcow2", "-b", &backing, "-F", format.name(), &file].map(str::to_owned);
        runner.output("qemu-img", &arguments).map(drop)
    }

    /// QEMU's arguments for this disk, the `index`th of its machine, tried in that order at boot.
    pub fn arguments(&self, index: usize) -> Vec<String> {
        // Nothing here outlives a crash of the host: flushes would only cost time.
        let file =
            format!("format={},cache=unsafe,discard=unmap,file={}", self.format.name(), escaped(&self.file));
        if self.bus == Bus::Card {
            return vec!["-drive".to_owned(), format!("if=sd,{file}")];
        }
        let drive = format!("if=none,id=disk{index},{file}");
        let common = format!("drive=disk{index},serial={},bootindex={}", self.serial, index + 1);
        let device = match self.bus {
            Bus::UsbStick => format!("usb-storage,removable=on,{common}"),
            Bus::Nvme => format!("nvme,{common}"),
            Bus::Virtio | Bus::Card => format!("virtio-blk-pci,{common}"),
            Bus::Sata => {
                let model = self.model.as_ref().map_or_else(String::new, |model| format!(",model={model}"));
                format!("ide-hd,bus=ide.{index},{common}{model}")
            }
        };
        vec!["-drive".to_owned(), drive, "-device".to_owned(), device]
    }
}

/// QEMU's option parser takes a comma as the next option unless it is doubled.
fn escaped(path: &Path) -> String {
    path.to_string_lossy().replace(',', ",,")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stick_is_a_removable_usb_disk() {
        assert_eq!(
            Disk::stick("/a,b.img", Format::Raw).arguments(0),
            [
                "-drive",
                "if=none,id=disk0,format=raw,cache=unsafe,discard=unmap,file=/a,,b.img",
                "-device",
                "usb-storage,removable=on,drive=disk0,serial=MAZETSTICK,bootindex=1",
            ]
        );
    }

    #[test]
    fn a_sata_disk_says_its_model_and_serial() {
        let arguments = Disk::sata("/d.qcow2", Format::Qcow2, "S1", "Old Disk").arguments(1);
        assert_eq!(arguments[3], "ide-hd,bus=ide.1,drive=disk1,serial=S1,bootindex=2,model=Old Disk");
    }
}
