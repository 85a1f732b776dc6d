//! The typed end of a boot.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Serialize, Serializer};

use crate::firmware::Firmware;
use crate::kvm::Accelerator;
use crate::stage::Stage;

/// What ended a boot before its goal.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Failure {
    /// The host lacks something: a tool, a file, space.
    HostSetup,
    /// QEMU did not start, or died.
    QemuStart,
    /// The firmware found nothing that it may boot.
    Firmware,
    /// GRUB stopped.
    BootLoader,
    /// The kernel stopped.
    Kernel,
    /// A processor of the guest stands still, and the kernel says so again and again: under
    /// emulation, a fault of the emulator (a timer that never rings) more often than of the guest.
    Stalled,
    /// The initial RAM file system did not find its root.
    Initrd,
    /// A systemd unit of ours failed.
    UnitFailed,
    /// The system is up and the page does not answer as it should.
    HealthCheck,
    /// The time was up; the stage tells where.
    TimeOut,
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::HostSetup => "host set-up",
            Self::QemuStart => "QEMU start",
            Self::Firmware => "firmware",
            Self::BootLoader => "boot loader",
            Self::Kernel => "kernel",
            Self::Stalled => "stalled",
            Self::Initrd => "initrd",
            Self::UnitFailed => "unit failed",
            Self::HealthCheck => "health check",
            Self::TimeOut => "time-out",
        })
    }
}

/// How a boot ended.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "kebab-case")]
pub struct Verdict {
    /// What was to be reached: `wizard`, `home`.
    pub goal: String,
    /// `None`: the goal was reached.
    pub failure: Option<Failure>,
    /// The last stage seen.
    pub stage: Stage,
    /// In one sentence: what was seen.
    pub detail: String,
    /// From QEMU's start, in seconds.
    #[serde(rename = "seconds", serialize_with = "seconds")]
    pub time: Duration,
    /// What it booted with.
    pub firmware: Firmware,
    /// KVM or emulation.
    pub accelerator: Accelerator,
    /// The raw serial log.
    pub log: PathBuf,
    /// The last lines of the serial line, control sequences taken out.
    pub last_lines: Vec<String>,
}

fn seconds<S: Serializer>(time: &Duration, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_f64((time.as_secs_f64() * 10.0).round() / 10.0)
}

impl Verdict {
    /// Was the goal reached?
    pub fn reached(&self) -> bool {
        self.failure.is_none()
    }

    /// One line: `bios: reached wizard in 93 s (emulation)`.
    pub fn summary(&self) -> String {
        let (firmware, goal) = (self.firmware.name(), &self.goal);
        let (seconds, accelerator) = (self.time.as_secs(), self.accelerator);
        match self.failure {
            None => format!("{firmware}: reached {goal} in {seconds} s ({accelerator})"),
            Some(failure) => {
                let stage = self.stage;
                let detail = &self.detail;
                format!("{firmware}: {failure} after {seconds} s, at {stage} ({accelerator}): {detail}")
            }
        }
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(formatter, "{}", self.summary())?;
        if !self.reached() {
            for line in &self.last_lines {
                writeln!(formatter, "    | {line}")?;
            }
            writeln!(formatter, "whole serial log: {}", self.log.display())?;
        }
        Ok(())
    }
}

#[cfg(test)]
pub(crate) fn example(failure: Option<Failure>) -> Verdict {
    Verdict {
        goal: "wizard".to_owned(),
        failure,
        stage: Stage::Kernel,
        detail: "Kernel panic - not syncing: <VFS>".to_owned(),
        time: Duration::from_millis(93_440),
        firmware: Firmware::Bios,
        accelerator: Accelerator::Emulation,
        log: PathBuf::from("/log/serial.log"),
        last_lines: vec!["one".to_owned(), "two & \u{1}three".to_owned()],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reached_goal_is_one_line() {
        assert_eq!(example(None).to_string(), "bios: reached wizard in 93 s (emulation)\n");
    }

    #[test]
    fn a_failure_shows_type_stage_lines_and_log() {
        assert_eq!(
            example(Some(Failure::Kernel)).to_string(),
            "bios: kernel after 93 s, at kernel (emulation): Kernel panic - not syncing: <VFS>\n    | one\n    \
             | two & \u{1}three\nwhole serial log: /log/serial.log\n"
        );
    }

    #[test]
    fn programs_read_the_type() {
        let json = serde_json::to_value(example(Some(Failure::UnitFailed))).expect("json");
        assert_eq!(json["failure"], "unit-failed");
        assert_eq!(json["seconds"], 93.4);
    }
}
