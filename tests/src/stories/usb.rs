//! `mazet flash` on real block devices: the USB sticks of a virtual machine.

use std::fs::{self, File};
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use mazet_boot::Qemu;
use mazet_boot::disk::{Disk, Format};
use mazet_boot::firmware::Firmware;
use mazet_boot::guest::{GuestShell, Output};
use mazet_boot::watch::Goal;
use serde_json::{Value, json};

use crate::lab::Bench;

/// Serial number of the stick that is written.
const SERIAL: &str = "SECOND";
/// What QEMU's sticks tell of themselves.
const MODEL: &str = "QEMU HARDDISK";
/// An ordinary user who may ask for privileges.
const USER: &str = "volunteer";
/// Bytes of the image that is written whole: large enough for several pieces.
const IMAGE: usize = 24 << 20;
/// An emulated machine writes slowly.
const PATIENCE: Duration = Duration::from_secs(900);

/// A stick is told from the system's own, written, verified; then pulled out while it is written.
pub fn sticks(bench: &Bench) -> Result<()> {
    let image: Vec<u8> =
        (0..IMAGE).map(|n| u8::try_from(n / 512 * 7 % 251 + 1).unwrap_or_default()).collect();
    let stick = bench.path("second.img");
    File::create(&stick)?.set_len(2 << 30)?;
    let second = Disk { serial: SERIAL.to_owned(), ..Disk::stick(&stick, Format::Raw) };
    let cargo = Disk::sata(cargo(bench, &image)?, Format::Raw, "CARGO", "Cargo");
    let machine = bench.machine("bios", Firmware::Bios).disk(bench.stick("stick.qcow2")?);
    let qemu = bench.boot(&machine.disk(second).disk(cargo), &Goal::wizard())?;
    let shell = qemu.shell()?;
    shell.wait_ready(Duration::from_secs(300))?;
    shell.ask("tar -xf /dev/disk/by-id/ata-*CARGO -C /tmp")?;
    shell.ask(&format!(
        "useradd {USER} && umask 337 && echo '{USER} ALL=(root) NOPASSWD: ALL' > /etc/sudoers.d/{USER}"
    ))?;
    let name = listed(shell)?;
    system_is_refused(shell)?;
    swap_is_refused(shell, &name)?;
    let flash = flash("a.img", &name);
    let output = shell.run(&flash, PATIENCE)?;
    ensure!(output.status == 0, "flashing ended with {}: {}", output.status, output.text);
    ensure!(output.text.contains("sudo asks for them"), "no privileges were needed: {}", output.text);
    let written = fs::read(&stick)?;
    ensure!(written[..IMAGE] == image[..], "the stick does not hold the image");
    let [head, tail] = [&written[IMAGE..IMAGE + 4096], &written[written.len() - 4096..]];
    ensure!(head.iter().chain(tail).all(|byte| *byte == 0), "more than the image was written");
    unplugged(&qemu, shell, &name)?;
    drop(qemu);
    fs::remove_file(&stick).context("removing the stick")
}

/// Mazet's own program and an image, on a disk that holds nothing but an archive.
fn cargo(bench: &Bench, image: &[u8]) -> Result<std::path::PathBuf> {
    let (folder, archive) = (bench.path("cargo"), bench.path("cargo.tar"));
    fs::create_dir_all(&folder)?;
    fs::copy(&bench.lab.mazet, folder.join("mazet")).context("copying Mazet's program")?;
    fs::write(folder.join("a.img"), image)?;
    let words = |path: &Path| path.to_string_lossy().into_owned();
    let arguments = ["-cf", &words(&archive), "-C", &words(&folder), "mazet", "a.img"];
    bench.lab.tools.output("tar", &arguments).context("packing the cargo")?;
    fs::remove_dir_all(&folder)?;
    Ok(archive)
}

