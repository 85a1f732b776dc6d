//! The arguments of `mazet boot`, and the boot that they describe.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, ValueEnum};

use crate::disk::{Disk, Format};
use crate::error::BootError;
use crate::firmware::Firmware;
use crate::gpt;
use crate::junit;
use crate::kvm::{self, Accelerator, Choice, Preference};
use crate::machine::Machine;
use crate::pi;
use crate::qemu::Qemu;
use crate::runner::Runner;
use crate::stage::Stage;
use crate::verdict::{Failure, Verdict};
use crate::watch::{Goal, watch};

/// Bytes of a gibibyte.
const GIB: u64 = 1 << 30;

/// What a boot is to reach.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Until {
    /// The live system's claim page answers.
    Wizard,
    /// The installed box's home page answers.
    Home,
}

impl Until {
    /// The page that is asked for.
    pub fn goal(self) -> Goal {
        match self {
            Self::Wizard => Goal::wizard(),
            Self::Home => Goal::home(),
        }
    }
}

/// Boots an image in QEMU and says how far it came.
#[derive(Debug, Clone, Args)]
pub struct BootArgs {
    /// A recipe's name (its last built image is booted) or an image file.
    #[arg(value_name = "RECIPE|IMAGE")]
    pub target: String,
    /// The firmware or board to boot with [default: bios; raspi3b for a Raspberry Pi's image].
    #[arg(long, value_enum)]
    pub firmware: Option<Firmware>,
    /// What to wait for.
    #[arg(long, value_enum, default_value = "wizard")]
    pub until: Until,
    /// Give up after this many seconds.
    #[arg(long, value_name = "SECONDS", default_value_t = 900)]
    pub timeout: u64,
    /// Memory of the machine, in MiB.
    #[arg(long, value_name = "MIB", default_value_t = 2048)]
    pub memory: u32,
    /// Attach this disk as well (qcow2; made with 16 GiB when it is missing). May be given twice.
    #[arg(long = "disk", value_name = "FILE")]
    pub disks: Vec<PathBuf>,
    /// Leave the image out and boot from the disks alone.
    #[arg(long, requires = "disks")]
    pub without_stick: bool,
    /// What executes the guest.
    #[arg(long, value_enum, default_value = "auto")]
    pub accelerator: Preference,
    /// Write the verdict as JUnit XML.
    #[arg(long, value_name = "FILE")]
    pub junit: Option<PathBuf>,
    /// Show the serial line as it comes.
    #[arg(long)]
    pub serial: bool,
    /// Keep the machine running when the goal is reached, until it is switched off or Ctrl-C.
    #[arg(long)]
    pub stay: bool,
    /// Print the verdict as JSON.
    #[arg(long)]
    pub json: bool,
}

impl BootArgs {
    /// The firmware asked for, or what `image` is made for.
    fn firmware(&self, image: &Path) -> Firmware {
        self.firmware.unwrap_or_else(|| match gpt::esp_offset(image) {
            Err(BootError::Image { .. }) => Firmware::Raspi3b,
            _ => Firmware::Bios,
        })
    }
}

/// Where a boot finds and leaves things.
#[derive(Debug, Clone)]
pub struct Places {
    /// The raw image.
    pub image: PathBuf,
    /// Folder for the serial log (`boot-<firmware>.log`), also of the stick's overlay.
    pub logs: PathBuf,
    /// Folder where the answers of KVM probes are kept.
    pub cache: PathBuf,
}

/// Boots as `args` say; errors of the host become verdicts too. `talk` gets lines for
/// standard error. The machine comes back when it still runs.
pub fn run(
    args: &BootArgs,
    places: &Places,
    runner: &Runner,
    talk: &mut dyn FnMut(&str),
) -> (Verdict, Option<Qemu>) {
    let mut outcome = attempt(args, places, runner, talk, args.accelerator);
    let broken = |verdict: &Verdict| {
        verdict.failure == Some(Failure::QemuStart) && verdict.accelerator == Accelerator::Kvm
    };
    if args.accelerator == Preference::Auto && outcome.as_ref().is_ok_and(|(verdict, _)| broken(verdict)) {
        talk("KVM ran the probe and not the boot: once more with emulation");
        drop(outcome);
        outcome = attempt(args, places, runner, talk, Preference::Emulation);
    }
    outcome.unwrap_or_else(|error| (refused(args, places, &error), None))
}

/// Writes the JUnit report if one was asked for.
///
/// # Errors
/// When the file cannot be written.
pub fn write_junit(args: &BootArgs, verdict: &Verdict) -> Result<(), BootError> {
    let Some(file) = &args.junit else { return Ok(()) };
    let report = junit::report("mazet boot", &[verdict.into()]);
    fs::write(file, report).map_err(BootError::file("writing", file))
}

