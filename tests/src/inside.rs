//! Looking at the running box through the hypervisor's shell.

use std::collections::BTreeSet;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use mazet_boot::Qemu;
use mazet_model::manifest::{Manifest, Port, Protocol, Scope};

/// Between two files in an answer of the shell; no TOML document holds such a line.
const NEXT: &str = "=====";

/// Which of the manifests' ports may be open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum System {
    /// From the stick: those marked `live`.
    Live,
    /// From the disk: all.
    Installed,
}

/// A listening socket.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Listener {
    tcp: bool,
    address: String,
    port: u16,
    program: String,
}

/// Waits until systemd has started everything, then sees that nothing failed.
pub fn no_unit_failed(qemu: &Qemu) -> Result<()> {
    let shell = qemu.shell()?;
    shell.wait_ready(Duration::from_secs(300))?;
    // It answers `degraded` where a unit failed: which, the next question tells.
    shell.run("systemctl is-system-running --wait", Duration::from_secs(600))?;
    let failed = shell.ask("systemctl --failed --plain --no-legend")?;
    let why = "for unit in $(systemctl --failed --plain --no-legend | cut -d' ' -f1); do \
               journalctl -b --no-pager -n 20 -u \"$unit\"; done";
    ensure!(failed.is_empty(), "units failed:\n{failed}\n{}", shell.ask(why)?);
    Ok(())
}

/// Does what each timer of ours waits for; one that fails is shown with its last words.
const AT_ONCE: &str = "for timer in $(systemctl list-unit-files --no-legend --state=enabled 'mazet-*.timer' | cut -d' ' -f1); do \
    unit=$(systemctl show --value --property Unit $timer); \
    systemctl start $unit || { echo \"failed: $unit\"; journalctl -b --no-pager -n 20 -u $unit; }; \
    echo \"$unit took $(systemctl show --value --property ExecMainStartTimestampMonotonic --property ExecMainExitTimestampMonotonic $unit | \
        { read begun; read ended; echo $(( (ended - begun) / 1000 )); }) ms\"; done";

/// Sees that what our timers wait for can be done now, each as its unit confines it.
pub fn timers_do_their_work(qemu: &Qemu) -> Result<()> {
    let text = qemu.shell()?.run(AT_ONCE, Duration::from_secs(900))?.text;
    eprintln!("{text}");
    ensure!(text.contains(" took ") && !text.contains("failed: "), "what timers wait for fails:\n{text}");
    Ok(())
}

/// Sees that no port is open that no manifest of the box names.
pub fn only_named_ports(qemu: &Qemu, system: System) -> Result<()> {
    let shell = qemu.shell()?;
    let all = format!("for file in /usr/share/mazet/services/*.toml; do cat \"$file\"; echo '{NEXT}'; done");
    let text = shell.ask(&all)?;
    let manifests = text.split(NEXT).filter(|part| !part.trim().is_empty());
    let manifests: Vec<Manifest> = manifests
        .map(|part| toml::from_str(part).context("reading a manifest of the box"))
        .collect::<Result<_>>()?;
    let named: Vec<Port> = manifests.into_iter().flat_map(|manifest| manifest.ports).collect();
    let listeners = listeners(&shell.ask("ss -lntupH")?);
    ensure!(!listeners.is_empty(), "`ss` shows no listening port at all: it cannot be trusted");
    let unnamed: Vec<String> = listeners
        .iter()
        .filter(|listener| !named.iter().any(|port| allows(port, listener, system)))
        .map(|listener| format!("{listener:?}"))
        .collect();
    ensure!(unnamed.is_empty(), "no manifest names these listening ports:\n{}", unnamed.join("\n"));
    Ok(())
}

/// Memory in use, in MiB (2^20 bytes): all but what the kernel could give at once.
pub fn memory_in_use(qemu: &Qemu) -> Result<u64> {
    let text = qemu.shell()?.ask("cat /proc/meminfo")?;
    memory(&text).context("reading /proc/meminfo of the guest")
}

