//! Wi-Fi: which devices there are, which networks they hear, and what `wpa_supplicant` is told.
//!
//! | command | run by | does |
//! |---|---|---|
//! | `mazetd wifi DEVICE` | `mazet-wifi@DEVICE.service`, which udev starts with the device | notes the device, writes [`CONFIGURATION`]; ends with 1 when no network is set |
//! | `mazetd wifi-scan` | `mazet-wifi-scan.service`, which the broker starts | writes what can be heard to [`HEARD`] |
//!
//! The broker has no network of its own: it writes the configuration and restarts the units.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use mazet_model::settings::Settings;

use crate::protocol::{Heard, Mode, Network, Wifi};
use crate::run::{Program, Runner};
use crate::{files, system};

/// The network's key (64 hexadecimal digits and a line break), below the root; mode 0600.
pub const KEY: &str = "srv/mazet/secrets/wifi.psk";
/// What `wpa_supplicant` reads: it holds the key, mode 0600.
pub const CONFIGURATION: &str = "/run/mazet/wifi.conf";
/// A file for every device, by its name.
pub const DEVICES: &str = "/run/mazet/wifi";
/// The unit that scans.
const SCAN_UNIT: &str = "mazet-wifi-scan.service";
/// What the last scan heard.
const HEARD: &str = "/run/mazet/wifi-heard.json";
/// Most networks that are listed: a crowded house has some dozens.
const MOST: usize = 40;

/// `mazetd wifi DEVICE`. `false`: no network is set, nothing to connect to.
///
/// # Errors
/// When the settings cannot be read or a file not be written.
pub fn prepare(device: &str) -> Result<bool> {
    files::make_folder(Path::new(DEVICES), 0o755)?;
    files::write_atomically(&Path::new(DEVICES).join(device), b"", 0o644, None)?;
    if system::mode() == Mode::Installed {
        let root = Path::new("/");
        configure(of_settings(root, &system::settings(root)?).as_ref())?;
    }
    Ok(Path::new(CONFIGURATION).exists())
}

/// The Wi-Fi of an installed box: its settings and its secret.
pub fn of_settings(root: &Path, settings: &Settings) -> Option<Wifi> {
    let key = fs::read_to_string(root.join(KEY)).ok().map(|key| key.trim().to_owned());
    let wifi = &settings.wifi;
    wifi.ssid.as_ref().map(|ssid| Wifi { country: wifi.country.clone(), ssid: Some(ssid.clone()), key })
}

/// Keeps the key of an installed box's Wi-Fi; none: it is removed.
///
/// # Errors
/// When the secret cannot be changed.
pub fn keep_key(root: &Path, key: Option<&str>) -> Result<()> {
    let path = root.join(KEY);
    match key {
        Some(key) => {
            files::make_folder(path.parent().context("a secret has a folder")?, 0o700)?;
            files::write_atomically(&path, format!("{key}\n").as_bytes(), 0o600, None)
        }
        None => match fs::remove_file(&path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(error).with_context(|| format!("removing {}", path.display()))
            }
            _ => Ok(()),
        },
    }
}

/// Writes what `wpa_supplicant` reads, or removes it when no network is set.
///
/// # Errors
/// When the file cannot be changed.
pub fn configure(wifi: Option<&Wifi>) -> Result<()> {
    let path = Path::new(CONFIGURATION);
    match wifi.and_then(configuration) {
        Some(text) => files::write_atomically(path, text.as_bytes(), 0o600, None),
        None => match fs::remove_file(path) {
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => {
                Err(error).with_context(|| format!("removing {}", path.display()))
            }
            _ => Ok(()),
        },
    }
}