/// The second stick is offered, and nothing else is shown; gives its kernel name.
fn listed(shell: &GuestShell) -> Result<String> {
    let text = shell.ask("/tmp/mazet flash --list --json")?;
    let devices: Vec<Value> = serde_json::from_str(&text).with_context(|| format!("reading {text}"))?;
    let [device] = &devices[..] else { anyhow::bail!("one stick should be offered: {text}") };
    ensure!(device["serial"] == SERIAL && device["refusal"].is_null(), "another stick is offered: {device}");
    ensure!(device["model"].as_str().is_some_and(|model| model.ends_with(MODEL)), "its model: {device}");
    Ok(device["name"].as_str().unwrap_or_default().to_owned())
}

/// `mazet flash` without questions, as the ordinary user.
fn flash(image: &str, name: &str) -> String {
    let model = format!("$(lsblk -dno VENDOR,MODEL /dev/{name})");
    format!(
        "runuser -u {USER} -- env XDG_CONFIG_HOME=/tmp/config /tmp/mazet flash /tmp/{image} --no-answers --json --device {name} \
         --yes-erase \"{model}\""
    )
}

/// The stick that the machine runs from is not erased, whatever is typed.
fn system_is_refused(shell: &GuestShell) -> Result<()> {
    let name = shell.ask("lsblk -no PKNAME \"$(findmnt -no SOURCE /run/live/medium)\"")?;
    let Output { status, text } = shell.run(&flash("a.img", name.trim()), PATIENCE)?;
    ensure!(status == 2 && text.contains("this computer runs from it"), "{status}: {text}");
    Ok(())
}

/// A stick in use is refused by name, and the reason is told.
fn swap_is_refused(shell: &GuestShell, name: &str) -> Result<()> {
    shell.ask(&format!("mkswap -q /dev/{name} && swapon /dev/{name} && udevadm settle"))?;
    let Output { status, text } = shell.run(&flash("a.img", name), PATIENCE)?;
    ensure!(status == 2 && text.contains("swapoff it first"), "{status}: {text}");
    shell.ask(&format!("swapoff /dev/{name}")).map(drop)?;
    Ok(())
}

/// The stick is pulled out while it is written: the place is told.
fn unplugged(qemu: &Qemu, shell: &GuestShell, name: &str) -> Result<()> {
    let flash = flash("long.img", name);
    shell.ask(&format!(
        "truncate -s 1G /tmp/long.img; : > /tmp/log; {flash} > /tmp/log 2> /tmp/err </dev/null & echo $! > /tmp/pid; \
         tail -f /tmp/log | grep -q -m 1 writing"
    ))?;
    unplug(qemu)?;
    let Output { text, .. } = shell
        .run("tail -n +1 -f --pid=$(cat /tmp/pid) /tmp/log; cat /tmp/err; dmesg | tail -n 5", PATIENCE)?;
    let line = text.lines().find(|line| line.contains("\"failed\"")).unwrap_or_default();
    let failed: Value = serde_json::from_str(line).with_context(|| format!("reading {text}"))?;
    ensure!(failed["offset"].is_u64(), "the place is missing: {text}");
    ensure!(failed["error"].as_str().is_some_and(|error| error.contains("unplugged")), "the reason: {text}");
    eprintln!("  unplugged: {}", failed["error"]);
    Ok(())
}

/// Takes the second stick out of the machine.
fn unplug(qemu: &Qemu) -> Result<()> {
    let devices = "/machine/peripheral-anon";
    let all = qemu.monitor().execute("qom-list", &json!({ "path": devices }))?;
    for device in all.as_array().into_iter().flatten() {
        let path = format!("{devices}/{}", device["name"].as_str().unwrap_or_default());
        // Most devices have no serial number.
        let serial = qemu.monitor().execute("qom-get", &json!({ "path": path, "property": "serial" }));
        if serial.is_ok_and(|serial| serial == SERIAL) {
            qemu.monitor().execute("device_del", &json!({ "id": path }))?;
            return Ok(());
        }
    }
    anyhow::bail!("the machine has no stick {SERIAL}")
}
