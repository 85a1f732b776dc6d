//! How far a boot is, from its serial text.

use std::fmt;

use serde::Serialize;

use crate::verdict::Failure;

/// Who runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Stage {
    /// Nobody yet.
    Nothing,
    /// SeaBIOS or OVMF.
    Firmware,
    /// Shim and GRUB.
    BootLoader,
    /// Linux, before its initial RAM file system.
    Kernel,
    /// The initial RAM file system.
    Initrd,
    /// systemd on the real root.
    System,
    /// The target that holds our units is reached.
    Up,
}

impl fmt::Display for Stage {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Nothing => "power-on",
            Self::Firmware => "firmware",
            Self::BootLoader => "boot loader",
            Self::Kernel => "kernel",
            Self::Initrd => "initrd",
            Self::System => "system start",
            Self::Up => "running system",
        })
    }
}

impl Stage {
    /// The failure that an end in this stage is.
    pub fn failure(self) -> Failure {
        match self {
            Self::Nothing | Self::Firmware => Failure::Firmware,
            Self::BootLoader => Failure::BootLoader,
            Self::Kernel => Failure::Kernel,
            Self::Initrd => Failure::Initrd,
            Self::System => Failure::UnitFailed,
            Self::Up => Failure::HealthCheck,
        }
    }
}

/// A text that tells that a stage has begun. "Loading Linux" is the boot loader's own
/// promise, not the kernel's word.
const MARKS: &[(&str, Stage)] = &[
    ("SeaBIOS (version", Stage::Firmware),
    ("BdsDxe: ", Stage::Firmware),
    ("Booting from Hard Disk", Stage::BootLoader),
    ("BdsDxe: starting Boot", Stage::BootLoader),
    ("Welcome to GRUB!", Stage::BootLoader),
    ("GNU GRUB", Stage::BootLoader),
    ("Booting `", Stage::BootLoader),
    ("] Linux version ", Stage::Kernel),
    ("EFI stub: ", Stage::Kernel),
    ("Run /init as init process", Stage::Initrd),
    ("Loading, please wait...", Stage::Initrd),
    ("Begin: ", Stage::Initrd),
    ("systemd[1]: ", Stage::System),
    ("Welcome to Debian GNU/Linux", Stage::System),
    ("Reached target mazet-live.target", Stage::Up),
    ("Reached target multi-user.target", Stage::Up),
];

/// A text after which nothing more can come of this boot, and the stages that may say it.
const ENDS: &[(&str, Failure, Stage, Stage)] = &[
    ("No bootable device", Failure::Firmware, Stage::Nothing, Stage::BootLoader),
    ("No bootable option or device was found", Failure::Firmware, Stage::Nothing, Stage::BootLoader),
    ("UEFI Interactive Shell", Failure::Firmware, Stage::Nothing, Stage::BootLoader),
    ("Security Violation", Failure::BootLoader, Stage::Nothing, Stage::BootLoader),
    ("bad shim signature", Failure::BootLoader, Stage::Nothing, Stage::BootLoader),
    ("grub rescue>", Failure::BootLoader, Stage::Nothing, Stage::BootLoader),
    ("grub>", Failure::BootLoader, Stage::Nothing, Stage::BootLoader),
    ("you need to load the kernel first", Failure::BootLoader, Stage::Nothing, Stage::BootLoader),
    ("(initramfs)", Failure::Initrd, Stage::Kernel, Stage::Initrd),
    ("BOOT FAILED!", Failure::Initrd, Stage::Kernel, Stage::Initrd),
    ("Unable to find a medium containing a live file system", Failure::Initrd, Stage::Kernel, Stage::Initrd),
    ("You are in emergency mode", Failure::UnitFailed, Stage::Initrd, Stage::Up),
    ("You are in rescue mode", Failure::UnitFailed, Stage::Initrd, Stage::Up),
];

/// A unit whose name or description holds this is ours: its failure ends the boot.
const OURS: &str = "mazet";

/// The fatal end that a serial text tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct End {
    /// What it is.
    pub failure: Failure,
    /// The line that tells it.
    pub line: String,
}

