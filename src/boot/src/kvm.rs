//! Does KVM run *this* kernel? Else emulation, and say so.
//!
//! `/dev/kvm` may be there, open and create a machine, and the guest still die of an
//! instruction that the host cannot emulate (seen where a cloud's hosts nest machines).
//! So the kernel to be tested is started for a moment, without disks; the answer is kept
//! until the host restarts.

use std::fmt;
use std::fs::{self, OpenOptions};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use clap::ValueEnum;
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};

use crate::error::BootError;
use crate::feed::Nothing;
use crate::firmware::Firmware;
use crate::gpt;
use crate::machine::{DirectKernel, Machine};
use crate::qemu::Qemu;
use crate::runner::Runner;

/// A kernel under working KVM comes to the end of the probe in two or three seconds.
const PATIENCE: Duration = Duration::from_secs(45);
/// Changes at every start of the host.
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";
/// What a kernel without any disk ends with: proof that it ran to the search for its root.
const RAN: &str = "Unable to mount root fs";

/// What executes the guest's instructions.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Accelerator {
    /// The host's processor.
    Kvm,
    /// QEMU's own translator, several times slower.
    Emulation,
}

impl fmt::Display for Accelerator {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Kvm => "KVM",
            Self::Emulation => "emulation",
        })
    }
}

impl Accelerator {
    pub(crate) fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::Kvm => &["-accel", "kvm", "-cpu", "host"],
            // An old PC's processor: what is donated, and less to translate.
            Self::Emulation => &["-accel", "tcg,thread=multi", "-cpu", "Nehalem,+rdrand"],
        }
    }
}

/// What the user wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Preference {
    /// KVM where it runs the kernel, else emulation.
    Auto,
    /// KVM, untested.
    Kvm,
    /// Emulation.
    Emulation,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Choice {
    /// What to run with.
    pub accelerator: Accelerator,
    /// One sentence for standard error.
    pub reason: String,
}

/// Chooses for the kernel of the raw image `image`; answers are kept in the folder `cache`.
///
/// # Errors
/// When the kernel cannot be taken out of the image or QEMU does not start at all.
pub fn choose(
    preference: Preference,
    image: &Path,
    runner: &Runner,
    cache: &Path,
) -> Result<Choice, BootError> {
    match preference {
        Preference::Kvm => Ok(choice(Accelerator::Kvm, "as asked")),
        Preference::Emulation => Ok(choice(Accelerator::Emulation, "as asked")),
        Preference::Auto => match usable() {
            Err(why) => Ok(choice(Accelerator::Emulation, &why)),
            Ok(()) => {
                let scratch = tempfile::tempdir().map_err(BootError::file("making a folder in", cache))?;
                let kernel = kernel_of(image, runner, scratch.path())?;
                remembered(&kernel, cache, || probe(&kernel, runner, scratch.path()))
            }
        },
    }
}

fn choice(accelerator: Accelerator, why: &str) -> Choice {
    Choice { accelerator, reason: format!("running with {accelerator}: {why}") }
}

fn usable() -> Result<(), String> {
    let device = Path::new("/dev/kvm");
    let opened = OpenOptions::new().read(true).write(true).open(device);
    opened.map(drop).map_err(|error| format!("{} cannot be used ({error})", device.display()))
}

/// Takes `live/vmlinuz` out of the image's FAT file system.
fn kernel_of(image: &Path, runner: &Runner, scratch: &Path) -> Result<PathBuf, BootError> {
    let image = image.canonicalize().map_err(BootError::file("opening", image))?;
    let kernel = scratch.join("vmlinuz");
    let drive = format!("{}@@{}", image.display(), gpt::esp_offset(&image)?);
    runner.output("mcopy", &["-n", "-i", &drive, "::live/vmlinuz", &kernel.to_string_lossy()])?;
    Ok(kernel)
}