/// Whose that memory is: programs by their proportional share (proc_pid_smaps(5)), then the kernel's own, in MiB.
const SHARES: &str = r#"
for process in /proc/[0-9]*; do
    awk -v name="$(cat $process/comm 2>/dev/null)" '/^Pss:/ { print $2, name }' $process/smaps_rollup 2>/dev/null
done | awk '{ kib = $1; $1 = ""; sum[$0] += kib } END { for (name in sum) if (sum[name] >= 1024) print int(sum[name] / 1024), name }' |
    sort -rn | awk '{ printf "%s, ", $0 }'
awk '/^(SUnreclaim|KernelStack|PageTables|Percpu|Shmem|VmallocUsed):/ { printf "%s %d, ", $1, $2 / 1024 }' /proc/meminfo
"#;

/// [`memory_in_use`] in parts, on one line.
pub fn memory_by_program(qemu: &Qemu) -> Result<String> {
    Ok(qemu.shell()?.ask(SHARES)?.trim_end_matches([' ', ',']).to_owned())
}

fn memory(meminfo: &str) -> Option<u64> {
    let kib = |name: &str| -> Option<u64> {
        let line = meminfo.lines().find(|line| line.starts_with(name))?;
        line.split_whitespace().nth(1)?.parse().ok()
    };
    Some((kib("MemTotal:")? - kib("MemAvailable:")?) / 1024)
}

fn allows(port: &Port, listener: &Listener, system: System) -> bool {
    let local = listener.address.starts_with("127.") || listener.address == "[::1]";
    port.port == listener.port
        && (port.protocol == Protocol::Tcp) == listener.tcp
        && (system == System::Installed || port.live)
        && (port.scope == Scope::Network || local)
}

/// The rows of `ss -lntupH`, sorted, each once.
fn listeners(text: &str) -> BTreeSet<Listener> {
    let row = |line: &str| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [protocol, _, _, _, local, _, rest @ ..] = words.as_slice() else { return None };
        let (address, port) = local.rsplit_once(':')?;
        // An address may carry its interface: 10.0.2.15%ens3.
        let address = address.split('%').next()?.to_owned();
        let program = rest.join(" ");
        Some(Listener { tcp: *protocol == "tcp", address, port: port.parse().ok()?, program })
    };
    text.lines().filter_map(row).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    const SS: &str = "udp   UNCONN 0      0      10.0.2.15%ens3:68   0.0.0.0:*    users:((\"systemd-network\",pid=300,fd=20))\n\
                      tcp   LISTEN 0      511          0.0.0.0:443  0.0.0.0:*    users:((\"nginx\",pid=9,fd=5))\n\
                      tcp   LISTEN 0      244            [::1]:5432    [::]:*\n";

    fn port(port: u16, protocol: Protocol, scope: Scope, live: bool) -> Port {
        Port { port, protocol, scope, live, user: None, when: None, only: None, purpose: "test".to_owned() }
    }

    #[test]
    fn rows_become_listeners() {
        let all = listeners(SS);
        let short: Vec<_> = all.iter().map(|l| (l.tcp, l.address.as_str(), l.port)).collect();
        assert_eq!(short, [(false, "10.0.2.15", 68), (true, "0.0.0.0", 443), (true, "[::1]", 5432)]);
    }

    #[test]
    fn a_port_is_allowed_by_number_protocol_scope_and_system() {
        let all: Vec<_> = listeners(SS).into_iter().collect();
        let web = port(443, Protocol::Tcp, Scope::Network, false);
        assert!(allows(&web, &all[1], System::Installed));
        assert!(!allows(&web, &all[1], System::Live), "not marked live");
        assert!(!allows(&port(443, Protocol::Udp, Scope::Network, true), &all[1], System::Live));
        assert!(!allows(&port(443, Protocol::Tcp, Scope::Loopback, true), &all[1], System::Live));
        assert!(allows(&port(5432, Protocol::Tcp, Scope::Loopback, false), &all[2], System::Installed));
    }

    #[test]
    fn memory_is_what_is_not_available() {
        let text = "MemTotal:        2048000 kB\nMemFree:   1 kB\nMemAvailable:    1024000 kB\n";
        assert_eq!(memory(text), Some(1000));
        assert_eq!(memory("MemTotal: 1 kB\n"), None);
    }
}