/// Reads a growing serial text.
#[derive(Debug)]
pub struct Reader {
    /// Bytes of whole lines read so far.
    read: usize,
    stage: Stage,
    end: Option<End>,
    failed: Vec<String>,
    /// The grace period of the kernel's last report of a stall.
    stalled: Option<i64>,
}

impl Default for Reader {
    fn default() -> Self {
        Self { read: 0, stage: Stage::Nothing, end: None, failed: Vec::new(), stalled: None }
    }
}

impl Reader {
    /// Reads what `text` has more than the last time. A prompt at its end counts, and is
    /// read again when its line goes on.
    pub fn read(&mut self, text: &str) {
        let new = text.get(self.read..).unwrap_or_default();
        for line in new.lines() {
            self.line(line);
        }
        self.read += new.rfind('\n').map_or(0, |at| at + 1);
    }

    /// The furthest stage seen.
    pub fn stage(&self) -> Stage {
        self.stage
    }

    /// The fatal end, if one was told.
    pub fn end(&self) -> Option<&End> {
        self.end.as_ref()
    }

    /// Units of Debian's that failed, each line once.
    pub fn failed(&self) -> &[String] {
        &self.failed
    }

    fn line(&mut self, line: &str) {
        for (mark, stage) in MARKS {
            if *stage > self.stage && line.contains(mark) {
                self.stage = *stage;
            }
        }
        if self.end.is_some() {
            return;
        }
        let failure = fatal(line, self.stage).or_else(|| self.stall(line));
        self.end = failure.map(|failure| End { failure, line: line.trim().to_owned() });
        if self.end.is_none() && failed_unit(line) && !self.failed.iter().any(|known| known == line.trim()) {
            self.failed.push(line.trim().to_owned());
        }
    }

    /// A busy host makes a guest stall for a while. Only a second report of one and the same
    /// grace period, a minute of the kernel's time after the first, tells that it lasts.
    fn stall(&mut self, line: &str) -> Option<Failure> {
        let period = stalled_period(line)?;
        let again = self.stalled.replace(period) == Some(period);
        again.then_some(Failure::Stalled)
    }
}

/// The grace period that a report of the kernel's stall detector names
/// (Documentation/RCU/stallwarn.rst of Linux): `(detected by 0, t=5252 jiffies, g=-1155, q=2 ncpus=2)`.
fn stalled_period(line: &str) -> Option<i64> {
    let (_, report) = line.split_once("rcu: ")?;
    let (_, rest) = report.split_once("jiffies")?;
    let (_, number) = rest.split_once(" g=")?;
    number.split([',', ' ']).next()?.parse().ok()
}

fn fatal(line: &str, stage: Stage) -> Option<Failure> {
    if line.contains("Kernel panic - not syncing") {
        return Some(if stage == Stage::Initrd { Failure::Initrd } else { Failure::Kernel });
    }
    if failed_unit(line) && line.to_lowercase().contains(OURS) {
        return Some(Failure::UnitFailed);
    }
    let end = ENDS.iter().find(|(text, _, from, to)| line.contains(text) && (*from..=*to).contains(&stage));
    end.map(|(_, failure, _, _)| *failure)
}