/// The text of wpa_supplicant.conf(5); none without a network. The name is written in hexadecimal
/// digits: whatever it holds, it stays a name.
fn configuration(wifi: &Wifi) -> Option<String> {
    let ssid: String = wifi.ssid.as_ref()?.bytes().map(|byte| format!("{byte:02x}")).collect();
    let mut text = String::from("# Written by mazetd. The key is a secret.\n");
    if let Some(country) = &wifi.country {
        text.push_str(&format!("country={country}\n"));
    }
    // A hidden network answers only when it is asked for by its name.
    text.push_str(&format!("network={{\n\tssid={ssid}\n\tscan_ssid=1\n"));
    text.push_str(&match &wifi.key {
        Some(key) => format!("\tkey_mgmt=WPA-PSK WPA-PSK-SHA256\n\tpsk={key}\n\tieee80211w=1\n"),
        None => "\tkey_mgmt=NONE\n".to_owned(),
    });
    text.push_str("}\n");
    Some(text)
}

/// The machine's Wi-Fi devices, by name.
pub fn devices() -> Vec<String> {
    let entries = fs::read_dir(DEVICES).into_iter().flatten().flatten();
    let mut names: Vec<String> =
        entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    names
}

/// Connects every device anew, with the configuration as it is.
///
/// # Errors
/// When systemd refuses.
pub fn reconnect(runner: &Runner) -> Result<()> {
    for device in devices() {
        let unit = format!("mazet-wifi@{device}.service");
        runner.run(Program::Systemctl, &["--no-block", "restart", &unit])?;
    }
    Ok(())
}

/// Has [`SCAN_UNIT`] listen, and reads what it heard.
///
/// # Errors
/// When the unit fails or left nothing.
pub fn listen(runner: &Runner) -> Result<Heard> {
    runner.run(Program::Systemctl, &["start", SCAN_UNIT])?;
    let text = fs::read_to_string(HEARD).with_context(|| format!("reading {HEARD}"))?;
    serde_json::from_str(&text).with_context(|| format!("reading {HEARD}"))
}

/// What was heard last; nothing before the first time.
pub fn last_heard() -> Heard {
    let read = || serde_json::from_slice(&fs::read(HEARD).ok()?).ok();
    read().unwrap_or_default()
}

/// `mazetd wifi-scan`: listens with every device. A device that cannot is told on standard error.
///
/// # Errors
/// When what was heard cannot be written.
pub fn scan(runner: &Runner) -> Result<()> {
    let mut networks = Vec::new();
    for device in devices() {
        let heard = runner
            .run(Program::Ip, &["link", "set", &device, "up"])
            .and_then(|_| runner.run(Program::Iw, &["dev", &device, "scan"]));
        match heard {
            Ok(text) => networks.extend(parse(&text)),
            Err(error) => eprintln!("listening with {device}: {error:#}"),
        }
    }
    let heard = Heard { networks: merge(networks) };
    let text = serde_json::to_vec(&heard).context("writing what was heard")?;
    files::write_atomically(Path::new(HEARD), &text, 0o600, None)
}

/// Networks in what `iw dev DEVICE scan` prints, one for each station.
fn parse(text: &str) -> Vec<Network> {
    let mut networks: Vec<Network> = Vec::new();
    for line in text.lines() {
        if line.starts_with("BSS ") {
            networks.push(Network::default());
            continue;
        }
        let Some(network) = networks.last_mut() else { continue };
        let line = line.trim();
        if let Some(signal) = line.strip_prefix("signal: ") {
            let number = signal.split([' ', '.']).next().and_then(|number| number.parse().ok());
            network.signal = number.unwrap_or(i16::MIN);
        } else if let Some(ssid) = line.strip_prefix("SSID: ") {
            network.ssid = unescape(ssid).unwrap_or_default();
        } else if line.starts_with("RSN:") || line.starts_with("WPA:") || line.contains("Privacy") {
            network.secured = true;
        }
    }
    networks
}

/// `iw` writes bytes that are no plain ASCII as `\xc3`; none when the name is no UTF-8.
fn unescape(text: &str) -> Option<String> {
    let (mut bytes, mut rest) = (Vec::new(), text.as_bytes());
    while let [first, tail @ ..] = rest {
        let escaped = tail
            .strip_prefix(b"x")
            .and_then(|tail| tail.get(..2))
            .and_then(|digits| std::str::from_utf8(digits).ok());
        match escaped.and_then(|digits| u8::from_str_radix(digits, 16).ok()) {
            Some(byte) if *first == b'\\' => {
                bytes.push(byte);
                rest = &tail[3..];
            }
            _ => {
                bytes.push(*first);
                rest = tail;
            }
        }
    }
    String::from_utf8(bytes).ok()
}

