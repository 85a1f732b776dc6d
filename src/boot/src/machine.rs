//! The description of a machine and QEMU's arguments for it.

use std::path::{Path, PathBuf};

use crate::cable::Plug;
use crate::disk::{Bus, Disk};
use crate::error::BootError;
use crate::firmware::Firmware;
use crate::guest;
use crate::kvm::Accelerator;
use crate::runner::Runner;

/// What a restart of the guest does.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Restart {
    /// It restarts.
    Again,
    /// The machine ends: for installers that restart when they are done.
    End,
}

/// A kernel that QEMU loads itself, past firmware and boot loader.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DirectKernel {
    /// The kernel.
    pub kernel: PathBuf,
    /// Its initial RAM file system.
    pub initrd: Option<PathBuf>,
    /// Its device tree, on boards that do not make one themselves.
    pub device_tree: Option<PathBuf>,
    /// Its command line.
    pub arguments: String,
}

/// A machine that can be started with [`crate::Qemu::start`].
#[derive(Debug, Clone)]
pub struct Machine {
    /// Short name for process lists.
    pub name: String,
    /// Firmware.
    pub firmware: Firmware,
    /// KVM or emulation.
    pub accelerator: Accelerator,
    /// Memory in MiB (2^20 bytes).
    pub memory_mib: u32,
    /// Processors.
    pub processors: u32,
    /// Disks, tried in this order at boot.
    pub disks: Vec<Disk>,
    /// Started instead of what the disks hold.
    pub kernel: Option<DirectKernel>,
    /// Guest TCP ports that get a free port of the host's loopback each.
    pub guest_ports: Vec<u16>,
    /// The end of a cable that a second network card is plugged into.
    pub plug: Option<Plug>,
    /// What a restart does.
    pub restart: Restart,
    /// Where the raw serial log goes.
    pub log: PathBuf,
    /// Show the serial line on standard error as it comes.
    pub echo: bool,
    /// Hand a root shell in ([`guest`]).
    pub shell: bool,
}

/// Sockets that QEMU connects to; bound by us before it starts.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sockets<'a> {
    pub(crate) monitor: &'a Path,
    pub(crate) serial: &'a Path,
    pub(crate) shell: Option<&'a Path>,
}

impl Machine {
    /// A machine of 2 GiB and two processors without any disk, whose serial log goes to `log`.
    pub fn new(name: &str, firmware: Firmware, accelerator: Accelerator, log: impl Into<PathBuf>) -> Self {
        Self {
            name: name.to_owned(),
            firmware,
            accelerator,
            memory_mib: 2048,
            processors: 2,
            disks: Vec::new(),
            kernel: None,
            guest_ports: vec![443, 80],
            plug: None,
            restart: Restart::Again,
            log: log.into(),
            echo: false,
            shell: false,
        }
    }

    /// Adds a disk after the others.
    #[must_use]
    pub fn disk(mut self, disk: Disk) -> Self {
        self.disks.push(disk);
        self
    }

    /// Adds a network card at this end of a cable.
    #[must_use]
    pub fn plugged(mut self, plug: Plug) -> Self {
        self.plug = Some(plug);
        self
    }

    /// Hands a root shell in.
    #[must_use]
    pub fn with_shell(mut self) -> Self {
        self.shell = true;
        self
    }

    /// Ends the machine when the guest restarts.
    #[must_use]
    pub fn ending_on_restart(mut self) -> Self {
        self.restart = Restart::End;
        self
    }

    /// Runs with this much memory, in MiB.
    #[must_use]
    pub fn memory(mut self, mib: u32) -> Self {
        self.memory_mib = mib;
        self
    }

