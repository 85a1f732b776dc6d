//! The stick boots to the wizard under every firmware.

use std::fs;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use mazet_boot::firmware::Firmware;
use mazet_boot::watch::{Goal, watch};
use mazet_boot::{Failure, Qemu, gpt};

use crate::console;
use crate::inside::{self, System};
use crate::lab::Bench;

/// Legacy BIOS.
pub fn bios(bench: &Bench) -> Result<()> {
    live(bench, Firmware::Bios).map(drop)
}

/// UEFI.
pub fn uefi(bench: &Bench) -> Result<()> {
    let qemu = live(bench, Firmware::Uefi)?;
    qemu.shell()?.ask("test -d /sys/firmware/efi").context("it does not run under UEFI").map(drop)
}

/// UEFI with Secure Boot: not only switched on, but known to the kernel as enforced.
pub fn secure_boot(bench: &Bench) -> Result<()> {
    let qemu = live(bench, Firmware::SecureBoot)?;
    let shell = qemu.shell()?;
    let said = shell.ask("dmesg | grep -i 'secure boot' || true")?;
    ensure!(
        said.contains("Secure boot enabled"),
        "the kernel does not say that Secure Boot is enabled: {said:?}"
    );
    let lockdown = shell.ask("cat /sys/kernel/security/lockdown")?;
    ensure!(lockdown.contains("[integrity]"), "the kernel is not locked down: {lockdown}");
    Ok(())
}

/// One changed byte in the kernel: under Secure Boot the boot loader must stop.
pub fn changed_kernel(bench: &Bench) -> Result<()> {
    let image = bench.path("changed.img");
    let mut copy = Command::new("cp");
    copy.args(["--sparse=always", "--reflink=auto"]).arg(&bench.lab.image).arg(&image);
    ensure!(copy.status()?.success(), "copying the image to {} failed", image.display());
    change_kernel(bench, &image)?;
    let machine = bench.machine("changed", Firmware::SecureBoot).disk(bench.stick_of(&image, "stick.qcow2")?);
    let qemu = Qemu::start(&machine, &bench.lab.tools)?;
    let verdict = watch(&qemu, &machine, &Goal::wizard(), Duration::from_secs(600));
    drop(qemu);
    fs::remove_file(&image)?;
    match verdict.failure {
        Some(Failure::BootLoader) => Ok(()),
        _ => bail!("the boot loader should have refused the kernel\n{verdict}"),
    }
}

fn change_kernel(bench: &Bench, image: &std::path::Path) -> Result<()> {
    let kernel = bench.path("vmlinuz");
    let (drive, file) =
        (format!("{}@@{}", image.display(), gpt::esp_offset(image)?), kernel.to_string_lossy());
    let tools = &bench.lab.tools;
    tools.output("mcopy", &["-n", "-i", &drive, "::live/vmlinuz", &file])?;
    let mut bytes = fs::read(&kernel)?;
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(&kernel, bytes)?;
    tools.output("mcopy", &["-o", "-i", &drive, &file, "::live/vmlinuz"])?;
    fs::remove_file(&kernel).context("removing the changed kernel")
}

fn live(bench: &Bench, firmware: Firmware) -> Result<Qemu> {
    let machine = bench.machine(firmware.name(), firmware).disk(bench.stick("stick.qcow2")?);
    let qemu = bench.boot(&machine, &Goal::wizard())?;
    let code = console::claim_code(&qemu)?;
    ensure!(
        qemu.serial().look(|text| text.contains("https://mazet.local") && text.contains("https://10.0.2.15")),
        "the console does not show the box's addresses beside the claim code {code}"
    );
    inside::no_unit_failed(&qemu)?;
    inside::only_named_ports(&qemu, System::Live)?;
    qemu.screenshot(&bench.path("screen.png"))?;
    eprintln!("  {}: {} MiB of memory in use", firmware.name(), inside::memory_in_use(&qemu)?);
    Ok(qemu)
}