/// One entry a name, the strongest station's; the strongest first; hidden and unprintable ones are left
/// out.
fn merge(mut networks: Vec<Network>) -> Vec<Network> {
    networks.retain(|network| mazet_model::answers::is_ssid(&network.ssid));
    networks.sort_by(|a, b| b.signal.cmp(&a.signal).then_with(|| a.ssid.cmp(&b.ssid)));
    let mut seen = std::collections::BTreeSet::new();
    networks.retain(|network| seen.insert(network.ssid.clone()));
    networks.truncate(MOST);
    networks
}

#[cfg(test)]
mod tests {
    use super::*;

    /// In the form of iw 6.9.
    const SCAN: &str = "BSS 02:00:00:00:00:00(on wlan0)\n\tfreq: 2412.0\n\tcapability: ESS Privacy (0x0411)\n\tsignal: -62.00 dBm\n\
        \tSSID: Les Amis\n\tRSN:\t * Version: 1\nBSS 02:00:00:00:01:00(on wlan0)\n\tcapability: ESS (0x0401)\n\tsignal: -40.00 dBm\n\
        \tSSID: Caf\\xc3\\xa9\nBSS 02:00:00:00:02:00(on wlan0)\n\tsignal: -30.00 dBm\n\tSSID: \nBSS 02:00:00:00:03:00(on wlan0)\n\
        \tsignal: -50.00 dBm\n\tSSID: Les Amis\n\tWPA:\t * Version: 1\nBSS 02:00:00:00:04:00(on wlan0)\n\tsignal: -20.00 dBm\n\
        \tSSID: \\xff\\xfe\n";

    #[test]
    fn networks_are_listed_once_the_strongest_first() {
        let heard = merge(parse(SCAN));
        let shown: Vec<_> = heard.iter().map(|one| (one.ssid.as_str(), one.signal, one.secured)).collect();
        assert_eq!(shown, [("Café", -40, false), ("Les Amis", -50, true)]);
        assert!(parse("command failed: Device or resource busy (-16)\n").is_empty());
        assert_eq!(unescape("a\\x5cb\\").as_deref(), Some("a\\b\\"));
    }

    #[test]
    fn a_name_cannot_become_configuration() {
        let wifi = Wifi {
            country: Some("FR".to_owned()),
            ssid: Some("\"\n}\npsk=\"".to_owned()),
            key: Some("01ab".to_owned()),
        };
        assert_eq!(
            configuration(&wifi).expect("a network"),
            "# Written by mazetd. The key is a secret.\ncountry=FR\nnetwork={\n\tssid=220a7d0a70736b3d22\n\tscan_ssid=1\n\
             \tkey_mgmt=WPA-PSK WPA-PSK-SHA256\n\tpsk=01ab\n\tieee80211w=1\n}\n"
        );
        let open = Wifi { ssid: Some("a".to_owned()), ..Wifi::default() };
        assert!(configuration(&open).expect("a network").contains("key_mgmt=NONE"));
        assert_eq!(configuration(&Wifi::default()), None);
    }

    #[test]
    fn an_installed_box_joins_settings_and_secret() {
        let root = tempfile::tempdir().expect("temporary folder");
        let mut settings = Settings::live();
        assert_eq!(of_settings(root.path(), &settings), None);
        settings.wifi.ssid = Some("Mazet".to_owned());
        let path = root.path().join(KEY);
        fs::create_dir_all(path.parent().expect("folder")).expect("made");
        fs::write(&path, "01ab\n").expect("written");
        let wifi = of_settings(root.path(), &settings).expect("a network");
        assert_eq!((wifi.ssid.as_deref(), wifi.key.as_deref()), (Some("Mazet"), Some("01ab")));
    }
}