    pub(crate) fn arguments(
        &self,
        runner: &Runner,
        scratch: &Path,
        sockets: Sockets<'_>,
    ) -> Result<Vec<String>, BootError> {
        let mut arguments = self.board();
        arguments.extend(self.firmware.arguments(runner, scratch)?);
        arguments.extend(self.network());
        arguments.extend(self.plug.iter().flat_map(|plug| plug.arguments(self.firmware)));
        arguments.extend(self.lines(sockets));
        arguments.extend(self.kernel.iter().flat_map(|kernel| kernel.arguments(self)));
        if self.shell && !self.firmware.is_pi() {
            arguments.extend(guest::arguments());
        }
        if self.restart == Restart::End {
            arguments.push("-no-reboot".to_owned());
        }
        if self.disks.iter().any(|disk| disk.bus == Bus::UsbStick) {
            arguments.extend(owned(["-device", "qemu-xhci"]));
        }
        for (index, disk) in self.disks.iter().enumerate() {
            arguments.extend(disk.arguments(index));
        }
        Ok(arguments)
    }

    fn board(&self) -> Vec<String> {
        let mut arguments = owned(["-nodefaults", "-no-user-config", "-display", "none"]);
        arguments.extend(["-name".to_owned(), format!("mazet-{}", self.name)]);
        let size = ["-m".to_owned(), self.memory_mib.to_string()];
        let size = size.into_iter().chain(["-smp".to_owned(), self.processors_run().to_string()]);
        match self.firmware {
            // Its gibibyte of memory and its four cores cannot be chosen.
            Firmware::Raspi3b => {
                arguments.extend(owned(["-machine", "raspi3b", "-accel", "tcg,thread=multi"]));
            }
            Firmware::Virt => {
                arguments.extend(owned([
                    "-machine",
                    "virt",
                    "-cpu",
                    "cortex-a53",
                    "-accel",
                    "tcg,thread=multi",
                ]));
                arguments.extend(size);
                arguments.extend(owned(["-device", "virtio-rng-pci"]));
            }
            Firmware::Bios | Firmware::Uefi | Firmware::SecureBoot => {
                // Secure Boot's keys are only safe where system management mode guards them.
                let smm = if self.firmware == Firmware::SecureBoot { "on" } else { "off" };
                arguments.extend(["-vga".to_owned(), "std".to_owned()]);
                arguments.extend(["-machine".to_owned(), format!("q35,smm={smm}")]);
                arguments.extend(owned(self.accelerator.arguments().iter().copied()));
                arguments.extend(size);
                arguments.extend(owned(["-device", "virtio-rng-pci", "-boot", "menu=off"]));
            }
        }
        arguments
    }

    /// Each write to Secure Boot's variables brings all processors into system management mode
    /// together. QEMU's translator, which runs each on a thread of its own, was seen to lose a
    /// timer there and the kernel to wait for ever; one processor has nobody to wait for.
    fn processors_run(&self) -> u32 {
        match (self.firmware, self.accelerator) {
            (Firmware::SecureBoot, Accelerator::Emulation) => 1,
            _ => self.processors,
        }
    }

    /// Monitor, serial line and the shell's line.
    fn lines(&self, sockets: Sockets<'_>) -> Vec<String> {
        let line = |id: &str, path: &Path| {
            ["-chardev".to_owned(), format!("socket,id={id},path={}", path.display())]
        };
        let mut arguments = Vec::new();
        arguments.extend(line("monitor", sockets.monitor));
        arguments.extend(owned(["-mon", "chardev=monitor,mode=control"]));
        arguments.extend(line("serial", sockets.serial));
        if self.firmware == Firmware::Raspi3b {
            // The first line of a Pi 3 belongs to its Bluetooth; people connect to the second.
            arguments.extend(owned(["-serial", "null"]));
        }
        arguments.extend(owned(["-serial", "chardev:serial"]));
        if let Some(path) = sockets.shell {
            arguments.extend(line("shell", path));
            arguments.extend(match self.firmware {
                Firmware::Virt => {
                    owned(["-device", "virtio-serial-pci", "-device", "virtconsole,chardev=shell"])
                }
                _ => owned(["-serial", "chardev:shell"]),
            });
        }
        arguments
    }

