//! What every scenario is given.

use std::fmt;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result};
use mazet_boot::disk::{Disk, Format};
use mazet_boot::firmware::Firmware;
use mazet_boot::kvm::Accelerator;
use mazet_boot::watch::{Goal, watch};
use mazet_boot::{Failure, Machine, Qemu, Runner, Verdict};

/// Time for one boot: an emulated machine beside another emulated machine and a browser.
pub const BOOT: Duration = Duration::from_secs(1500);

/// The image under test and the programs to test it with.
#[derive(Debug, Clone)]
pub struct Lab {
    /// The raw image.
    pub image: PathBuf,
    /// Folder of everything that scenarios leave.
    pub artefacts: PathBuf,
    /// Mazet's own program.
    pub mazet: PathBuf,
    /// QEMU and its companions.
    pub tools: Runner,
    /// Chromium, curl.
    pub test_tree: Runner,
    /// The text of axe-core's script, for browsers.
    pub axe: Option<Arc<str>>,
    /// What executes the guests.
    pub accelerator: Accelerator,
    /// What the Raspberry Pi's scenarios need.
    pub pi: Option<Pi>,
}

/// The image for Raspberry Pis and the QEMU that boots it.
#[derive(Debug, Clone)]
pub struct Pi {
    /// The raw image.
    pub image: PathBuf,
    /// QEMU and its companions.
    pub tools: Runner,
}

/// The corner of the lab that one scenario works in.
#[derive(Debug, Clone)]
pub struct Bench {
    /// The lab.
    pub lab: Lab,
    /// The scenario's own folder, empty at its start.
    pub folder: PathBuf,
}

impl Lab {
    /// A fresh folder for the scenario `name`.
    pub fn bench(&self, name: &str) -> Result<Bench> {
        let folder = self.artefacts.join(name);
        if folder.exists() {
            fs::remove_dir_all(&folder).with_context(|| format!("emptying {}", folder.display()))?;
        }
        fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
        Ok(Bench { lab: self.clone(), folder })
    }

    /// What the Raspberry Pi's scenarios need.
    ///
    /// # Errors
    /// When this run was given no image for it.
    pub fn pi(&self) -> Result<&Pi> {
        self.pi.as_ref().context("no image for Raspberry Pis was given (--pi-image)")
    }

    /// A file that the scenario `name` leaves to later ones.
    pub fn left_by(&self, name: &str, file: &str) -> PathBuf {
        self.artefacts.join(name).join(file)
    }
}

impl Bench {
    /// A path in the scenario's folder.
    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.join(name)
    }

    /// A machine whose log is called `name`, with a shell and no disks.
    pub fn machine(&self, name: &str, firmware: Firmware) -> Machine {
        Machine::new(name, firmware, self.lab.accelerator, self.path(&format!("{name}.serial.log")))
            .with_shell()
    }

    /// A stick with the image under test; what the guest writes goes to the file `name`.
    /// The same name twice is the same stick.
    pub fn stick(&self, name: &str) -> Result<Disk> {
        self.stick_of(&self.lab.image, name)
    }

    /// A stick with another image.
    pub fn stick_of(&self, image: &Path, name: &str) -> Result<Disk> {
        let file = self.path(name);
        if !file.exists() {
            Disk::overlay(&self.lab.tools, image, Format::Raw, &file)?;
        }
        Ok(Disk::stick(file, Format::Qcow2))
    }

    /// An empty SATA disk of `gib` GiB, known by its serial.
    pub fn blank(&self, serial: &str, gib: u64) -> Result<Disk> {
        let file = self.path(&format!("{serial}.qcow2"));
        Disk::blank(&self.lab.tools, &file, gib << 30)?;
        Ok(Disk::sata(file, Format::Qcow2, serial, "Mazet Test Disk"))
    }

    /// A SATA disk over the qcow2 file `original`, which stays as it is.
    pub fn copy_of(&self, original: &Path, serial: &str, name: &str) -> Result<Disk> {
        let file = self.path(name);
        Disk::overlay(&self.lab.tools, original, Format::Qcow2, &file)?;
        Ok(Disk::sata(file, Format::Qcow2, serial, "Mazet Test Disk"))
    }

    /// Starts `machine` and waits until `goal` is reached; any other end is an error that
    /// shows the whole verdict.
    pub fn boot(&self, machine: &Machine, goal: &Goal) -> Result<Qemu> {
        let qemu = Qemu::start(machine, &self.lab.tools)?;
        let verdict = watch(&qemu, machine, goal, BOOT);
        if verdict.reached() {
            eprintln!("  {}: {}", machine.name, verdict.summary());
        } else {
            // A picture of the screen often shows what the serial line does not.
            let _ = qemu.screenshot(&self.path(&format!("{}.screen.png", machine.name)));
        }
        reached(verdict)?;
        Ok(qemu)
    }
}

/// An error that keeps the verdict unless it is that the goal was reached.
pub fn reached(verdict: Verdict) -> Result<(), Unreached> {
    if verdict.reached() { Ok(()) } else { Err(Unreached(verdict)) }
}

/// A boot that did not reach its goal, as an error that keeps the verdict.
#[derive(Debug)]
pub struct Unreached(Verdict);

impl fmt::Display for Unreached {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

impl std::error::Error for Unreached {}

impl Unreached {
    /// Did the emulator, and nothing that we built, end the boot? It stood still, or found itself in a state that its
    /// own authors hold to be impossible.
    pub fn is_emulators(&self) -> bool {
        let Verdict { failure, accelerator, detail, .. } = &self.0;
        let fault = match failure {
            Some(Failure::Stalled) => true,
            Some(Failure::QemuStart) => detail.contains(": Assertion `"),
            _ => false,
        };
        fault && *accelerator == Accelerator::Emulation
    }
}