fn attempt(
    args: &BootArgs,
    places: &Places,
    runner: &Runner,
    talk: &mut dyn FnMut(&str),
    preference: Preference,
) -> Result<(Verdict, Option<Qemu>), BootError> {
    fs::create_dir_all(&places.logs).map_err(BootError::file("making", &places.logs))?;
    let firmware = args.firmware(&places.image);
    // What is gone after this start; QEMU has it open.
    let scratch = tempfile::Builder::new().prefix("boot-").tempdir_in(&places.logs);
    let scratch = scratch.map_err(BootError::file("making a folder in", &places.logs))?;
    let machine = if firmware.is_pi() {
        talk("running with emulation: a Raspberry Pi's processor is not this computer's");
        pi_machine(args, places, runner, firmware, scratch.path())?
    } else {
        let Choice { accelerator, reason } = kvm::choose(preference, &places.image, runner, &places.cache)?;
        talk(&reason);
        machine(args, places, runner, accelerator, scratch.path())?
    };
    let started = Qemu::start(&machine, runner);
    drop(scratch);
    let qemu = started?;
    let goal = args.until.goal();
    talk(&format!("serial log: {}", machine.log.display()));
    let verdict = watch(&qemu, &machine, &goal, Duration::from_secs(args.timeout));
    if !verdict.reached() {
        return Ok((verdict, None));
    }
    talk(&format!("answers at {}", goal.url(&qemu)?));
    Ok((verdict, Some(qemu)))
}

fn machine(
    args: &BootArgs,
    places: &Places,
    runner: &Runner,
    accelerator: Accelerator,
    scratch: &Path,
) -> Result<Machine, BootError> {
    let firmware = args.firmware(&places.image);
    let mut machine = Machine::new("boot", firmware, accelerator, log(places, firmware)).memory(args.memory);
    machine.echo = args.serial;
    if !args.without_stick {
        let stick = scratch.join("stick.qcow2");
        Disk::overlay(runner, &places.image, Format::Raw, &stick)?;
        machine = machine.disk(Disk::stick(stick, Format::Qcow2));
    }
    for (index, file) in args.disks.iter().enumerate() {
        machine = machine.disk(sata(runner, file, index)?);
    }
    Ok(machine)
}

/// A Pi with a copy of the image as its card.
fn pi_machine(
    args: &BootArgs,
    places: &Places,
    runner: &Runner,
    firmware: Firmware,
    scratch: &Path,
) -> Result<Machine, BootError> {
    let card = scratch.join("card.img");
    pi::card(&places.image, &card)?;
    let mut machine = Machine::new("boot", firmware, Accelerator::Emulation, log(places, firmware));
    machine.echo = args.serial;
    machine.kernel = Some(pi::start_files(&card, runner, scratch, "")?);
    Ok(machine.memory(args.memory).disk(Disk::card(card, firmware)))
}

fn log(places: &Places, firmware: Firmware) -> PathBuf {
    places.logs.join(format!("boot-{}.log", firmware.name()))
}

fn sata(runner: &Runner, file: &Path, index: usize) -> Result<Disk, BootError> {
    if !file.exists() {
        Disk::blank(runner, file, 16 * GIB)?;
    }
    let file = file.canonicalize().map_err(BootError::file("opening", file))?;
    Ok(Disk::sata(file, Format::Qcow2, &format!("DISK{index}"), "QEMU HARDDISK"))
}

fn refused(args: &BootArgs, places: &Places, error: &BootError) -> Verdict {
    Verdict {
        goal: args.until.goal().name,
        failure: Some(error.failure()),
        stage: Stage::Nothing,
        detail: error.to_string(),
        time: Duration::ZERO,
        firmware: args.firmware(&places.image),
        accelerator: Accelerator::Emulation,
        log: log(places, args.firmware(&places.image)),
        last_lines: Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;

    #[derive(Debug, Parser)]
    struct Program {
        #[command(flatten)]
        boot: BootArgs,
    }

    #[test]
    fn a_missing_image_is_a_verdict_about_the_host() {
        let folder = tempfile::tempdir().expect("folder");
        let path = |name: &str| folder.path().join(name);
        let args = Program::parse_from(["boot", "pc", "--accelerator", "emulation", "--until", "home"]).boot;
        let places = Places { image: path("none.img"), logs: path("logs"), cache: path("cache") };
        let (verdict, qemu) = run(&args, &places, &Runner::default(), &mut |_| {});
        assert!(qemu.is_none());
        assert_eq!((verdict.failure, verdict.goal.as_str()), (Some(Failure::HostSetup), "home"));
        assert!(verdict.detail.starts_with("opening "), "{}", verdict.detail);
    }
}