    /// A user-mode network that reaches nothing outside: only the forwarded ports go in.
    fn network(&self) -> Vec<String> {
        let forward = |port: &u16| format!(",hostfwd=tcp:127.0.0.1:0-:{port}");
        let forwards: String = self.guest_ports.iter().map(forward).collect();
        let net = format!("user,id=net0,restrict=on{forwards}");
        let card = match self.firmware {
            // As on the board itself, where Ethernet is behind USB.
            Firmware::Raspi3b => "usb-net,netdev=net0",
            // No option ROM: the firmware must not try the network when a disk does not boot.
            _ => "virtio-net-pci,netdev=net0,romfile=",
        };
        vec!["-netdev".to_owned(), net, "-device".to_owned(), card.to_owned()]
    }
}

impl DirectKernel {
    fn arguments(&self, machine: &Machine) -> Vec<String> {
        let path = |path: &Path| path.to_string_lossy().into_owned();
        let mut arguments = vec!["-kernel".to_owned(), path(&self.kernel)];
        let mut line = self.arguments.clone();
        if machine.firmware == Firmware::Virt {
            // The kernel's last console is the one that units write to.
            line.push_str(" console=ttyAMA0");
            if machine.shell {
                line.push_str(&guest::kernel_arguments());
            }
        }
        arguments.extend(["-append".to_owned(), line]);
        arguments.extend(self.initrd.iter().flat_map(|initrd| ["-initrd".to_owned(), path(initrd)]));
        // The generic board makes its own.
        let tree = self.device_tree.iter().filter(|_| machine.firmware == Firmware::Raspi3b);
        arguments.extend(tree.flat_map(|tree| ["-dtb".to_owned(), path(tree)]));
        arguments
    }
}

fn owned<'a>(words: impl IntoIterator<Item = &'a str>) -> Vec<String> {
    words.into_iter().map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::Format;

    fn sockets() -> Sockets<'static> {
        Sockets { monitor: Path::new("/s/m"), serial: Path::new("/s/s"), shell: None }
    }

    #[test]
    fn a_machine_binds_no_fixed_port_and_reaches_nothing() {
        let scratch = tempfile::tempdir().expect("folder");
        let machine = Machine::new("t", Firmware::Bios, Accelerator::Emulation, "/l")
            .disk(Disk::stick("/i", Format::Raw));
        let arguments =
            machine.arguments(&Runner::default(), scratch.path(), sockets()).expect("arguments").join(" ");
        assert!(arguments.contains("restrict=on,hostfwd=tcp:127.0.0.1:0-:443,hostfwd=tcp:127.0.0.1:0-:80"));
        assert!(arguments.contains("-accel tcg,thread=multi"), "{arguments}");
        assert!(arguments.contains("-device qemu-xhci"), "{arguments}");
        assert!(!arguments.contains("-no-reboot"), "{arguments}");
    }

    #[test]
    fn a_plugged_machine_has_a_second_card() {
        let scratch = tempfile::tempdir().expect("folder");
        let cable = crate::cable::Cable::new().expect("cable");
        let [plug, _] = cable.ends();
        let mac = plug.mac;
        let machine = Machine::new("t", Firmware::Bios, Accelerator::Emulation, "/l").plugged(plug);
        let arguments =
            machine.arguments(&Runner::default(), scratch.path(), sockets()).expect("arguments").join(" ");
        assert_eq!(arguments.matches("-device virtio-net-pci").count(), 2, "{arguments}");
        assert!(arguments.contains(&format!("netdev=cable,mac={mac},romfile=")), "{arguments}");
    }

    #[test]
    fn secure_boot_guards_its_variables() {
        let machine = Machine::new("t", Firmware::SecureBoot, Accelerator::Kvm, "/l").ending_on_restart();
        let board = machine.board().join(" ");
        assert!(board.contains("q35,smm=on"), "{board}");
        assert!(board.contains("-accel kvm -cpu host"), "{board}");
        assert!(board.contains("-smp 2"), "{board}");
    }

    #[test]
    fn an_emulated_secure_boot_has_one_processor() {
        let machine = Machine::new("t", Firmware::SecureBoot, Accelerator::Emulation, "/l");
        let board = machine.board().join(" ");
        assert!(board.contains("-smp 1"), "{board}");
    }
}