/// The kept answer for this kernel on this run of the host, or `ask`'s, kept.
fn remembered(
    kernel: &Path,
    cache: &Path,
    ask: impl FnOnce() -> Result<Choice, BootError>,
) -> Result<Choice, BootError> {
    let bytes = fs::read(kernel).map_err(BootError::file("reading", kernel))?;
    let host = fs::read(BOOT_ID).map_err(BootError::file("reading", Path::new(BOOT_ID)))?;
    let digest = Sha256::new().chain_update(host).chain_update(bytes).finalize();
    let file = cache.join(format!("kvm-{}.json", hex(&digest[..12])));
    if let Some(kept) = fs::read(&file).ok().and_then(|text| serde_json::from_slice(&text).ok()) {
        return Ok(kept);
    }
    let found = ask()?;
    let text = serde_json::to_vec(&found).unwrap_or_default();
    fs::create_dir_all(cache).map_err(BootError::file("making", cache))?;
    fs::write(&file, text).map_err(BootError::file("writing", &file))?;
    Ok(found)
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Starts the kernel for a moment and watches it run or die.
fn probe(kernel: &Path, runner: &Runner, scratch: &Path) -> Result<Choice, BootError> {
    let mut machine = Machine::new("kvm-probe", Firmware::Bios, Accelerator::Kvm, scratch.join("probe.log"))
        .memory(512)
        .ending_on_restart();
    machine.guest_ports.clear();
    let arguments = "console=ttyS0,115200 panic=-1".to_owned();
    machine.kernel =
        Some(DirectKernel { kernel: kernel.to_owned(), initrd: None, device_tree: None, arguments });
    match Qemu::start(&machine, runner) {
        Err(BootError::Qemu { stderr, .. }) => {
            let why = stderr.lines().last().unwrap_or("QEMU ends with it").to_owned();
            Ok(choice(Accelerator::Emulation, &format!("KVM does not start here ({why})")))
        }
        Err(other) => Err(other),
        Ok(qemu) => Ok(judged(&qemu)),
    }
}

fn judged(qemu: &Qemu) -> Choice {
    let deadline = Instant::now() + PATIENCE;
    let dead =
        |why: &str| choice(Accelerator::Emulation, &format!("KVM does not run this kernel here ({why})"));
    loop {
        match qemu.serial().wait(Duration::from_millis(250), |text| text.contains(RAN).then_some(())) {
            Ok(()) => return choice(Accelerator::Kvm, "it runs this kernel"),
            Err(Nothing::Ended) => return dead("QEMU ended"),
            Err(Nothing::TimeOut) if broken(qemu) => return dead("internal error of KVM"),
            Err(Nothing::TimeOut) if Instant::now() >= deadline => return dead("no sign of life"),
            Err(Nothing::TimeOut) => {}
        }
    }
}

/// Did the accelerator give up on the guest? QEMU then stops it and keeps it stopped.
pub fn broken(qemu: &Qemu) -> bool {
    let stopped = qemu.monitor().events().iter().any(|event| event.name == "STOP");
    stopped
        && qemu
            .monitor()
            .execute("query-status", &json!({}))
            .is_ok_and(|answer| answer["status"] == "internal-error")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_kept_for_its_kernel() {
        let folder = tempfile::tempdir().expect("folder");
        let (kernel, cache) = (folder.path().join("vmlinuz"), folder.path().join("cache"));
        fs::write(&kernel, "one").expect("kernel");
        let broken = || Ok(choice(Accelerator::Emulation, "broken"));
        let first = remembered(&kernel, &cache, broken).expect("asked");
        assert_eq!(first.reason, "running with emulation: broken");
        let again = remembered(&kernel, &cache, || panic!("asked twice")).expect("kept");
        assert_eq!(again, first);
        fs::write(&kernel, "two").expect("kernel");
        let works = || Ok(choice(Accelerator::Kvm, "it runs this kernel"));
        assert_eq!(remembered(&kernel, &cache, works).expect("asked").accelerator, Accelerator::Kvm);
    }

    #[test]
    fn what_is_asked_for_is_not_probed() {
        let nowhere = Path::new("/nowhere");
        let found = choose(Preference::Emulation, nowhere, &Runner::default(), nowhere).expect("no probe");
        assert_eq!(found.accelerator, Accelerator::Emulation);
    }
}
