//! Debian's security updates at night: none without a backup; one that does harm, and one that does not start, are gone
//! back from without a hand; a good one stays.
//!
//! A package of our own is the update, from an archive on the box that calls itself Debian's security archive.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use mazet_boot::firmware::Firmware;
use mazet_boot::watch::Goal;
use mazet_boot::{Machine, Qemu};

use crate::inside;
use crate::lab::Bench;
use crate::stories::install;

/// Time for a restart that the box does by itself: an update, looks for five minutes, an emulated machine.
const PATIENCE: Duration = Duration::from_secs(2400);
/// The archive, and how it is added to those of the box, whose other ones are out of reach.
const ARCHIVE: &str = r#"
install -d /srv/archive
rm -f /etc/apt/sources.list.d/*
echo 'deb [trusted=yes] file:/srv/archive ./' > /etc/apt/sources.list.d/test.list
cat > /usr/local/bin/offer <<'SCRIPT'
#!/bin/sh
# offer VERSION: standard input is what the package does when it is installed.
set -eu
folder=$(mktemp -d)
install -d $folder/DEBIAN
printf 'Package: mazet-poison\nVersion: %s\nArchitecture: all\nMaintainer: nobody\nDescription: test\n' $1 > $folder/DEBIAN/control
{ echo '#!/bin/sh'; echo 'set -e'; cat; } > $folder/DEBIAN/postinst
chmod 755 $folder $folder/DEBIAN/postinst
rm -f /srv/archive/*
dpkg-deb --root-owner-group --build $folder /srv/archive/mazet-poison.deb > /dev/null
cd /srv/archive
{ cat $folder/DEBIAN/control; echo "Filename: ./mazet-poison.deb"; echo "Size: $(stat -c %s mazet-poison.deb)"
  echo "SHA256: $(sha256sum mazet-poison.deb | cut -d' ' -f1)"; echo; } > Packages
{ printf 'Origin: Debian\nLabel: Debian-Security\nSuite: stable-security\nVersion: 13\nCodename: trixie-security\n'
  printf 'Architectures: amd64 all\nComponents: main\nSHA256:\n %s %s Packages\n' \
    $(sha256sum Packages | cut -d' ' -f1) $(stat -c %s Packages); } > Release
apt-get update --quiet=2
SCRIPT
chmod 755 /usr/local/bin/offer
echo ':' | offer 1
apt-get install --yes --quiet=2 mazet-poison
"#;
/// Which version is there.
const VERSION: &str = "dpkg-query --show --showformat '${Version}' mazet-poison";
/// A place for backups on the box itself: where they are is not what this is about.
const BACKUP: &str = r#"install -d -m 700 /srv/place /srv/mazet/secrets/backup-folder && echo '{"path":"/srv/place"}' > /srv/mazet/secrets/backup-folder/test.json &&
    install -d -m 711 /run/mazet-backup && mazet-backup run && mazet-backup recent"#;
/// The night, now.
const NIGHT: &str =
    "systemctl start apt-daily-upgrade.service; journalctl -b -u apt-daily-upgrade -o cat | tail -n 20";
/// The next update breaks a unit.
const HARM: &str = r#"offer 2 <<'DOES'
printf '[Service]\nExecStart=/bin/false\n' > /etc/systemd/system/poison.service
systemctl daemon-reload
systemctl start poison.service || :
DOES
"#;
/// The next one brings a kernel with an empty initrd: it finds no root, and panics.
const NO_START: &str = r#"offer VERSION <<'DOES'
cp /boot/vmlinuz-$(uname -r) /boot/vmlinuz-9.9.9
: > /boot/initrd.img-9.9.9
ln -sfn boot/vmlinuz-9.9.9 /vmlinuz
ln -sfn boot/initrd.img-9.9.9 /initrd.img
DOES
"#;
/// The next one is good.
const GOOD: &str = "echo 'touch /etc/good-update' | offer 5";
/// The system that was started is called as usual.
const USUAL: &str = "grep -q ' /root / ' /proc/self/mountinfo";
/// Ends when the box has looked whether the last updates are good.
const LOOKED: &str =
    "timeout 900 sh -c 'while systemctl is-active --quiet mazet-updates-after; do sleep 1; done'";

/// Everything of it, under BIOS and UEFI with Secure Boot.
pub fn undo_themselves(bench: &Bench) -> Result<()> {
    let disk = install::installed(bench)?;
    let machine = |name: &str, firmware| bench.machine(name, firmware).disk(disk.clone()).ending_on_restart();
    let before = harm(bench, &machine("harm", Firmware::Bios)).context("an update that does harm")?;
    let again = machine("harmless", Firmware::Bios);
    is_back(bench, &again, &before, "2").context("after an update that did harm")?;
    for (firmware, version) in [(Firmware::Bios, "3"), (Firmware::SecureBoot, "4")] {
        let name = firmware.name();
        no_start(bench, &machine, (firmware, version))
            .with_context(|| format!("a kernel that does not start, {name}"))?;
    }
    good(bench, &machine("good", Firmware::Bios)).context("a good update")
}

fn boot(bench: &Bench, machine: &Machine) -> Result<Qemu> {
    let qemu = bench.boot(machine, &Goal::home())?;
    inside::no_unit_failed(&qemu)?;
    ensure!(qemu.shell()?.run(LOOKED, PATIENCE)?.status == 0, "it looks for too long");
    Ok(qemu)
}

/// No backup, no update; then one that breaks a unit: the box restarts by itself.
fn harm(bench: &Bench, machine: &Machine) -> Result<String> {
    let qemu = boot(bench, machine)?;
    let shell = qemu.shell()?;
    shell.ask(&format!("set -e; {ARCHIVE}"))?;
    let before = shell.ask("cat /etc/machine-id; ls -l /vmlinuz")?;
    shell.ask(&format!("set -e; {HARM}"))?;
    let night = shell.ask(NIGHT)?;
    ensure!(night.contains("updates wait for A recent backup"), "without a backup: {night}");
    ensure!(shell.ask(VERSION)? == "1", "it was installed without a backup");
    let health = shell.run("mazetd health", Duration::from_secs(600))?.text;
    ensure!(health.contains("attendent une sauvegarde"), "nobody is told: {health}");
    shell.ask(BACKUP).context("a backup")?;
    shell.ask("touch /srv/files/written-before && sync")?;
    // It ends with the machine.
    shell.ask("systemctl --no-block start apt-daily-upgrade.service")?;
    qemu.wait_end(PATIENCE).context("the machine does not go back by itself")?;
    Ok(before)
}

/// The system is as it was, the data stayed, and the operator is told.
fn is_back(bench: &Bench, machine: &Machine, before: &str, version: &str) -> Result<()> {
    let qemu = boot(bench, machine)?;
    let shell = qemu.shell()?;
    ensure!(shell.ask("cat /etc/machine-id; ls -l /vmlinuz")? == before, "it is another system");
    ensure!(shell.ask(VERSION)? == "1", "the update is there still");
    shell.ask("test ! -e /etc/systemd/system/poison.service && test -e /srv/files/written-before")?;
    shell.ask(USUAL).context("another subvolume was started")?;
    let health = shell.run("mazetd health", Duration::from_secs(600))?.text;
    ensure!(health.contains(&format!("mazet-poison {version}")), "nobody is told: {health}");
    // The same update again is not tried.
    let night = shell.ask(NIGHT)?;
    ensure!(night.contains("did harm once"), "the same update: {night}");
    ensure!(shell.ask(VERSION)? == "1", "the same update is tried again");
    qemu.power_button()?;
    qemu.wait_end(Duration::from_secs(600)).context("the power button does not switch it off")
}

/// A kernel that panics: the second start is the system as it was.
fn no_start(
    bench: &Bench,
    machine: &impl Fn(&str, Firmware) -> Machine,
    (firmware, version): (Firmware, &str),
) -> Result<()> {
    let name = |part: &str| format!("{part}-{}", firmware.name());
    let qemu = boot(bench, &machine(&name("no-start"), firmware))?;
    let shell = qemu.shell()?;
    let before = shell.ask("cat /etc/machine-id; ls -l /vmlinuz")?;
    shell.ask(&format!("set -e; mazet-backup recent; {}", NO_START.replace("VERSION", version)))?;
    let night = shell.ask(NIGHT)?;
    ensure!(night.contains("the next start is counted"), "a new kernel: {night}");
    ensure!(shell.ask(VERSION)? == version, "it is not installed: {night}");
    shell.ask("systemctl --no-block reboot")?;
    qemu.wait_end(PATIENCE).context("it does not restart")?;
    drop(qemu);
    let dead = Qemu::start(&machine(&name("panics"), firmware), &bench.lab.tools)?;
    dead.wait_end(PATIENCE).context("a kernel that finds no root does not restart the machine")?;
    drop(dead);
    is_back(bench, &machine(&name("back"), firmware), &before, version)
}

/// A good one stays, and nothing of the time before takes room.
fn good(bench: &Bench, machine: &Machine) -> Result<()> {
    let qemu = boot(bench, machine)?;
    let shell = qemu.shell()?;
    shell.ask(&format!("set -e; {GOOD}"))?;
    let night = shell.ask(NIGHT)?;
    ensure!(shell.ask(VERSION)? == "5", "a good update is not installed: {night}");
    shell.ask("test -e /etc/good-update && mazetd health")?;
    let left = shell.ask("btrfs subvolume list -o / ; btrfs subvolume list /srv")?;
    ensure!(!left.contains(".before"), "what was kept is there still: {left}");
    Ok(())
}
