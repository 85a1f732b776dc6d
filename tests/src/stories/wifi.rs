//! A box joins a wireless network, over the kernel's own simulated radios.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use mazet_boot::disk::{Disk, Format};
use mazet_boot::firmware::Firmware;
use mazet_boot::guest::GuestShell;
use mazet_boot::watch::Goal;

use crate::lab::Bench;
use crate::visitor::Visitor;
use crate::{by_http, console, inside};

/// The network's name, with a letter that is no plain ASCII, and its passphrase.
const NAME: &str = "Café des Amis";
const PASSPHRASE: &str = "lavande tuile borie";
/// Programs of the test tree that make the network.
const PROGRAMS: [&str; 2] = ["/usr/sbin/hostapd", "/usr/bin/busybox"];

/// A second radio, in a network namespace of its own: an access point (WPA2) and a DHCP server. It is none
/// of the box's, which must not begin with it before it is moved away.
const ACCESS_POINT: &str = r#"
systemctl mask --runtime --quiet mazet-wifi@wlan1.service
modprobe mac80211_hwsim radios=2 && udevadm settle
ip netns add street
iw phy "$(cat /sys/class/net/wlan1/phy80211/name)" set netns name street
ip netns exec street ip address add 192.168.79.1/24 dev wlan1
cat > /tmp/hostapd.conf <<END
interface=wlan1
driver=nl80211
country_code=FR
utf8_ssid=1
ssid2="NAME"
hw_mode=g
channel=1
wpa=2
wpa_key_mgmt=WPA-PSK
rsn_pairwise=CCMP
wpa_passphrase=PASSPHRASE
END
cat > /tmp/udhcpd.conf <<END
start 192.168.79.10
end 192.168.79.20
interface wlan1
max_leases 11
lease_file /tmp/udhcpd.leases
option subnet 255.255.255.0
END
: > /tmp/udhcpd.leases
systemd-run --quiet --unit=street ip netns exec street /tmp/hostapd /tmp/hostapd.conf
journalctl --follow --lines=all --unit=street | grep --quiet --max-count=1 AP-ENABLED
systemd-run --quiet --unit=street-addresses ip netns exec street /tmp/busybox udhcpd -f /tmp/udhcpd.conf
"#;

/// What a neighbour on that network gets from the box's port for plain HTTP.
const NEIGHBOUR: &str = r#"
address=$(ip -4 -json address show dev wlan0 | grep -o '"local":"[0-9.]*"' | cut -d'"' -f4)
ip netns exec street bash -c "exec 3<>/dev/tcp/$address/80
printf 'GET / HTTP/1.0\r\nHost: $address\r\n\r\n' >&3; head -n 1 <&3"
"#;

/// The box hears the network, is given its passphrase in the wizard, connects and is reached by it.
pub fn joins(bench: &Bench) -> Result<()> {
    let cargo = Disk::sata(cargo(bench)?, Format::Raw, "CARGO", "Cargo");
    let machine = bench.machine("bios", Firmware::Bios).disk(bench.stick("stick.qcow2")?).disk(cargo);
    let qemu = bench.boot(&machine, &Goal::wizard())?;
    let shell = qemu.shell()?;
    shell.wait_ready(Duration::from_secs(300))?;
    shell.ask("tar -xf /dev/disk/by-id/ata-*CARGO -C /tmp")?;
    shell.ask(&ACCESS_POINT.replace("NAME", NAME).replace("PASSPHRASE", PASSPHRASE))?;
    let visitor = Visitor::new(&bench.lab, &qemu, &bench.path("cookies"))?;
    by_http::begin(&visitor, &console::claim_code(&qemu)?, "fr")?;
    let page = visitor.get("/wifi")?.body;
    let choice = format!("name:{NAME}");
    ensure!(page.contains(&format!("value=\"{choice}\"")), "{NAME} is not offered:\n{page}");
    let fields = [("network", choice.as_str()), ("passphrase", PASSPHRASE), ("country", "FR")];
    by_http::step(&visitor, "/wifi", &fields)?;
    connected(shell)?;
    no_trace(shell)?;
    inside::no_unit_failed(&qemu)
}

/// The two programs, on a disk that holds nothing but an archive. What libraries they need, the box has.
fn cargo(bench: &Bench) -> Result<PathBuf> {
    let (archive, words) = (bench.path("cargo.tar"), |path: &Path| path.to_string_lossy().into_owned());
    let pack = "tar -cf \"$0\" --transform='s,.*/,,' \"$@\"";
    let file = words(&archive);
    let arguments: Vec<&str> = ["-c", pack, &file].into_iter().chain(PROGRAMS).collect();
    bench.lab.test_tree.output("sh", &arguments).context("packing the cargo")?;
    Ok(archive)
}

fn connected(shell: &GuestShell) -> Result<()> {
    let online =
        "/usr/lib/systemd/systemd-networkd-wait-online --interface=wlan0:routable --ipv4 --timeout=150";
    let output = shell.run(online, Duration::from_secs(200))?;
    let told =
        "iw dev wlan0 link; journalctl -b --no-pager -n 30 -u 'mazet-wifi@*' -u street -u street-addresses";
    ensure!(output.status == 0, "no address over Wi-Fi: {}\n{}", output.text, shell.ask(told)?);
    let link = shell.ask("iw dev wlan0 link; ip -4 -brief address show dev wlan0")?;
    ensure!(link.contains("192.168.79.1"), "another address than the network's: {link}");
    let answer = shell.ask(NEIGHBOUR)?;
    ensure!(answer.starts_with("HTTP/1.") && answer.contains("307"), "a neighbour gets {answer:?}");
    eprintln!("  {}", link.replace('\n', " "));
    Ok(())
}

/// The passphrase itself is nowhere: not in the journal, not in what the box wrote.
fn no_trace(shell: &GuestShell) -> Result<()> {
    let search = format!(
        "journalctl -b | grep -c '{PASSPHRASE}'; grep -rls '{PASSPHRASE}' /run/mazet /etc /run/live/medium/mazet.toml; \
         stat -c %a /run/mazet/wifi.conf"
    );
    let found = shell.run(&search, Duration::from_secs(180))?.text;
    ensure!(found.lines().collect::<Vec<_>>() == ["0", "600"], "the passphrase was kept: {found:?}");
    Ok(())
}