fn failed_unit(line: &str) -> bool {
    let line = line.trim_start();
    line.starts_with("[FAILED] Failed to ") || line.starts_with("[DEPEND] Dependency failed for ")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> (Stage, Option<Failure>) {
        let mut reader = Reader::default();
        reader.read(text);
        (reader.stage(), reader.end().map(|end| end.failure))
    }

    #[test]
    fn the_boot_loaders_promise_is_not_the_kernel() {
        assert_eq!(read("Welcome to GRUB!\nLoading Linux 6.12.57 ...\n"), (Stage::BootLoader, None));
    }

    #[test]
    fn stages_follow_each_other() {
        let mut reader = Reader::default();
        let mut text = String::new();
        let steps = [
            ("SeaBIOS (version 1.16.3)\n", Stage::Firmware),
            ("Booting from Hard Disk...\n", Stage::BootLoader),
            ("[    0.000000] Linux version 6.12", Stage::Kernel),
            ("\n[ 3.2] Run /init as init process\n", Stage::Initrd),
            ("[   20.1] systemd[1]: Detected architecture x86-64.\n", Stage::System),
            ("[  OK  ] Reached target mazet-live.target - Mazet.\n", Stage::Up),
        ];
        for (piece, stage) in steps {
            text.push_str(piece);
            reader.read(&text);
            assert_eq!(reader.stage(), stage, "after {piece:?}");
        }
        assert_eq!(reader.end(), None);
    }

    #[test]
    fn a_prompt_without_line_end_counts() {
        assert_eq!(
            read("error: file `/live/vmlinuz' not found.\ngrub rescue> "),
            (Stage::Nothing, Some(Failure::BootLoader))
        );
        assert_eq!(
            read("[ 1.0] Linux version 6\nBegin: Mounting root\n(initramfs) "),
            (Stage::Initrd, Some(Failure::Initrd))
        );
    }

    #[test]
    fn panics_belong_to_who_ran() {
        let panic = "[ 2.1] Kernel panic - not syncing: VFS: Unable to mount root fs\n";
        assert_eq!(read(&format!("[ 0.0] Linux version 6\n{panic}")).1, Some(Failure::Kernel));
        let initrd = "[ 0.0] Linux version 6\nRun /init as init process\n";
        assert_eq!(read(&format!("{initrd}{panic}")).1, Some(Failure::Initrd));
    }

    #[test]
    fn a_stall_ends_a_boot_when_it_lasts() {
        let report = |time: u32, period: i32| {
            format!(
                "[ {time}.1] rcu: INFO: rcu_preempt detected stalls on CPUs/tasks:\n\
                 [ {time}.2] rcu: \t1-...!: (0 ticks this GP) idle=7688/0/0x0 softirq=50/50 fqs=0\n\
                 [ {time}.3] rcu: \t(detected by 0, t=5252 jiffies, g={period}, q=2 ncpus=2)\n\
                 [ {time}.4] rcu: rcu_preempt kthread starved for 5252 jiffies! g{period} f0x0 ->cpu=1\n"
            )
        };
        let kernel = "[ 0.0] Linux version 6\n";
        assert_eq!(read(&format!("{kernel}{}{}", report(30, -1155), report(99, -1091))).1, None);
        let lasting = format!("{kernel}{}{}", report(30, -1155), report(93, -1155));
        assert_eq!(read(&lasting).1, Some(Failure::Stalled));
        let itself = "[ 51.2] rcu: \t(t=2103 jiffies g=77 q=2 ncpus=2)\n";
        assert_eq!(read(&format!("{kernel}{itself}{itself}")).1, Some(Failure::Stalled));
    }

    #[test]
    fn only_our_units_end_a_boot() {
        let mut reader = Reader::default();
        let debian = "[FAILED] Failed to start apt-daily.service - Daily apt activities.\n";
        reader.read(&format!("systemd[1]: x\n{debian}{debian}"));
        assert_eq!((reader.end(), reader.failed().len()), (None, 1));
        let ours = "[FAILED] Failed to start mazet-broker.service - Mazet's broker.\n";
        reader.read(&format!("systemd[1]: x\n{debian}{debian}{ours}"));
        let end = reader.end().expect("ours");
        assert_eq!((end.failure, end.line.as_str()), (Failure::UnitFailed, ours.trim()));
    }

    #[test]
    fn a_refused_signature_is_the_boot_loaders_end() {
        let text = "BdsDxe: starting Boot0001 \"UEFI QEMU USB\"\nerror: bad shim signature.\n";
        assert_eq!(read(text), (Stage::BootLoader, Some(Failure::BootLoader)));
        assert_eq!(read("BdsDxe: No bootable option or device was found.\n").1, Some(Failure::Firmware));
    }

    #[test]
    fn a_pages_words_in_a_running_system_end_nothing() {
        let text = "[  OK  ] Reached target multi-user.target - Multi-User.\nsomebody typed grub> here\n";
        assert_eq!(read(text), (Stage::Up, None));
    }
}
